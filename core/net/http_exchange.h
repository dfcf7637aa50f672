// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/byte_stream.h"
#include "core/net/answer_parser.h"
#include "core/net/http_message.h"

#include <boost/beast/core/flat_buffer.hpp>

#include <memory>
#include <optional>
#include <string>

namespace portolan::net {

/// A request and its answer over one connection. What becomes of it is in the members once run() has ended.
class Exchange final
{
public:
    /// `where`: whom errors name. All outlive it. `start`: of the whole call.
    Exchange(const HttpRequest &request, const AnswerParser::Piece &piece, std::string where, SteadyTime start);

    /// Writes `head` and the request's body, reads the answer. Ends by `deadline`: it closes the stream then.
    awaitable<void> run(std::shared_ptr<ByteStream> stream, std::string head, SteadyTime deadline);

    HttpAnswer answer;
    std::optional<Error> error;
    bool silent = false;   ///< the other end hung up before the first byte of an answer
    bool reusable = false; ///< the connection

private:
    awaitable<void> readAnswer(std::shared_ptr<ByteStream> stream);
    void begin();
    bool parse();
    bool finished();
    void ended(ByteStream &stream, const error_code &ec);
    Error failed(ErrorKind kind, const char *code, const std::string &what, std::string hint) const;

    const HttpRequest &m_request;
    const AnswerParser::Piece &m_piece;
    const std::string m_where;
    const SteadyTime m_start;
    boost::beast::flat_buffer m_input;
    std::optional<AnswerParser> m_parser;
    unsigned m_interim = 0;
    bool m_began = false;
};

} // namespace portolan::net
