// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/server_process.h"

#include "core/base/child_process.h"
#include "core/base/kept_file.h"
#include "core/base/masking.h"
#include "core/redis/append_only.h"
#include "core/redis/server_directory.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

namespace portolan::redis {

namespace {

using Steady = std::chrono::steady_clock;

/// A child that lived this long starts with a fresh backoff when it dies.
constexpr std::chrono::seconds goodLife{10};

/// What Redis answers to PING over a connection of its own: "+PONG", "-LOADING …", or nothing.
std::string ping(const std::string &path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
        return {};
    constexpr std::string_view request = "PING\r\n";
    pollfd wait{socket.get(), POLLIN, 0};
    char answer[64];
    if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()) ||
        ::poll(&wait, 1, 200) != 1)
        return {};
    const auto size = ::recv(socket.get(), answer, sizeof answer, 0);
    return size > 0 ? std::string(answer, static_cast<std::size_t>(size)) : std::string();
}

/// "123:M 01 Jan 2026 00:00:00.000 # text" → text and whether it is a warning ('#').
std::pair<bool, std::string_view> logText(std::string_view line)
{
    for (const std::string_view mark : {" # ", " * ", " - ", " . "}) {
        const auto at = line.find(mark);
        if (at != std::string_view::npos && at < 48 && line.find(':') < at)
            return {mark == " # ", line.substr(at + mark.size())};
    }
    return {false, line};
}

} // namespace

class ServerProcess::Impl
{
public:
    explicit Impl(ServerProcessOptions options) : m_options(std::move(options)) {}

    Result<void> start();
    void stop();
    Endpoint endpoint() const;
    Result<void> inPlace() const;
    Status status() const
    {
        const std::lock_guard lock(m_mutex);
        return m_status;
    }

private:
    std::vector<std::string> arguments(const std::string &program) const;
    void watch(std::vector<std::string> command, std::promise<Result<void>> started);
    Result<void> awaitAnswer(ChildProcess &child);
    Result<void> awaitEnd(ChildProcess &child);
    void end(ChildProcess &child);
    bool pause(std::chrono::milliseconds duration) const;
    bool stopping() const { return pause(std::chrono::milliseconds(0)); }
    void hear(std::string_view line);
    Error whyNot(const std::string &ending) const;
    std::string mendHint(std::string otherwise) const
    {
        return m_options.mendCommand.empty() ? std::move(otherwise)
                                             : "Run `" + m_options.mendCommand + "`, which keeps a copy and mends it.";
    }
    void set(State state, pid_t pid, std::optional<Error> problem);

    const ServerProcessOptions m_options;
    std::optional<ServerDirectory> m_directory;
    FileDescriptor m_wake; ///< readable: stop
    std::thread m_thread;
    bool m_served = false;           ///< since start(): the files are as it left them
    bool m_inOrder = false;          ///< the child's last end; of the watching thread, and of others once it is over
    std::deque<std::string> m_lines; ///< the child's last ones; of the watching thread

    mutable std::mutex m_mutex;
    Status m_status;
    std::string m_socket;
    std::vector<KeptFile> m_kept; ///< the directory and the folder in it, as the child that runs found them
};

Result<void> ServerProcess::Impl::start()
{
    if (m_thread.joinable())
        return {};
    const auto program = findProgram(m_options.program);
    if (!program)
        return Error{ErrorKind::Unavailable,
                     "redis-missing",
                     "The program '" + quotable(m_options.program) + "' is not installed.",
                     "Install the package redis-server (apt install redis-server), or name a Redis.",
                     {},
                     std::chrono::seconds{0},
                     {"redis.url"},
                     quotable(m_options.program)};
    std::error_code ignored;
    const AppendOnly files(std::filesystem::absolute(m_options.dataDirectory, ignored).lexically_normal(),
                           m_options.noteFile);
    const auto refused = [this, &files](Error error) {
        const bool nothingLeft = !m_options.mendCommand.empty() && !files.hasBase();
        error.hint = nothingLeft
                         ? "Put back a copy of " + files.folder().string() + "; or run `" + m_options.mendCommand +
                               " --empty`, which starts without: everybody signs in again, waiting tasks are gone."
                         : mendHint("Put back what is missing from a copy, or name another directory.");
        return error;
    };
    auto directory = ServerDirectory::open(m_options.dataDirectory);
    if (!directory) {
        const bool inTheWay = std::filesystem::exists(m_options.dataDirectory, ignored) &&
                              !std::filesystem::is_directory(m_options.dataDirectory, ignored);
        const auto whole = files.check();
        return inTheWay && !whole ? refused(whole.error()) : directory.error();
    }
    m_directory.emplace(std::move(*directory));
    if (auto free = m_directory->endLeftOver(m_options.stopTimeout); !free) {
        m_directory.reset();
        return free;
    }
    if (auto whole = files.check(); !whole) {
        m_directory.reset();
        return refused(whole.error());
    }
    files.note(AppendOnly::Left::Running); // from here on a crash may take some
    {
        const std::lock_guard lock(m_mutex);
        m_socket = m_directory->socketPath();
        m_status = Status{};
    }
    m_wake = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    std::promise<Result<void>> started;
    auto answer = started.get_future();
    m_thread = std::thread(&Impl::watch, this, arguments(*program), std::move(started));
    ::pthread_setname_np(m_thread.native_handle(), "redis-child");
    Result<void> result = answer.get();
    m_served = result.has_value();
    if (m_served)
        files.note(AppendOnly::Left::Running);
    else
        stop();
    return result;
}

void ServerProcess::Impl::stop()
{
    if (!m_thread.joinable())
        return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(m_wake.get(), &one, sizeof one);
    m_thread.join();
    if (m_served)
        AppendOnly(m_directory->path(), m_options.noteFile)
            .note(m_inOrder ? AppendOnly::Left::InOrder : AppendOnly::Left::Running);
    m_directory.reset();
}

Endpoint ServerProcess::Impl::endpoint() const
{
    const std::lock_guard lock(m_mutex);
    Endpoint endpoint;
    endpoint.transport = Endpoint::Transport::Unix;
    endpoint.path = m_socket;
    return endpoint;
}

Result<void> ServerProcess::Impl::inPlace() const
{
    const std::lock_guard lock(m_mutex);
    for (const KeptFile &file : m_kept) {
        if (const auto change = file.change(); !change.empty())
            return Error{ErrorKind::Unavailable,
                         "redis-moved",
                         "The folder " + file.path().string() + ' ' + std::string(change) +
                             " while the embedded Redis uses it; sessions and tasks would be lost with the next stop.",
                         "Put the very same folder back (moved, not copied), or restart the portal.",
                         {},
                         std::chrono::seconds{0},
                         {},
                         file.path().string()};
    }
    return {};
}

std::vector<std::string> ServerProcess::Impl::arguments(const std::string &program) const
{
    // noeviction and an append-only file, because the queue is in there: what is acknowledged must not be lost.
    return {program,
            "--port",
            "0",
            "--unixsocket",
            m_directory->socketPath(),
            "--unixsocketperm",
            "600",
            "--dir",
            m_directory->path(),
            "--pidfile",
            m_directory->pidFile(),
            "--daemonize",
            "no",
            "--maxmemory",
            std::to_string(m_options.maxmemory),
            "--maxmemory-policy",
            "noeviction",
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--aof-load-truncated",
            "yes",
            "--save",
            "",
            "--logfile",
            "",
            "--always-show-logo",
            "no"};
}

void ServerProcess::Impl::watch(std::vector<std::string> command, std::promise<Result<void>> started)
{
    bool first = true;
    std::chrono::milliseconds backoff = m_options.backoffMin;
    for (;;) {
        m_lines.clear();
        m_inOrder = false;
        auto child = ChildProcess::start(command);
        const auto born = Steady::now();
        Result<void> ready = child ? Result<void>() : Result<void>(child.error());
        if (child) {
            set(State::Starting, child->pid(), status().problem);
            ready = awaitAnswer(*child);
        }
        if (ready) {
            set(State::Running, child->pid(), std::nullopt);
            const std::lock_guard lock(m_mutex);
            m_kept = {KeptFile(m_directory->path()), KeptFile(m_directory->manifest().parent_path())};
        }
        if (first)
            started.set_value(ready);
        if (first && !ready) {
            if (child)
                end(*child);
            return set(State::Stopped, 0, ready.error());
        }
        first = false;
        if (ready)
            ready = awaitEnd(*child);
        if (child)
            end(*child);
        if (stopping())
            return set(State::Stopped, 0, std::nullopt);
        if (Steady::now() - born > goodLife)
            backoff = m_options.backoffMin;
        set(State::Waiting, 0, ready.error());
        if (m_options.onRestart)
            m_options.onRestart(ready.error());
        if (pause(backoff))
            return set(State::Stopped, 0, std::nullopt);
        backoff = std::min(backoff * 2, m_options.backoffMax);
        const std::lock_guard lock(m_mutex);
        ++m_status.restarts;
    }
}

/// Until it has loaded its data and answers, has died, is to stop, or the time is over.
Result<void> ServerProcess::Impl::awaitAnswer(ChildProcess &child)
{
    const auto deadline = Steady::now() + m_options.startTimeout;
    const auto tell = [this](std::string_view line) { hear(line); };
    while (Steady::now() < deadline) {
        child.wait(m_wake.get(), std::chrono::milliseconds(10), tell);
        if (stopping())
            return failure(ErrorKind::Cancelled, "redis-server was told to stop while it started.");
        if (!child.running()) {
            child.wait(-1, std::chrono::milliseconds(0), tell); // its last words
            return whyNot(child.ending());
        }
        if (ping(m_directory->socketPath()).starts_with("+PONG"))
            return {};
    }
    return Error{ErrorKind::Timeout,
                 "redis-start",
                 "redis-server did not answer within " + std::to_string(m_options.startTimeout.count()) +
                     " ms of its start.",
                 "Look whether the machine is overloaded or its disk is slow.",
                 {},
                 std::chrono::seconds{0}};
}

/// Why it no longer runs, or should not: it has died, or has answered nothing for hangTimeout. Any answer will do:
/// Redis says what it is busy with. Nothing where it was told to stop.
Result<void> ServerProcess::Impl::awaitEnd(ChildProcess &child)
{
    const auto tell = [this](std::string_view line) { hear(line); };
    const auto between = std::min<std::chrono::milliseconds>(m_options.hangTimeout / 3, std::chrono::seconds(10));
    auto answered = Steady::now();
    auto asked = answered;
    while (child.running() && !stopping()) {
        child.wait(m_wake.get(), between, tell);
        if (Steady::now() - asked < between)
            continue; // it has said something
        asked = Steady::now();
        if (!ping(m_directory->socketPath()).empty())
            answered = asked;
        else if (asked - answered >= m_options.hangTimeout)
            return Error{ErrorKind::Timeout,
                         "redis-hung",
                         "redis-server answered nothing for " + std::to_string(m_options.hangTimeout.count()) +
                             " ms and is started again.",
                         "Look whether the machine is overloaded or its disk is slow.",
                         {},
                         std::chrono::seconds{0}};
    }
    if (child.running())
        return {};
    child.wait(-1, std::chrono::milliseconds(0), tell); // its last words
    return whyNot(child.ending());
}

void ServerProcess::Impl::end(ChildProcess &child)
{
    const auto tell = [this](std::string_view line) { hear(line); };
    child.signal(SIGTERM);
    child.signal(SIGCONT); // a stopped process takes no SIGTERM
    const auto deadline = Steady::now() + m_options.stopTimeout;
    while (child.running() && Steady::now() < deadline)
        child.wait(-1, std::chrono::milliseconds(20), tell);
    if (child.running())
        child.signal(SIGKILL);
    while (child.running()) // nothing survives SIGKILL but a hanging disk
        child.wait(-1, std::chrono::milliseconds(20), tell);
    m_inOrder = child.ending() == "exit code 0";
}

/// True when stop() was called before the time was over.
bool ServerProcess::Impl::pause(std::chrono::milliseconds duration) const
{
    pollfd wake{m_wake.get(), POLLIN, 0};
    return ::poll(&wake, 1, static_cast<int>(duration.count())) == 1;
}

void ServerProcess::Impl::hear(std::string_view line)
{
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.empty())
        return;
    m_lines.emplace_back(line);
    if (m_lines.size() > 50)
        m_lines.pop_front();
    const auto [warning, text] = logText(line);
    if (m_options.onLog)
        m_options.onLog(warning, text);
}

/// Why the child has ended, from its last lines.
Error ServerProcess::Impl::whyNot(const std::string &ending) const
{
    static constexpr std::array<std::string_view, 4> damage{"Bad file format reading the append only file",
                                                            "AOF loading aborted", "AOF manifest",
                                                            "Short read or OOM loading DB"};
    std::string last;
    for (const auto &line : m_lines) {
        auto text = std::string(logText(line).second);
        text = text.substr(0, text.find(": make a backup")); // its mend has a placeholder; ours has the path
        const bool damaged =
            std::any_of(damage.begin(), damage.end(), [&](auto sign) { return text.find(sign) != std::string::npos; });
        if (damaged)
            return Error{ErrorKind::Unavailable,
                         "redis-corrupt",
                         "The append-only file of the embedded Redis is damaged (" + m_directory->manifest().string() +
                             "): " + text,
                         mendHint("Make a copy of the directory, then run: redis-check-aof --fix " +
                                  m_directory->manifest().string()),
                         {},
                         std::chrono::seconds{0}};
        if (logText(line).first)
            last = text;
    }
    return Error{ErrorKind::Unavailable,
                 "redis-start",
                 "redis-server ended (" + ending + ")" + (last.empty() ? "." : ": " + last),
                 "Its log lines say more.",
                 {},
                 std::chrono::seconds{0}};
}

void ServerProcess::Impl::set(State state, pid_t pid, std::optional<Error> problem)
{
    const std::lock_guard lock(m_mutex);
    m_status.state = state;
    m_status.pid = pid;
    m_status.problem = std::move(problem);
}

ServerProcess::ServerProcess(ServerProcessOptions options) : m_impl(std::make_unique<Impl>(std::move(options))) {}
ServerProcess::~ServerProcess() { stop(); }
Result<void> ServerProcess::start() { return m_impl->start(); }
void ServerProcess::stop() { m_impl->stop(); }
Endpoint ServerProcess::endpoint() const { return m_impl->endpoint(); }
ServerProcess::Status ServerProcess::status() const { return m_impl->status(); }
Result<void> ServerProcess::inPlace() const { return m_impl->inPlace(); }

} // namespace portolan::redis
