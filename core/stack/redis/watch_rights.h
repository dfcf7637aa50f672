// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What a watch asks of somebody else's Redis, and what that Redis lets it do. One table says which commands there are
/// and what for; what is tried and the lines of ACL that are printed are made of it.
namespace portolan::redis {
class Client;
}

namespace portolan::stack {

/// What a command is for.
enum class RedisUse : std::uint8_t {
    Connection,   ///< choosing the database, saying who we are
    Figures,      ///< memory, counters, limits
    Clients,      ///< who is connected
    Families,     ///< what the keys are, and what they take
    Queue,        ///< what waits, and who is to take it
    CloseClients, ///< an operator ends connections
    CleanUp,      ///< an operator deletes a family of keys
};

struct RedisCommand
{
    std::string_view name; ///< "CLIENT LIST"
    std::uint32_t uses;    ///< bits of RedisUse
    bool acts;             ///< only whoever acts needs it
    bool keys;             ///< it is asked about keys, any of them
    /// What it is tried with; "@" is a key that does not exist. Not tried by itself: MULTI and DISCARD, which are what
    /// acting ones are tried in.
    std::initializer_list<std::string_view> trial;
    bool is(RedisUse use) const { return (uses & (1u << static_cast<unsigned>(use))) != 0; }
};

/// All of them. What the code sends to a watched Redis is here, or the integration test fails.
std::span<const RedisCommand> redisCommands();

/// The line that lets a user look, as redis-cli takes it; adds and takes nothing away. `made`: the user is to be made
/// by it too, with a password in the place of <password>.
std::string aclToLook(std::string_view user, bool made = false);
/// The line that lets one who may look also act.
std::string aclToAct(std::string_view user);

/// A command that this Redis refuses.
struct RefusedCommand
{
    std::string name;
    bool unknown = false; ///< the server does not know it: renamed or blocked, which no ACL mends
    bool keys = false;    ///< it is the keys that the user may not read
    bool operator==(const RefusedCommand &) const = default;
};

/// What Redis says of itself where INFO does not; nothing: it does not say.
struct RedisLimits
{
    std::optional<std::uint64_t> maxMemory; ///< bytes; 0: no bound
    std::optional<std::uint64_t> maxClients;
    std::string policy; ///< `maxmemory-policy`
    bool operator==(const RedisLimits &) const = default;
};

struct WatchRights
{
    std::string user = "default";
    std::vector<RefusedCommand> refused; ///< of those that look, and of those that act where these could be tried
    /// Nothing: acting was tried, or not asked for. Else why it cannot be known before it is done: MULTI or DISCARD are
    /// refused, and without them a trial would do it.
    std::optional<RefusedCommand> untried;
    RedisLimits limits;

    /// Whether everything for it is allowed; else the first thing that is not, and the rule that would allow it.
    Capability can(RedisUse use) const;
    bool operator==(const WatchRights &) const = default;
};

/// Tries every command once: those that look on keys that do not exist, those that act (`acting`) between MULTI and
/// DISCARD, where Redis judges the right and does nothing. So it writes nothing, whatever the user may do. Two or three
/// round trips. `user`: of the URL; empty: default. `database`: of the URL. Errors: those of Client::pipeline.
awaitable<Result<WatchRights>> watchRights(redis::Client &client, std::string user, unsigned database, bool acting,
                                           std::chrono::milliseconds deadline = std::chrono::seconds(2));

} // namespace portolan::stack
