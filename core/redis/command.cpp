// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/command.h"

#include <charconv>

namespace portolan::redis {

// The one place where RESP is written by hand. redisFormatCommandArgv wants all arguments at once in two arrays,
// formats each length with sprintf and returns a buffer of its own to be copied from: for the script call of a
// signed-in request it took several times as long (tests/bench/redis_client_bench.cpp prints both).

namespace {

void appendHeader(std::string &to, char type, std::uint64_t number)
{
    char text[24];
    text[0] = type;
    char *end = std::to_chars(text + 1, text + sizeof text - 2, number).ptr;
    *end++ = '\r';
    *end++ = '\n';
    to.append(text, end);
}

} // namespace

Command &Command::begin(std::size_t arguments)
{
    appendHeader(m_bytes, '*', arguments);
    ++m_count;
    return *this;
}

Command &Command::argument(std::string_view bytes)
{
    appendHeader(m_bytes, '$', bytes.size());
    m_bytes.append(bytes).append("\r\n", 2);
    return *this;
}

Command &Command::append(const Command &others)
{
    m_bytes += others.m_bytes;
    m_count += others.m_count;
    return *this;
}

Command &Command::integer(std::int64_t number)
{
    char text[24];
    return argument(std::string_view(text, std::to_chars(text, text + sizeof text, number).ptr));
}

} // namespace portolan::redis
