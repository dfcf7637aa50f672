// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/base/child_process.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::net {

/// A program that says what it does line by line, on an executor's one thread, which must live as long as it. It and
/// all it started end with this object, at once; stop() gives it time.
class SshProcess final : public std::enable_shared_from_this<SshProcess>
{
public:
    using OnLine = std::function<void(std::string_view line)>;
    using OnEnd = std::function<void(const std::string &ending)>; ///< "exit code 255", after the last line

    /// In a session of its own, in `/`. `arguments[0]`: its whole path. Nothing is called before this has returned, nor
    /// once it is gone.
    static Result<std::shared_ptr<SshProcess>> start(Executor executor, const std::vector<std::string> &arguments,
                                                     std::vector<std::string> environment, OnLine onLine, OnEnd onEnd);
    ~SshProcess();
    SshProcess(const SshProcess &) = delete;
    SshProcess &operator=(const SshProcess &) = delete;

    pid_t pid() const { return m_child.pid(); }
    /// SIGTERM, and SIGKILL after `grace` to what is still there. onEnd comes as ever.
    void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(1000));

private:
    using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
    SshProcess(Executor executor, ChildProcess child, OnLine onLine, OnEnd onEnd);
    void begin();
    void readOutput();
    bool take(); ///< false once there is nothing more for now
    void watchEnd();
    void ended();

    ChildProcess m_child;
    OnLine m_onLine;
    OnEnd m_onEnd;
    Descriptor m_output;
    Descriptor m_end;
    Timer m_look; ///< where the kernel does not tell of its end
    Timer m_kill;
    std::string m_partial;
    bool m_over = false;
};

} // namespace portolan::net
