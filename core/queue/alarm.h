// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <chrono>
#include <memory>

namespace portolan::queue {

/// One coroutine's sleep that any thread may end. Many notifications before it wakes are one.
class Alarm final : public std::enable_shared_from_this<Alarm>
{
public:
    explicit Alarm(Executor executor) : m_executor(executor), m_timer(executor) {}

    void notify()
    {
        if (!m_rung.exchange(true))
            asio::post(m_executor, [self = shared_from_this()] { self->m_timer.cancel(); });
    }

    /// Until notified or `most` is over. On the executor, one coroutine at a time.
    awaitable<void> wait(std::chrono::nanoseconds most)
    {
        // A notification from here on is posted to this executor and so comes after the wait has begun.
        if (m_rung.exchange(false))
            co_return;
        m_timer.expires_after(most);
        co_await m_timer.async_wait(asio::as_tuple(use_awaitable));
        m_rung = false;
    }

private:
    Executor m_executor;
    Timer m_timer;
    std::atomic<bool> m_rung{false};
};

} // namespace portolan::queue
