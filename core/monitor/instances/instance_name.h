// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// The name of an instance: the same after each start, so that what is told of it over time is told of one thing.
namespace portolan::monitor::instances {

inline constexpr std::size_t maxNameBytes = 48;

/// 1 to 48 bytes of visible ASCII. It stands in a Redis key, in log lines and in tables as it is.
inline bool isInstanceName(std::string_view name)
{
    return !name.empty() && name.size() <= maxNameBytes &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

/// Where nobody gave it one: `<hostname>-<4 hex digits of the data directory's path>`, for a machine may run several,
/// each with a directory of its own. The path counts as it is once absolute and normal ("/srv/a/../b/" is "/srv/b");
/// links are not followed, or a disk that is not mounted yet would change the name. The digits are FNV-1a, 64 bits
/// (http://www.isthe.com/chongo/tech/comp/fnv/), folded. What of the host's name is not visible ASCII becomes '-'; of a
/// long one the beginning stands; without one it is "portal".
inline std::string instanceName(std::string_view hostname, const std::filesystem::path &dataDirectory)
{
    std::string path = std::filesystem::absolute(dataDirectory).lexically_normal().native();
    while (path.size() > 1 && path.ends_with('/'))
        path.pop_back();
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : path)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash ^= hash >> 32;
    hash ^= hash >> 16;

    constexpr std::size_t digits = 4;
    std::string name(hostname.substr(0, maxNameBytes - digits - 1));
    std::ranges::replace_if(
        name, [](char c) { return c <= ' ' || c > '~'; }, '-');
    if (name.empty())
        name = "portal";
    name += '-';
    for (std::size_t digit = digits; digit-- > 0;)
        name += "0123456789abcdef"[(hash >> (4 * digit)) & 0xf];
    return name;
}

} // namespace portolan::monitor::instances
