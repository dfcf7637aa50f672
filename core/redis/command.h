// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace portolan::redis {

/// One or several commands in RESP, ready to send. Arguments are bytes; integers are written in decimal.
/// Built once, sent once: `Command("SET", key, value, "EX", 900)`; `batch.add("GET", a).add("GET", b)`.
class Command final
{
public:
    Command() = default;
    template <class... Args> explicit Command(std::string_view name, const Args &...args) { add(name, args...); }

    template <class... Args> Command &add(std::string_view name, const Args &...args)
    {
        begin(1 + sizeof...(Args));
        argument(name);
        (argument(args), ...);
        return *this;
    }

    /// For a number of arguments known only at run time: begin(n), then n times argument().
    Command &begin(std::size_t arguments);
    Command &argument(std::string_view bytes);
    template <class T>
    requires std::is_integral_v<T> Command &argument(T number) { return integer(static_cast<std::int64_t>(number)); }

    /// All commands of another after these.
    Command &append(const Command &others);

    std::size_t count() const { return m_count; } ///< commands, and so replies
    const std::string &bytes() const { return m_bytes; }
    std::string takeBytes() && { return std::move(m_bytes); }

private:
    Command &integer(std::int64_t number);

    std::string m_bytes;
    std::size_t m_count = 0;
};

} // namespace portolan::redis
