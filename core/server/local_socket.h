#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/http/router.h"

#include <memory>
#include <string>

namespace portolan::server {

/// HTTP on a Unix socket of mode 0600 in the data directory, for the same user on the same machine: whoever can open
/// it (and root) acts as an operator, without signing in and without limits. `portoland status` uses it.
///
/// Requests go through the same routes as from outside; routes that ask for more than Role::Operator answer 403.
/// Bounds: 16 connections, 64 KiB a request, 10 s a request, requests one after the other.
class LocalSocket final
{
public:
    /// `router` outlives it. `path`: at most 107 bytes (sockaddr_un).
    LocalSocket(Executor executor, const http::Router &router, std::string path);
    ~LocalSocket(); ///< stop()
    LocalSocket(const LocalSocket &) = delete;
    LocalSocket &operator=(const LocalSocket &) = delete;

    /// Replaces a stale socket file; the caller holds the data directory's lock. A file that is deleted or replaced
    /// later is made again within a second or two, unless another process answers there.
    Result<void> start();
    void stop(); ///< closes and removes the file; blocks until no handler runs; not from an I/O thread

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

/// One GET on such a socket, for the command line: blocks, at most `deadline`. The body of a 200, else the error.
Result<std::string> getFromLocalSocket(const std::string &path, const std::string &target,
                                       std::chrono::milliseconds deadline);

} // namespace portolan::server
