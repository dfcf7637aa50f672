#include "core/redis/errors.h"

#include <array>

namespace portolan::redis {

namespace {

struct Meaning
{
    std::string_view word;
    ErrorKind kind;
    std::string_view code;
    std::string_view hint;
};

constexpr std::array meanings{
    Meaning{"OOM", ErrorKind::Full, "redis-full", "Free memory in Redis (clean up a key family) or raise maxmemory."},
    Meaning{"MISCONF", ErrorKind::Unavailable, "redis-read-only",
            "Redis cannot save to its disk and refuses writes: free disk space or look at its log."},
    Meaning{"READONLY", ErrorKind::Unavailable, "redis-read-only",
            "This Redis is a replica: name the primary in the Redis URL."},
    Meaning{"NOREPLICAS", ErrorKind::Unavailable, "redis-read-only",
            "Redis waits for its replicas before it takes writes."},
    Meaning{"MASTERDOWN", ErrorKind::Unavailable, "redis-away", "The replica has lost its primary."},
    Meaning{"LOADING", ErrorKind::Unavailable, "redis-loading", "Redis is loading its data; wait a moment."},
    Meaning{"BUSY", ErrorKind::Unavailable, "redis-busy-script", "A script occupies Redis; SCRIPT KILL ends it."},
    Meaning{"TRYAGAIN", ErrorKind::Unavailable, "redis-away", ""},
    Meaning{"NOAUTH", ErrorKind::Unavailable, "redis-auth", "Put user and password into the Redis URL."},
    Meaning{"WRONGPASS", ErrorKind::Unavailable, "redis-auth", "Check user and password in the Redis URL."},
    Meaning{"NOPERM", ErrorKind::Unavailable, "redis-auth", "Give the Redis user the rights it lacks (ACL SETUSER)."},
    Meaning{"DENIED", ErrorKind::Unavailable, "redis-auth",
            "Redis runs in protected mode: set a password, or bind it to loopback only."},
};

} // namespace

Error clusterRefused()
{
    return Error{ErrorKind::Unsupported,
                 "redis-cluster",
                 "Redis Cluster is not supported.",
                 "Name a single Redis server (cluster-enabled no) in the Redis URL.",
                 {},
                 std::chrono::seconds{0}};
}

Error errorOf(const Reply &reply)
{
    const auto word = reply.errorCode();
    if (word == "MOVED" || word == "ASK" || word == "CROSSSLOT" || word == "CLUSTERDOWN")
        return clusterRefused();
    for (const auto &meaning : meanings) {
        if (meaning.word == word)
            return Error{meaning.kind,
                         std::string(meaning.code),
                         "Redis answered: " + reply.text,
                         std::string(meaning.hint),
                         {},
                         std::chrono::seconds{meaning.kind == ErrorKind::Unavailable ? 1 : 0}};
    }
    return failure(ErrorKind::Internal, "Redis answered: " + reply.text);
}

Error away(const Endpoint &endpoint, std::string_view why)
{
    return Error{ErrorKind::Unavailable,
                 "redis-away",
                 "Redis at " + endpoint.display() + " is away: " + std::string(why) + ".",
                 "Check that it runs and that the Redis URL is right.",
                 {},
                 std::chrono::seconds{1}};
}

} // namespace portolan::redis
