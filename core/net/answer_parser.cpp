// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/answer_parser.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

namespace portolan::net {

namespace beast = boost::beast;

namespace {

constexpr std::uint32_t mostHead = 32 * 1024;
constexpr std::size_t mostFields = 128;

} // namespace

std::string_view header(const Headers &headers, std::string_view name)
{
    for (const auto &one : headers)
        if (beast::iequals({one.name.data(), one.name.size()}, {name.data(), name.size()}))
            return one.value;
    return {};
}

AnswerParser::AnswerParser(HttpAnswer &answer, const Piece &piece, std::size_t most) : m_answer(answer), m_piece(piece)
{
    header_limit(mostHead);
    body_limit(most);
    eager(true);
}

void AnswerParser::on_response_impl(int status, string_view, int, error_code &)
{
    m_answer.status = static_cast<unsigned>(status);
}

void AnswerParser::on_field_impl(field, string_view text, string_view value, error_code &ec)
{
    if (m_headSeen)
        return; // of a trailer: nobody asks for them
    if (m_answer.headers.size() >= mostFields) {
        ec = beast::http::error::header_limit;
        return;
    }
    m_answer.headers.push_back({std::string(text), std::string(value)});
}

void AnswerParser::on_header_impl(error_code &)
{
    m_headSeen = true;
    const auto is = [this](std::string_view name, string_view plain) {
        const auto said = header(m_answer.headers, name);
        return said.empty() || beast::iequals({said.data(), said.size()}, plain);
    };
    m_encoded = !is("Content-Encoding", "identity") || !is("Transfer-Encoding", "chunked");
}

std::size_t AnswerParser::on_body_impl(string_view body, error_code &ec)
{
    if (m_encoded) {
        ec = beast::http::error::bad_value;
        return 0;
    }
    if (!m_piece) {
        m_answer.body.append(body.data(), body.size());
    } else if (m_answer.status / 100 == 2 && !m_piece({body.data(), body.size()})) {
        m_stopped = true;
        ec = beast::http::error::end_of_stream;
        return 0;
    }
    return body.size();
}

std::size_t AnswerParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code &ec)
{
    return on_body_impl(body, ec);
}

} // namespace portolan::net
