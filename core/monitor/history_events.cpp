#include "core/monitor/history_events.h"

#include "core/api/words.h"

namespace portolan::monitor {
namespace {

std::string linkName(const LinkStatus &link)
{
    if (link.name == "redis")
        return "Redis";
    return link.name == "database"   ? "The database"
           : link.name == "queue"    ? "The queue"
           : link.name == "sessions" ? "The keeping of sessions"
           : link.name == "data_dir" ? "The data directory"
                                     : link.name;
}

/// Redis and the database come and go, so does a directory; what rests on the first two works or does not.
std::string wordFor(const LinkStatus &link)
{
    const bool part = link.name == "queue" || link.name == "sessions";
    return *link.up ? (part ? " works again" : " is back") : (part ? " does not work" : " is away");
}

} // namespace

std::vector<Event> HistoryEvents::update(const Snapshot &snapshot)
{
    std::vector<Event> events;
    restarts(snapshot, events);
    links(snapshot, events);
    zones(snapshot, events);
    m_seen = true;
    return events;
}

void HistoryEvents::zones(const Snapshot &snapshot, std::vector<Event> &events)
{
    for (const auto &reading : snapshot.readings) {
        if (reading.zone == Zone::Unknown || reading.unknown == Unknown::Away)
            continue; // that its link is down is an event of its own
        const auto [last, isNew] = m_zones.try_emplace(reading.resource, Zone::Green);
        if (last->second == reading.zone)
            continue;
        last->second = reading.zone;
        std::string text(titleOf(reading.resource));
        text.append(" turned ").append(wordOf(reading.zone));
        events.push_back({snapshot.time, EventKind::Zone, std::move(text)});
    }
}

void HistoryEvents::links(const Snapshot &snapshot, std::vector<Event> &events)
{
    for (const auto &link : snapshot.links) {
        if (!link.up)
            continue;
        const auto [last, isNew] = m_links.try_emplace(link.name, true);
        if (last->second == *link.up)
            continue;
        last->second = *link.up;
        std::string text = linkName(link) + wordFor(link);
        if (!*link.up && !link.detail.empty())
            text += ": " + link.detail;
        events.push_back({snapshot.time, EventKind::Link, std::move(text)});
    }
}

void HistoryEvents::restarts(const Snapshot &snapshot, std::vector<Event> &events)
{
    if (!m_seen)
        events.push_back({snapshot.time, EventKind::Restart, "The portal started"});
    const bool measured = snapshot.redis.age && *snapshot.redis.age < std::chrono::seconds(1);
    if (!measured || !snapshot.redis.uptime)
        return;
    if (m_redisUptime && *snapshot.redis.uptime < *m_redisUptime)
        events.push_back({snapshot.time, EventKind::Restart, "Redis restarted"});
    m_redisUptime = snapshot.redis.uptime;
}

} // namespace portolan::monitor
