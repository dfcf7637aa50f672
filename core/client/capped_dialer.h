// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/dial.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace portolan::client {

/// A way on which dialing has a time of its own within the call's: a host that swallows packets is tried again soon,
/// instead of once with all the time there is. On its executor's thread.
class CappedDialer final : public Dialer
{
public:
    CappedDialer(std::shared_ptr<Dialer> way, std::chrono::milliseconds most) : m_way(std::move(way)), m_most(most) {}

    void cap(std::chrono::milliseconds most) { m_most = most; } ///< from the next dial on

    awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline) override
    {
        const SteadyTime own = std::chrono::steady_clock::now() + m_most;
        return m_way->dial(executor, std::move(target), std::min(deadline, own));
    }
    std::string display() const override { return m_way->display(); }

private:
    const std::shared_ptr<Dialer> m_way;
    std::chrono::milliseconds m_most;
};

} // namespace portolan::client
