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
    /// The portal at `url`, signed in to by `token`, an API token or an access token. Invalid: it is no address of one,
    /// or there is no token.
    static Result<std::unique_ptr<Attached>> make(const std::string &url, Secret token, const Clock &clock);

    Attached(client::RemoteDeployment::Spec spec, const Clock &clock)
        : m_network(clock), m_deployment(std::move(spec), m_network.parts())
    {}

    client::RemoteDeployment &deployment() { return m_deployment; }

private:
    client::Network m_network;
    client::RemoteDeployment m_deployment;
};

} // namespace portolan::app
