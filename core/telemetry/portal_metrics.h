// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/telemetry/registry.h"

#include <chrono>
#include <string_view>

namespace portolan::telemetry {

/// The metrics of api.md that services count themselves; the one place that has their names. The HTTP ones are in
/// http_metrics.h; those that are read from the last Snapshot (Redis, queue, workers, pools, sessions, zones) in
/// monitor/snapshot_metrics.h. Pass it by reference to whoever counts.
struct PortalMetrics
{
    explicit PortalMetrics(Registry &registry);

    Family<Counter> &tasks;     ///< portal_tasks_total{name,state}: tasks ended; states as Celery spells them
    Histogram &taskDuration;    ///< portal_task_duration_seconds: from start to end, of all tasks
    Histogram &dbQueryDuration; ///< portal_db_query_duration_seconds: without waiting for a connection
};

} // namespace portolan::telemetry
