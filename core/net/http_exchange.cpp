// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/http_exchange.h"

#include "core/net/coded.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <array>

namespace portolan::net {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t piece = 16 * 1024;
constexpr std::size_t mostUnparsed = 48 * 1024; ///< a head within its bound fits, and so does the line of a chunk
constexpr unsigned mostInterim = 8;             ///< answers of 100 to 199 before the one that counts

} // namespace

Exchange::Exchange(const HttpRequest &request, const AnswerParser::Piece &taker, std::string where, SteadyTime start)
    : m_request(request), m_piece(taker), m_where(std::move(where)), m_start(start), m_input(mostUnparsed + piece)
{}

Error Exchange::failed(ErrorKind kind, const char *code, const std::string &what, std::string hint) const
{
    return coded(kind, code, m_where + what, std::move(hint));
}

awaitable<void> Exchange::run(std::shared_ptr<ByteStream> stream, std::string head, SteadyTime deadline)
{
    const auto late = std::make_shared<bool>(false);
    Timer watchdog(stream->get_executor(), deadline);
    watchdog.async_wait([stream, late](const error_code &cancelled) {
        if (cancelled)
            return;
        *late = true;
        stream->close();
    });
    const std::array<asio::const_buffer, 2> request{asio::buffer(head), asio::buffer(m_request.body)};
    error_code ec;
    co_await asio::async_write(*stream, request, asio::redirect_error(use_awaitable, ec));
    // Read even after a failed write: who refuses a request says why before the rest of it has come.
    if (ec != asio::error::operation_aborted)
        co_await readAnswer(stream);
    else
        ended(*stream, ec);
    const bool inTime = watchdog.cancel() > 0;
    if (error && *late)
        error = failed(ErrorKind::Timeout, "http-timeout",
                       m_began ? " did not finish its answer in time." : " did not answer in time.",
                       "It may be busy or stuck; try again, or look at its log.");
    reusable = reusable && inTime && !error;
    if (!reusable)
        stream->close();
}

void Exchange::begin()
{
    answer = HttpAnswer{};
    m_parser.emplace(answer, m_piece, m_request.most);
    m_parser->skip(m_request.verb == Verb::Head);
}

awaitable<void> Exchange::readAnswer(std::shared_ptr<ByteStream> stream)
{
    begin();
    for (;;) {
        error_code ec;
        const auto size =
            co_await stream->async_read_some(m_input.prepare(piece), asio::redirect_error(use_awaitable, ec));
        m_input.commit(size);
        if (size > 0 && !m_began) {
            m_began = true;
            answer.firstByte =
                std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - m_start);
        }
        if (size > 0 && parse())
            co_return;
        if (ec) {
            ended(*stream, ec);
            co_return;
        }
    }
}

/// Of what has come so far. True: it is over, well or with an error.
bool Exchange::parse()
{
    while (m_input.size() > 0) {
        error_code ec;
        const auto used = m_parser->put(m_input.data(), ec);
        m_input.consume(used);
        if (m_parser->stopped())
            return true;
        if (ec == http::error::need_more)
            break;
        if (ec == http::error::body_limit) {
            error = failed(ErrorKind::TooLarge, "http-too-large",
                           " answers more than the " + std::to_string(m_request.most) + " bytes that are taken.",
                           "Check that this is the address that was meant.");
            return true;
        }
        if (ec && m_parser->encoded()) {
            error = failed(ErrorKind::Protocol, "http-encoding", " answers compressed, though it was asked not to.",
                           "Switch that off in the proxy before it.");
            return true;
        }
        if (ec) {
            error = failed(ErrorKind::Protocol, "http-malformed", " does not answer in HTTP (" + ec.message() + ").",
                           "Check host and port.");
            return true;
        }
        if (m_parser->is_done()) {
            if (finished())
                return true;
            continue;
        }
        if (used == 0)
            break;
    }
    if (m_input.size() <= mostUnparsed)
        return false;
    error = failed(ErrorKind::Protocol, "http-malformed", " does not answer in HTTP (a line without an end).",
                   "Check host and port.");
    return true;
}

/// An answer is complete. False: it was an interim one, and that which counts is still to come.
bool Exchange::finished()
{
    const auto firstByte = answer.firstByte;
    if (answer.status / 100 == 1 && answer.status != 101) {
        if (++m_interim > mostInterim) {
            error = failed(ErrorKind::Protocol, "http-malformed", " answers that it will answer, and does not.",
                           "Check host and port.");
            return true;
        }
        begin();
        answer.firstByte = firstByte;
        return false;
    }
    reusable = m_parser->keep_alive() && m_input.size() == 0 && answer.status != 101;
    return true;
}

void Exchange::ended(ByteStream &stream, const error_code &ec)
{
    // A body that goes on until the connection ends. In TLS a cut cannot be told from an end that was not announced.
    if (ec == asio::error::eof && m_parser && m_parser->headSeen() && m_parser->need_eof()) {
        error_code unfinished;
        m_parser->put_eof(unfinished);
        if (!unfinished) {
            finished();
            reusable = false;
            return;
        }
    }
    if (auto tls = stream.tlsProblem(ec)) {
        error = std::move(tls);
        return;
    }
    silent = !m_began && isEnd(ec);
    const std::string reason = isEnd(ec) ? "" : " (" + ec.message() + ")";
    if (!m_began)
        error = failed(ErrorKind::Unavailable, "http-closed", " closed the connection without an answer" + reason + ".",
                       "Check host and port; its log may say why.");
    else
        error = failed(ErrorKind::Protocol, "http-malformed", " broke off in the middle of its answer" + reason + ".",
                       "Try again; its log, or that of a proxy before it, may say why.");
}

} // namespace portolan::net
