// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/request_parser.h"

#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstring>

namespace portolan::http {

namespace beast_http = boost::beast::http;

HeadScanner::Outcome HeadScanner::scan(std::string_view data)
{
    if (data.empty())
        return Outcome::Incomplete;
    // A method is made of letters; a TLS greeting or other noise is told at its first byte.
    if (m_searched == 0 && data.front() != '\r' && (data.front() <= ' ' || data.front() == 0x7f))
        return Outcome::Malformed;
    for (;;) {
        const auto from = m_searched;
        const auto *found = static_cast<const char *>(std::memchr(data.data() + from, '\n', data.size() - from));
        if (!found) {
            m_searched = data.size();
            return Outcome::Incomplete;
        }
        const auto end = static_cast<std::size_t>(found - data.data());
        const auto line = data.substr(m_position, end - m_position);
        if (line.empty() || line.back() != '\r')
            return Outcome::Malformed;
        if (m_lines > 0 && (line.front() == ' ' || line.front() == '\t'))
            return Outcome::Malformed;
        if (m_lines == 0 && line.starts_with("PROXY ")) // no method, but a line a proxy puts before
            return Outcome::Malformed;
        m_position = m_searched = end + 1;
        if (line.size() == 1)
            return m_lines > 0 ? Outcome::Complete : Outcome::Malformed;
        if (m_lines++ == 0)
            m_requestLine = m_position;
    }
}

void RequestParser::on_request_impl(verb method, string_view, string_view target, int version, error_code &)
{
    m_request.method = method;
    m_request.target.assign(target.data(), target.size());
    m_version = static_cast<unsigned>(version);
}

void RequestParser::on_field_impl(field name, string_view text, string_view value, error_code &ec)
{
    if (m_inBody) { // trailers: admission did not see them, so nobody may
        m_extensions += text.size() + value.size();
        return;
    }
    if (++m_seen.fields > maxFields) {
        ec = beast_http::error::header_limit;
        return;
    }
    switch (name) {
    case field::host:
        ++m_seen.hosts;
        break;
    case field::content_length:
        ++m_seen.contentLengths;
        break;
    case field::transfer_encoding:
        ++m_seen.transferEncodings;
        break;
    case field::expect:
        m_seen.expect = true;
        break;
    case field::upgrade:
        m_seen.upgrade = true;
        break;
    case field::origin:
        m_seen.origin = true;
        break;
    case field::cookie:
        m_seen.cookie = true;
        break;
    case field::unknown:
        m_seen.extension = true;
        break;
    default:
        break;
    }
    m_request.headers.insert(name, text, value);
}

void RequestParser::on_header_impl(error_code &) { m_inBody = true; }

std::size_t RequestParser::on_body_impl(string_view body, error_code &ec)
{
    if (m_discard)
        return body.size();
    if (body.size() > m_bodyLimit - m_request.body.size()) {
        ec = beast_http::error::body_limit;
        return 0;
    }
    m_request.body.append(body.data(), body.size());
    return body.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code &ec)
{
    constexpr std::size_t maxExtensions = 16 * 1024;
    m_extensions += extensions.size();
    if (m_extensions > maxExtensions) {
        ec = beast_http::error::bad_chunk_extension;
        return;
    }
    if (size > m_bodyLimit - m_announced) {
        ec = beast_http::error::body_limit;
        return;
    }
    m_announced += size;
    m_chunkLeft = size;
    m_firstChunk = false;
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code &ec)
{
    const auto taken = on_body_impl(body, ec);
    m_chunkLeft -= std::min<std::uint64_t>(m_chunkLeft, taken);
    return taken;
}

bool RequestParser::canContinueWith(std::string_view data) const
{
    if (!chunked() || m_chunkLeft > 0)
        return true;
    constexpr std::string_view lineEnd = "\r\n";
    const auto ends = [&](std::string_view text) { return text.starts_with(lineEnd.substr(0, text.size())); };
    if (!m_firstChunk) { // what ends the chunk before
        if (!ends(data))
            return false;
        data.remove_prefix(std::min(data.size(), lineEnd.size()));
    }
    const auto size = std::min(data.find_first_not_of("0123456789abcdefABCDEF"), data.size());
    if (size == data.size())
        return true;
    const std::string_view behind = data.substr(size);
    return size > 0 && (ends(behind) || behind.find_first_of("; \t") == 0);
}

} // namespace portolan::http
