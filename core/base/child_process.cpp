// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace portolan {

namespace {

constexpr std::size_t longestLine = 4096;

Error systemError(const std::string &what)
{
    return failure(ErrorKind::Unavailable, what + ": " + std::strerror(errno));
}

struct Pipe
{
    FileDescriptor read;
    FileDescriptor write;
};

std::optional<Pipe> makePipe()
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return std::nullopt;
    return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// All that becomeProgram() needs, made before.
struct Program
{
    char *const *argv;
    char *const *environment; ///< null: ours
    const char *folder;       ///< null: ours
    pid_t parent;
    int output;
    int errors;
    int report;
    bool ownSession;
};

/// Between fork and exec in a process that had many threads: system calls only, no memory, no locks. Reports errno of
/// what failed through `report`, which a successful exec closes.
[[noreturn]] void becomeProgram(const Program &program)
{
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number)
        ::sigaction(number, &standard, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (program.ownSession)
        ::setsid(); // and a group of its own with it
    else
        ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != program.parent) // it ended before it could be tied to us
        ::_exit(127);
    const int input = ::open("/dev/null", O_RDONLY);
    ::dup2(input, 0);
    ::dup2(program.output, 1);
    ::dup2(program.errors, 2);
    if (program.report != 3)
        ::dup3(program.report, 3, O_CLOEXEC);
    ::syscall(SYS_close_range, 4U, ~0U, 0U);
    if (!program.folder || ::chdir(program.folder) == 0)
        ::execve(program.argv[0], program.argv, program.environment ? program.environment : ::environ);
    const int failed = errno;
    [[maybe_unused]] const auto written = ::write(3, &failed, sizeof failed);
    ::_exit(127);
}

/// As exec takes them: pointers into `words`, and a null behind.
std::vector<char *> pointersTo(std::vector<std::string> &words)
{
    std::vector<char *> pointers;
    for (auto &word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

FileDescriptor::~FileDescriptor()
{
    if (m_fd >= 0)
        ::close(m_fd);
}

ChildProcess::ChildProcess(pid_t pid, FileDescriptor output, FileDescriptor errors)
    : m_pid(pid),
      m_output(std::move(output)),
      m_errors(std::move(errors)),
      m_ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))
{}

Result<ChildProcess> ChildProcess::start(const std::vector<std::string> &arguments, const ChildSettings &settings)
{
    std::vector<std::string> words = arguments;
    const auto argv = pointersTo(words);
    std::vector<std::string> variables = settings.environment.value_or(std::vector<std::string>{});
    const auto environment = pointersTo(variables);
    auto output = makePipe();
    auto errors = settings.errorsApart ? makePipe() : std::optional<Pipe>(std::in_place);
    auto report = makePipe();
    if (!output || !errors || !report)
        return systemError("No pipe for " + arguments[0]);
    ::fcntl(output->read.get(), F_SETFL, O_NONBLOCK);
    if (settings.errorsApart)
        ::fcntl(errors->read.get(), F_SETFL, O_NONBLOCK);
    const Program program{argv.data(),
                          settings.environment ? environment.data() : nullptr,
                          settings.folder.empty() ? nullptr : settings.folder.c_str(),
                          ::getpid(),
                          output->write.get(),
                          settings.errorsApart ? errors->write.get() : output->write.get(),
                          report->write.get(),
                          settings.ownSession};

    // No handler of ours may run in the child.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    if (pid == 0)
        becomeProgram(program);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0)
        return systemError("Cannot start " + arguments[0]);

    ChildProcess child(pid, std::move(output->read), std::move(errors->read));
    report->write = FileDescriptor();
    int failed = 0;
    ssize_t size = 0;
    do {
        size = ::read(report->read.get(), &failed, sizeof failed);
    } while (size < 0 && errno == EINTR);
    if (size == sizeof failed) {
        ::waitpid(pid, nullptr, 0);
        errno = failed;
        return systemError("Cannot run " + arguments[0]);
    }
    return child;
}

bool ChildProcess::running()
{
    if (m_running && ::waitpid(m_pid, &m_status, WNOHANG) == m_pid)
        m_running = false;
    return m_running;
}

std::string ChildProcess::ending() const
{
    return WIFSIGNALED(m_status) ? "signal " + std::to_string(WTERMSIG(m_status))
                                 : "exit code " + std::to_string(WEXITSTATUS(m_status));
}

void ChildProcess::signal(int number) const
{
    if (m_running)
        ::kill(m_pid, number);
}

bool ChildProcess::hasEnded() const
{
    siginfo_t info{};
    return m_running && ::waitid(P_PID, id_t(m_pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == m_pid;
}

void ChildProcess::signalGroup(int number) const
{
    if (m_running)
        ::kill(-m_pid, number);
}

void ChildProcess::wait(int wake, std::chrono::milliseconds atMost,
                        const std::function<void(std::string_view line)> &onLine)
{
    // Without a pidfd (an old kernel, a strict sandbox) the end is seen at the next look.
    const auto time = m_ended ? atMost : std::min<std::chrono::milliseconds>(atMost, std::chrono::milliseconds(100));
    std::array<pollfd, 3> files{pollfd{m_output.get(), POLLIN, 0}, pollfd{m_ended.get(), POLLIN, 0},
                                pollfd{wake, POLLIN, 0}};
    ::poll(files.data(), files.size(), static_cast<int>(time.count()));
    readOutput(onLine);
}

void ChildProcess::readOutput(const std::function<void(std::string_view line)> &onLine)
{
    std::array<char, 4096> buffer;
    for (;;) {
        const auto size = m_output ? ::read(m_output.get(), buffer.data(), buffer.size()) : 0;
        if (size < 0)
            return;
        if (size == 0) { // nobody holds the other end any more
            m_output = FileDescriptor();
            return;
        }
        m_partial.append(buffer.data(), static_cast<std::size_t>(size));
        std::size_t from = 0;
        for (auto end = m_partial.find('\n'); end != std::string::npos; end = m_partial.find('\n', from)) {
            onLine(std::string_view(m_partial).substr(from, end - from));
            from = end + 1;
        }
        m_partial.erase(0, from);
        if (m_partial.size() > longestLine)
            m_partial.clear();
    }
}

std::optional<std::string> findProgram(const std::string &name)
{
    const auto usable = [](const std::string &path) {
        struct stat status
        {};
        return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
    };
    if (name.find('/') != std::string::npos)
        return usable(name) ? std::optional(name) : std::nullopt;
    const char *path = std::getenv("PATH");
    std::string places = path ? path : "";
    places += ":/usr/local/bin:/usr/bin";
    for (std::size_t from = 0; from <= places.size();) {
        const auto end = std::min(places.find(':', from), places.size());
        const std::string candidate = places.substr(from, end - from) + "/" + name;
        if (places[from] == '/' && usable(candidate)) // what is relative is wherever we happen to be
            return candidate;
        from = end + 1;
    }
    return std::nullopt;
}

} // namespace portolan
