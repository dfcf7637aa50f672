// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <functional>
#include <memory>

namespace portolan::telemetry {
class Registry;
}

namespace portolan::monitor {

/// Registers the metrics of api.md that are read from the last snapshot: portal_http_connections,
/// portal_redis_used_bytes, portal_redis_connections, portal_redis_commands_total, portal_queue_depth{queue},
/// portal_queue_unacked, portal_workers{state}, portal_db_pool_connections{state}, portal_sessions,
/// portal_zone{resource}. What is unknown, or of Redis and older than 5 s, has no sample. `latest` may answer null; it
/// is called on scraping threads as long as the registry lives.
void addSnapshotMetrics(telemetry::Registry &registry, std::function<std::shared_ptr<const Snapshot>()> latest);

} // namespace portolan::monitor
