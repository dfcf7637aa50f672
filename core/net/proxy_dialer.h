// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/end_spec.h"
#include "core/api/secret.h"
#include "core/base/dial.h"

#include <memory>
#include <optional>
#include <string>

namespace portolan {
class ByteStream;
}

namespace portolan::net {

/// Who we are to a proxy.
struct ProxySignIn
{
    std::string user; ///< 1 to 255 bytes; over HTTP without a colon (RFC 7617)
    Secret password;  ///< at most 255 bytes
};

/// To a target through a proxy, which looks up the target's name. Errors, beside those of dial.h about the target:
/// "tunnel-away" (the proxy cannot be reached: Unavailable, or Timeout), Unavailable "tunnel-target" (it cannot reach
/// the target; its reason), "tunnel-sign-in" (Invalid where it cannot be said); Protocol "tunnel-protocol" (it is no
/// such proxy); Timeout "tunnel-timeout"; Unsupported "tunnel-unsupported" (a Unix socket at the far side).
class ProxyDialer : public Dialer
{
public:
    /// `way`: to the proxy.
    ProxyDialer(std::shared_ptr<Dialer> way, Target proxy, std::optional<ProxySignIn> signIn);
    awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline) final;
    std::string display() const final;

protected:
    /// Asks the proxy, which is connected, for the target. What it answers is read to its last byte and no further.
    virtual awaitable<Result<void>> ask(std::shared_ptr<ByteStream> proxy, Target target) const = 0;

    virtual bool takes(const ProxySignIn &signIn) const; ///< can say it at all
    Error failed(ErrorKind kind, const char *code, const std::string &what, std::string hint) const;
    Error broken(const error_code &ec) const; ///< the connection to the proxy
    const std::optional<ProxySignIn> &signIn() const { return m_signIn; }

private:
    const std::shared_ptr<Dialer> m_way;
    const Target m_proxy;
    const std::optional<ProxySignIn> m_signIn;
};

/// SOCKS 5: RFC 1928, signing in as RFC 1929 has it.
class Socks5Dialer final : public ProxyDialer
{
public:
    using ProxyDialer::ProxyDialer;

private:
    awaitable<Result<void>> ask(std::shared_ptr<ByteStream> proxy, Target target) const override;
    awaitable<Result<void>> greet(std::shared_ptr<ByteStream> proxy) const;
    Error refused(unsigned reply, const Target &target) const;
};

/// The CONNECT of an HTTP proxy (RFC 9110, section 9.3.6), signing in by Basic (RFC 7617).
class HttpConnectDialer final : public ProxyDialer
{
public:
    using ProxyDialer::ProxyDialer;

private:
    awaitable<Result<void>> ask(std::shared_ptr<ByteStream> proxy, Target target) const override;
    bool takes(const ProxySignIn &signIn) const override;
    std::string requestFor(const std::string &to) const;
};

class SshTunnels;

/// The way that `reach` names; `direct` to go straight, and to the proxy itself. Invalid where it names no proxy, or no
/// host for ssh; Unsupported for a tunnel of ssh where there are no `tunnels`, which are needed for this call alone.
Result<std::shared_ptr<Dialer>> dialerFor(const Reach &reach, std::shared_ptr<Dialer> direct,
                                          std::optional<ProxySignIn> signIn = {}, SshTunnels *tunnels = nullptr);

} // namespace portolan::net
