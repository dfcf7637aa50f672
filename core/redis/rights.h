// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What the portal asks of Redis, and what this Redis lets it do. Managed servers block commands (rename-command),
/// users have rights (ACL); both are found out by trying, all at once, and told in one sentence.
namespace portolan::redis {

class Client;
class Script;

/// What a right is for.
enum class Use : std::uint8_t {
    Sessions, ///< signing in, staying signed in
    Limits,   ///< counting requests for all instances together
    Queue,    ///< enqueueing, taking and ending tasks
    Live,     ///< news between instances, progress of tasks as it happens
    Figures,  ///< what the console shows, and its clean-up; nobody who uses the portal misses it
};

/// "sessions", "limits", "the queue", "live updates", "figures".
std::string_view nameOf(Use use);

/// Something that this Redis refuses.
struct MissingRight
{
    std::string what; ///< "EVALSHA", "CLIENT LIST", "keys s:*", "channel p:q"
    std::vector<Use> uses;
    bool unknown = false; ///< the server does not know the command: it was renamed or blocked, and no ACL mends that
    std::string acl;      ///< what ACL SETUSER takes to allow it: "+client|list", "~s:*", "&p:q"
    bool is(Use use) const;
    bool operator==(const MissingRight &) const = default;
};

/// A command that is refused.
struct Refusal
{
    std::string command;
    std::string rule; ///< that allows it: "ACL SETUSER name +client|kill"; empty: no rule helps
    bool operator==(const Refusal &) const = default;
};

struct Rights
{
    std::string user = "default"; ///< as ACL WHOAMI says, where it may be asked
    std::vector<MissingRight> missing;
    /// What ACL SETUSER takes to allow the keys and channels that could not be tried, since the commands for it are
    /// refused: they may be missing too, and whoever gives the commands should not have to come back. "resetkeys" comes
    /// first where they may all be allowed already, since Redis then takes no others.
    std::vector<std::string> untried{};
    bool allChannels = false; ///< as far as that can be told; ACL SETUSER then takes no others

    /// The first thing missing that `use` cannot do without; null: it works.
    const MissingRight *lacks(Use use) const;
    /// The first of these commands that is refused; nullopt: none is.
    std::optional<Refusal> refusal(std::initializer_list<std::string_view> commands) const;
    /// Sessions, limits or the queue cannot work.
    bool unusable() const;
    /// Everything that is missing and what it is for, as one sentence; empty: nothing is.
    std::string inWords() const;
    /// The one line that gives the user what it lacks, as redis-cli takes it; empty where no ACL would help.
    std::string aclLine() const;
    /// What that line takes from the user before it gives, as a sentence: the patterns of keys or channels it has,
    /// which others may need. Empty: it only gives.
    std::string aclDrops() const;
    /// Unavailable "redis-rights": `use` cannot work, everything it lacks, and the line that mends it; "redis-renamed"
    /// where the server does not know some of that, which the line does not mend.
    Error problem(Use use) const;
    bool operator==(const Rights &) const = default;
};

/// The names of all commands that probeRights() tries, of which the portal's scripts may use any: "GET", "CLIENT LIST".
std::vector<std::string_view> probedCommands();

/// Tries everything once, in one round trip of about 100 commands, without touching what is there: on keys that do not
/// exist, or on one of its own (`q:rights:…`, gone after 10 s). `queues`: names of the lists tasks go to. Subscribing
/// is not tried, for it would turn the connection into another: Subscriber::refused() tells. Errors: those of
/// Client::pipeline.
awaitable<Result<Rights>> probeRights(Client &client, std::vector<std::string> queues);

/// Writes one small key (`q:check:<name>`, gone after a minute) by a script, as every user's request does; the error
/// says why that does not work: full, read-only, cannot save, no right. Two commands for Redis. `script`: writeProbe().
Script writeProbe();
awaitable<Result<void>> probeWrite(Client &client, const Script &script, std::string name);

} // namespace portolan::redis
