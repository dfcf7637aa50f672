// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/address_table.h"
#include "core/http/forwarded.h"

#include <boost/asio/ip/address.hpp>

#include <string>

namespace portolan::http {

/// Who is at the other end of a connection.
struct Peer
{
    asio::ip::address address{}; ///< unspecified through a Unix socket
    std::string text;            ///< Request::address
    std::string place;           ///< what counts as one address (addressPlace())
    bool proxied = false;        ///< a trusted proxy: others' requests come over it

    static Peer at(const asio::ip::address &address, const TrustedProxies &proxies)
    {
        return {address, address.to_string(), addressPlace(address), proxies.trusts(address)};
    }
    /// Somebody on this machine, through a Unix socket.
    static Peer local() { return {{}, "local", "local", false}; }
};

} // namespace portolan::http
