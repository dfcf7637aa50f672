// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/response_head.h"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <charconv>

namespace portolan::http {

namespace {

template <class Number> void appendNumber(std::string &out, Number number)
{
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

bool isTokenChar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool breaksLine(char c) { return c == '\r' || c == '\n' || c == '\0'; }

void appendStatusLine(std::string &out, status code)
{
    if (code == status::ok) {
        out.append("HTTP/1.1 200 OK\r\n");
        return;
    }
    const auto reason = boost::beast::http::obsolete_reason(code);
    out.append("HTTP/1.1 ");
    appendNumber(out, static_cast<unsigned>(code));
    out.append(" ").append(reason.data(), reason.size()).append("\r\n");
}

} // namespace

std::string_view flawOf(const Response &response)
{
    const auto code = static_cast<unsigned>(response.code);
    if (code < 200 || code > 599)
        return "a handler's status is between 200 and 599";
    for (const auto &[name, value] : response.headers) {
        if (name.empty() || !std::all_of(name.begin(), name.end(), isTokenChar))
            return "a header's name is a token";
        if (std::any_of(value.begin(), value.end(), breaksLine))
            return "a header's value holds no line break";
        for (const std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection", "Date"}) {
            if (boost::beast::iequals(name, own))
                return "this header is the server's to set";
        }
    }
    return {};
}

bool bodiless(status code) { return code == status::no_content || code == status::not_modified; }

void appendHead(std::string &out, const Response &response, const HeadFacts &facts)
{
    appendStatusLine(out, response.code);
    out.append(facts.dateLine);
    if (!bodiless(response.code)) {
        if (!response.contentType.empty())
            out.append("Content-Type: ").append(response.contentType).append("\r\n");
        out.append("Content-Length: ");
        appendNumber(out, response.body.size());
        out.append("\r\n");
    }
    out.append("X-Request-Id: ").append(facts.requestId).append("\r\nX-Content-Type-Options: nosniff\r\n");
    if (facts.limits) {
        out.append("X-RateLimit-Limit: ");
        appendNumber(out, facts.limits->limit);
        out.append("\r\nX-RateLimit-Remaining: ");
        appendNumber(out, facts.limits->remaining);
        out.append("\r\nX-RateLimit-Reset: ");
        appendNumber(out, facts.limits->reset);
        out.append("\r\n");
    }
    if (!facts.allowedOrigin.empty()) {
        out.append("Access-Control-Allow-Origin: ").append(facts.allowedOrigin);
        out.append("\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: X-Request-Id, "
                   "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After\r\n");
    }
    if (facts.varyOrigin)
        out.append("Vary: Origin\r\n");
    if (facts.strictTransport)
        out.append("Strict-Transport-Security: max-age=31536000\r\n");
    for (const auto &[name, value] : response.headers)
        out.append(name).append(": ").append(value).append("\r\n");
    if (facts.close)
        out.append("Connection: close\r\n");
    else if (facts.http10)
        out.append("Connection: keep-alive\r\n");
    out.append("\r\n");
}

} // namespace portolan::http
