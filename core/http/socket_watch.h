// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"

#include <any>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

namespace portolan::http {

class WebSocket;

/// The sockets that are being watched, for whoever learns that something has ended. Any thread.
class WatchedSockets final
{
public:
    /// Asks at once about those whose admission is one of these, instead of when their time has come.
    void askAbout(const std::function<bool(const std::any &admission)> &isOne);

    struct Entry
    {
        std::any admission;
        Executor executor;
        std::function<void()> ask; ///< on the executor
    };
    std::shared_ptr<void> add(Entry entry); ///< in it until the token is dropped

private:
    std::mutex m_mutex;
    std::vector<std::weak_ptr<const Entry>> m_entries;
};

/// Whether whoever opened a WebSocket may still have it; told what admission found out about the request. `sockets`:
/// where those that ask so are listed; null: nowhere. It outlives them.
class StillAllowed final
{
public:
    using Ask = std::function<awaitable<bool>(const std::any &admission)>;
    template <class Function>
    requires std::is_constructible_v<Ask, Function> StillAllowed(Function ask, WatchedSockets *listed = nullptr)
        : m_ask(std::move(ask)), m_sockets(listed)
    {}

    awaitable<bool> operator()(const std::any &admission) const { return m_ask(admission); }
    WatchedSockets *sockets() const { return m_sockets; }

private:
    Ask m_ask;
    WatchedSockets *m_sockets;
};

/// Asks `allowed` every `interval` as long as the socket is open, and closes it with 4001 when the answer is no. Ends
/// when the token is dropped, on the socket's executor.
[[nodiscard]] std::shared_ptr<void> watchSocket(std::shared_ptr<WebSocket> socket, std::any admission,
                                                StillAllowed allowed, std::chrono::milliseconds interval);

} // namespace portolan::http
