// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/socket_watch.h"

#include "core/base/runtime.h"
#include "core/http/websocket.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace portolan::http {

namespace {

struct Watch
{
    std::shared_ptr<WebSocket> socket;
    std::any admission;
    StillAllowed allowed;
    std::chrono::milliseconds interval;
    Timer timer;
    bool ended = false;
    bool hurried = false; ///< to be asked about before the interval is over
};

awaitable<void> run(std::shared_ptr<Watch> watch)
{
    while (!watch->ended && watch->socket->open()) {
        error_code cancelled;
        watch->timer.expires_after(watch->interval);
        if (!watch->hurried)
            co_await watch->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
        if (watch->ended || !watch->socket->open())
            co_return;
        watch->hurried = false;
        const bool allowed = co_await watch->allowed(watch->admission);
        if (!allowed)
            watch->socket->close(4001, "The session has ended.");
    }
}

} // namespace

void WatchedSockets::askAbout(const std::function<bool(const std::any &admission)> &isOne)
{
    const std::lock_guard lock(m_mutex);
    for (const auto &listed : m_entries) {
        const auto entry = listed.lock();
        if (entry && isOne(entry->admission))
            asio::post(entry->executor, entry->ask);
    }
}

std::shared_ptr<void> WatchedSockets::add(Entry entry)
{
    auto added = std::make_shared<const Entry>(std::move(entry));
    const std::lock_guard lock(m_mutex);
    std::erase_if(m_entries, [](const auto &listed) { return listed.expired(); });
    m_entries.push_back(added);
    return std::const_pointer_cast<Entry>(added);
}

std::shared_ptr<void> watchSocket(std::shared_ptr<WebSocket> socket, std::any admission, StillAllowed allowed,
                                  std::chrono::milliseconds interval)
{
    const auto executor = socket->executor();
    auto watch = std::make_shared<Watch>(
        Watch{std::move(socket), std::move(admission), std::move(allowed), interval, Timer(executor)});
    std::shared_ptr<void> listed;
    if (auto *sockets = watch->allowed.sockets()) {
        listed = sockets->add({watch->admission, executor, [watch] {
                                   watch->hurried = true;
                                   watch->timer.cancel();
                               }});
    }
    spawn(executor, [watch] { return run(watch); });
    return std::shared_ptr<void>(nullptr, [watch, listed](void *) {
        watch->ended = true;
        watch->timer.cancel();
    });
}

} // namespace portolan::http
