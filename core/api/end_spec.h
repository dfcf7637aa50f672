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

/// What stands at the other end.
enum class EndKind : std::uint8_t {
    Local,  ///< the portal of this machine
    Portal, ///< a portal, or a watcher, elsewhere
    File,   ///< a stack that is watched as its file says
};
BOOST_DESCRIBE_ENUM(EndKind, Local, Portal, File)

enum class SignInBy : std::uint8_t { Token, Password, Anonymous };
BOOST_DESCRIBE_ENUM(SignInBy, Token, Password, Anonymous)

/// One deployment, as the console knows it.
struct EndSpec
{
    std::string id;    ///< made by who keeps it; empty: it is not kept yet
    std::string name;  ///< as its owner calls it
    std::string group; ///< heading it stands under; empty: none
    EndKind kind = EndKind::Portal;
    std::string url;  ///< of a portal, without user information
    std::string file; ///< of a watched stack: the whole path of its file; empty: not written yet
    Reach reach;
    TrustSpec trust;
    SignInBy signIn = SignInBy::Anonymous;
    std::string email;  ///< of a sign-in by password
    std::string secret; ///< name of the token or the password in the keychain; empty: none
    bool production = false;
    bool readOnly = false;
    bool operator==(const EndSpec &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(EndSpec, (),
                      (id, name, group, kind, url, file, reach, trust, signIn, email, secret, production, readOnly))

} // namespace portolan
