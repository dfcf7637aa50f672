// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/errors.h"

#include <array>

namespace portolan::redis {

namespace {

struct Meaning
{
    std::string_view word;
    ErrorKind kind;
    std::string_view code;
    std::string_view message; ///< empty: what Redis said
    std::string_view hint;
};

constexpr std::array meanings{
    Meaning{"OOM", ErrorKind::Full, "redis-full", "Redis has no room left: its maxmemory is used up.",
            "Free memory in Redis (clean up a key family) or raise maxmemory."},
    Meaning{"MISCONF", ErrorKind::Unavailable, "redis-read-only",
            "Redis refuses writes, for it could not save to its disk.",
            "Free disk space, or look at the log of Redis."},
    Meaning{"READONLY", ErrorKind::Unavailable, "redis-read-only", "This Redis is a read-only replica.",
            "Name the primary in the Redis URL."},
    Meaning{"NOREPLICAS", ErrorKind::Unavailable, "redis-read-only", "Redis refuses writes for want of replicas.",
            "They must be back, or min-replicas-to-write smaller."},
    Meaning{"MASTERDOWN", ErrorKind::Unavailable, "redis-away", "This Redis is a replica that has lost its primary.",
            "Name the primary in the Redis URL, or wait until it is back."},
    Meaning{"LOADING", ErrorKind::Unavailable, "redis-loading", "Redis is loading its data.", "Wait a moment."},
    Meaning{"BUSY", ErrorKind::Unavailable, "redis-busy-script", "A script occupies Redis.", "SCRIPT KILL ends it."},
    Meaning{"TRYAGAIN", ErrorKind::Unavailable, "redis-away", {}, ""},
    Meaning{"NOAUTH", ErrorKind::Unavailable, "redis-auth", "Redis wants a password.",
            "Put user and password into the Redis URL."},
    Meaning{"WRONGPASS", ErrorKind::Unavailable, "redis-auth", "Redis does not know this user or password.",
            "Check user and password in the Redis URL."},
    Meaning{"NOPERM",
            ErrorKind::Unavailable,
            "redis-rights",
            {},
            "The log lists all that the Redis user lacks, with the ACL SETUSER line that allows it."},
    Meaning{"DENIED", ErrorKind::Unavailable, "redis-auth", "Redis runs in protected mode.",
            "Set a password, or bind it to loopback only."},
};

constexpr std::string_view rightsHint =
    "Allow it in Redis (rename-command, ACL SETUSER), or name another Redis; the log lists everything that is missing.";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string lower(std::string_view text)
{
    std::string out(text);
    for (char &c : out)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

/// "Redis answered: …." with one full stop.
std::string answered(const Reply &reply)
{
    std::string text = "Redis answered: " + plainText(reply);
    if (!text.ends_with('.'))
        text += '.';
    return text;
}

/// The command that Redis names in quotes; empty: none.
std::string namedCommand(const Reply &reply)
{
    const std::string_view text = reply.text;
    for (const char quote : {'\'', '`'}) {
        const auto first = text.find(quote);
        const auto last = first == std::string_view::npos ? first : text.find_first_of("'`", first + 1);
        if (last != std::string_view::npos && last > first + 1 && last - first <= 48)
            return std::string(text.substr(first, last - first + 1));
    }
    return {};
}

/// A refused right in words; Redis' own where it says something else.
std::string refusalOf(const Reply &reply)
{
    const std::string text = lower(reply.text);
    const bool noPermission = reply.errorCode() == "NOPERM";
    if (const std::string command = namedCommand(reply); !command.empty() && !contains(text, "user_script"))
        return noPermission ? "The Redis user of this portal may not run the command " + command + "."
                            : "This Redis does not let the portal run the command " + command + ".";
    if (noPermission && contains(text, "channel"))
        return "The Redis user of this portal may not use one of the portal's channels.";
    if (noPermission && contains(text, "key"))
        return "The Redis user of this portal may not use one of the portal's keys.";
    return noPermission ? "The Redis user of this portal lacks a right." : answered(reply);
}

} // namespace

Error clusterRefused()
{
    return Error{ErrorKind::Unsupported,
                 "redis-cluster",
                 "Redis Cluster is not supported.",
                 "Name a single Redis server (cluster-enabled no) in the Redis URL.",
                 {},
                 std::chrono::seconds{0},
                 {"redis.url"}};
}

std::string plainText(const Reply &reply)
{
    std::string_view text = reply.text;
    for (const std::string_view tail : {" script: ", ", with args beginning with"})
        text = text.substr(0, text.find(tail));
    // Before Redis 7: "ERR Error running script (call to f_<hash>): @user_script:1: @user_script: 1: <what>".
    if (const auto at = text.rfind("@user_script: "); at != std::string_view::npos)
        if (const auto colon = text.find(": ", at + 14); colon != std::string_view::npos)
            text.remove_prefix(colon + 2);
    if (text.starts_with("ERR "))
        text.remove_prefix(4);
    return std::string(text);
}

/// Redis itself, as the managed ones have it, and the proxies before them; https://redis.io/docs/latest/commands/acl/
bool refusesRight(const Reply &reply)
{
    if (reply.errorCode() == "NOPERM" || (reply.errorCode() == "EXECABORT" && contains(reply.text, "NOPERM")))
        return true;
    if (reply.errorCode() != "ERR" && !contains(reply.text, "user_script"))
        return false;
    const std::string text = lower(reply.text);
    for (const std::string_view words :
         {"unknown command", "unknown subcommand", "unknown redis command", "the user executing the script can't",
          "no permissions to", "command is not allowed", "command not allowed", "is not available",
          "command is disabled", "is not permitted", "permission denied", "command is not supported"})
        if (contains(text, words))
            return true;
    return false;
}

std::string refusedCommand(const Reply &reply)
{
    std::string name;
    for (const char c : namedCommand(reply))
        if (c != '\'' && c != '`')
            name += c == '|' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

bool refusesPlace(const Reply &reply)
{
    for (const std::string_view words :
         {"access one of the", "access at least one of the", "access a ", "to access the"})
        if (contains(reply.text, words))
            return true;
    return false;
}

Error errorOf(const Reply &reply)
{
    const auto word = reply.errorCode();
    if (word == "MOVED" || word == "ASK" || word == "CROSSSLOT" || word == "CLUSTERDOWN")
        return clusterRefused();
    const auto coded = [&](ErrorKind kind, std::string_view code, std::string message, std::string_view hint) {
        return Error{kind,
                     std::string(code),
                     std::move(message),
                     std::string(hint),
                     {},
                     std::chrono::seconds{kind == ErrorKind::Unavailable ? 1 : 0},
                     {},
                     refusesRight(reply) ? refusedCommand(reply) : std::string(),
                     plainText(reply)};
    };
    if (contains(reply.text, "WRONGTYPE Operation against a key"))
        return coded(ErrorKind::Internal, "redis-wrong-type",
                     "A key of the portal in Redis holds something that is not the portal's (WRONGTYPE).",
                     "Find out what else writes to this Redis, and rename or delete the key (`portoland status` and "
                     "the log name a queue that it concerns).");
    if (contains(reply.text, "WRONGTYPE ")) // a script of ours names the key
        return coded(ErrorKind::Internal, "redis-wrong-type", answered(reply), "");
    for (const auto &meaning : meanings) {
        if (meaning.word == word)
            return coded(meaning.kind, meaning.code,
                         meaning.message.empty() ? refusalOf(reply) : std::string(meaning.message), meaning.hint);
    }
    if (refusesRight(reply))
        return coded(ErrorKind::Unavailable, "redis-rights", refusalOf(reply), rightsHint);
    return aboutThat(failure(ErrorKind::Internal, answered(reply)), {}, plainText(reply));
}

bool lacksNamedCommand(const Error &error)
{
    return !error.about.empty() && (error.code == "redis-rights" || error.code == "redis-auth");
}

Error unavailable(Error error)
{
    if (error.code == "redis-wrong-type") {
        error.kind = ErrorKind::Unavailable;
        error.message = "Redis holds something else under a key this portal needs.";
        error.hint = "The log of the portal names the key; another program on this Redis may have written it.";
        error.retryAfter = std::chrono::seconds(1);
    }
    return error;
}

Error away(const Endpoint &endpoint, std::string_view why, bool said)
{
    while (why.ends_with('.'))
        why.remove_suffix(1);
    return Error{ErrorKind::Unavailable,
                 "redis-away",
                 "Redis at " + endpoint.display() + " is away: " + std::string(why) + ".",
                 "Check that it runs and that the Redis URL is right.",
                 {},
                 std::chrono::seconds{1},
                 {},
                 endpoint.display(),
                 said ? std::string(why) : std::string()};
}

Error away(const Endpoint &endpoint, const Error &why)
{
    const bool known = why.code.starts_with("tls-") || why.code.starts_with("tunnel-ssh-"); // link_troubles.h
    Error error{ErrorKind::Unavailable,
                known ? "redis-" + why.code : "redis-away",
                "Redis at " + endpoint.display() + " is away. " + why.message,
                why.hint,
                {},
                std::chrono::seconds{1},
                {},
                endpoint.display(),
                known || !why.told.empty() ? why.told : why.message};
    error.mend = known ? why.mend : std::string();
    return error;
}

bool isAway(const Error &error)
{
    return error.code == "redis-away" || error.code.starts_with("redis-tls-") ||
           error.code.starts_with("redis-tunnel-");
}

} // namespace portolan::redis
