// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <boost/describe/class.hpp>

#include <string>
#include <vector>

/// Who the other end says it is: what a person compares before trusting it. Public, never a secret.
namespace portolan {

/// An X.509 certificate (RFC 5280) as the other end showed it.
struct CertificateFacts
{
    std::string subject; ///< "CN=shop.example, O=Shop", one line as RFC 4514 has it
    std::string issuer;
    std::vector<std::string> names; ///< subjectAltName: host names and addresses it is good for; at most 100
    std::string sha256;             ///< of the whole certificate, "AB:CD:…", as browsers and openssl show it
    WallTime from{};                ///< good from then
    WallTime until{};               ///< to then
    unsigned depth = 0;             ///< 0: the end's own; above: of who signed it
    bool operator==(const CertificateFacts &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(CertificateFacts, (), (subject, issuer, names, sha256, from, until, depth))

/// The key of a host reached by ssh.
struct HostKeyFacts
{
    std::string host;   ///< as ssh names it: "bastion.example", "[10.0.0.2]:2222"
    std::string kind;   ///< "ED25519"
    std::string sha256; ///< "SHA256:…", as ssh-keygen -l shows it
    std::string
        known; ///< where another key of this host is kept, "FILE:LINE"; empty: none is, it is seen for the first time
    bool operator==(const HostKeyFacts &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(HostKeyFacts, (), (host, kind, sha256, known))

} // namespace portolan
