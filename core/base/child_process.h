// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan {

/// An open file descriptor, closed with its owner.
class FileDescriptor final
{
public:
    explicit FileDescriptor(int fd = -1) : m_fd(fd) {}
    FileDescriptor(FileDescriptor &&other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    FileDescriptor &operator=(FileDescriptor &&other) noexcept
    {
        std::swap(m_fd, other.m_fd);
        return *this;
    }
    ~FileDescriptor();
    int get() const { return m_fd; }
    int release() { return std::exchange(m_fd, -1); } ///< to whoever closes it from now on
    explicit operator bool() const { return m_fd >= 0; }

private:
    int m_fd;
};

/// What a program is started with, where that is not what we have ourselves.
struct ChildSettings
{
    std::optional<std::vector<std::string>> environment{}; ///< each "NAME=value"; nullopt: ours
    std::string folder{};                                  ///< to start in; empty: ours
    bool errorsApart = false; ///< what it says on standard error is for errors(), and no part of the output
    bool ownSession = false;  ///< without our terminal: it can ask nothing there
};

/// A running program. Used by the one thread that started it, which must live as long: the kernel sends SIGTERM to the
/// child when that thread ends.
class ChildProcess final
{
public:
    /// `arguments[0]` is the program's full path. In its own process group, so that Ctrl-C in a terminal is ours alone
    /// to handle; all signals at their defaults; no file of ours open but its output, which output() reads.
    static Result<ChildProcess> start(const std::vector<std::string> &arguments, const ChildSettings &settings = {});

    ChildProcess(ChildProcess &&) = default;
    ChildProcess &operator=(ChildProcess &&) = default;

    pid_t pid() const { return m_pid; }
    bool running();                ///< false once it has ended; it is reaped then
    std::string ending() const;    ///< "exit code 1", "signal 9"; after it has ended
    void signal(int number) const; ///< does nothing after it has ended

    /// For who waits otherwise than by wait(): ends of pipes that never block, and what is readable once it has ended
    /// (-1 on a kernel without pidfd_open). They stay this object's.
    int output() const { return m_output.get(); }
    int errors() const { return m_errors.get(); } ///< -1 unless they are apart
    int ended() const { return m_ended.get(); }
    bool hasEnded() const; ///< and is still there to be reaped, so that its number is nobody else's
    /// To it and to all it started that stayed in its group. Nothing after running() has told its end.
    void signalGroup(int number) const;

    /// Waits until there is output, the child has ended, `wake` is readable or the time is over, and hands out whole
    /// lines of output.
    void wait(int wake, std::chrono::milliseconds atMost, const std::function<void(std::string_view line)> &onLine);

private:
    ChildProcess(pid_t pid, FileDescriptor output, FileDescriptor errors);
    void readOutput(const std::function<void(std::string_view line)> &onLine);

    pid_t m_pid;
    FileDescriptor m_output;
    FileDescriptor m_errors;
    FileDescriptor m_ended; ///< a pidfd: readable when the child has ended
    std::string m_partial;  ///< a line that has not ended yet
    bool m_running = true;
    int m_status = 0;
};

/// The full path of a program: `name` itself when it has a slash, else the first executable in PATH and the usual
/// places.
std::optional<std::string> findProgram(const std::string &name);

} // namespace portolan
