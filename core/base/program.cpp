// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/program.h"

#include "core/api/secret.h"
#include "core/base/child_process.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/units.h"
#include "core/base/utf8.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

namespace portolan {

namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using SteadyNow = std::chrono::steady_clock;

constexpr std::size_t mostErrors = 4096;
constexpr std::size_t longestTold = 300;
constexpr std::chrono::milliseconds reapWithin{500};
constexpr std::chrono::milliseconds lookEvery{50}; ///< where the kernel does not tell that a program has ended

Error programError(ErrorKind kind, const char *code, const std::string &message, std::string hint)
{
    Error error = failure(kind, message, std::move(hint));
    error.code = code;
    return error;
}

/// A running program, and what it has printed so far. Ends it and all it started when it goes.
class Running final : public std::enable_shared_from_this<Running>
{
public:
    Running(Executor executor, ChildProcess child, std::size_t most)
        : m_child(std::move(child)),
          m_most(most),
          m_output(executor),
          m_errors(executor),
          m_ended(executor),
          m_wake(executor)
    {}
    ~Running()
    {
        wipe(m_text);
        m_child.signalGroup(SIGKILL); // also what a program left behind that has ended by itself
        pollfd end{m_child.ended(), POLLIN, 0};
        if (m_child.running())
            ::poll(&end, 1, int(reapWithin.count()));
        m_child.running();
    }
    Running(const Running &) = delete;
    Running &operator=(const Running &) = delete;

    void begin()
    {
        open(m_output, m_child.output());
        open(m_errors, m_child.errors());
        open(m_ended, m_child.ended());
        readOutput();
        readErrors();
        if (m_ended.is_open())
            m_ended.async_wait(Descriptor::wait_read, [weak = weak_from_this()](error_code) {
                if (const auto self = weak.lock())
                    self->m_wake.cancel();
            });
    }

    /// Until it has ended, printed too much where that matters, or the time has come.
    awaitable<void> wait(SteadyNow::time_point until, bool itsEndOnly = false)
    {
        while (!m_child.hasEnded() && (itsEndOnly || !tooMuch()) && SteadyNow::now() < until) {
            auto next = until;
            if (!m_ended.is_open())
                next = std::min(until, SteadyNow::now() + lookEvery);
            m_wake.expires_at(next);
            co_await m_wake.async_wait(asio::as_tuple(use_awaitable));
        }
    }

    bool hasEnded() const { return m_child.hasEnded(); }
    bool tooMuch() const { return m_text.size() > m_most; }
    void signal(int number) { m_child.signalGroup(number); }

    /// After it has ended: what is left in its pipes, of which others may hold an end. Empty where all went well, else
    /// how it ended.
    std::string finish()
    {
        m_child.signalGroup(SIGKILL);
        takeRest();
        m_child.running();
        const std::string ending = m_child.ending();
        return ending == "exit code 0" ? std::string() : ending;
    }

    std::string takeText() { return std::exchange(m_text, {}); }

    /// The last line it said on standard error, as a message may repeat it.
    std::string told() const
    {
        std::string_view text = trimmed(m_told);
        const auto before = text.find_last_of("\r\n");
        if (before == text.npos && m_cut) // what is left of a line may be a secret without its name
            return {};
        text = text.substr(before + 1);
        return visible(cutText(maskSecrets(text), longestTold));
    }

private:
    static void open(Descriptor &into, int fd)
    {
        const int copy = fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
        error_code failed;
        if (copy >= 0)
            into.assign(copy, failed);
        if (failed)
            ::close(copy);
    }

    // Bytes are taken when they are there, never handed to a read that is under way: when it has ended, what no handler
    // has seen yet is in the pipe, in its order.
    void readOutput()
    {
        if (!m_output.is_open())
            return;
        m_output.async_wait(Descriptor::wait_read, [weak = weak_from_this()](error_code failed) {
            const auto self = weak.lock();
            if (!self || failed)
                return;
            const auto keep = [&](std::string_view part) { self->m_text.append(part); };
            if (take(self->m_output.native_handle(), keep) == Taken::End)
                return;
            if (self->tooMuch())
                self->m_wake.cancel();
            else
                self->readOutput();
        });
    }

    void readErrors()
    {
        if (!m_errors.is_open())
            return;
        m_errors.async_wait(Descriptor::wait_read, [weak = weak_from_this()](error_code failed) {
            const auto self = weak.lock();
            if (!self || failed)
                return;
            const auto keep = [&](std::string_view part) { self->keep(part); };
            if (take(self->m_errors.native_handle(), keep) != Taken::End)
                self->readErrors();
        });
    }

    /// What no handler has seen yet.
    void takeRest()
    {
        const auto printed = [&](std::string_view part) { m_text.append(part); };
        while (!tooMuch() && take(m_child.output(), printed) == Taken::Some) {
        }
        std::size_t size = 0; // what left the group may go on for ever
        const auto told = [&](std::string_view part) {
            keep(part);
            size += part.size();
        };
        while (size < mostProgramOutput && take(m_child.errors(), told) == Taken::Some) {
        }
    }

    enum class Taken { Some, NothingNow, End };

    /// Hands on one part of what a pipe has.
    template <class Sink> static Taken take(int pipe, const Sink &sink)
    {
        std::array<char, 4096> part;
        ssize_t size = 0;
        do {
            size = ::read(pipe, part.data(), part.size());
        } while (size < 0 && errno == EINTR);
        if (size < 0)
            return errno == EAGAIN ? Taken::NothingNow : Taken::End;
        sink(std::string_view(part.data(), std::size_t(size)));
        ::explicit_bzero(part.data(), std::size_t(size));
        return size > 0 ? Taken::Some : Taken::End;
    }

    /// The end of what it says is what tells why.
    void keep(std::string_view part)
    {
        m_told.append(part);
        if (m_told.size() <= mostErrors)
            return;
        m_told.erase(0, m_told.size() - mostErrors);
        m_cut = true;
    }

    ChildProcess m_child;
    const std::size_t m_most;
    Descriptor m_output;
    Descriptor m_errors;
    Descriptor m_ended;
    Timer m_wake;
    std::string m_text;
    std::string m_told;
    bool m_cut = false; ///< its beginning is gone
};

/// Ends it and what it started: those that clean up behind themselves get their time.
awaitable<void> end(Running &running, std::chrono::milliseconds grace)
{
    running.signal(SIGTERM);
    co_await running.wait(SteadyNow::now() + grace, true);
}

Error couldNotStart(const std::string &program, const Error &why)
{
    return programError(ErrorKind::Unavailable, "program-failed", program + " cannot be run: " + why.message,
                        "Try it by hand as this user");
}

Error slow(const std::string &program, std::chrono::milliseconds deadline)
{
    return programError(ErrorKind::Timeout, "program-slow",
                        program + " did not end within " + humanDuration(deadline) + " and was stopped",
                        "Try it by hand as this user: it must not ask for anything");
}

} // namespace

std::vector<std::string>
programEnvironment(const std::function<std::optional<std::string>(const std::string &)> &variable,
                   const std::vector<std::string> &named)
{
    const auto ours = [&](const std::string &name) { return variable ? variable(name) : std::nullopt; };
    std::vector<std::string> environment{"PATH=" + ours("PATH").value_or("/usr/local/bin:/usr/bin:/bin"),
                                         "HOME=" + ours("HOME").value_or("/"),
                                         "LANG=" + ours("LANG").value_or("C.UTF-8")};
    for (const auto &name : named)
        if (const auto value = ours(name); value && name != "PATH" && name != "HOME" && name != "LANG")
            environment.push_back(name + '=' + *value);
    return environment;
}

awaitable<Result<std::string>> runProgram(ProgramRequest request)
{
    if (request.arguments.empty())
        co_return programError(ErrorKind::Invalid, "program-missing", "No program is named", "Name one");
    const auto path = findProgram(request.arguments.front());
    const std::string shown = quotable(request.arguments.front(), 200);
    if (!path)
        co_return programError(ErrorKind::Invalid, "program-missing", "There is no program " + shown,
                               "Name it by its whole path, and make it executable");
    request.arguments.front() = *path;
    auto child = ChildProcess::start(
        request.arguments, {.environment = std::move(request.environment), .folder = "/", .errorsApart = true});
    if (!child)
        co_return couldNotStart(shown, child.error());
    const auto executor = co_await asio::this_coro::executor;
    const auto running = std::make_shared<Running>(executor, std::move(*child), request.most);
    running->begin();
    const auto until = SteadyNow::now() + request.deadline;
    co_await running->wait(until);
    const bool tooMuch = running->tooMuch();
    const bool late = !running->hasEnded() && !tooMuch;
    if (!running->hasEnded())
        co_await end(*running, request.grace);
    if (late)
        co_return slow(shown, request.deadline);
    const std::string ending = tooMuch ? std::string() : running->finish();
    if (running->tooMuch())
        co_return programError(ErrorKind::TooLarge, "program-output",
                               shown + " prints more than " + std::to_string(request.most) + " bytes",
                               "It must print what it is asked for and nothing else");
    if (!ending.empty()) {
        const std::string told = running->told();
        co_return programError(ErrorKind::Unavailable, "program-failed",
                               shown + " ended with " + ending + (told.empty() ? "" : ": " + told),
                               "Try it by hand as this user");
    }
    co_return running->takeText();
}

} // namespace portolan
