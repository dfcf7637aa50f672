// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/portal_metrics.h"

namespace portolan::telemetry {

PortalMetrics::PortalMetrics(Registry &registry)
    : tasks(registry.counters("portal_tasks_total", "Tasks ended, by name and state", {"name", "state"})),
      taskDuration(registry.histogram("portal_task_duration_seconds", "From a task's start to its end", taskBounds())),
      dbQueryDuration(registry.histogram("portal_db_query_duration_seconds",
                                         "Time in the database, without waiting for a connection", requestBounds()))
{}

} // namespace portolan::telemetry
