// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

namespace portolan {

class Resolver;

using RawSocket = std::variant<TcpSocket, UnixSocket>;

/// Where a stream of bytes is to lead.
struct Target
{
    std::string host; ///< name or address; with `path`, only for the name that TLS asks for
    std::uint16_t port = 0;
    std::string path;      ///< of a Unix socket at the far side of the way; empty: host and port
    std::string name = {}; ///< that TLS asks for and checks instead of `host`; empty: that. No Dialer looks at it
    bool operator==(const Target &) const = default;
    std::string display() const; ///< "shop.example:443", "[::1]:443", "/run/redis.sock"
};

/// A way to other hosts: directly, through a proxy or a tunnel. Any thread; each dial runs on that of its executor.
///
/// The errors name the target. By the step that failed (LinkStep), as kind "code":
///   name-…    as Resolver has them
///   tcp-…     Unavailable "tcp-refused" (nobody listens there), "tcp-unreachable", "tcp-missing" (no such Unix
///   socket),
///             "tcp-failed"; Timeout "tcp-timeout"
///   tunnel-…  of a proxy or tunnel
class Dialer
{
public:
    virtual ~Dialer() = default;
    /// A connected socket. Ends by the deadline (of the machine's steady clock), and touches nothing afterwards.
    virtual awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline) = 0;
    virtual std::string display() const = 0; ///< "through bastion"; empty: directly
};

/// Straight to the target. Of a name with several addresses (RFC 8305, "happy eyeballs"), the next is tried when one
/// has failed or is silent for 250 ms; the first that connects wins, the others are closed.
class DirectDialer final : public Dialer
{
public:
    explicit DirectDialer(std::shared_ptr<Resolver> resolver,
                          std::chrono::milliseconds between = std::chrono::milliseconds(250))
        : m_resolver(std::move(resolver)), m_between(between)
    {}
    awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline) override;
    std::string display() const override { return {}; }

private:
    awaitable<Result<RawSocket>> dialTcp(Executor executor, Target target, SteadyTime deadline);

    const std::shared_ptr<Resolver> m_resolver;
    const std::chrono::milliseconds m_between;
};

/// The error of a connection that could not be made: for whoever connects a socket himself.
Error dialError(const Target &target, const error_code &failed);

} // namespace portolan
