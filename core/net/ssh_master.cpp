// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/ssh_master.h"

#include "core/base/program.h"
#include "core/base/runtime.h"
#include "core/net/coded.h"

#include <boost/asio/redirect_error.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace portolan::net {

namespace {

using SteadyNow = std::chrono::steady_clock;

constexpr std::size_t mostOpenings = 512;
constexpr std::chrono::milliseconds lookEvery{50};
constexpr std::chrono::milliseconds checkWithin{2000}; ///< a master that does not answer on this machine hangs
constexpr std::chrono::milliseconds telling{1000};     ///< after which one that says nothing will say nothing
constexpr std::chrono::milliseconds reasonWithin{500}; ///< of a connection that was closed: its line is there already

bool isSocket(const std::string &path)
{
    struct stat status
    {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

Error withMend(Error error, std::string about, std::string mend)
{
    error.about = std::move(about);
    error.mend = std::move(mend);
    return error;
}

Error missing(const std::string &program)
{
    return withMend(coded(ErrorKind::Unavailable, "tunnel-ssh-missing",
                          "The program ssh is not installed on this machine.", "Install the client of OpenSSH."),
                    program, "apt-get install openssh-client");
}

/// Whether a readable socket has bytes, and not its end.
bool hasBytes(UnixSocket &socket)
{
    char byte = 0;
    return ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

} // namespace

awaitable<void> Bell::wait(Executor executor, SteadyTime until)
{
    const auto timer = std::make_shared<Timer>(executor, until);
    std::erase_if(m_waiting, [](const auto &one) { return one.expired(); });
    m_waiting.push_back(timer);
    error_code rung;
    co_await timer->async_wait(asio::redirect_error(use_awaitable, rung));
}

void Bell::ring()
{
    for (const auto &one : std::exchange(m_waiting, {}))
        if (const auto timer = one.lock())
            timer->cancel();
}

Result<std::shared_ptr<SshMaster>> SshMaster::start(Executor executor, const std::string &host,
                                                    std::shared_ptr<const SshOptions> options, Calls calls)
{
    auto folder = SshFolder::make(*options);
    if (!folder)
        return folder.error();
    std::shared_ptr<SshMaster> master(
        new SshMaster(executor, host, std::move(options), std::move(*folder), std::move(calls)));
    if (auto begun = master->begin(); !begun)
        return begun.error();
    return master;
}

SshMaster::SshMaster(Executor executor, std::string host, std::shared_ptr<const SshOptions> options, SshFolder folder,
                     Calls calls)
    : m_executor(executor),
      m_host(std::move(host)),
      m_options(std::move(options)),
      m_folder(std::move(folder)),
      m_calls(std::move(calls)),
      m_log(m_host),
      m_timer(executor),
      m_limit(SteadyNow::now() + m_options->firstDial)
{}

Result<void> SshMaster::begin()
{
    const auto program = findProgram(m_options->program);
    if (!program)
        return missing(m_options->program);
    m_program = *program;
    const auto config = m_folder.write("config", sshConfig(*m_options));
    if (!config)
        return config.error();
    // By -vv it tells what becomes of each connection, also where the user has silenced it.
    auto process = SshProcess::start(
        m_executor,
        {m_program, "-vv", "-F", *config, "-N", "-o", "ControlMaster=yes", "-o", "ExitOnForwardFailure=yes", "-o",
         "StreamLocalBindUnlink=yes", "-S", m_folder.at("c"), "--", m_host},
        m_options->environment,
        [weak = weak_from_this()](std::string_view line) {
            if (const auto self = weak.lock())
                self->read(line);
        },
        [weak = weak_from_this()](const std::string &ending) {
            if (const auto self = weak.lock())
                self->end(self->m_up ? self->m_log.whyGone(ending) : self->m_log.whyNotUp(ending));
        });
    if (!process) {
        Error error = process.error();
        error.code = "tunnel-ssh-failed";
        return error;
    }
    m_process = std::move(*process);
    look();
    return Result<void>();
}

void SshMaster::end(const Error &why)
{
    if (m_ended)
        return;
    const auto self = shared_from_this();
    m_ended = why;
    m_timer.cancel();
    m_process.reset();
    m_forwards.clear();
    m_openings.clear();
    m_bell.ring();
    if (m_calls.ended)
        m_calls.ended(why);
}

void SshMaster::read(std::string_view line)
{
    SshEvent event = m_log.read(line);
    if (!event.shown.empty() && m_calls.line)
        m_calls.line(std::move(event.shown));
    if (event.kind != SshEvent::Kind::None)
        apply(event);
    else if (!m_up)
        look();
}

void SshMaster::apply(const SshEvent &event)
{
    const bool asked = event.kind == SshEvent::Kind::Asked;
    const auto its = [&](const auto &one) { return one->target == event.target && (!asked || !one->asked); };
    const auto found = std::ranges::find_if(m_openings, its); // connections to one socket are taken in their order
    if (found == m_openings.end())
        return;
    if (asked) {
        (*found)->asked = true;
        return;
    }
    if (event.kind == SshEvent::Kind::Opened)
        (*found)->opened = true;
    else
        (*found)->refused = event.why;
    m_openings.erase(found);
    m_bell.ring();
}

void SshMaster::look()
{
    if (m_up || m_ended)
        return;
    if (isSocket(m_folder.at("c"))) { // it is made under another name, and moved there once it listens
        m_up = true;
        m_log.connected();
        m_bell.ring();
        if (m_calls.up)
            m_calls.up();
        sweep();
        return;
    }
    if (SteadyNow::now() >= m_limit)
        return end(m_log.whyNotUp({}));
    m_timer.expires_after(lookEvery);
    m_timer.async_wait([weak = weak_from_this()](error_code cancelled) {
        const auto self = weak.lock();
        if (self && !cancelled)
            self->look();
    });
}

void SshMaster::sweep()
{
    const auto now = SteadyNow::now();
    std::vector<std::shared_ptr<Forward>> unused;
    for (const auto &[to, one] : m_forwards)
        if (one->ready && one->dials == 0 && now - one->used >= m_options->unused)
            unused.push_back(one);
    for (const auto &one : unused)
        cancel(one);
    m_timer.expires_after(m_options->unused / 4);
    m_timer.async_wait([weak = weak_from_this()](error_code cancelled) {
        const auto self = weak.lock();
        if (self && !cancelled && !self->m_ended)
            self->sweep();
    });
}

awaitable<Result<void>> SshMaster::up(SteadyTime until)
{
    const auto self = shared_from_this();
    while (!m_up && !m_ended && SteadyNow::now() < until)
        co_await m_bell.wait(m_executor, until);
    if (m_ended)
        co_return *m_ended;
    if (!m_up)
        co_return m_log.whyNotUp({});
    co_return Result<void>();
}

/// A call by the control socket. It reads no configuration: with `ClearAllForwardings yes` there, the -L would be
/// dropped and the answer be 0 all the same, and forwards of the user's would be asked for too.
std::vector<std::string> SshMaster::control(const char *what, const Forward *forward) const
{
    std::vector<std::string> arguments{m_program, "-F", "none", "-S", m_folder.at("c"), "-O", what};
    if (forward)
        arguments.insert(arguments.end(), {"-L", forward->path + ":" + forward->to});
    arguments.emplace_back("x");
    return arguments;
}

Result<std::shared_ptr<SshMaster::Forward>> SshMaster::forwardFor(const std::string &to)
{
    if (const auto found = m_forwards.find(to); found != m_forwards.end())
        return found->second;
    if (m_forwards.size() >= m_options->forwards && !makeRoom())
        return busy();
    const auto forward = std::make_shared<Forward>();
    forward->path = m_folder.at(std::to_string(++m_count));
    forward->to = to;
    m_forwards[to] = forward;
    spawn(m_executor, [self = shared_from_this(), forward] { return self->make(forward); });
    return forward;
}

awaitable<Result<void>> SshMaster::ready(std::shared_ptr<Forward> forward, Target target, SteadyTime until)
{
    const auto self = shared_from_this();
    while (!forward->ready && !forward->failed && !m_ended && SteadyNow::now() < until)
        co_await m_bell.wait(m_executor, until);
    if (m_ended)
        co_return *m_ended;
    if (forward->failed)
        co_return *forward->failed;
    if (!forward->ready)
        co_return notInTime(m_host, target);
    co_return Result<void>();
}

Error SshMaster::busy() const
{
    return coded(ErrorKind::Unavailable, "tunnel-ssh-busy",
                 "Too many connections through " + m_host + " are being made.",
                 "Check that what they lead to answers.");
}

bool SshMaster::makeRoom()
{
    std::shared_ptr<Forward> oldest;
    for (const auto &[to, one] : m_forwards)
        if (one->ready && one->dials == 0 && (!oldest || one->used < oldest->used))
            oldest = one;
    if (oldest)
        cancel(oldest);
    return oldest != nullptr;
}

/// Connections that stand go on.
void SshMaster::cancel(const std::shared_ptr<Forward> &forward)
{
    m_forwards.erase(forward->to);
    ProgramRequest request;
    request.arguments = control("cancel", forward.get());
    request.environment = m_options->environment;
    request.deadline = m_options->laterDial;
    spawn(m_executor, [self = shared_from_this(), forward, request]() -> awaitable<void> {
        co_await runProgram(request);
        ::unlink(forward->path.c_str()); // which ssh leaves there
    });
}

awaitable<void> SshMaster::make(std::shared_ptr<Forward> forward)
{
    const auto self = shared_from_this();
    ProgramRequest request;
    request.arguments = control("forward", forward.get());
    request.environment = m_options->environment;
    request.deadline = m_options->laterDial;
    const auto asked = co_await runProgram(request);
    if (m_ended)
        co_return;
    forward->used = SteadyNow::now();
    forward->ready = isSocket(forward->path); // whatever its exit code is
    if (!forward->ready) {
        const bool hangs = asked.has_error() && asked.error().kind == ErrorKind::Timeout;
        Error error = coded(ErrorKind::Unavailable, "tunnel-ssh-failed",
                            "ssh to " + m_host + " makes no forward to " + forward->to +
                                (asked ? std::string(".") : ". " + asked.error().message + "."),
                            "Try it by hand as this user.");
        error.about = forward->to;
        forward->failed = error;
        m_forwards.erase(forward->to);
        if (hangs)
            end(m_log.whyHung());
    }
    m_bell.ring();
}

awaitable<Result<FileDescriptor>> SshMaster::open(Target target, SteadyTime until)
{
    const auto self = shared_from_this();
    const auto to = forwardTo(target);
    if (!to)
        co_return to.error();
    const auto forward = forwardFor(*to);
    if (!forward)
        co_return forward.error();
    struct Dialing
    {
        explicit Dialing(std::shared_ptr<Forward> forward_) : forward(std::move(forward_)) { ++forward->dials; }
        Dialing(const Dialing &) = delete;
        Dialing &operator=(const Dialing &) = delete;
        ~Dialing()
        {
            --forward->dials;
            forward->used = SteadyNow::now();
        }
        const std::shared_ptr<Forward> forward;
    };
    const Dialing dialing(*forward);
    const auto made = co_await ready(*forward, target, until);
    if (!made)
        co_return made.error();
    if (m_openings.size() >= mostOpenings)
        co_return busy();
    const auto opening = std::make_shared<Opening>();
    opening->target = targetKey(target);
    m_openings.push_back(
        opening); // it stays there until ssh tells its end, also where nobody waits for that any longer
    DirectDialer here(nullptr);
    const Target socketHere{{}, 0, (*forward)->path};
    auto dialed = co_await here.dial(m_executor, socketHere, until);
    if (!dialed) {
        std::erase(m_openings, opening);
        if (m_ended)
            co_return *m_ended;
        spawn(m_executor, [self] { return self->check(); });
        co_return notOpened(*opening, target);
    }
    const auto socket = std::make_shared<UnixSocket>(std::move(std::get<UnixSocket>(*dialed)));
    const bool stands = co_await connected(socket, opening, until);
    if (stands) {
        error_code failed;
        FileDescriptor file(socket->release(failed));
        if (!failed)
            co_return file;
    }
    if (m_ended)
        co_return *m_ended;
    if (!opening->asked && !opening->refused)
        spawn(m_executor, [self] { return self->check(); });
    co_return notOpened(*opening, target);
}

/// Until it is known what became of it.
awaitable<bool> SshMaster::connected(std::shared_ptr<UnixSocket> socket, std::shared_ptr<Opening> opening,
                                     SteadyTime until)
{
    const auto self = shared_from_this();
    socket->async_wait(UnixSocket::wait_read, [weak = weak_from_this(), opening](error_code failed) {
        const auto master = weak.lock();
        if (!master || failed)
            return;
        opening->readable = true;
        master->m_bell.ring();
    });
    const auto begun = SteadyNow::now();
    bool closed = false;
    while (!opening->opened && !opening->refused && !m_ended) {
        const auto now = SteadyNow::now();
        if (opening->readable && !closed) {
            if (hasBytes(*socket)) // the other end speaks first
                co_return true;
            closed = true;
            until = std::min(until, now + reasonWithin);
        }
        const bool silent = !opening->asked && !m_log.tellsOfConnections();
        if (silent && !closed && now - begun >= telling)
            co_return true;
        if (now >= until)
            co_return false;
        const auto next = silent && !closed ? std::min(until, begun + telling) : until;
        co_await m_bell.wait(m_executor, next);
    }
    co_return opening->opened;
}

Error SshMaster::notOpened(const Opening &opening, const Target &target) const
{
    if (opening.refused)
        return forwardError(m_host, target, *opening.refused);
    return opening.readable ? forwardError(m_host, target, {}) : notInTime(m_host, target);
}

/// Ends a master that does not answer on this machine.
awaitable<void> SshMaster::check()
{
    const auto self = shared_from_this();
    if (m_checking || m_ended)
        co_return;
    m_checking = true;
    ProgramRequest request;
    request.arguments = control("check", nullptr);
    request.environment = m_options->environment;
    request.deadline = checkWithin;
    const auto answer = co_await runProgram(request);
    m_checking = false;
    if (!answer && !m_ended)
        end(m_log.whyHung());
}

} // namespace portolan::net
