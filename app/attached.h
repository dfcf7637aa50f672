// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/client/network.h"
#include "core/client/remote_deployment.h"

#include <memory>
#include <string>

namespace portolan::app {

/// A portal elsewhere that this console is attached to. GUI thread.
class Attached final
{
public:
    /// A portal that is reached, trusted and signed in to like this.
    static std::unique_ptr<Attached> portal(client::RemoteDeployment::Spec spec, const Clock &clock);

    Attached(client::RemoteDeployment::Spec spec, const Clock &clock)
        : m_network(clock), m_deployment(std::move(spec), m_network.parts())
    {}

    client::RemoteDeployment &deployment() { return m_deployment; }

private:
    client::Network m_network;
    client::RemoteDeployment m_deployment;
};

} // namespace portolan::app
