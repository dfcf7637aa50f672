// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Little-endian integers of 1–8 bytes, as Redis' Lua reads them with struct.unpack("<I5").
namespace portolan::limits {

inline void put(std::string &to, std::uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i)
        to += static_cast<char>(value >> (8 * i));
}

/// Takes `bytes` off the front; 0 where there are not so many.
inline std::uint64_t take(std::string_view &from, std::size_t bytes)
{
    if (from.size() < bytes) {
        from = {};
        return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(from[i]);
    from.remove_prefix(bytes);
    return value;
}

} // namespace portolan::limits
