// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/postgres_tool.h"

#include "core/storage/text.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace portolan::storage {
namespace {

std::vector<char *> pointers(std::vector<std::string> &texts)
{
    std::vector<char *> all;
    for (auto &text : texts)
        all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

std::vector<std::string> environmentFor(const DatabaseUrl &url)
{
    std::vector<std::string> all;
    for (char **entry = environ; entry && *entry; ++entry) {
        const std::string_view text(*entry);
        if (!text.starts_with("LC_ALL=") && !text.starts_with("PGPASSWORD=") && !text.starts_with("PGSSLMODE=") &&
            !text.starts_with("PGCHANNELBINDING="))
            all.emplace_back(text);
    }
    all.emplace_back("LC_ALL=C.UTF-8"); // so that its words can be told apart
    if (!url.password.empty())
        all.push_back("PGPASSWORD=" + url.password);
    if (!url.sslMode.empty())
        all.push_back("PGSSLMODE=" + url.sslMode);
    if (!url.channelBinding.empty())
        all.push_back("PGCHANNELBINDING=" + url.channelBinding);
    return all;
}

/// Owns a file descriptor.
class Descriptor final
{
public:
    explicit Descriptor(int descriptor) : m_descriptor(descriptor) {}
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    ~Descriptor() { close(); }
    int get() const { return m_descriptor; }
    void close()
    {
        if (m_descriptor >= 0)
            ::close(m_descriptor);
        m_descriptor = -1;
    }

private:
    int m_descriptor;
};

/// What it says until it closes its standard error, at most the first 4 KiB of it. False: not by the deadline.
bool listen(int descriptor, SteadyTime deadline, std::string &said)
{
    constexpr std::size_t longest = 4096;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            return false;
        pollfd readable{descriptor, POLLIN, 0};
        if (::poll(&readable, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000))) <= 0)
            continue;
        char buffer[1024];
        const auto count = ::read(descriptor, buffer, sizeof buffer);
        if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
            return true;
        if (count > 0)
            said.append(buffer, std::min(static_cast<std::size_t>(count), longest - std::min(longest, said.size())));
    }
}

/// The exit status, or -1 after having killed it at the deadline.
int reap(pid_t child, bool inTime, SteadyTime deadline)
{
    int status = 0;
    while (inTime && std::chrono::steady_clock::now() < deadline) { // it is about to end: its standard error is closed
        if (::waitpid(child, &status, WNOHANG) == child)
            return status;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return -1;
}

} // namespace

Result<void> runPostgresTool(const std::string &program, std::vector<std::string> arguments, const DatabaseUrl &url,
                             std::chrono::milliseconds deadline)
{
    const auto end = std::chrono::steady_clock::now() + deadline;
    arguments.insert(arguments.begin(), program);
    arguments.insert(arguments.end(), {"--no-password", "--port=" + std::to_string(url.port)});
    if (!url.host.empty())
        arguments.push_back("--host=" + url.host);
    if (!url.user.empty())
        arguments.push_back("--username=" + url.user);
    auto environment = environmentFor(url);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return failure(ErrorKind::Internal, std::string("Cannot make a pipe: ") + std::strerror(errno) + '.');
    const Descriptor ours(ends[0]);
    Descriptor theirs(ends[1]);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDERR_FILENO);
    pid_t child = 0;
    const int spawned = ::posix_spawnp(&child, program.c_str(), &actions, nullptr, pointers(arguments).data(),
                                       pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    theirs.close();
    if (spawned != 0)
        return failure(ErrorKind::Unavailable, "Cannot run " + program + ": " + std::strerror(spawned) + '.',
                       "Install postgresql-client.");

    std::string said;
    const bool inTime = listen(ours.get(), end, said);
    const int status = reap(child, inTime, end);
    if (status == 0)
        return {};
    if (status == -1)
        return failure(ErrorKind::Timeout, program + " did not finish in time.");
    constexpr std::size_t longest = 500;
    while (said.ends_with('\n'))
        said.pop_back();
    const bool full = said.find("No space left") != said.npos;
    return failure(full ? ErrorKind::Full : ErrorKind::Internal, program + " failed: " + fitText(said, longest),
                   full ? "Free space on the disk." : "");
}

} // namespace portolan::storage
