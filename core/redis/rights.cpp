// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/rights.h"

#include "core/base/ids.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"
#include "core/redis/keys.h"
#include "core/redis/script.h"

#include <algorithm>
#include <array>

// What is tried where, and why that does no harm:
// - A command on a key that does not exist, or (those that would make it) on a string where they want another type:
//   Redis judges the right before it looks at the key, and then answers WRONGTYPE.
// - A family of keys by HDEL of a field that is not there (needs the right to write) and GET (to read), on a name of
// the
//   family that nobody uses, or on the very key where the family is one key: a list answers WRONGTYPE to both.
// - Whether every key and channel is allowed, by what does nothing to a key that is not there, on a name of no family.
namespace portolan::redis {

namespace {

using Uses = std::initializer_list<Use>;

/// What the key of a trial holds.
enum class On : std::uint8_t { Nothing, String, NoKey };

struct Trial
{
    std::string_view name; ///< as ACL and people write it: "CLIENT LIST"
    On on;
    std::initializer_list<std::string_view> arguments; ///< after the key
    unsigned uses;
};

constexpr unsigned bit(Use use) { return 1u << static_cast<unsigned>(use); }
constexpr unsigned sessions = bit(Use::Sessions);
constexpr unsigned limits = bit(Use::Limits);
constexpr unsigned queue = bit(Use::Queue);
constexpr unsigned live = bit(Use::Live);
constexpr unsigned figures = bit(Use::Figures);
constexpr unsigned serving = sessions | limits | queue;

constexpr std::string_view noSha = "0000000000000000000000000000000000000000";
constexpr std::string_view probeLife = "10000"; ///< ms

/// SET comes first: it makes the string the others meet.
const Trial trials[] = {
    {"SET", On::String, {"1", "PX", probeLife}, serving},
    {"SETEX", On::String, {"10", "1"}, queue},
    {"GET", On::String, {}, serving},
    {"MGET", On::Nothing, {}, serving},
    {"EXISTS", On::Nothing, {}, queue},
    {"EXPIRE", On::Nothing, {"10"}, sessions | limits | queue},
    {"PEXPIRE", On::Nothing, {"10"}, limits | queue},
    {"STRLEN", On::Nothing, {}, sessions},
    {"GETRANGE", On::Nothing, {"0", "0"}, queue},
    {"INCR", On::String, {}, queue},
    {"EVALSHA", On::NoKey, {noSha, "0"}, serving},
    {"SCRIPT LOAD", On::NoKey, {"return 1"}, serving},
    {"TIME", On::NoKey, {}, serving},
    {"ZADD", On::String, {"0", "m"}, limits | queue},
    {"ZCARD", On::Nothing, {}, limits | queue},
    {"ZCOUNT", On::Nothing, {"0", "1"}, queue},
    {"ZRANGE", On::Nothing, {"0", "0"}, limits | queue},
    {"ZRANGEBYSCORE", On::Nothing, {"0", "1"}, queue},
    {"ZREM", On::Nothing, {"m"}, limits | queue},
    {"ZREMRANGEBYRANK", On::Nothing, {"0", "0"}, queue},
    {"ZREMRANGEBYSCORE", On::Nothing, {"0", "1"}, limits | queue},
    {"ZREVRANGEBYSCORE", On::Nothing, {"1", "0"}, figures},
    {"ZSCORE", On::Nothing, {"m"}, limits | queue},
    {"PFADD", On::String, {"m"}, figures},
    {"PFCOUNT", On::Nothing, {}, figures},
    {"HDEL", On::Nothing, {"f"}, queue},
    {"HEXISTS", On::Nothing, {"f"}, queue},
    {"HGET", On::Nothing, {"f"}, queue},
    {"HGETALL", On::Nothing, {}, queue},
    {"HKEYS", On::Nothing, {}, queue},
    {"HLEN", On::Nothing, {}, queue},
    {"HMGET", On::Nothing, {"f"}, queue},
    {"HSCAN", On::Nothing, {"0"}, queue},
    {"HSET", On::String, {"f", "v"}, queue},
    {"HSETNX", On::String, {"f", "v"}, queue},
    {"LINDEX", On::Nothing, {"0"}, queue},
    {"LLEN", On::Nothing, {}, queue},
    {"LPUSH", On::String, {"v"}, queue},
    {"RPUSH", On::String, {"v"}, queue},
    {"LRANGE", On::Nothing, {"0", "0"}, queue},
    {"LTRIM", On::Nothing, {"0", "0"}, queue},
    {"SADD", On::String, {"m"}, queue},
    {"SCARD", On::Nothing, {}, figures},
    {"SISMEMBER", On::Nothing, {"m"}, queue},
    {"SMEMBERS", On::Nothing, {}, queue},
    {"SREM", On::Nothing, {"m"}, figures},
    {"SSCAN", On::Nothing, {"0"}, figures},
    {"PING", On::NoKey, {}, serving},
    {"EXEC", On::NoKey, {}, figures}, // which it refuses for want of a MULTI
    {"INFO", On::NoKey, {"server"}, figures},
    {"CLIENT LIST", On::NoKey, {"TYPE", "replica"}, figures},
    {"CLIENT KILL", On::NoKey, {"ID", "1", "ADDR", "0.0.0.0:1"}, figures},
    {"CLIENT SETNAME", On::NoKey, {"no name"}, figures}, // which it refuses for the blank
    {"DBSIZE", On::NoKey, {}, figures},
    {"MEMORY USAGE", On::Nothing, {}, figures},
    {"OBJECT IDLETIME", On::Nothing, {}, figures},
    {"RANDOMKEY", On::NoKey, {}, figures},
    {"SCAN", On::NoKey, {"0", "COUNT", "1"}, figures},
    {"UNLINK", On::Nothing, {}, figures},
    {"DEL", On::String, {}, serving}, // last: should nothing have made the string, others have made something else
};

/// Keys.
struct Place
{
    enum Kind : std::uint8_t { One, Prefix, Suffix };
    std::string_view name;
    Kind kind;
    unsigned uses;
};

/// Every key a command or a script of the portal names, but for the queues' lists. Channels are no keys: a script is
/// told them as arguments, since a user must have the right to what it is told as keys.
constexpr Place places[] = {
    {keys::sessionPrefix, Place::Prefix, sessions},
    {keys::limitPrefix, Place::Prefix, limits},
    {keys::unacked, Place::One, queue},
    {keys::unackedIndex, Place::One, queue},
    {keys::bindingPrefix, Place::Prefix, queue},
    {keys::ownQueuePrefix, Place::Prefix, queue},
    {keys::resultPrefix, Place::Prefix, queue},
    {keys::groupResultPrefix, Place::Prefix, figures},
    {keys::controlReplySuffix, Place::Suffix, figures},
    {keys::instancePrefix, Place::Prefix, live},
};
constexpr std::array<std::string_view, 2> channels{"p:rights", "celery-task-meta-rights"};
constexpr std::array<std::string_view, 2> channelPatterns{"p:*", "celery-task-meta-*"};
/// Celery's own channels; workers whose application sets `control_exchange` or no `fanout_prefix` listen at other ones
/// of remote control. Nothing is published there to try it, for everybody who listens would get it.
constexpr std::array<std::string_view, 2> untriedChannels{"&/*.celeryev/*", "&*.pidbox"};

/// Any of these that is allowed tells; HDEL and GET are among them.
constexpr std::array<std::string_view, 3> anywhereWrites{"HDEL", "ZREM", "SREM"};
constexpr std::array<std::string_view, 4> anywhereReads{"GET", "STRLEN", "HLEN", "LLEN"};

/// How far the right to keys, or to channels, goes.
enum class Reach : std::uint8_t { Unknown, Some, All };

Reach reachOf(std::span<const Reply> replies)
{
    bool allowed = false;
    for (const Reply &reply : replies) {
        if (reply.isError() && refusesRight(reply)) {
            if (refusesPlace(reply))
                return Reach::Some;
            continue;
        }
        allowed = true;
    }
    return allowed ? Reach::All : Reach::Unknown;
}

std::vector<Use> usesOf(unsigned bits)
{
    std::vector<Use> uses;
    for (const Use use : {Use::Sessions, Use::Limits, Use::Queue, Use::Live, Use::Figures})
        if (bits & bit(use))
            uses.push_back(use);
    return uses;
}

std::string aclOf(std::string_view command)
{
    if (command == "EXEC")
        return "+multi +exec +discard";
    std::string text("+");
    for (const char c : command)
        text += c == ' ' ? '|' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

/// The commands to send, and what a refusal of each means.
class Probe final
{
public:
    explicit Probe(const std::vector<std::string> &queues)
    {
        const std::string own = std::string(keys::ownQueuePrefix) + "rights:" + uuid4();
        for (const Trial &trial : trials)
            add(trial, own);
        for (const Place &place : places) {
            const std::string name(place.name);
            switch (place.kind) {
            case Place::One:
                add(name, name, place.uses);
                break;
            case Place::Prefix:
                add(name + "rights:" + own, name + "*", place.uses);
                break;
            case Place::Suffix:
                add("rights:" + own + name, "*" + name, place.uses);
                break;
            }
        }
        for (const std::string &name : queues) {
            add(name, name, queue);
            add(queueKey(name, 3), name + "*", queue); // kombu's priorities
        }
        for (std::size_t i = 0; i < channels.size(); ++i) {
            m_command.add("PUBLISH", channels[i], "");
            m_means.push_back({{"PUBLISH", usesOf(live), false, "+publish"},
                               {"channels " + std::string(channelPatterns[i]), usesOf(live), false,
                                "&" + std::string(channelPatterns[i])}});
        }
        const std::string anywhere = "rights:" + uuid4();
        for (const std::string_view write : anywhereWrites)
            m_command.add(write, anywhere, "rights");
        for (const std::string_view read : anywhereReads)
            m_command.add(read, anywhere);
        m_command.add("SPUBLISH", anywhere, ""); // PUBLISH may be what is refused; Redis 7
        m_command.add("ACL", "WHOAMI");
    }

    Command takeCommand() { return std::move(m_command); }

    Rights read(const std::vector<Reply> &replies) const
    {
        Rights rights;
        const auto [keysReach, channelsReach] = reaches(replies);
        rights.allChannels = channelsReach == Reach::All;
        for (std::size_t i = 0; i < std::min(m_means.size(), replies.size()); ++i) {
            const Reply &reply = replies[i];
            if (!reply.isError() || !refusesRight(reply))
                continue;
            const bool place = refusesPlace(reply);
            MissingRight missing = place ? m_means[i].place : m_means[i].command;
            // The keys of a trial are `q:…`, which is tried by itself; and whether HDEL and GET may be used is, too.
            // But with the command refused, nothing was learned of the place it would have gone to.
            const bool known = reply.text.find("NOPERM") != std::string::npos;
            const std::string &there = m_means[i].place.acl;
            const bool channel = there.starts_with('&');
            const Reach reach = channel ? channelsReach : keysReach;
            if (known && !there.empty() && reach != Reach::All) {
                // Redis takes no pattern where all is allowed, which cannot be told here.
                if (!place && reach == Reach::Unknown)
                    note(rights.untried, channel ? "resetchannels" : "resetkeys");
                if (!place)
                    note(rights.untried, there);
                for (const std::string_view untried : untriedChannels)
                    if (channel)
                        note(rights.untried, untried);
            }
            if (missing.what.empty())
                continue;
            missing.unknown = !known && !place;
            if (std::ranges::find(rights.missing, missing.what, &MissingRight::what) == rights.missing.end())
                rights.missing.push_back(std::move(missing));
        }
        if (!replies.empty() && replies.back().type == Reply::Type::String)
            rights.user = replies.back().text;
        return rights;
    }

private:
    struct Means
    {
        MissingRight command;
        MissingRight place;
    };

    static std::pair<Reach, Reach> reaches(std::span<const Reply> replies)
    {
        constexpr std::size_t writes = anywhereWrites.size(), reads = anywhereReads.size(), behind = 2;
        if (replies.size() < writes + reads + behind)
            return {Reach::Unknown, Reach::Unknown};
        const auto asked = replies.last(writes + reads + behind);
        const Reach written = reachOf(asked.first(writes)), read = reachOf(asked.subspan(writes, reads));
        const bool some = written == Reach::Some || read == Reach::Some;
        // As for SPUBLISH, a server that does not know it does not tell.
        return {some ? Reach::Some : std::min(written, read), reachOf(asked.subspan(writes + reads, 1))};
    }

    static void note(std::vector<std::string> &all, std::string_view one)
    {
        if (std::ranges::find(all, one) == all.end())
            all.emplace_back(one);
    }

    void add(const Trial &trial, const std::string &own)
    {
        const auto space = trial.name.find(' ');
        const bool two = space != std::string_view::npos;
        const std::string key = own + (trial.on == On::String ? "" : ":none");
        m_command.begin(1 + two + (trial.on != On::NoKey) + trial.arguments.size());
        m_command.argument(trial.name.substr(0, space));
        if (two)
            m_command.argument(trial.name.substr(space + 1));
        if (trial.on != On::NoKey)
            m_command.argument(key);
        for (const std::string_view argument : trial.arguments)
            m_command.argument(argument);
        m_means.push_back({{std::string(trial.name), usesOf(trial.uses), false, aclOf(trial.name)}, {}});
    }

    void add(const std::string &key, const std::string &pattern, unsigned uses)
    {
        const MissingRight missing{"keys " + pattern, usesOf(uses), false, "~" + pattern};
        m_command.add("HDEL", key, "rights").add("GET", key);
        m_means.push_back({{}, missing});
        m_means.push_back({{}, missing});
    }

    Command m_command;
    std::vector<Means> m_means;
};

/// "a, b, c": names are no sentence.
std::string namesOf(const std::vector<std::string> &names)
{
    std::string text;
    for (const std::string &name : names)
        text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

/// "a, b and c".
std::string listed(const std::vector<std::string> &words)
{
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text.append(i == 0 ? "" : i + 1 == words.size() ? " and " : ", ").append(words[i]);
    return text;
}

} // namespace

std::string_view nameOf(Use use)
{
    switch (use) {
    case Use::Sessions:
        return "sessions";
    case Use::Limits:
        return "limits";
    case Use::Queue:
        return "the queue";
    case Use::Live:
        return "live updates";
    case Use::Figures:
        return "figures";
    }
    return "";
}

bool MissingRight::is(Use use) const { return std::ranges::find(uses, use) != uses.end(); }

const MissingRight *Rights::lacks(Use use) const
{
    const auto found = std::ranges::find_if(missing, [use](const MissingRight &right) { return right.is(use); });
    return found == missing.end() ? nullptr : &*found;
}

bool Rights::unusable() const { return lacks(Use::Sessions) || lacks(Use::Limits) || lacks(Use::Queue); }

std::string Rights::inWords() const
{
    std::string text;
    const auto part = [&](bool wanted, std::string_view lead) {
        std::vector<std::string> names;
        for (const MissingRight &right : missing) {
            if ((right.is(Use::Sessions) || right.is(Use::Limits) || right.is(Use::Queue)) != wanted)
                continue;
            std::vector<std::string> uses;
            for (const Use use : right.uses)
                uses.emplace_back(nameOf(use));
            names.push_back(right.what + " (" + listed(uses) +
                            (right.unknown ? "; the server does not know it)" : ")"));
        }
        if (!names.empty())
            text.append(text.empty() ? "" : " ").append(lead).append(listed(names)).append(".");
    };
    part(true, "This Redis refuses what the portal cannot do without: ");
    part(false, "This Redis does not tell or pass on everything; refused are ");
    return text;
}

std::string Rights::aclLine() const
{
    std::vector<std::string_view> rules; // each once
    const auto add = [&](std::string_view text) {
        while (!text.empty()) {
            const std::string_view rule = text.substr(0, text.find(' '));
            if (std::ranges::find(rules, rule) == rules.end())
                rules.push_back(rule);
            text.remove_prefix(std::min(text.size(), rule.size() + 1));
        }
    };
    for (const MissingRight &right : missing)
        if (!right.unknown)
            add(right.acl);
    if (rules.empty())
        return {};
    std::ranges::for_each(untried, add);
    // Redis goes from left to right: what empties comes before what it would take back again.
    std::stable_partition(rules.begin(), rules.end(), [](std::string_view rule) { return rule.starts_with("reset"); });
    std::string line = "ACL SETUSER " + user;
    for (const std::string_view rule : rules)
        line.append(" ").append(rule);
    return line;
}

std::string Rights::aclDrops() const
{
    if (aclLine().empty())
        return {};
    std::vector<std::string> dropped;
    for (const auto &[rule, what] : {std::pair{"resetkeys", "keys"}, std::pair{"resetchannels", "channels"}})
        if (std::ranges::find(untried, rule) != untried.end())
            dropped.emplace_back(what);
    if (dropped.empty())
        return {};
    return "It first takes all patterns of " + listed(dropped) +
           " from this user: add those that others need, as `ACL GETUSER " + user + "` tells them.";
}

std::optional<Refusal> Rights::refusal(std::initializer_list<std::string_view> commands) const
{
    for (const MissingRight &right : missing) {
        if (std::ranges::find(commands, right.what) == commands.end())
            continue;
        const bool mended = !right.unknown && !right.acl.empty();
        return Refusal{right.what, mended ? "ACL SETUSER " + user + " " + right.acl : std::string()};
    }
    return std::nullopt;
}

Error Rights::problem(Use use) const
{
    std::vector<std::string> names, unknown;
    for (const MissingRight &right : missing) {
        if (!right.is(use))
            continue;
        names.push_back(right.what);
        if (right.unknown)
            unknown.push_back(right.what);
    }
    const std::string line = aclLine();
    std::string hint;
    if (!line.empty())
        hint = "Run `" + line + "` in Redis.";
    if (const std::string drops = aclDrops(); !drops.empty())
        hint += " " + drops;
    if (!unknown.empty())
        hint += (hint.empty() ? "" : " ") + std::string("Take back the rename-command of what the server does not "
                                                        "know, or name another Redis");
    return Error{ErrorKind::Unavailable,
                 unknown.empty() ? "redis-rights" : "redis-renamed",
                 "This Redis refuses what " + std::string(nameOf(use)) + " cannot do without: " + listed(names) + ".",
                 std::move(hint),
                 {},
                 std::chrono::seconds{1},
                 {},
                 namesOf(names),
                 unknown.empty() ? std::string() : "unknown command " + namesOf(unknown),
                 line};
}

std::vector<std::string_view> probedCommands()
{
    std::vector<std::string_view> names{"PUBLISH"};
    for (const Trial &trial : trials)
        names.push_back(trial.name);
    return names;
}

awaitable<Result<Rights>> probeRights(Client &client, std::vector<std::string> queues)
{
    Probe probe(queues);
    Command command = probe.takeCommand();
    const Result<std::vector<Reply>> replies = co_await client.pipeline(std::move(command));
    if (!replies)
        co_return replies.error();
    co_return probe.read(*replies);
}

Script writeProbe() { return Script("check", "return redis.call('SET', KEYS[1], '1', 'PX', 60000)"); }

awaitable<Result<void>> probeWrite(Client &client, const Script &script, std::string name)
{
    const std::string key = std::string(keys::ownQueuePrefix) + "check:" + name;
    const std::array<std::string_view, 1> scriptKeys{key};
    const Result<Reply> reply = co_await client.eval(script, scriptKeys, {});
    if (!reply)
        co_return reply.error();
    co_return Result<void>();
}

} // namespace portolan::redis
