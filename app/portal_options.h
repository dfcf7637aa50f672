// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/client/remote_deployment.h"

#include <string>

namespace CLI {
class App;
}

namespace portolan::app {

/// How a portal elsewhere is reached, trusted and signed in to, on a command line. No secret is among it: others see
/// what a program was started with. Outlives the parsing.
class PortalOptions final
{
public:
    void addTo(CLI::App &command);
    bool any() const { return !m_authority.empty() || !m_pin.empty() || !m_through.empty() || !m_email.empty(); }

    /// The portal at `url`. With --email `password` signs in, else `token`. Reads the file of authorities. Invalid,
    /// with the option or the setting that is wrong or missing; Unsupported: a way there is none for yet.
    Result<client::RemoteDeployment::Spec> spec(const std::string &url, Secret token, Secret password) const;

private:
    Result<TrustSpec> trust() const;
    Result<Reach> reach() const;

    std::string m_authority;
    std::string m_pin;
    std::string m_through;
    std::string m_email;
};

} // namespace portolan::app
