// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/base/credentials.h"
#include "core/console/stack_services.h"
#include "core/stack/watch_file.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

namespace portolan {
class BlockingPool;
class Clock;
class Dialer;
class Logger;
class TlsClients;
} // namespace portolan

namespace portolan::server {

/// A watch of somebody else's stack, as its file says: the composition root of the console's watched deployment, and of
/// `portoland watch`. Owns the sources, composes a snapshot of what each last told once a second and waits for none of
/// them, keeps the history and the audit log. No HTTP. start() and stop() are called by one thread and block, on the
/// disk alone.
class StackWatch final
{
public:
    /// What several watches of a process share. All outlive them.
    struct Parts
    {
        const Clock &clock;
        Logger &logger;
        Executor executor;              ///< of an io_context run by one thread
        BlockingPool &files;            ///< reads secrets, runs the programs that print them
        std::shared_ptr<Dialer> direct; ///< straight to a host, and to proxies
        std::shared_ptr<TlsClients> trust;
        SecretSources secrets;
        /// Where history and audit are kept, made with mode 0700. Empty, or in use by another process: in a folder that
        /// goes with the watch, which a source "history" that is Refused then says.
        std::filesystem::path folder;
        std::chrono::milliseconds interval{1000};
        /// Other ways than those of net::dialerFor(), as tunnels; an error of it is that of each source it is for.
        std::function<Result<std::shared_ptr<Dialer>>(const Reach &reach)> ways{};
    };

    /// Sources begin to connect; none is waited for, and each tells by itself what keeps it from its figures. Errors of
    /// the disk name the file.
    static Result<std::unique_ptr<StackWatch>> start(stack::WatchFile file, Parts parts);
    ~StackWatch(); ///< stop()
    StackWatch(const StackWatch &) = delete;
    StackWatch &operator=(const StackWatch &) = delete;

    /// Disconnects, and writes what is not written yet. Nothing of the services is used afterwards. Twice is harmless.
    void stop();

    /// For a console in this process; good until stop().
    console::StackServices services() const;

private:
    struct Impl;
    explicit StackWatch(std::unique_ptr<Impl> impl);
    const std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::server
