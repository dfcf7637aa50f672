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
    explicit operator bool() const { return m_fd >= 0; }

private:
    int m_fd;
};

/// A running program. Used by the one thread that started it, which must live as long: the kernel sends SIGTERM to the
/// child when that thread ends.
class ChildProcess final
{
public:
    /// `arguments[0]` is the program's full path. In its own process group, so that Ctrl-C in a terminal is ours alone
    /// to handle; all signals at their defaults; no file of ours open but its output, which output() reads.
    static Result<ChildProcess> start(const std::vector<std::string> &arguments);

    ChildProcess(ChildProcess &&) = default;
    ChildProcess &operator=(ChildProcess &&) = default;

    pid_t pid() const { return m_pid; }
    bool running();                ///< false once it has ended; it is reaped then
    std::string ending() const;    ///< "exit code 1", "signal 9"; after it has ended
    void signal(int number) const; ///< does nothing after it has ended

    /// Waits until there is output, the child has ended, `wake` is readable or the time is over, and hands out whole
    /// lines of output.
    void wait(int wake, std::chrono::milliseconds atMost, const std::function<void(std::string_view line)> &onLine);

private:
    ChildProcess(pid_t pid, FileDescriptor output);
    void readOutput(const std::function<void(std::string_view line)> &onLine);

    pid_t m_pid;
    FileDescriptor m_output;
    FileDescriptor m_ended; ///< a pidfd: readable when the child has ended
    std::string m_partial;  ///< a line that has not ended yet
    bool m_running = true;
    int m_status = 0;
};

/// The full path of a program: `name` itself when it has a slash, else the first executable in PATH and the usual
/// places.
std::optional<std::string> findProgram(const std::string &name);

} // namespace portolan
