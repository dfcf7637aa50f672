// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/resolver.h"
#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"
#include "core/redis/password.h"
#include "core/redis/wire.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace portolan::redis {

/// One connection, with what its user keeps for as long as it lasts.
struct Link
{
    Link(Executor executor, std::shared_ptr<Dialer> way, std::shared_ptr<TlsClient> tls, std::size_t maxReplyBytes)
        : wire(executor, std::move(way), std::move(tls), maxReplyBytes)
    {}
    Wire wire;
    bool timedOut = false; ///< did not open in time
    std::string gaveUp;    ///< why we have closed it ourselves
};

/// The life of a process' connection to Redis, the same for the client and the subscriber: it is opened, served until
/// it breaks, and opened anew after a pause, until stop(). Where to and with which password is asked before each
/// opening.
///
/// `Derived` has, all called on the executor's thread but the first:
///
///     void stopping()                                 under the mutex: nothing more is taken
///     const std::vector<const Script *> &scripts() const   loaded with the hello
///     void failed(const Error &why)                   it could not be opened
///     void opened()                                   there is an m_link
///     bool received(Link &link, std::string &problem) bytes have come; false: they make no sense
///     void broke(Link &link, const std::string &problem)   it is m_link no longer
///     void ended(std::shared_ptr<Link> link)          the last, after stop(); null where there was none
template <class Derived, class LinkType> class Lifecycle : public std::enable_shared_from_this<Derived>
{
public:
    using State = Client::State;

    void start()
    {
        {
            const std::lock_guard lock(m_mutex);
            if (m_started || m_stopped)
                return;
            m_started = true;
        }
        spawn(m_executor, [self = this->shared_from_this()] { return run(self); });
    }

    /// Blocks until ended() has returned, but on the executor's own thread or where it no longer runs: there it is
    /// called at once.
    void stop()
    {
        bool started = false;
        {
            const std::lock_guard lock(m_mutex);
            m_stopped = true;
            derived().stopping();
            started = m_started;
        }
        const auto now = [this] { std::call_once(m_tearDown, [this] { tearDown(); }); };
        if (!started || m_executor.running_in_this_thread())
            return now();
        asio::post(m_executor,
                   [self = this->shared_from_this()] { std::call_once(self->m_tearDown, [&] { self->tearDown(); }); });
        while (m_end.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout) {
            if (m_executor.context().stopped())
                return now();
        }
    }

    State state() const { return m_state.load(std::memory_order_acquire); }

protected:
    Lifecycle(Executor executor, Endpoint endpoint, ClientOptions options)
        : m_executor(executor),
          m_given(std::move(endpoint)),
          m_endpoint(m_given),
          m_options(std::move(options)),
          m_way(m_options.way ? m_options.way : std::make_shared<DirectDialer>(std::make_shared<Resolver>())),
          m_tls(tlsClient(m_given, m_options.trust)),
          m_retry(executor)
    {}
    ~Lifecycle() = default;

    const Executor m_executor;
    const Endpoint m_given;
    Endpoint m_endpoint; ///< where it is connected to or tried last; written on the executor's thread, under the mutex
    const ClientOptions m_options;
    const std::shared_ptr<Dialer> m_way;
    const Result<std::shared_ptr<TlsClient>> m_tls;

    mutable std::mutex m_mutex;
    bool m_started = false; ///< under the mutex, as the next
    bool m_stopped = false;
    std::atomic<State> m_state{State::Connecting};

    std::shared_ptr<LinkType> m_link; ///< on the executor's thread: while connected

private:
    Derived &derived() { return static_cast<Derived &>(*this); }

    static awaitable<void> run(std::shared_ptr<Derived> self)
    {
        Backoff backoff(self->m_options.backoffMin, self->m_options.backoffMax);
        for (;;) {
            co_await self->pause(backoff.next());
            if (self->state() == State::Stopped)
                co_return;
            const auto tls = self->m_tls ? *self->m_tls : nullptr;
            auto link = std::make_shared<LinkType>(self->m_executor, self->m_way, tls, self->m_options.maxReplyBytes);
            const std::optional<Error> failed = co_await self->open(link);
            if (self->state() == State::Stopped)
                co_return;
            if (failed) {
                self->failed(*failed);
                continue;
            }
            self->m_link = link;
            self->opened();
            const auto since = std::chrono::steady_clock::now();
            std::string problem;
            for (;;) {
                const bool more = co_await link->wire.receive(problem);
                if (!more || self->m_link != link || !self->received(*link, problem) || self->m_link != link)
                    break;
            }
            link->wire.close();
            if (self->state() == State::Stopped)
                co_return;
            if (!link->gaveUp.empty())
                problem = link->gaveUp;
            self->m_link.reset();
            self->broke(*link, problem);
            if (std::chrono::steady_clock::now() - since > self->m_options.backoffMax)
                backoff.reset(); // a server that hangs up right after the hello is not asked again in a tight loop
        }
    }

    awaitable<std::optional<Error>> open(std::shared_ptr<LinkType> link)
    {
        if (!m_tls)
            co_return m_tls.error();
        if (m_options.locate || m_options.password) {
            Result<Endpoint> located = co_await locate();
            if (!located)
                co_return located.error();
            const std::lock_guard lock(m_mutex);
            m_endpoint = std::move(*located);
        }
        if (state() == State::Stopped)
            co_return away(m_endpoint, "it is not wanted any more", false);
        Endpoint endpoint = m_endpoint;
        if (!m_byOtherName)
            endpoint.otherName.clear();
        std::optional<Error> failed = co_await greet(link, endpoint);
        if (!failed)
            co_return failed;
        if (failed->code == "redis-tls-name" && !m_endpoint.otherName.empty())
            m_byOtherName = !m_byOtherName;
        if (failed->code == "redis-auth" && m_options.password)
            m_options.password->refused(Secret(endpoint.password));
        if (m_options.explain)
            co_return m_options.explain(m_endpoint, *failed);
        co_return failed;
    }

    awaitable<std::optional<Error>> greet(std::shared_ptr<LinkType> link, Endpoint endpoint)
    {
        m_opening = link;
        const auto deadline = std::chrono::steady_clock::now() + m_options.connectTimeout;
        Timer watchdog(m_executor, deadline);
        watchdog.async_wait([link](const error_code &cancelled) {
            if (!cancelled) {
                link->timedOut = true;
                link->wire.close();
            }
        });
        const Wanted wanted{m_options.name, derived().scripts(), m_options.primaryOnly, m_options.allowCluster};
        std::optional<Error> failed = co_await link->wire.open(endpoint, wanted, deadline);
        watchdog.cancel();
        m_opening.reset();
        if (link->timedOut && link->wire.connected()) // else `failed` says at which step
            co_return away(endpoint, "no answer within " + std::to_string(m_options.connectTimeout.count()) + " ms");
        co_return failed;
    }

    /// Where to, and with which password.
    static awaitable<void> find(std::shared_ptr<Derived> self, std::shared_ptr<std::optional<Result<Endpoint>>> found)
    {
        Result<Endpoint> endpoint = self->m_given;
        if (self->m_options.locate)
            endpoint = co_await self->m_options.locate();
        if (endpoint && self->m_options.password) {
            auto password = co_await self->m_options.password->current();
            if (password)
                endpoint->password = std::string(password->reveal());
            else
                endpoint = password.error();
        }
        if (endpoint && endpoint->transport != self->m_given.transport && isTls(*endpoint) != isTls(self->m_given))
            endpoint = failure(ErrorKind::Internal, "A Redis was located that is spoken to otherwise.");
        *found = std::move(endpoint);
        self->m_retry.cancel();
    }

    /// What find() finds, if it does in time; else it goes on, for the next attempt.
    awaitable<Result<Endpoint>> locate()
    {
        if (!m_found) {
            m_found = std::make_shared<std::optional<Result<Endpoint>>>();
            spawn(m_executor, [self = this->shared_from_this(), found = m_found] { return find(self, found); });
        }
        const auto deadline = std::chrono::steady_clock::now() + m_options.locateTimeout;
        while (!*m_found && state() != State::Stopped && std::chrono::steady_clock::now() < deadline)
            co_await pause(std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()));
        if (!*m_found)
            co_return away(m_endpoint,
                           "within " + std::to_string(m_options.locateTimeout.count()) +
                               " ms it was not told where it is, or by which password",
                           false);
        Result<Endpoint> found = std::move(**m_found);
        m_found.reset();
        co_return found;
    }

    static bool isTls(const Endpoint &endpoint) { return endpoint.transport == Endpoint::Transport::Tls; }

    awaitable<void> pause(std::chrono::milliseconds duration)
    {
        if (duration.count() == 0)
            co_return;
        error_code cancelled;
        m_retry.expires_after(duration);
        co_await m_retry.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }

    void tearDown()
    {
        m_retry.cancel();
        if (m_opening)
            m_opening->wire.close();
        auto link = std::exchange(m_link, nullptr);
        if (link)
            link->wire.close();
        m_state.store(State::Stopped, std::memory_order_release);
        derived().ended(std::move(link));
        m_tornDown.set_value();
    }

    std::shared_ptr<LinkType> m_opening;                      ///< while connecting
    std::shared_ptr<std::optional<Result<Endpoint>>> m_found; ///< while it is asked for, and until it is used
    bool m_byOtherName = false;                               ///< the certificate is not made for the address
    Timer m_retry;
    std::once_flag m_tearDown;
    std::promise<void> m_tornDown;
    std::shared_future<void> m_end{m_tornDown.get_future().share()};
};

} // namespace portolan::redis
