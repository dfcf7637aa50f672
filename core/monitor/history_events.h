// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"
#include "core/api/snapshot.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace portolan::monitor {

/// Finds what happened between snapshots: zones that changed, links that went or came back, restarts. One caller at a
/// time, snapshots in order.
///
/// A zone that cannot be known for a moment is no event; the next known one counts against the last known one. Nor is
/// the first zone, when it is green.
class HistoryEvents final
{
public:
    std::vector<Event> update(const Snapshot &snapshot);

private:
    void zones(const Snapshot &snapshot, std::vector<Event> &events);
    void links(const Snapshot &snapshot, std::vector<Event> &events);
    void restarts(const Snapshot &snapshot, std::vector<Event> &events);

    bool m_seen = false;
    std::map<Resource, Zone> m_zones;
    std::map<std::string, bool> m_links;
    std::optional<std::chrono::seconds> m_redisUptime;
};

} // namespace portolan::monitor
