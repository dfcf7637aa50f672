// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/dial.h"
#include "core/base/resolver.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace portolan {

/// Straight ways for which every name is this machine's.
inline std::shared_ptr<Dialer> loopbackWay()
{
    Resolver::Options options;
    options.lookUp = [](const std::string &) -> Result<Resolver::Addresses> {
        return Resolver::Addresses{asio::ip::address_v4::loopback()};
    };
    return std::make_shared<DirectDialer>(std::make_shared<Resolver>(options));
}

/// Straight ways, on which nobody gets anywhere before they are opened.
class HeldWay final : public Dialer
{
public:
    awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline) override
    {
        const auto held = std::make_shared<Timer>(executor, deadline);
        {
            const std::lock_guard lock(m_mutex);
            m_held.push_back(held);
        }
        error_code opened;
        co_await held->async_wait(asio::redirect_error(use_awaitable, opened));
        co_return co_await m_way->dial(executor, target, deadline);
    }
    std::string display() const override { return {}; }

    int dialing() const ///< so far
    {
        const std::lock_guard lock(m_mutex);
        return static_cast<int>(m_held.size());
    }
    /// For whoever waits now.
    void open()
    {
        const std::lock_guard lock(m_mutex);
        for (const auto &held : m_held)
            if (const auto waiting = held.lock())
                asio::post(waiting->get_executor(), [waiting] { waiting->cancel(); });
    }

private:
    const std::shared_ptr<Dialer> m_way = loopbackWay();
    mutable std::mutex m_mutex;
    std::vector<std::weak_ptr<Timer>> m_held; ///< a timer may not outlive its thread
};

} // namespace portolan
