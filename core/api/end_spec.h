// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <string>

/// How an end is reached, trusted and signed in to. Holds no secret, only the names of secrets.
namespace portolan {

/// The way to another host.
enum class Way : std::uint8_t {
    Direct,
    Ssh,       ///< a port forwarded by the system's ssh; `host` as in ~/.ssh/config
    Socks5,    ///< RFC 1928; names are resolved by the proxy
    HttpProxy, ///< CONNECT, RFC 9110 §9.3.6
};
BOOST_DESCRIBE_ENUM(Way, Direct, Ssh, Socks5, HttpProxy)

/// `through` of a deployment's file: "direct", "ssh:bastion", "socks5:proxy:1080", "http:proxy:3128".
struct Reach
{
    Way way = Way::Direct;
    std::string host;       ///< never begins with `-`: it becomes a program's argument
    std::uint16_t port = 0; ///< of the proxy; 0 with Direct and Ssh
    bool operator==(const Reach &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Reach, (), (way, host, port))

/// Whose word is taken for who the other end is.
enum class Roots : std::uint8_t {
    System, ///< the authorities this machine trusts
    File,   ///< those of a PEM file
    Pin,    ///< this one certificate and no other: neither chain, name nor dates are judged
};
BOOST_DESCRIBE_ENUM(Roots, System, File, Pin)

struct TrustSpec
{
    Roots roots = Roots::System;
    std::string value;             ///< File: its path. Pin: SHA-256 of the certificate, "AB:CD:…"
    std::string serverName;        ///< to ask for and to check instead of the address' host; empty: that
    std::string clientCertificate; ///< PEM file that shows who we are; empty: none
    std::string clientKey;         ///< PEM file of its key
    bool operator==(const TrustSpec &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(TrustSpec, (), (roots, value, serverName, clientCertificate, clientKey))

} // namespace portolan
