// SPDX-License-Identifier: GPL-3.0-or-later
// What is answered to what no handler sees.

#include "core/http/connection.h"
#include "core/http/problem.h"
#include "core/http/uri.h"

#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace portolan::http {

namespace {

namespace beast_http = boost::beast::http;

// https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt, sections 2.1 and 2.2; the two empty lines the binary
// form begins with have been passed over.
constexpr std::string_view proxyLine = "PROXY ";
constexpr std::string_view proxySignature("\0\r\nQUIT\n", 8);

std::string joined(const std::vector<verb> &verbs)
{
    std::string text;
    const auto add = [&](verb method) {
        const auto name = beast_http::to_string(method);
        text.append(text.empty() ? "" : ", ").append(name.data(), name.size());
    };
    for (const verb method : verbs) {
        add(method);
        if (method == verb::get)
            add(verb::head);
    }
    if (std::find(verbs.begin(), verbs.end(), verb::options) == verbs.end())
        add(verb::options);
    return text;
}

} // namespace

void Connection::refuseHead(Flaw flaw)
{
    closeAfter(true);
    Response response;
    switch (flaw) {
    case Flaw::Syntax:
        response = malformed(notHttp());
        break;
    case Flaw::Time:
        response = timedOut();
        break;
    case Flaw::Size:
    case Flaw::Cookies:
        response = tooLarge(flaw == Flaw::Cookies);
        break;
    }
    append(response);
}

Response Connection::tooLarge(bool cookies) const
{
    const auto most = std::to_string(m_core->options.maxHeaderBytes / 1024) + " KB.";
    if (m_scanner.requestLineSize() >= m_core->options.maxHeaderBytes) {
        return problem(m_request,
                       named(ErrorKind::TooLarge, "target-too-long", "The address is longer than " + most,
                             "Ask for less at once."),
                       status::uri_too_long);
    }
    auto error = named(ErrorKind::TooLarge, "headers-too-large", "The request's headers are larger than " + most,
                       "Send fewer or shorter headers.");
    if (cookies) {
        error.message = "The cookies that came with the request are larger than " + most;
        error.hint = "Delete the cookies of this site in the browser's settings, then open the page again.";
    }
    return problem(m_request, error, status::request_header_fields_too_large);
}

/// What has come instead of a request, as far as it can be told: whoever sent it took this port for another one.
std::string Connection::notHttp() const
{
    const auto data = m_buffer.cdata();
    const std::string_view start(static_cast<const char *>(data.data()), data.size());
    if (start.starts_with("\x16\x03")) // a TLS record that holds a handshake (RFC 8446, section 5.1)
        return "This port speaks plain HTTP, not HTTPS: write http:// in the address.";
    if (start.starts_with(proxyLine) ||
        start.starts_with(proxySignature.substr(0, std::max<std::size_t>(start.size(), 1)))) {
        m_core->observer.refused(m_request, "a proxy begins with the PROXY protocol");
        return "This connection begins with the PROXY protocol, which is not spoken here. Turn it off in the proxy "
               "(nginx: proxy_protocol, HAProxy: send-proxy, load balancers: Proxy protocol v2), let it send "
               "X-Forwarded-For instead, and name its address in TRUSTED_PROXIES.";
    }
    return "This is not an HTTP/1.1 request.";
}

Response Connection::unmatched(const std::vector<verb> &allowed)
{
    if (m_request.method == verb::options && (m_request.path == "*" || !allowed.empty()))
        return answerOptions(allowed);
    if (!allowed.empty()) {
        auto response =
            problem(m_request, named(ErrorKind::Unsupported, "method-not-allowed", "This path has no such method."),
                    status::method_not_allowed);
        return std::move(response).with("Allow", joined(allowed));
    }
    if (m_request.path.starts_with('/')) {
        const auto plain = plainPath(m_request.path);
        if (plain != m_request.path && m_core->router.has(plain))
            return redirectTo(plain);
    }
    const auto socket = m_core->webSocketRoutes.match(m_request);
    if (!socket.allowed.empty())
        return unmatched(socket.allowed);
    if (socket.route) {
        auto response = problem(m_request, named(ErrorKind::Invalid, "upgrade-required", "This is a WebSocket."),
                                status::upgrade_required);
        return std::move(response).with("Upgrade", "websocket");
    }
    return problem(m_request, failure(ErrorKind::NotFound, "There is nothing at this path."));
}

/// To the same thing on this server, by the same method (RFC 9110, section 15.4.9). `path` starts with a single slash,
/// so no browser takes it for another host.
Response Connection::redirectTo(std::string_view path) const
{
    Response response = text({}, status::permanent_redirect);
    std::string location(path);
    if (!m_request.query.empty())
        location.append("?").append(m_request.query);
    return std::move(response).with("Location", std::move(location));
}

/// What a path can do, and the permission a browser asks for before a request from another origin.
Response Connection::answerOptions(const std::vector<verb> &allowed)
{
    auto response = noContent();
    if (m_request.path == "*")
        return response;
    response.with("Allow", joined(allowed));
    const auto &headers = m_request.headers;
    if (m_parser->seen().origin && originAllowed(headers[field::origin]) &&
        !headers[field::access_control_request_method].empty()) {
        response.with("Access-Control-Allow-Methods", joined(allowed))
            .with("Access-Control-Allow-Headers", "Authorization, Content-Type, X-CSRF-Token, X-Request-Id, X-App-Key")
            .with("Access-Control-Max-Age", "600");
    }
    return response;
}

Response Connection::malformed(std::string detail) const
{
    return problem(m_request, named(ErrorKind::Invalid, "malformed", std::move(detail)));
}

Response Connection::bodyFailure(error_code ec) const
{
    if (ec == beast_http::error::body_limit)
        return problem(m_request, failure(ErrorKind::TooLarge, "The body is larger than this route takes."));
    return malformed("The body is malformed.");
}

Response Connection::timedOut() const
{
    return problem(m_request, named(ErrorKind::Timeout, "request-timeout", "The request did not arrive in time."),
                   status::request_timeout);
}

Response Connection::failed(std::string_view what) const
{
    m_core->observer.failed(m_request, m_served.route, what);
    return problem(m_request, failure(ErrorKind::Internal, "The server failed at this request; its log says why."));
}

} // namespace portolan::http
