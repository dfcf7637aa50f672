// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/base/asio.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace portolan::http {
class WebSocket;
}

namespace portolan::monitor {

/// Sends each snapshot to everybody who watches, serialised once for all. From any thread.
class SnapshotStream final
{
public:
    static constexpr std::size_t maxWatchers = 200;

    /// A new snapshot: kept as the latest, sent to all.
    void publish(std::shared_ptr<const Snapshot> snapshot);

    /// The latest one as JSON text; null before the first. Serialised on demand, once per snapshot.
    std::shared_ptr<const std::string> text();
    std::shared_ptr<const Snapshot> latest() const;

    /// Serves one watcher until it goes; sends it the latest snapshot at once. Over maxWatchers it is closed with 1013.
    /// What it sends is read and thrown away.
    awaitable<void> serve(std::shared_ptr<http::WebSocket> socket);

    std::size_t watchers() const;

private:
    std::shared_ptr<const std::string> textLocked();

    mutable std::mutex m_mutex;
    std::shared_ptr<const Snapshot> m_latest;
    std::shared_ptr<const std::string> m_text;
    std::set<std::shared_ptr<http::WebSocket>> m_watchers;
};

} // namespace portolan::monitor
