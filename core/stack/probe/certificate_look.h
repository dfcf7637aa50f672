// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/dial.h"
#include "core/base/trust.h"

#include <memory>
#include <optional>

namespace portolan::stack {

/// The certificate that `target` shows, also where it is not trusted: a handshake, and nothing more. Ends by the
/// deadline. Nothing: there is none to be seen.
awaitable<std::optional<CertificateFacts>> lookAtCertificate(Executor executor, std::shared_ptr<Dialer> dialer,
                                                             std::shared_ptr<TlsClient> tls, Target target,
                                                             SteadyTime deadline);

} // namespace portolan::stack
