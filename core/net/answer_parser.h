// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/net/http_message.h"

#include <boost/beast/http/basic_parser.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace portolan::net {

/// Beast's parser of a response, filling an HttpAnswer within its bounds: 32 KiB and 128 fields of head, `most` bytes
/// of body. One per answer, interim ones included.
class AnswerParser final : public boost::beast::http::basic_parser<false>
{
public:
    /// A piece of a body on its way; false: no more of it is wanted.
    using Piece = std::function<bool(std::string_view piece)>;

    /// `piece`: takes the body of a success (2xx) instead of the answer; empty: none does. Bodies of other answers are
    /// then dropped. Both outlive the parser. A body that is encoded, though only `identity` was asked for, is an error
    /// at its first byte.
    AnswerParser(HttpAnswer &answer, const Piece &piece, std::size_t most);

    bool stopped() const { return m_stopped; } ///< `piece` wants no more
    bool headSeen() const { return m_headSeen; }
    bool encoded() const { return m_encoded; } ///< its body is compressed, and was not taken

private:
    using string_view = boost::beast::string_view;
    using error_code = boost::beast::error_code;
    using field = boost::beast::http::field;

    void on_request_impl(boost::beast::http::verb, string_view, string_view, int, error_code &) override {}
    void on_response_impl(int status, string_view reason, int version, error_code &ec) override;
    void on_field_impl(field name, string_view text, string_view value, error_code &ec) override;
    void on_header_impl(error_code &ec) override;
    void on_body_init_impl(const boost::optional<std::uint64_t> &, error_code &) override {}
    std::size_t on_body_impl(string_view body, error_code &ec) override;
    void on_chunk_header_impl(std::uint64_t, string_view, error_code &) override {}
    std::size_t on_chunk_body_impl(std::uint64_t remain, string_view body, error_code &ec) override;
    void on_finish_impl(error_code &) override {}

    HttpAnswer &m_answer;
    const Piece &m_piece;
    bool m_headSeen = false;
    bool m_stopped = false;
    bool m_encoded = false;
};

} // namespace portolan::net
