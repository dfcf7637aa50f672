// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/dial.h"
#include "core/base/trust.h"
#include "core/net/http_message.h"
#include "core/net/http_url.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace portolan::net {

struct WebSocketLimits
{
    std::size_t message = 16 * 1024 * 1024;   ///< bytes of one
    std::chrono::milliseconds silence{8'000}; ///< a ping goes out after half of it; without a sign of life it is over
    std::chrono::milliseconds closing{5'000}; ///< for the closing handshake
};

/// One WebSocket (RFC 6455), text messages only, through whatever way a Dialer knows. It is opened once. All calls, and
/// the end of it, on its executor's thread, or when that no longer runs.
///
/// Errors, as kind "code": those of the way (dial.h), of TLS (trust.h); of a refused upgrade Unauthenticated (401),
/// Forbidden (403), NotFound (404), RateLimited (429, with retryAfter), else Protocol, all "ws-refused"; Timeout
/// "ws-timeout" (not open by the deadline), "ws-silent" (no sign of life); TooLarge "ws-too-large"; Unavailable
/// "ws-closed" (the other end has closed it: closeCode(); or the connection broke); Protocol "ws-malformed"; Invalid
/// "http-request"; Cancelled (closed here).
class WebSocketClient final
{
public:
    /// `tls`: for an origin that is secure.
    WebSocketClient(Executor executor, std::shared_ptr<Dialer> dialer, std::shared_ptr<TlsClient> tls, Origin origin,
                    WebSocketLimits limits = {});
    ~WebSocketClient(); ///< cuts the connection
    WebSocketClient(const WebSocketClient &) = delete;
    WebSocketClient &operator=(const WebSocketClient &) = delete;

    /// `deadline`: of all of it, dialing, TLS and upgrade.
    awaitable<Result<void>> open(std::string target, Headers headers,
                                 std::chrono::milliseconds deadline = std::chrono::milliseconds(5'000));

    /// The next message; one call at a time. It takes part in pings and the closing handshake too, so there should
    /// always be one.
    awaitable<Result<std::string>> receive();
    awaitable<Result<void>> send(std::string text); ///< one call at a time

    /// Closes with `code` (1000: done) and waits for the other end to agree, within `closing`.
    awaitable<void> close(std::uint16_t code = 1000);
    /// Cuts the connection without a word: what is under way ends with Cancelled.
    void abort();

    std::optional<std::uint16_t> closeCode() const; ///< that the other end closed with; 1005: with none
    bool open() const;
    std::optional<CertificateFacts> certificate() const; ///< of the other end; nothing without TLS

private:
    struct Session;
    const Executor m_executor;
    const std::shared_ptr<Dialer> m_dialer;
    const std::shared_ptr<TlsClient> m_tls;
    const Origin m_origin;
    const WebSocketLimits m_limits;
    std::shared_ptr<Session> m_session;
};

} // namespace portolan::net
