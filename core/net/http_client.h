// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/dial.h"
#include "core/base/trust.h"
#include "core/net/http_message.h"
#include "core/net/http_url.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

namespace portolan::net {

struct HttpLimits
{
    std::size_t connections = 2;            ///< to the origin, idle ones included
    std::chrono::milliseconds idle{30'000}; ///< a connection is kept so long for the next call
    std::size_t waiting = 64;               ///< calls that may wait for a connection
};

/// HTTP/1.1 (RFC 9112) to one origin, through whatever way a Dialer knows. All calls, and the end of it, on its
/// executor's thread, or when that no longer runs.
///
/// Every call ends by its deadline. A GET or HEAD is sent a second time, once, only where a connection that had served
/// before ended without a byte of an answer: the other end had closed it meanwhile. Anything else is sent once, and
/// never over a connection that may have been closed: it gets a new one. Where its answer does not come, nobody knows
/// whether it was done: Timeout "http-unknown", or Cancelled where it was given up here.
///
/// Other errors, as kind "code": those of the way (dial.h), of TLS (trust.h); Timeout "http-timeout"; Unavailable
/// "http-closed" (it hung up), "http-busy" (too many calls wait); TooLarge "http-too-large"; Protocol "http-malformed"
/// (no HTTP, or cut short), "http-encoding" (compressed, though we asked for plain), "http-redirect"; Invalid
/// "http-request"; Cancelled. An answer of any status is an answer.
class HttpClient final
{
public:
    /// `tls`: for an origin that is secure, and for redirects to such; null: there is none.
    HttpClient(Executor executor, std::shared_ptr<Dialer> dialer, std::shared_ptr<TlsClient> tls, Origin origin,
               HttpLimits limits = {});
    ~HttpClient(); ///< close()
    HttpClient(const HttpClient &) = delete;
    HttpClient &operator=(const HttpClient &) = delete;

    awaitable<Result<HttpAnswer>> send(HttpRequest request);

    /// The same for a body that is read on its way and not kept: `piece` gets that of a success (2xx), and answers
    /// false when it wants no more. The answer has no body.
    awaitable<Result<HttpAnswer>> read(HttpRequest request, std::function<bool(std::string_view piece)> piece);

    /// What is under way ends with Cancelled: at once, or where it is being dialed when that ends, by its deadline at
    /// the latest. Nothing is taken any more.
    void close();

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::net
