// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"

#include <memory>
#include <mutex>
#include <string>

namespace portolan::monitor {

/// What /health and /ready say, worked out once per snapshot so that answering costs a copy.
///
/// `status` is healthy when redis, database and queue are up and the portal's zone is not red, degraded otherwise. "up"
/// means that what users need works, not that something answers: redis that sessions are kept, database that it can be
/// written, queue that tasks can be enqueued, taken and ended. Else a check is "down" (no answer), "full" (no room for
/// anything new), "stalled" (tasks wait and no worker takes any, or ours was told to take none), "read-only",
/// "forbidden" (this user of Redis or of the database lacks rights, or commands are blocked), "corrupt", "busy" (locked
/// by another program), "failing" (any other reason, see the log), or "unknown" (not looked at yet).
///
/// The portal can serve as long as one of Redis and the database answers (sessions and limits fall back to memory); it
/// cannot before the first snapshot, without both, and while it stops. From any thread.
class Health final
{
public:
    Health(std::string version, const Clock &clock);

    void update(const Snapshot &snapshot);
    void stopping(); ///< /ready says no from now on, so that load balancers turn away

    struct Report
    {
        bool ok = false;
        std::shared_ptr<const std::string> body;
    };
    /// The body is at most about a second old; one older than 10 s (the sampler hangs) becomes degraded.
    Report health() const;
    /// Whether new traffic should come here: it can serve, the database can be read and written, Redis, if it answers,
    /// does what is asked of it (an instance with a wrong user or URL must not get traffic; while Redis is away for all
    /// or full, turning everybody away would help nobody), and it is not stopping.
    Report ready() const;

private:
    Report make(const char *status, bool ok, const char *redis, const char *database, const char *queue) const;

    const std::string m_version;
    const Clock &m_clock;
    mutable std::mutex m_mutex;
    Report m_health;
    Report m_stale; ///< the same, degraded
    bool m_ready = false;
    bool m_stopping = false;
    SteadyTime m_updated;
};

} // namespace portolan::monitor
