// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/dial.h"
#include "core/net/ssh_options.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace portolan::net {

/// How a tunnel stands.
struct SshFigures
{
    pid_t process = 0;        ///< of its ssh; 0: there is none
    bool up = false;          ///< connected
    std::size_t forwards = 0; ///< that are there now
    std::uint64_t starts = 0; ///< of ssh so far
};

/// A tunnel through one host by the system's ssh, which brings ~/.ssh/config, agents, hardware keys, jump hosts and
/// known_hosts with it. Nothing is started before the first dial; where ssh has ended, the next dial starts another,
/// after a pause that grows from 1 to 5 s, and to a minute where somebody has to do something first. Any thread; ssh is
/// a child of the executor's one, and ends with this.
///
/// Errors, beside those of dial.h:
///   tunnel-ssh-missing           there is no ssh on this machine
///   tunnel-ssh-name              the host, or the target as seen from it, has no address (Invalid: is no name at all)
///   tunnel-ssh-unreachable       no connection to the host or a jump host, or none from there to the target; Timeout:
///   no
///                                answer in time
///   tunnel-ssh-host-key-unknown  its key, or a jump host's, is not known: SshHostKeys shows it
///   tunnel-ssh-host-key-changed  it is another than the one that is known
///   tunnel-ssh-auth              it does not let us in
///   tunnel-ssh-passphrase        it would, by a key that is locked
///   tunnel-ssh-forbidden         it lets nobody forward there
///   tunnel-ssh-refused           nobody listens at the target
///   tunnel-ssh-gone              ssh ended, or its connection
///   tunnel-ssh-busy              too many connections are being made
///   tunnel-ssh-failed            something else, in ssh's words
/// All are Unavailable unless said otherwise. Error::mend is the line that mends it where there is one, told what ssh
/// said.
class SshTunnel final
{
public:
    static constexpr std::size_t mostLines = 200;

    /// This ends before `executor` does. Invalid "tunnel-ssh-name".
    static Result<std::shared_ptr<SshTunnel>> make(Executor executor, std::string host, SshOptions options);
    ~SshTunnel();
    SshTunnel(const SshTunnel &) = delete;
    SshTunnel &operator=(const SshTunnel &) = delete;

    /// As Dialer::dial(). While ssh connects, for at most SshOptions::firstDial; what a dial has begun goes on where
    /// its deadline comes before.
    awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline);

    const std::string &host() const { return m_host; }
    /// Why it was not, or is no longer, connected; nothing before the first dial and while it stands.
    std::optional<Error> trouble() const;
    std::vector<std::string> log() const; ///< the last lines of ssh, masked
    SshFigures figures() const;
    void retry(); ///< the next dial does not wait: somebody has confirmed a key, or unlocked one

private:
    struct State;
    SshTunnel(std::string host, std::shared_ptr<State> state);

    const std::string m_host;
    const std::shared_ptr<State> m_state;
};

/// How long to wait after a start that failed with `why`, when it was `before` the last time (zero: it was the first).
std::chrono::milliseconds pauseAfter(std::chrono::milliseconds before, const Error &why, const SshOptions &options);

/// A way through a tunnel. Several may share one.
class SshDialer final : public Dialer
{
public:
    explicit SshDialer(std::shared_ptr<SshTunnel> tunnel) : m_tunnel(std::move(tunnel)) {}
    awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline) override;
    std::string display() const override;
    const std::shared_ptr<SshTunnel> &tunnel() const { return m_tunnel; }

private:
    const std::shared_ptr<SshTunnel> m_tunnel;
};

/// The tunnels of a process: all that goes through one host shares one. Any thread.
class SshTunnels final
{
public:
    SshTunnels(Executor executor, SshOptions options) : m_executor(executor), m_options(std::move(options)) {}
    Result<std::shared_ptr<SshTunnel>> to(const std::string &host);
    Result<std::shared_ptr<Dialer>> through(const std::string &host);

private:
    const Executor m_executor;
    const SshOptions m_options;
    std::mutex m_mutex;
    std::map<std::string, std::weak_ptr<SshTunnel>> m_tunnels;
};

} // namespace portolan::net
