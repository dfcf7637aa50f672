// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {

/// One RESP2 reply, owned. https://redis.io/docs/latest/develop/reference/protocol-spec/
struct Reply
{
    enum class Type : std::uint8_t { Nil, Status, Error, Integer, String, Array };

    Type type = Type::Nil;
    std::int64_t integer = 0;    ///< Integer
    std::string text;            ///< Status, Error (with its prefix, "OOM command not allowed …"), String
    std::vector<Reply> elements; ///< Array

    bool isNil() const { return type == Type::Nil; }
    bool isError() const { return type == Type::Error; }
    /// The error's first word: "OOM", "NOSCRIPT", "WRONGTYPE", "ERR". Empty when it is no error.
    std::string_view errorCode() const;
};

} // namespace portolan::redis
