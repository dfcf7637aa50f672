// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/server_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

namespace portolan::redis {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view socketName = "redis.sock";

Error unusable(const fs::path &path, int reason)
{
    const std::string why = std::strerror(reason);
    return Error{ErrorKind::Unavailable,
                 "redis-data",
                 "The embedded Redis cannot use its directory " + path.string() + ": " + why + ".",
                 "Make it writable, free disk space, or choose another data directory.",
                 {},
                 std::chrono::seconds{0},
                 {"data_dir"},
                 path.string(),
                 why};
}

bool fits(const fs::path &socket) { return socket.native().size() < sizeof(sockaddr_un::sun_path); }

/// A new directory, mode 0700, under `parent`; empty when there is none to be had or it is too long again.
fs::path temporaryUnder(const char *parent)
{
    if (!parent || *parent != '/')
        return {};
    std::string name = std::string(parent) + "/portolan-XXXXXX";
    if (!fits(fs::path(name) / socketName) || !::mkdtemp(name.data()))
        return {};
    return name;
}

} // namespace

Result<ServerDirectory> ServerDirectory::open(const fs::path &path)
{
    std::error_code failed;
    const fs::path absolute = fs::absolute(path, failed).lexically_normal();
    if (!failed && absolute.has_parent_path())
        fs::create_directories(absolute.parent_path(), failed);
    if (failed)
        return unusable(path, failed.value());
    if (::mkdir(absolute.c_str(), 0700) != 0 && errno != EEXIST)
        return unusable(absolute, errno);
    FileDescriptor lock(::open((absolute / "redis.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock)
        return unusable(absolute, errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return Error{ErrorKind::Conflict,
                     "redis-in-use",
                     "The embedded Redis in " + absolute.string() + " is in use by another process.",
                     "Stop the other one, or choose another data directory.",
                     {},
                     std::chrono::seconds{0},
                     {"data_dir"},
                     absolute.string()};
    ServerDirectory directory(absolute, std::move(lock));
    if (auto chosen = directory.chooseSocket(); !chosen)
        return chosen.error();
    return directory;
}

Result<void> ServerDirectory::chooseSocket()
{
    m_socket = m_path / socketName;
    if (!fits(m_socket)) {
        m_temporary = temporaryUnder(std::getenv("XDG_RUNTIME_DIR"));
        if (m_temporary.empty())
            m_temporary = temporaryUnder("/tmp");
        if (m_temporary.empty())
            return unusable("/tmp", errno);
        m_socket = m_temporary / socketName;
    }
    ::unlink(m_socket.c_str()); // left by a Redis that was killed
    return {};
}

ServerDirectory::~ServerDirectory()
{
    if (!m_lock) // moved from
        return;
    std::error_code ignored;
    fs::remove(m_socket, ignored);
    if (!m_temporary.empty())
        fs::remove(m_temporary, ignored);
}

Result<void> ServerDirectory::endLeftOver(std::chrono::milliseconds patience) const
{
    pid_t pid = 0;
    if (!(std::ifstream(pidFile()) >> pid) || pid <= 1 || !runsHere(pid))
        return {};
    ::kill(pid, SIGTERM);
    ::kill(pid, SIGCONT);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (runsHere(pid)) {
        const auto late = std::chrono::steady_clock::now() - deadline;
        if (late.count() > 0)
            ::kill(pid, SIGKILL);
        if (late > std::chrono::seconds(5)) // waits for its disk in the kernel
            return Error{ErrorKind::Conflict,
                         "redis-in-use",
                         "A redis-server left over in " + m_path.string() + " does not end.",
                         "End it (pid " + std::to_string(pid) + ") or restart the machine.",
                         {},
                         std::chrono::seconds{0}};
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return {};
}

/// Whether `pid` is a redis-server that works in this directory, and not some other process that got its number.
bool ServerDirectory::runsHere(pid_t pid) const
{
    const fs::path process = fs::path("/proc") / std::to_string(pid);
    std::string name;
    std::getline(std::ifstream(process / "comm"), name);
    std::error_code failed;
    const fs::path works = fs::read_symlink(process / "cwd", failed);
    return !failed && name.starts_with("redis-server") && fs::equivalent(works, m_path, failed) && !failed;
}

} // namespace portolan::redis
