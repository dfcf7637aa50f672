// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/health.h"

#include "core/base/json.h"
#include "core/base/json_numbers.h"

#include <boost/json/object.hpp>

#include <algorithm>

namespace portolan::monitor {

namespace {

constexpr auto staleAfter = std::chrono::seconds(10);

const LinkStatus *find(const Snapshot &snapshot, std::string_view name)
{
    const auto link = std::ranges::find(snapshot.links, name, &LinkStatus::name);
    return link == snapshot.links.end() ? nullptr : &*link;
}

/// The check's word for Error::code of what went wrong.
const char *wordFor(std::string_view reason)
{
    struct Entry
    {
        std::string_view code;
        const char *word;
    };
    static constexpr Entry words[] = {
        {"redis-full", "full"},           {"disk-full", "full"},
        {"redis-read-only", "read-only"}, {"database-unwritable", "read-only"},
        {"redis-rights", "forbidden"},    {"redis-auth", "forbidden"},
        {"database-rights", "forbidden"}, {"database-corrupt", "corrupt"},
        {"database-busy", "busy"},        {"disk-error", "failing"},
        {"write-failed", "failing"},      {"redis-evicts", "failing"},
        {"database-schema", "corrupt"},   {"redis-moved", "failing"},
        {"redis-renamed", "forbidden"},   {"database-standby", "read-only"},
        {"redis-wrong-type", "failing"},  {"queue-cancelled", "stalled"},
    };
    for (const Entry &entry : words)
        if (entry.code == reason)
            return entry.word;
    return "down";
}

const char *stateOf(const LinkStatus *link)
{
    if (!link || !link->up)
        return "unknown";
    return *link->up ? "up" : wordFor(link->reason);
}

bool nobodyTakes(const Snapshot &snapshot)
{
    return std::ranges::any_of(snapshot.readings, [](const Reading &reading) {
        return reading.resource == Resource::Workers && reading.zone == Zone::Red;
    });
}

bool full(const RedisFigures &redis)
{
    return redis.maxmemoryPolicy == "noeviction" && redis.maxmemory.value_or(0) > 0 && redis.usedMemory &&
           *redis.usedMemory >= *redis.maxmemory;
}

} // namespace

Health::Health(std::string version, const Clock &clock)
    : m_version(std::move(version)), m_clock(clock), m_updated(clock.steady())
{
    m_health = make("degraded", false, "unknown", "unknown", "unknown");
    m_stale = m_health;
}

Health::Report Health::make(const char *status, bool ok, const char *redis, const char *database,
                            const char *queue) const
{
    const boost::json::object body{{"status", status},
                                   {"timestamp", formatTime(m_clock.wall())},
                                   {"version", m_version},
                                   {"checks", {{"redis", redis}, {"database", database}, {"queue", queue}}}};
    return {ok, std::make_shared<const std::string>(jsonText(body))};
}

void Health::update(const Snapshot &snapshot)
{
    const LinkStatus *const redisLink = find(snapshot, "redis");
    const LinkStatus *const sessions = find(snapshot, "sessions");
    const LinkStatus *const tasks = find(snapshot, "queue");
    const bool answers = redisLink && redisLink->up == true;
    // A full Redis keeps the sessions it has, so only the queue is said to be full.
    const bool unkept = answers && sessions && sessions->up == false && sessions->reason != "redis-full";
    const bool stuck = answers && tasks && tasks->up == false;
    const std::string_view redis = unkept ? stateOf(sessions) : stateOf(redisLink);
    const std::string_view database = stateOf(find(snapshot, "database"));
    const char *queue = stuck                              ? stateOf(tasks)
                        : answers && full(snapshot.redis)  ? "full"
                        : answers && nobodyTakes(snapshot) ? "stalled"
                                                           : stateOf(redisLink);
    // Never healthy where everything else that shows this portal says red.
    const bool well =
        redis == "up" && database == "up" && std::string_view(queue) == "up" && snapshot.verdict != Zone::Red;
    const bool databaseAnswers = database != "down" && database != "unknown";
    const bool serves = answers || databaseAnswers;
    const bool refused = unkept || (stuck && std::string_view(queue) != "full");
    Report health = make(well ? "healthy" : "degraded", serves, redis.data(), database.data(), queue);
    Report stale = make("degraded", serves, "unknown", "unknown", "unknown");
    const std::lock_guard lock(m_mutex);
    m_health = std::move(health);
    m_stale = std::move(stale);
    m_ready = serves && database == "up" && !refused;
    m_updated = m_clock.steady();
}

void Health::stopping()
{
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
}

Health::Report Health::health() const
{
    const std::lock_guard lock(m_mutex);
    return m_clock.steady() - m_updated >= staleAfter ? m_stale : m_health;
}

Health::Report Health::ready() const
{
    const std::lock_guard lock(m_mutex);
    return {m_ready && !m_stopping, m_health.body};
}

} // namespace portolan::monitor
