// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/child_process.h"
#include "core/net/ssh_log.h"
#include "core/net/ssh_options.h"
#include "core/net/ssh_process.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan::net {

/// Wakes whoever waits on one thread for something to change.
class Bell final
{
public:
    awaitable<void> wait(Executor executor, SteadyTime until); ///< for the next ring
    void ring();

private:
    std::vector<std::weak_ptr<Timer>> m_waiting;
};

/// One `ssh -N` with a control socket (ControlMaster), in a folder of its own: after a master that was killed, its
/// socket stays, and the next one on the same path would run without. Connections go through forwards from Unix sockets
/// in that folder (`-O forward`, one for each target), made when they are asked for. All on one thread.
///
/// Connecting to such a socket always succeeds. What became of the connection behind it is told by the master's log; a
/// version of ssh that says it in other words is taken at its word that it connects.
class SshMaster final : public std::enable_shared_from_this<SshMaster>
{
public:
    struct Calls
    {
        std::function<void()> up;
        std::function<void(const Error &)> ended; ///< once
        std::function<void(std::string shown)> line;
    };

    static Result<std::shared_ptr<SshMaster>> start(Executor executor, const std::string &host,
                                                    std::shared_ptr<const SshOptions> options, Calls calls);
    SshMaster(const SshMaster &) = delete;
    SshMaster &operator=(const SshMaster &) = delete;

    awaitable<Result<void>> up(SteadyTime until);
    /// A connected Unix socket, of which the other end is the target.
    awaitable<Result<FileDescriptor>> open(Target target, SteadyTime until);
    void end(const Error &why); ///< now

    bool isUp() const { return m_up && !m_ended; }
    pid_t pid() const { return m_process ? m_process->pid() : 0; }
    std::size_t forwards() const { return m_forwards.size(); }

private:
    struct Forward
    {
        std::string path; ///< here
        std::string to;
        bool ready = false;
        std::optional<Error> failed;
        unsigned dials = 0; ///< under way
        SteadyTime used;
    };
    struct Opening
    {
        std::string target;
        bool asked = false;
        bool readable = false;
        bool opened = false;
        std::optional<std::string> refused;
    };

    SshMaster(Executor executor, std::string host, std::shared_ptr<const SshOptions> options, SshFolder folder,
              Calls calls);
    Result<void> begin();
    void read(std::string_view line);
    void apply(const SshEvent &event);
    void look(); ///< whether its control socket is there
    void sweep();
    std::vector<std::string> control(const char *what, const Forward *forward) const;
    Result<std::shared_ptr<Forward>> forwardFor(const std::string &to);
    awaitable<Result<void>> ready(std::shared_ptr<Forward> forward, Target target, SteadyTime until);
    Error busy() const;
    bool makeRoom();
    void cancel(const std::shared_ptr<Forward> &forward);
    awaitable<void> make(std::shared_ptr<Forward> forward);
    awaitable<void> check();
    awaitable<bool> connected(std::shared_ptr<UnixSocket> socket, std::shared_ptr<Opening> opening, SteadyTime until);
    Error notOpened(const Opening &opening, const Target &target) const;

    const Executor m_executor;
    const std::string m_host;
    const std::shared_ptr<const SshOptions> m_options;
    const SshFolder m_folder;
    const Calls m_calls;
    SshLog m_log;
    std::string m_program;
    std::shared_ptr<SshProcess> m_process;
    Bell m_bell;
    Timer m_timer; ///< while it connects, when to look for its socket; then when to sweep
    SteadyTime m_limit;
    bool m_up = false;
    bool m_checking = false;
    std::optional<Error> m_ended;
    std::uint64_t m_count = 0; ///< of forwards so far: a path is never used again, ssh would silently replace it
    std::map<std::string, std::shared_ptr<Forward>> m_forwards; ///< by what they lead to
    std::deque<std::shared_ptr<Opening>> m_openings;            ///< of which ssh has not told the outcome yet
};

} // namespace portolan::net
