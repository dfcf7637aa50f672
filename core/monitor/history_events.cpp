// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/history_events.h"

namespace portolan::monitor {

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
        events.push_back(
            {.time = snapshot.time, .kind = EventKind::Zone, .resource = reading.resource, .zone = reading.zone});
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
        events.push_back({.time = snapshot.time,
                          .kind = EventKind::Link,
                          .name = link.name,
                          .up = link.up,
                          .reason = *link.up ? std::string() : link.reason});
    }
}

void HistoryEvents::restarts(const Snapshot &snapshot, std::vector<Event> &events)
{
    if (!m_seen)
        events.push_back({.time = snapshot.time, .kind = EventKind::Restart, .name = "portal", .up = true});
    const bool measured = snapshot.redis.age && *snapshot.redis.age < std::chrono::seconds(1);
    if (!measured || !snapshot.redis.uptime)
        return;
    if (m_redisUptime && *snapshot.redis.uptime < *m_redisUptime)
        events.push_back({.time = snapshot.time, .kind = EventKind::Restart, .name = "redis", .up = true});
    m_redisUptime = snapshot.redis.uptime;
}

} // namespace portolan::monitor
