// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace portolan::console {

/// Hands each snapshot to whoever in this process wants it, also to those who come while the sampler runs (its own
/// handlers are fixed at its start). Any thread.
class SnapshotFeed final
{
public:
    using Handler = std::function<void(const std::shared_ptr<const Snapshot> &)>;

    /// Until the token is dropped; that waits for a call under way, so that nothing is called afterwards. The handler
    /// runs on an I/O thread, must not block and must not drop its own token.
    [[nodiscard]] std::shared_ptr<void> subscribe(Handler handler)
    {
        const std::lock_guard lock(m_state->mutex);
        const auto id = ++m_state->last;
        m_state->handlers.emplace(id, std::move(handler));
        return std::shared_ptr<void>(nullptr, [state = m_state, id](void *) {
            const std::lock_guard guard(state->mutex);
            state->handlers.erase(id);
        });
    }

    bool watched() const
    {
        const std::lock_guard lock(m_state->mutex);
        return !m_state->handlers.empty();
    }

    /// Null before the first.
    std::shared_ptr<const Snapshot> latest() const
    {
        const std::lock_guard lock(m_state->mutex);
        return m_state->latest;
    }

    void publish(const std::shared_ptr<const Snapshot> &snapshot)
    {
        const std::lock_guard lock(m_state->mutex);
        m_state->latest = snapshot;
        for (const auto &[id, handler] : m_state->handlers)
            handler(snapshot);
    }

private:
    struct State
    {
        std::mutex mutex;
        unsigned last = 0;
        std::map<unsigned, Handler> handlers;
        std::shared_ptr<const Snapshot> latest;
    };
    const std::shared_ptr<State> m_state = std::make_shared<State>();
};

} // namespace portolan::console
