// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/trust.h"
#include "core/net/http_client.h"

#include <chrono>
#include <memory>
#include <optional>

namespace portolan::stack {

struct ProbeRequest
{
    Executor executor;
    std::shared_ptr<Dialer> dialer;
    std::shared_ptr<TlsClient> tls; ///< null: there is none, and none is followed to
    net::HttpUrl url;
    std::chrono::milliseconds deadline{5'000}; ///< of all of it, redirects included
    bool follow = true;                        ///< up to three redirects, to the same scheme or to https
};

struct ProbeOutcome
{
    std::optional<unsigned> status; ///< of the last answer
    std::optional<Error> error;     ///< why there is none
    std::chrono::milliseconds took{0};
    /// Of who `url` names, not of where a redirect leads; also where it is not trusted.
    std::optional<CertificateFacts> certificate;
};

/// Asks a URL over a connection of its own, as somebody who comes for the first time. 64 KiB of an answer are waited
/// for, and not kept; of a longer one the rest does not count.
awaitable<ProbeOutcome> probeOnce(ProbeRequest request);

} // namespace portolan::stack
