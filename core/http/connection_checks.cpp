// SPDX-License-Identifier: GPL-3.0-or-later
// What a request must be before anybody looks at it. The rules are those of
// RFC 9112; where it leaves a choice the stricter reading is taken, since a proxy in front may take the other one.

#include "core/base/given_text.h"
#include "core/base/utf8.h"
#include "core/http/connection.h"
#include "core/http/problem.h"
#include "core/http/uri.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>

namespace portolan::http {

namespace {

using boost::beast::iequals;
namespace beast_http = boost::beast::http;

constexpr std::size_t maxRequestId = 64;

bool isRequestId(std::string_view id)
{
    return !id.empty() && id.size() <= maxRequestId && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
               c == '.';
    });
}

/// host [":" port] with the characters of a name, an IPv4 or a bracketed IPv6 address.
bool isAuthority(std::string_view text)
{
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos)
            return false;
        const auto inside = text.substr(1, end - 1);
        if (inside.empty() || inside.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
            return false;
        port = text.substr(end + 1);
    } else {
        const auto colon = text.find(':');
        const auto name = text.substr(0, colon);
        const bool sane = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
                   c == '_';
        });
        if (!sane)
            return false;
        port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    }
    return port.empty() || (port.front() == ':' && port.size() <= 6 &&
                            port.find_first_not_of("0123456789", 1) == std::string_view::npos);
}

/// host [":" port] without a port that goes without saying.
std::string_view withoutDefaultPort(std::string_view authority, bool secure)
{
    const std::string_view port = secure ? ":443" : ":80";
    if (authority.ends_with(port))
        authority.remove_suffix(port.size());
    return authority;
}

} // namespace

/// Parses the head at the start of the buffer and takes it off. A response where the request cannot go on.
std::optional<Response> Connection::understandHead()
{
    error_code ec;
    m_parser->header_limit(static_cast<std::uint32_t>(m_scanner.size() + 1));
    m_parser->put(asio::buffer(m_buffer.cdata(), m_scanner.size()), ec);
    const bool ahead = ec == beast_http::error::bad_version && asksForHttp2();
    m_buffer.consume(m_scanner.size());
    chooseRequestId();
    identifyClient();
    if (ec == beast_http::error::header_limit) {
        return problem(m_request,
                       named(ErrorKind::TooLarge, "headers-too-large",
                             "There are more than " + std::to_string(RequestParser::maxFields) + " headers.",
                             "Send fewer of them."),
                       status::request_header_fields_too_large);
    }
    if (ec == beast_http::error::bad_version) {
        return problem(m_request,
                       named(ErrorKind::Invalid, "version", "Only HTTP/1.0 and HTTP/1.1 are spoken here.",
                             ahead ? "Do not begin with HTTP/2; a proxy in front can speak it for this server."
                                   : "End the request's first line with HTTP/1.1 in capitals, and write a blank in the "
                                     "address as %20."),
                       status::http_version_not_supported);
    }
    if (ec || !m_parser->is_header_done())
        return malformed("The request line or a header is malformed.");
    m_served.keepAlive = m_parser->keep_alive();
    if (auto refusal = checkVersionAndFraming())
        return refusal;
    return checkTarget();
}

/// Of the head at the start of the buffer: whether its first line ends in a newer version.
bool Connection::asksForHttp2() const
{
    const std::string_view head(static_cast<const char *>(m_buffer.cdata().data()), m_scanner.requestLineSize());
    const auto blank = head.rfind(' ');
    const auto version = blank == std::string_view::npos ? std::string_view{} : head.substr(blank + 1);
    return version.starts_with("HTTP/2") || version.starts_with("HTTP/3");
}

/// RFC 9110, section 10.1.1: of HTTP/1.0, which has no such answer, an expectation is ignored.
bool Connection::awaitsContinue() const { return m_parser->seen().expect && m_parser->httpVersion() != 10; }

void Connection::chooseRequestId()
{
    if (!m_parser->seen().extension)
        return;
    if (const std::string_view id = m_request.headers["X-Request-Id"]; isRequestId(id))
        m_request.id.assign(id);
}

void Connection::identifyClient()
{
    if (!m_peer.proxied)
        return;
    auto client = m_core->proxies.client(m_peer.address, m_transport->secure(), m_request.headers);
    m_client = std::move(client.address);
    m_request.address = m_client;
    m_request.secure = client.secure;
}

std::optional<Response> Connection::checkVersionAndFraming()
{
    const auto &seen = m_parser->seen();
    const bool http10 = m_parser->httpVersion() == 10;
    if (seen.transferEncodings > 0) {
        if (seen.contentLengths > 0 || seen.transferEncodings > 1 || http10)
            return malformed("Content-Length and Transfer-Encoding contradict each other.");
        if (!iequals(m_request.headers[field::transfer_encoding], "chunked")) {
            return problem(m_request, named(ErrorKind::Unsupported, "transfer-encoding",
                                            "The only transfer encoding understood here is chunked."));
        }
    }
    if (seen.contentLengths > 1)
        return malformed("Content-Length is there twice.");
    if (seen.contentLengths == 1) {
        const std::string_view length = m_request.headers[field::content_length];
        if (length.empty() || length.find_first_not_of("0123456789") != std::string_view::npos)
            return malformed("Content-Length is not a number.");
    }
    if (seen.hosts > 1 || (seen.hosts == 0 && !http10))
        return malformed("There must be exactly one Host header.");
    if (seen.expect && !http10 && !iequals(m_request.headers[field::expect], "100-continue")) {
        return problem(m_request, named(ErrorKind::Invalid, "expectation", "Only 100-continue can be expected."),
                       status::expectation_failed);
    }
    if (m_request.method == verb::unknown || m_request.method == verb::connect)
        return problem(m_request, named(ErrorKind::Unsupported, "method", "This method is not known here."));
    return std::nullopt;
}

std::optional<Response> Connection::checkTarget()
{
    std::string_view target = m_request.target;
    if (!wellFormedTarget(target))
        return malformed("The target is malformed.");
    std::string_view authority;
    if (m_parser->seen().hosts > 0)
        authority = m_request.headers[field::host];
    // The absolute form, which clients send to proxies; its authority wins over Host (RFC 9112, section 3.2.2).
    const auto scheme = target.substr(0, target.find("://") + 3);
    if (!target.starts_with('/') && (iequals(scheme, "http://") || iequals(scheme, "https://"))) {
        target.remove_prefix(scheme.size());
        const auto end = target.find_first_of("/?");
        authority = target.substr(0, end);
        target = end == std::string_view::npos ? std::string_view{} : target.substr(end);
        if (authority.empty())
            return malformed("The target names no host.");
    } else if (target == "*" && m_request.method == verb::options) {
        m_request.path = target;
        return checkHost(authority);
    } else if (!target.starts_with('/')) {
        return malformed("The target must be a path.");
    }
    const auto question = target.find('?');
    m_request.path = target.substr(0, question);
    m_request.query = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
    if (m_request.path.empty())
        m_request.path = "/";
    return checkHost(authority);
}

/// As it is written in a browser on this machine.
std::string Connection::ownAddress() const
{
    const auto &options = m_core->options;
    const bool bare = options.address.find(':') != std::string::npos && !options.address.starts_with('[');
    return (options.tlsCertificate.empty() ? "http://" : "https://") +
           (bare ? '[' + options.address + ']' : options.address) + ':' + std::to_string(m_core->port);
}

std::optional<Response> Connection::checkHost(std::string_view authority)
{
    const auto &options = m_core->options;
    std::string_view path = m_request.path; // other spellings are for the router to send on, whoever asks
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    while (path.starts_with("//"))
        path.remove_prefix(1);
    const bool probe = (m_request.method == verb::get || m_request.method == verb::head) &&
                       std::find(options.probes.begin(), options.probes.end(), path) != options.probes.end();
    if (probe) // whatever the Host: what asks may have nothing but an address it made up
        return std::nullopt;
    // An empty Host is what a client sends whose target has none; HTTP/1.0 may leave it out.
    if (!authority.empty() && !isAuthority(authority))
        return malformed("The Host header is malformed.");
    if (!m_core->hosts.allows(authority)) {
        m_core->observer.refused(m_request, "the host \"" + visible(authority) + "\" is not in ALLOWED_HOSTS (" +
                                                m_core->hosts.describe() + ")");
        auto error = named(ErrorKind::Invalid, "host", "This host is not served here.");
        error.hint = m_core->hosts.loopbackOnly()
                         ? "Open the address it listens on, " + ownAddress() + ", or name this host in ALLOWED_HOSTS."
                         : "Use the portal's own address; who runs it can name more in ALLOWED_HOSTS.";
        return problem(m_request, error);
    }
    if (options.redirectToHttps && !m_request.secure) {
        if (authority.empty())
            return problem(m_request, named(ErrorKind::Forbidden, "https", "This portal answers by https only."));
        // Where it is served by https is at its usual port, whatever port this came to.
        auto response = noContent();
        response.code = status::permanent_redirect;
        std::string place = "https://";
        place.append(hostOf(authority)).append(m_request.path == "*" ? "/" : m_request.path);
        if (!m_request.query.empty())
            place.append("?").append(m_request.query);
        return std::move(response).with("Location", std::move(place));
    }
    return checkOrigin(authority);
}

/// A browser lets any page send requests here, and tells which page it was. Where it is known by what names this is
/// asked, other pages are none of it: what a page elsewhere makes a visitor's browser do must not sign in, change
/// anything or use up this visitor's limits. Asking beforehand (OPTIONS) is free.
std::optional<Response> Connection::checkOrigin(std::string_view authority)
{
    const auto &hosts = m_core->hosts;
    const bool reads = m_request.method == verb::get || m_request.method == verb::head;
    if (hosts.any() || m_request.method == verb::options ||
        (reads && !hosts.loopbackOnly() && !m_parser->seen().upgrade))
        return std::nullopt;
    const auto &headers = m_request.headers;
    if (!m_parser->seen().origin) {
        // Pictures, scripts and links of another site come without an origin; a link that was followed may.
        const bool foreign = hosts.loopbackOnly() && headers["Sec-Fetch-Site"] == "cross-site" &&
                             headers["Sec-Fetch-Mode"] != "navigate";
        return foreign ? std::optional(foreignOrigin("another site")) : std::nullopt;
    }
    const std::string_view origin = headers[field::origin];
    const auto start = origin.find("://");
    const auto place = start == std::string_view::npos ? std::string_view{} : origin.substr(start + 3);
    if (originAllowed(origin) || (!place.empty() && (iequals(place, authority) || hosts.allows(place))))
        return std::nullopt;
    return foreignOrigin(origin);
}

Response Connection::foreignOrigin(std::string_view origin)
{
    m_core->observer.refused(m_request, "the page \"" + visible(origin) + "\" is not in ALLOWED_ORIGINS");
    auto error = named(ErrorKind::Forbidden, "origin", "Pages of other sites cannot use this portal.");
    error.hint = "Open the portal's own page; who runs it can name others in ALLOWED_ORIGINS.";
    return problem(m_request, error);
}

bool Connection::wantsWebSocket() const
{
    return m_parser->seen().upgrade && m_request.method == verb::get && m_parser->httpVersion() == 11 &&
           m_parser->upgrade() && beast_http::token_list{m_request.headers[field::upgrade]}.exists("websocket");
}

bool Connection::originAllowed(std::string_view origin) const
{
    const auto &allowed = m_core->origins;
    return std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
}

/// Whether a page of this origin came from here: scheme, host and port (RFC 6454, section 5). A page that came over
/// plain HTTP may be anybody's on the way, so it is no page of a portal that speaks HTTPS.
bool Connection::ownOrigin(std::string_view origin) const
{
    const bool secure = m_request.secure;
    const std::string_view scheme = secure ? "https://" : "http://";
    const std::string_view host = m_request.headers[field::host];
    return !host.empty() && origin.size() > scheme.size() && iequals(origin.substr(0, scheme.size()), scheme) &&
           iequals(withoutDefaultPort(origin.substr(scheme.size()), secure), withoutDefaultPort(host, secure));
}

/// After admission. A browser sends cookies along with any page's upgrade, so with them the page's origin counts; a
/// bearer token no page can make it send.
std::optional<Response> Connection::checkUpgrade()
{
    const auto &headers = m_request.headers;
    if (headers[field::sec_websocket_version] != "13") {
        auto response = problem(m_request, named(ErrorKind::Invalid, "websocket-version", "WebSocket version 13 only."),
                                status::upgrade_required);
        response.with("Sec-WebSocket-Version", "13").with("Upgrade", "websocket");
        return response;
    }
    if (headers[field::sec_websocket_key].size() != 24 || !m_parser->is_done() || m_buffer.size() > 0)
        return malformed("The WebSocket handshake is malformed.");
    if (m_parser->seen().cookie) {
        const std::string_view origin = headers[field::origin];
        if (!ownOrigin(origin) && !originAllowed(origin)) {
            m_core->observer.refused(m_request, "the page \"" + visible(origin) +
                                                    "\" may open no WebSocket by cookie; see "
                                                    "ALLOWED_ORIGINS");
            return problem(m_request, named(ErrorKind::Forbidden, "origin",
                                            "A WebSocket by cookie must be opened by a page of this portal.",
                                            "Name the page's origin in ALLOWED_ORIGINS, or the proxy that speaks HTTPS "
                                            "for this server in TRUSTED_PROXIES."));
        }
    }
    return std::nullopt;
}

/// A body that came compressed would be read as what it is not (RFC 9110, section 15.5.16).
std::optional<Response> Connection::checkEncoding() const
{
    const auto [first, last] = m_request.headers.equal_range(field::content_encoding);
    for (auto header = first; header != last; ++header) {
        const std::string_view value = header->value();
        if (value.empty() || iequals(value, "identity"))
            continue;
        auto error = named(ErrorKind::Unsupported, "content-encoding",
                           "The body came with Content-Encoding: " + visible(cutText(value, 40)) +
                               ", and no encoding is understood here.",
                           "Send it uncompressed, without that header.");
        return problem(m_request, error, status::unsupported_media_type).with("Accept-Encoding", "identity");
    }
    return std::nullopt;
}

/// Whose sockets are counted together.
std::string Connection::socketOwner() const
{
    const auto &who = m_request.principal;
    if (!who.token.empty())
        return "token " + who.token;
    return who.userId != 0 ? "user " + std::to_string(who.userId) : "address " + std::string(m_request.address);
}

Response Connection::tooManySockets(const std::string &who) const
{
    auto error = named(ErrorKind::RateLimited, "too-many-sockets", who + " live connections open already.",
                       "Close a page or a program that listens here.");
    error.retryAfter = std::chrono::seconds(10);
    return problem(m_request, error);
}

} // namespace portolan::http
