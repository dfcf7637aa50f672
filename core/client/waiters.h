// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"

#include <boost/asio/redirect_error.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace portolan::client {

/// Coroutines of one executor that wait for the same thing to happen. On its thread; outlives them.
class Waiters final
{
public:
    /// Whether it happened by the deadline (of the machine's steady clock).
    awaitable<bool> wait(Executor executor, SteadyTime deadline)
    {
        const auto waiter = std::make_shared<Waiter>(executor, deadline);
        m_waiting.push_back(waiter);
        error_code woken;
        co_await waiter->timer.async_wait(asio::redirect_error(use_awaitable, woken));
        if (!waiter->happened)
            std::erase(m_waiting, waiter);
        co_return waiter->happened;
    }

    /// It has happened: for those who wait now.
    void wake()
    {
        for (const auto &waiter : std::exchange(m_waiting, {})) {
            waiter->happened = true;
            waiter->timer.cancel();
        }
    }

private:
    struct Waiter
    {
        Waiter(Executor executor, SteadyTime deadline) : timer(executor, deadline) {}
        Timer timer;
        bool happened = false;
    };
    std::vector<std::shared_ptr<Waiter>> m_waiting;
};

} // namespace portolan::client
