// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/keys.h"

#include <boost/asio/ip/address.hpp>

#include <functional>

namespace portolan::limits::keys {

namespace {

template <class Bytes> std::string withBytes(std::string_view start, const Bytes &bytes, std::size_t count)
{
    std::string key(start);
    key.append(reinterpret_cast<const char *>(bytes.data()), count);
    return key;
}

} // namespace

std::string idBytes(Id id)
{
    std::string bytes(8, '\0');
    for (int i = 0; i < 8; ++i)
        bytes[static_cast<std::size_t>(i)] = static_cast<char>(id >> (56 - 8 * i));
    return bytes;
}

std::string user(Id id) { return std::string(prefix) + idBytes(id); }

std::string address(std::string_view address)
{
    namespace ip = boost::asio::ip;
    char text[64];
    if (address.size() < sizeof text) {
        address.copy(text, address.size());
        text[address.size()] = '\0';
        boost::system::error_code none;
        const auto parsed = ip::make_address(text, none);
        if (!none && parsed.is_v4())
            return withBytes("l:a", parsed.to_v4().to_bytes(), 4);
        if (!none && parsed.to_v6().is_v4_mapped())
            return withBytes("l:a", ip::make_address_v4(ip::v4_mapped, parsed.to_v6()).to_bytes(), 4);
        if (!none)
            return withBytes("l:a", parsed.to_v6().to_bytes(), 8);
    }
    // FNV-1a: the same in every instance, which std::hash does not promise.
    std::uint64_t hash = 0xcbf29ce484222325ull;
    for (const char c : address)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    return "l:n" + idBytes(hash);
}

std::string guard(std::string_view sessionId) { return "l:g" + std::string(sessionId.substr(0, 16)); }

std::string tokenGuard(std::string_view tokenHash) { return "l:t" + std::string(tokenHash.substr(0, 16)); }

std::string ceiling(std::string_view name) { return "l:c" + std::string(name); }

} // namespace portolan::limits::keys
