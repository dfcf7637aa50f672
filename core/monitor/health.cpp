#include "core/monitor/health.h"

#include "core/base/json.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace portolan::monitor {

namespace {

constexpr auto staleAfter = std::chrono::seconds(10);

const char *stateOf(const Snapshot &snapshot, std::string_view name)
{
    for (const LinkStatus &link : snapshot.links)
        if (link.name == name && link.up)
            return *link.up ? "up" : "down";
    return "unknown";
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

Health::Answer Health::make(const char *status, bool ok, const char *redis, const char *database,
                            const char *queue) const
{
    const boost::json::object body{{"status", status},
                                   {"timestamp", formatTime(m_clock.wall())},
                                   {"version", m_version},
                                   {"checks", {{"redis", redis}, {"database", database}, {"queue", queue}}}};
    return {ok, std::make_shared<const std::string>(boost::json::serialize(body))};
}

void Health::update(const Snapshot &snapshot)
{
    const std::string_view redis = stateOf(snapshot, "redis");
    const std::string_view database = stateOf(snapshot, "database");
    const char *queue = redis != "up"           ? redis.data()
                        : full(snapshot.redis)  ? "full"
                        : nobodyTakes(snapshot) ? "stalled"
                                                : redis.data();
    // Never healthy where everything else that shows this portal says red.
    const bool well =
        redis == "up" && database == "up" && std::string_view(queue) == "up" && snapshot.verdict != Zone::Red;
    const bool serves = redis == "up" || database == "up";
    Answer health = make(well ? "healthy" : "degraded", serves, redis.data(), database.data(), queue);
    Answer stale = make("degraded", serves, "unknown", "unknown", "unknown");
    const std::lock_guard lock(m_mutex);
    m_health = std::move(health);
    m_stale = std::move(stale);
    m_ready = serves && database == "up";
    m_updated = m_clock.steady();
}

void Health::stopping()
{
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
}

Health::Answer Health::health() const
{
    const std::lock_guard lock(m_mutex);
    return m_clock.steady() - m_updated >= staleAfter ? m_stale : m_health;
}

Health::Answer Health::ready() const
{
    const std::lock_guard lock(m_mutex);
    return {m_ready && !m_stopping, m_health.body};
}

} // namespace portolan::monitor
