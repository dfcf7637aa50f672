// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/message.h"

#include <boost/beast/http/basic_parser.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace portolan::http {

/// Finds the end of a request's head in what has arrived so far, without looking at a byte twice, and refuses what
/// Beast would accept but another server may read differently: bare line feeds and folded lines (request smuggling).
class HeadScanner final
{
public:
    enum class Outcome { Incomplete, Complete, Malformed };

    /// `data`: all unread bytes, starting where they did at the last call. After Complete, size() bytes are the head.
    Outcome scan(std::string_view data);
    std::size_t size() const { return m_position; }
    bool fresh() const { return m_searched == 0; }
    /// As far as it has been seen.
    std::size_t requestLineSize() const { return m_lines == 0 ? m_searched : m_requestLine; }
    void reset() { *this = HeadScanner{}; }

private:
    std::size_t m_position = 0; ///< up to here whole lines were seen
    std::size_t m_searched = 0; ///< up to here there is no further line feed
    std::size_t m_lines = 0;
    std::size_t m_requestLine = 0;
};

/// Beast's request parser, filling a Request and noting what the checks after it ask for. One per request.
class RequestParser final : public boost::beast::http::basic_parser<true>
{
public:
    explicit RequestParser(Request &request) : m_request(request)
    {
        body_limit(boost::none); // counted here, since the bound is known only after admission
    }

    /// What the body may come to. Set before its first byte is put.
    void limitBody(std::size_t bytes) { m_bodyLimit = bytes; }
    /// The body's bytes are thrown away instead of kept.
    void discardBody() { m_discard = true; }

    /// How often headers occurred whose number matters, and which ones are there at all.
    struct Seen
    {
        std::uint16_t fields = 0;
        std::uint16_t hosts = 0;
        std::uint16_t contentLengths = 0;
        std::uint16_t transferEncodings = 0;
        bool expect = false;
        bool upgrade = false;
        bool origin = false;
        bool cookie = false;
        bool extension = false; ///< any that Beast has no name for, X-Request-Id among them
    };
    const Seen &seen() const { return m_seen; }
    unsigned httpVersion() const { return m_version; }

    /// Whether the rest of a body may go on with these bytes, which have not been put yet. Beast looks at a chunk's
    /// size only when more has come than somebody sends who waits for an answer, and takes "0x5" for the last chunk.
    bool canContinueWith(std::string_view data) const;
    bool inChunk() const { return m_chunkLeft > 0; } ///< data of the present chunk is still to come

    static constexpr std::size_t maxFields = 128;

private:
    using string_view = boost::beast::string_view;

    void on_request_impl(verb method, string_view name, string_view target, int version, error_code &ec) override;
    void on_response_impl(int, string_view, int, error_code &) override {}
    void on_field_impl(field name, string_view text, string_view value, error_code &ec) override;
    void on_header_impl(error_code &ec) override;
    void on_body_init_impl(const boost::optional<std::uint64_t> &, error_code &) override {}
    std::size_t on_body_impl(string_view body, error_code &ec) override;
    void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code &ec) override;
    std::size_t on_chunk_body_impl(std::uint64_t remain, string_view body, error_code &ec) override;
    void on_finish_impl(error_code &) override {}

    Request &m_request;
    Seen m_seen;
    unsigned m_version = 11;
    bool m_inBody = false;
    bool m_discard = false;
    std::size_t m_bodyLimit = std::numeric_limits<std::size_t>::max();
    std::size_t m_announced = 0;   ///< by chunk headers
    std::uint64_t m_chunkLeft = 0; ///< bytes of the present chunk that have not come
    bool m_firstChunk = true;
    std::size_t m_extensions = 0; ///< bytes of chunk extensions and trailers
};

} // namespace portolan::http
