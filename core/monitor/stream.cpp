// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/stream.h"

#include "core/base/json.h"
#include "core/http/websocket.h"

#include <vector>

namespace portolan::monitor {

void SnapshotStream::publish(std::shared_ptr<const Snapshot> snapshot)
{
    std::vector<std::shared_ptr<http::WebSocket>> watchers;
    std::shared_ptr<const std::string> text;
    {
        const std::lock_guard lock(m_mutex);
        m_latest = std::move(snapshot);
        m_text.reset();
        if (m_watchers.empty())
            return;
        text = textLocked();
        watchers.assign(m_watchers.begin(), m_watchers.end());
    }
    for (const auto &watcher : watchers)
        watcher->send(text);
}

std::shared_ptr<const std::string> SnapshotStream::textLocked()
{
    if (!m_text && m_latest)
        m_text = std::make_shared<const std::string>(writeJson(*m_latest));
    return m_text;
}

std::shared_ptr<const std::string> SnapshotStream::text()
{
    const std::lock_guard lock(m_mutex);
    return textLocked();
}

std::shared_ptr<const Snapshot> SnapshotStream::latest() const
{
    const std::lock_guard lock(m_mutex);
    return m_latest;
}

awaitable<void> SnapshotStream::serve(std::shared_ptr<http::WebSocket> socket)
{
    std::shared_ptr<const std::string> first;
    bool full = false;
    {
        const std::lock_guard lock(m_mutex);
        full = m_watchers.size() >= maxWatchers;
        if (!full) {
            m_watchers.insert(socket);
            first = textLocked();
        }
    }
    if (full) {
        socket->close(1013, "too many watchers");
        co_return;
    }
    if (first)
        socket->send(first);
    bool open = true;
    while (open) {
        const Result<std::string> message = co_await socket->receive();
        open = message.has_value();
    }
    const std::lock_guard lock(m_mutex);
    m_watchers.erase(socket);
}

std::size_t SnapshotStream::watchers() const
{
    const std::lock_guard lock(m_mutex);
    return m_watchers.size();
}

} // namespace portolan::monitor
