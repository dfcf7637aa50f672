// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

namespace portolan {

/// Bytes of a text in LinkStatus (snapshot.h).
inline constexpr std::size_t longestLinkText = 1000;

/// Every LinkStatus::reason, which is Event::reason of a link too: whoever makes sentences has words for each.
inline constexpr std::string_view linkTroubles[]{
    "redis-away",
    "redis-lost",
    "redis-timeout",
    "redis-busy",
    "redis-busy-script",
    "redis-loading",
    "redis-read-only",
    "redis-auth",
    "redis-rights",
    "redis-renamed",
    "redis-database",
    "redis-cluster",
    "redis-full",
    "redis-evicts",
    "redis-moved",
    "redis-wrong-type",
    "redis-tls-untrusted",
    "redis-tls-self-signed",
    "redis-tls-expired",
    "redis-tls-not-yet",
    "redis-tls-name",
    "redis-tls-pin",
    "redis-tls-plain",
    "redis-tls-client-certificate",
    "redis-tls-version",
    "redis-tls-closed",
    "redis-tls-timeout",
    "redis-tls-failed",
    "redis-tls-file",
    "redis-sentinel-address",
    "redis-sentinel-away",
    "redis-sentinel-name",
    "redis-sentinel-auth",
    "redis-password-slow",
    "redis-tunnel-ssh-refused",
    "redis-tunnel-ssh-name",
    "redis-tunnel-ssh-forbidden",
    "redis-tunnel-ssh-auth",
    "redis-tunnel-ssh-passphrase",
    "redis-tunnel-ssh-host-key-unknown",
    "redis-tunnel-ssh-host-key-changed",
    "redis-tunnel-ssh-unreachable",
    "redis-tunnel-ssh-gone",
    "redis-tunnel-ssh-missing",
    "redis-tunnel-ssh-busy",
    "redis-tunnel-ssh-failed",
    "queue-cancelled",
    "database-lost",
    "database-busy",
    "database-connections",
    "database-resources",
    "database-refused",
    "database-not-allowed",
    "database-peer",
    "database-rights",
    "database-missing",
    "database-moved",
    "database-unwritable",
    "database-standby",
    "database-schema",
    "database-corrupt",
    "disk-full",
    "disk-error",
    "data-dir-moved",
    "data-dir-hangs",
};

} // namespace portolan
