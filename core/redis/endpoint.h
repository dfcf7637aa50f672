// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/end_spec.h"
#include "core/api/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {

/// Where a Redis is and how to sign in to it. Read from `redis://[user:pass@]host:port[/db]`, `rediss://` (TLS) or
/// `unix:/path` (`unix:/path?db=1`), and from what other programs write for the same: `redis://` and `redis:///0` (this
/// machine), `valkey://`, `tcp://`, `tls://`, `redis+socket:///path?virtual_host=1`, `redis+unix:///path`, `?db=`,
/// `?username=`, `?password=`, and with TLS `?ssl_ca_certs=`, `?ssl_certfile=`, `?ssl_keyfile=` (PEM files). What is
/// said in two places must be the same, as programs differ in which they take.
struct Endpoint
{
    enum class Transport : std::uint8_t { Tcp, Tls, Unix };

    Transport transport = Transport::Tcp;
    std::string host = "127.0.0.1";
    std::uint16_t port = 6379;
    std::string path;     ///< Unix
    std::string user;     ///< ACL user; empty: default
    std::string password; ///< never logged
    unsigned database = 0;
    TrustSpec trust; ///< Tls: whose certificates are taken, and the one of ours
    /// Tls: a name that the certificate may have where it is not made for `host`, which another server has announced as
    /// a bare address (sentinel.h, cluster_nodes.h). Never from a URL.
    std::string otherName = {};

    /// Percent-decoded and validated; the error names what is wrong with the URL without repeating its password.
    /// `password`: taken where the URL has none.
    static Result<Endpoint> parse(std::string_view url, std::string_view password = {});
    /// Parameters for other clients that mean nothing here, such as health_check_interval, by name.
    static std::vector<std::string> ignoredParameters(std::string_view url);

    bool operator==(const Endpoint &) const = default;
    std::string display() const; ///< the URL without user information, for people
};

} // namespace portolan::redis
