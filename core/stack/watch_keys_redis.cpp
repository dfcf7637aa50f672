// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/masking.h"
#include "core/stack/watch_key_makers.h"

#include <algorithm>

/// The keys of Redis and of Celery on it.
namespace portolan::stack {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t mostBodies = 1024ull * 1024 * 1024;
constexpr std::size_t mostQueues = 200;
constexpr std::size_t mostSentinels = 16;

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

Result<std::vector<std::string>> readQueues(const std::vector<std::string> &items)
{
    if (items.empty() || items.size() > mostQueues)
        return wrong("write 1 to 200 queues", "Leave it out to watch all that workers take from");
    for (auto at = items.begin(); at != items.end(); ++at) {
        if (const auto fit = checkForeignQueue(*at); !fit)
            return fit.error();
        if (std::find(items.begin(), at, *at) != at)
            return wrong("it names " + quotable(*at) + " twice");
    }
    return items;
}

Result<std::vector<HostPort>> readSentinels(const std::vector<std::string> &items)
{
    std::vector<HostPort> made;
    for (const auto &item : items) {
        auto place = readHostPort(item, 26379);
        if (!place)
            return place.error();
        if (std::ranges::find(made, *place) != made.end())
            return wrong("it names " + quotable(item) + " twice");
        made.push_back(std::move(*place));
    }
    if (made.empty() || made.size() > mostSentinels)
        return wrong("write 1 to 16 sentinels", "Write [\"HOST:26379\"]");
    return made;
}

} // namespace

void addRedisKeys(std::vector<WatchKey> &keys)
{
    const auto part = [](WatchFile & f, WatchValue &) -> auto & { return *f.redis; };
    const auto sentinel = [](WatchFile & f, WatchValue &) -> auto & { return *f.redis->sentinel; };
    keys.push_back(redisUrl(
        {"redis.url", "the broker: redis://, rediss:// with TLS, unix:/path; no password", "", true},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).endpoint; }));
    addSecret(
        keys, "redis.password",
        "where its password is: file:, env:, command:, keychain:", [=](WatchFile & f, WatchValue & v) -> auto & {
            return part(f, v).password;
        });
    keys.push_back(time(
        {"redis.password_renew", "how often the password is read again, where it ends by itself"}, 1min,
        24h, [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).renew; }));
    addReach(keys, "redis.", part);
    addIdentity(
        keys, "redis.", [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).trust; });
    keys.push_back(flag(
        {"redis.cluster", "whether it is a Redis Cluster; found out where it is not said"},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).cluster; }));
    keys.push_back(count(
        {"redis.connections", "connections to a server: one, or a second for events", "2"}, 1,
        2, [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).connections; }));
    keys.push_back(list(
        {"redis.sentinel.names", "sentinels that know the primary, asked in turn", "", true},
        [=](WatchFile & f, WatchValue & v) -> auto & { return sentinel(f, v).names; }, readSentinels));
    keys.push_back(text(
        {"redis.sentinel.master", "what they call the primary", "", true},
        [=](WatchFile & f, WatchValue & v) -> auto & { return sentinel(f, v).master; }));
    keys.push_back(text(
        {"redis.sentinel.user", "ACL user of the sentinels"}, [=](WatchFile & f, WatchValue & v) -> auto & {
            return sentinel(f, v).user;
        }));
    addSecret(
        keys, "redis.sentinel.password",
        "where the password of the sentinels is", [=](WatchFile & f, WatchValue & v) -> auto & {
            return sentinel(f, v).password;
        });
    keys.push_back(file(
        {"redis.sentinel.ca", "PEM file of the authority that signed theirs"},
        [=](WatchFile & f, WatchValue & v) -> auto & { return sentinel(f, v).ca; }));
}

void addCeleryKeys(std::vector<WatchKey> &keys)
{
    const auto part = [](WatchFile & f, WatchValue &) -> auto & { return *f.celery; };
    const auto results = [](WatchFile & f, WatchValue &) -> auto &
    {
        auto &made = f.celery->results;
        if (!made)
            made.emplace();
        return *made;
    };
    keys.push_back(list(
        named({"celery.queues", "queues to watch; those of the bindings where none are named"}),
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).queues; }, readQueues));
    keys.push_back(redisUrl(
        {"celery.result_url", "where results are, if not at the broker"},
        [=](WatchFile & f, WatchValue & v) -> auto & { return results(f, v).endpoint; }, "result_"));
    addSecret(
        keys, "celery.result_password",
        "where its password is", [=](WatchFile & f, WatchValue & v) -> auto & { return results(f, v).password; });
    keys.push_back(entry({"celery.result_ca", "PEM file of the authority that signed its certificate"},
                         [=](WatchFile &f, WatchValue &v) {
                             results(f, v).trust.roots = Roots::File;
                             return takeFile(v, results(f, v).trust.value);
                         }));
    keys.push_back(text(
        named({"celery.prefix", "global_keyprefix of the broker's transport options"}),
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).prefix; }));
    keys.push_back(text(
        named({"celery.result_prefix", "global_keyprefix of the result backend"}),
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).resultPrefix; }));
    keys.push_back(one(
        named({"celery.separator", "sep of the transport options, between queue and step", "\\u0006\\u0016"}),
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).separator; },
        [](std::string_view given) -> Result<std::string> {
            if (given.empty() || given.size() > 16)
                return wrong("write 1 to 16 bytes");
            return std::string(given);
        }));
    keys.push_back(list(
        {"celery.steps", "priority_steps of the transport options", "[0, 3, 6, 9]"},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).steps; }, readSteps));
    keys.push_back(flag(
        {"celery.events", "have workers send events of their tasks", "false"},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).events; }));
    keys.push_back(one(
        {"celery.keep_bodies", "memory for tasks kept to be run again; 0 keeps none", "64MB"},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).keepBodies; },
        [](std::string_view given) { return readBytes(given, mostBodies); }));
    keys.push_back(flag(
        {"celery.control", "ask workers by remote control, which writes a reply list", "true"},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).control; }));
    keys.push_back(time(
        {"celery.visibility_timeout", "of the transport options; what workers tell where it is not said"}, 1s,
        24h * 365, [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).visibilityTimeout; }));
}

} // namespace portolan::stack
