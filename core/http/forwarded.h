// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/http/message.h"

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::http {

/// The header a trusted proxy writes the client's address into. Whatever it does not write comes from the client.
enum class ClientHeader : std::uint8_t {
    Either,       ///< X-Forwarded-For, and X-Real-IP where there is none: for a proxy that writes the first
    ForwardedFor, ///< X-Forwarded-For alone
    RealIp,       ///< X-Real-IP alone
};

/// Which peers' X-Forwarded-For, X-Forwarded-Proto and X-Real-IP are believed. Immutable, safe from any thread.
class TrustedProxies final
{
public:
    /// Each entry is an address or a CIDR block, v4 or v6. Invalid names the first that is neither.
    static Result<TrustedProxies> parse(const std::vector<std::string> &entries,
                                        ClientHeader header = ClientHeader::Either);

    bool trusts(const asio::ip::address &address) const;

    struct Client
    {
        std::string address;
        bool secure = false;
    };
    /// Who is behind `peer`: the peer itself unless it is trusted, else the rightmost address of X-Forwarded-For that
    /// is not a trusted proxy (where all are, the leftmost; where something is not an address, the last good one
    /// before it), else X-Real-IP; with a ClientHeader only the one it names. `secure` is the last X-Forwarded-Proto.
    Client client(const asio::ip::address &peer, bool secure, const fields &headers) const;

private:
    struct Block
    {
        asio::ip::address_v6 network; ///< v4 as mapped
        unsigned prefix = 128;
    };
    std::vector<Block> m_blocks;
    ClientHeader m_header = ClientHeader::Either;
};

/// Parses an element of X-Forwarded-For: an address, "v4:port", "[v6]" or "[v6]:port"; v4-mapped comes out as v4.
/// An unspecified address with ec set where it is none.
asio::ip::address parseForwarded(std::string_view text, error_code &ec);

} // namespace portolan::http
