// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/ssh_tunnel.h"

#include "core/base/given_text.h"
#include "core/net/coded.h"
#include "core/net/ssh_master.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <deque>
#include <exception>

namespace portolan::net {

namespace {

using SteadyNow = std::chrono::steady_clock;

Error ended() { return failure(ErrorKind::Cancelled, "The tunnel is closed."); }

/// One dial on another thread. Its timer is touched on its executor's thread only; the answer, under the mutex.
struct Waiting
{
    Waiting(Executor executor_, SteadyTime deadline) : executor(executor_), timer(executor_, deadline) {}
    void tell(Result<FileDescriptor> result, const std::shared_ptr<Waiting> &self)
    {
        const std::lock_guard lock(mutex);
        if (left)
            return;
        answer = std::move(result);
        asio::post(executor, [self] { self->timer.cancel(); });
    }

    const Executor executor;
    Timer timer;
    std::mutex mutex;
    bool left = false; ///< nobody waits any longer: nothing is posted to its executor again
    std::optional<Result<FileDescriptor>> answer;
};

} // namespace

std::chrono::milliseconds pauseAfter(std::chrono::milliseconds before, const Error &why, const SshOptions &options)
{
    constexpr std::string_view mended[] = {"tunnel-ssh-auth", "tunnel-ssh-passphrase", "tunnel-ssh-host-key-unknown",
                                           "tunnel-ssh-host-key-changed", "tunnel-ssh-missing"};
    const bool waits = std::ranges::find(mended, why.code) != std::end(mended);
    const auto longest = waits ? options.mendedPause : options.longestPause;
    return before.count() == 0 ? std::min(options.firstPause, longest) : std::min(before * 2, longest);
}

/// On the executor's thread, but for what is under the mutex.
struct SshTunnel::State final : std::enable_shared_from_this<SshTunnel::State>
{
    State(Executor executor_, std::string host_, SshOptions options_)
        : executor(executor_), host(std::move(host_)), options(std::make_shared<const SshOptions>(std::move(options_)))
    {}

    awaitable<Result<FileDescriptor>> open(Target target, SteadyTime deadline);
    Result<std::shared_ptr<SshMaster>> current();
    Result<std::shared_ptr<SshMaster>> start();
    void failed(const Error &why);
    void close();
    void note();

    const Executor executor;
    const std::string host;
    const std::shared_ptr<const SshOptions> options;
    std::shared_ptr<SshMaster> master;
    std::optional<Error> why;
    std::chrono::milliseconds pause{0};
    SteadyTime next;
    bool closed = false;

    mutable std::mutex mutex;
    std::optional<Error> trouble;
    std::deque<std::string> lines;
    SshFigures figures;
};

void SshTunnel::State::note()
{
    const std::lock_guard lock(mutex);
    figures.process = master ? master->pid() : 0;
    figures.up = master && master->isUp();
    figures.forwards = master ? master->forwards() : 0;
    trouble = why;
}

void SshTunnel::State::failed(const Error &reason)
{
    master.reset();
    why = reason;
    pause = pauseAfter(pause, reason, *options);
    next = SteadyNow::now() + pause;
    note();
}

Result<std::shared_ptr<SshMaster>> SshTunnel::State::start()
{
    SshMaster::Calls calls;
    calls.up = [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->pause = std::chrono::milliseconds(0);
            self->why.reset();
            self->note();
        }
    };
    calls.ended = [weak = weak_from_this()](const Error &reason) {
        const auto self = weak.lock();
        if (self && !self->closed)
            self->failed(reason);
    };
    calls.line = [weak = weak_from_this()](std::string shown) {
        const auto self = weak.lock();
        if (!self)
            return;
        const std::lock_guard lock(self->mutex);
        if (self->lines.size() == mostLines)
            self->lines.pop_front();
        self->lines.push_back(std::move(shown));
    };
    {
        const std::lock_guard lock(mutex);
        ++figures.starts;
    }
    return SshMaster::start(executor, host, options, std::move(calls));
}

Result<std::shared_ptr<SshMaster>> SshTunnel::State::current()
{
    if (closed)
        return ended();
    if (master)
        return master;
    const auto now = SteadyNow::now();
    if (why && now < next) {
        Error error = *why;
        error.retryAfter = std::chrono::ceil<std::chrono::seconds>(next - now);
        return error;
    }
    auto started = start();
    if (!started) {
        failed(started.error());
        return started.error();
    }
    master = *started;
    note();
    return master;
}

awaitable<Result<FileDescriptor>> SshTunnel::State::open(Target target, SteadyTime deadline)
{
    const auto self = shared_from_this();
    const auto fits = forwardTo(target);
    if (!fits)
        co_return fits.error();
    const auto now = current();
    if (!now)
        co_return now.error();
    const std::shared_ptr<SshMaster> through = *now;
    const auto most = through->isUp() ? options->laterDial : options->firstDial;
    const auto up = co_await through->up(std::min(deadline, SteadyNow::now() + most));
    if (!up)
        co_return up.error();
    auto opened = co_await through->open(target, std::min(deadline, SteadyNow::now() + options->laterDial));
    note();
    co_return opened;
}

void SshTunnel::State::close()
{
    closed = true;
    if (master)
        master->end(ended());
    master.reset();
}

Result<std::shared_ptr<SshTunnel>> SshTunnel::make(Executor executor, std::string host, SshOptions options)
{
    if (auto fits = checkSshHost(host); !fits)
        return fits.error();
    auto state = std::make_shared<State>(executor, host, std::move(options));
    return std::shared_ptr<SshTunnel>(new SshTunnel(std::move(host), std::move(state)));
}

SshTunnel::SshTunnel(std::string host, std::shared_ptr<State> state)
    : m_host(std::move(host)), m_state(std::move(state))
{}

SshTunnel::~SshTunnel()
{
    asio::post(m_state->executor, [state = m_state] { state->close(); });
}

awaitable<Result<RawSocket>> SshTunnel::dial(Executor executor, Target target, SteadyTime deadline)
{
    // The frame alone says that somebody waits: when it is destroyed unfinished, nobody posts to its executor again.
    struct Place
    {
        std::shared_ptr<Waiting> waiting;
        ~Place()
        {
            const std::lock_guard lock(waiting->mutex);
            waiting->left = true;
        }
    };
    const std::string host = m_host;
    const Place place{std::make_shared<Waiting>(executor, deadline)};
    asio::co_spawn(
        m_state->executor, [state = m_state, target, deadline] { return state->open(target, deadline); },
        [waiting = place.waiting](const std::exception_ptr &thrown, Result<FileDescriptor> opened) {
            if (thrown)
                std::rethrow_exception(thrown); // a bug
            waiting->tell(std::move(opened), waiting);
        });
    error_code told;
    co_await place.waiting->timer.async_wait(asio::redirect_error(use_awaitable, told));
    const std::lock_guard lock(place.waiting->mutex);
    if (!place.waiting->answer) {
        Error late = coded(ErrorKind::Timeout, "tunnel-ssh-unreachable",
                           "There is no connection to " + target.display() + " through " + host + " in time.",
                           "Check that " + host + " answers, and what it may reach.");
        late.about = target.display();
        co_return late;
    }
    auto &answer = *place.waiting->answer;
    if (!answer)
        co_return answer.error();
    UnixSocket socket(executor);
    error_code failed;
    socket.assign(asio::local::stream_protocol(), answer->get(), failed);
    if (failed)
        co_return dialError(target, failed);
    answer->release();
    co_return RawSocket(std::move(socket));
}

std::optional<Error> SshTunnel::trouble() const
{
    const std::lock_guard lock(m_state->mutex);
    return m_state->trouble;
}

std::vector<std::string> SshTunnel::log() const
{
    const std::lock_guard lock(m_state->mutex);
    return {m_state->lines.begin(), m_state->lines.end()};
}

SshFigures SshTunnel::figures() const
{
    const std::lock_guard lock(m_state->mutex);
    return m_state->figures;
}

void SshTunnel::retry()
{
    asio::post(m_state->executor, [state = m_state] { state->next = SteadyNow::now(); });
}

awaitable<Result<RawSocket>> SshDialer::dial(Executor executor, Target target, SteadyTime deadline)
{
    const auto tunnel = m_tunnel; // also when this goes meanwhile
    co_return co_await tunnel->dial(executor, std::move(target), deadline);
}

std::string SshDialer::display() const { return "through " + visible(m_tunnel->host()); }

Result<std::shared_ptr<SshTunnel>> SshTunnels::to(const std::string &host)
{
    const std::lock_guard lock(m_mutex);
    std::erase_if(m_tunnels, [](const auto &one) { return one.second.expired(); });
    if (const auto found = m_tunnels.find(host); found != m_tunnels.end())
        if (auto tunnel = found->second.lock())
            return tunnel;
    auto made = SshTunnel::make(m_executor, host, m_options);
    if (made)
        m_tunnels[host] = *made;
    return made;
}

Result<std::shared_ptr<Dialer>> SshTunnels::through(const std::string &host)
{
    auto tunnel = to(host);
    if (!tunnel)
        return tunnel.error();
    return std::shared_ptr<Dialer>(std::make_shared<SshDialer>(std::move(*tunnel)));
}

} // namespace portolan::net
