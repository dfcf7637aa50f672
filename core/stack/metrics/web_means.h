// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/blocking_pool.h"
#include "core/base/credentials.h"
#include "core/base/dial.h"
#include "core/base/trust.h"

#include <memory>

namespace portolan::stack {

/// What sources that speak HTTP need of their process. `clock` and `blocking` outlive them.
struct WebMeans
{
    const Clock &clock;
    BlockingPool &blocking; ///< reads files of certificates and secrets
    std::shared_ptr<TlsClients> trusts;
    std::shared_ptr<Dialer> dialer; ///< the way that the part's `through` names
    SecretSources secrets{};
};

} // namespace portolan::stack
