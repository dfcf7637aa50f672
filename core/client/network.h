// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/blocking_pool.h"
#include "core/base/resolver.h"
#include "core/base/runtime.h"
#include "core/client/far_end.h"

#include <memory>

namespace portolan::client {

/// What all ends elsewhere share in a console: one I/O thread, the names that were looked up, whom this machine trusts.
/// Outlives the deployments that use it, and `clock` outlives it. GUI thread.
class Network final
{
public:
    explicit Network(const Clock &clock)
        : m_clock(clock), m_resolver(std::make_shared<Resolver>()), m_dialer(std::make_shared<DirectDialer>(m_resolver))
    {}

    FarEnd::Parts parts() { return {m_runtime.at(0), m_dialer, m_trust, m_files, m_clock, WakeWatch::machine}; }

private:
    const Clock &m_clock;
    // In the order in which they outlive each other.
    TlsClients m_trust;
    const std::shared_ptr<Resolver> m_resolver;
    const std::shared_ptr<Dialer> m_dialer;
    Runtime m_runtime{1};
    BlockingPool m_files{"far-files", 1, 64};
};

} // namespace portolan::client
