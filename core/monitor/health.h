#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"

#include <memory>
#include <mutex>
#include <string>

namespace portolan::monitor {

/// What /health and /ready say, worked out once per snapshot so that answering costs a copy.
///
/// `status` is healthy when redis, database and queue are up and the portal's zone is not red, degraded otherwise. The
/// portal can serve as long as one of Redis and the database answers (sessions and limits fall back to memory); it
/// cannot before the first snapshot, without both, and while it stops. A check is "up", "down", "unknown", and for the
/// queue "full" when Redis has no room for new tasks, "stalled" while tasks wait and no worker takes any. From any
/// thread.
class Health final
{
public:
    Health(std::string version, const Clock &clock);

    void update(const Snapshot &snapshot);
    void stopping(); ///< /ready says no from now on, so that load balancers turn away

    struct Answer
    {
        bool ok = false;
        std::shared_ptr<const std::string> body;
    };
    /// The body is at most about a second old; one older than 10 s (the sampler hangs) becomes degraded.
    Answer health() const;
    /// Whether new traffic should come here: it can serve, the database answers, and it is not stopping.
    Answer ready() const;

private:
    Answer make(const char *status, bool ok, const char *redis, const char *database, const char *queue) const;

    const std::string m_version;
    const Clock &m_clock;
    mutable std::mutex m_mutex;
    Answer m_health;
    Answer m_stale; ///< the same, degraded
    bool m_ready = false;
    bool m_stopping = false;
    SteadyTime m_updated;
};

} // namespace portolan::monitor
