// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/server.h"

#include <memory>
#include <string>

namespace portolan {
class Clock;
class Runtime;
} // namespace portolan

namespace portolan::server {

/// HTTP on a Unix socket of mode 0600 in the data directory, for the same user on the same machine: whoever can open
/// it (and root) acts as an operator, without signing in and without limits. `portoland status` uses it.
///
/// Requests go through the same routes as from outside; routes that ask for more than Role::Operator answer 403. They
/// are not counted as traffic of the portal. Bounds: 16 connections, of which the one that has waited longest makes
/// room for another; 10 s a request with its handler; heads and bodies as over TCP. No WebSockets.
class LocalSocket final
{
public:
    /// All outlive it. `log` hears of what fails. `path`: at most 107 bytes (sockaddr_un).
    LocalSocket(Runtime &runtime, const http::Router &router, http::ServerObserver &log, const Clock &clock,
                std::string path);
    ~LocalSocket(); ///< stop()
    LocalSocket(const LocalSocket &) = delete;
    LocalSocket &operator=(const LocalSocket &) = delete;

    /// Replaces a stale socket file; the caller holds the data directory's lock. A file that is deleted or replaced
    /// later is made again within a second or two, unless another process answers there.
    Result<void> start();
    void stop(); ///< closes and removes the file; blocks until no handler runs, for at most 5 s; not from an I/O thread

private:
    struct Impl;
    const std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::server
