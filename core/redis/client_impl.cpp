// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/client_impl.h"

#include "core/redis/errors.h"

#include <algorithm>

namespace portolan::redis {

namespace {

/// Buffers that a burst has made larger than this are given back.
constexpr std::size_t keptBuffer = 1024 * 1024;

Error lost(const Error &why)
{
    Error error = why;
    error.kind = ErrorKind::Timeout;
    error.code = "redis-lost";
    error.message = "The connection to Redis broke before the answer came. " + why.message;
    error.retryAfter = std::chrono::seconds{1};
    return error;
}

Error stopped() { return failure(ErrorKind::Cancelled, "The Redis client is stopped."); }

SteadyTime after(std::chrono::milliseconds duration)
{
    return std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(duration, std::chrono::hours(24));
}

/// Problems that connecting again will not cure by itself. `renews`: with another password, perhaps.
bool permanent(const Error &error, bool renews)
{
    return (error.code == "redis-auth" && !renews) || error.code == "redis-cluster" || error.code == "redis-database" ||
           error.code == "redis-tls-file";
}

} // namespace

Client::Impl::Impl(Executor executor, Endpoint endpoint, ClientOptions options)
    : Lifecycle(executor, std::move(endpoint), std::move(options)), m_tick(executor), m_upkeep(executor)
{}

void Client::Impl::ended(std::shared_ptr<Link> link)
{
    m_tick.cancel();
    m_upkeep.cancel();
    lose(link.get(), stopped());
    Completions completions;
    {
        const std::lock_guard lock(m_mutex);
        for (const auto &waiter : m_waiters)
            completions.fail(waiter.call, stopped());
        m_waiters.clear();
        m_problem = stopped();
    }
    completions.deliver(std::nullopt);
}

std::optional<Error> Client::Impl::problem() const
{
    const std::lock_guard lock(m_mutex);
    return m_problem;
}

Client::Counters Client::Impl::counters() const
{
    const auto connections = m_connections.load(std::memory_order_relaxed);
    return {m_commands.load(std::memory_order_relaxed), m_dropped.load(std::memory_order_relaxed),
            connections > 0 ? connections - 1 : 0,      m_timeouts.load(std::memory_order_relaxed),
            m_moved.load(std::memory_order_relaxed),    m_signIns.load(std::memory_order_relaxed)};
}

// Calling ------------------------------------------------------------------------------------------------------------

awaitable<void> Client::Impl::perform(Call &call, const Command &commands, std::chrono::milliseconds deadline)
{
    return asio::async_initiate<decltype(use_awaitable), void()>(
        [](auto handler, Impl *self, Call *waiting, const Command *bytes, SteadyTime until) {
            waiting->executor = asio::get_associated_executor(handler);
            waiting->handler.emplace(std::move(handler));
            // Once it is enqueued the call may be completed on another thread: no more touching it.
            if (auto refused = self->enqueue(*bytes, waiting, until)) {
                Completions completions;
                completions.fail(waiting, *refused);
                completions.deliver(std::nullopt); // a coroutine cannot go on before it has been suspended
            }
        },
        use_awaitable, this, &call, &commands, after(deadline));
}

awaitable<void> Client::Impl::performTogether(Call &call, const Script &script, std::span<const std::string_view> keys,
                                              std::string_view argument, std::chrono::milliseconds deadline)
{
    return asio::async_initiate<decltype(use_awaitable), void()>(
        [](auto handler, Impl *self, Call *waiting, const Script *asked, std::span<const std::string_view> of,
           std::string_view with, SteadyTime until) {
            waiting->executor = asio::get_associated_executor(handler);
            waiting->handler.emplace(std::move(handler));
            std::optional<Error> refused;
            {
                const std::lock_guard lock(self->m_mutex);
                std::size_t bytes = with.size();
                for (const auto key : of)
                    bytes += key.size();
                refused = self->refusal(1, bytes);
                if (!refused) {
                    self->m_gathering.add(*asked, of, with, waiting, until);
                    self->scheduleFlush();
                }
            }
            if (refused) {
                Completions completions;
                completions.fail(waiting, *refused);
                completions.deliver(std::nullopt);
            }
        },
        use_awaitable, this, &call, &script, keys, argument, after(deadline));
}

void Client::Impl::post(const Command &commands)
{
    if (commands.count() != 0 && enqueue(commands, nullptr, SteadyTime::max()))
        m_dropped.fetch_add(commands.count(), std::memory_order_relaxed);
}

std::optional<Error> Client::Impl::enqueue(const Command &commands, Call *call, SteadyTime deadline)
{
    const std::lock_guard lock(m_mutex);
    const auto count = commands.count();
    if (auto refused = refusal(count, commands.bytes().size()))
        return refused;
    m_pending.fetch_add(count, std::memory_order_relaxed);
    m_commands.fetch_add(count, std::memory_order_relaxed);
    m_outgoing += commands.bytes();
    m_queued.push_back(Slot{call, deadline, static_cast<std::uint32_t>(count)});
    scheduleFlush();
    return std::nullopt;
}

/// Why nothing more is taken. Under m_mutex.
std::optional<Error> Client::Impl::refusal(std::size_t replies, std::size_t bytes) const
{
    if (!m_accepting) {
        if (m_stopped)
            return stopped();
        return m_problem ? *m_problem : away(m_endpoint, "still connecting", false);
    }
    if (m_pending.load(std::memory_order_relaxed) + m_gathering.calls() + replies > m_options.maxPending ||
        m_outgoing.size() + m_gathering.bytes() + bytes > m_options.maxPendingBytes)
        return Error{ErrorKind::Unavailable,   "redis-busy", "Too many Redis calls are in flight.",
                     "Try again in a moment.", {},           std::chrono::seconds{1}};
    return std::nullopt;
}

/// Under m_mutex.
void Client::Impl::sealGathered()
{
    const auto commands = m_gathering.seal(m_outgoing, m_queued);
    m_pending.fetch_add(commands, std::memory_order_relaxed);
    m_commands.fetch_add(commands, std::memory_order_relaxed);
}

/// Under m_mutex.
void Client::Impl::scheduleFlush()
{
    if (std::exchange(m_flushScheduled, true))
        return;
    asio::post(m_executor, [self = shared_from_this()] { self->flush(); });
}

void Client::Impl::flush()
{
    if (!m_link || m_link->isWriting)
        return; // m_flushScheduled stays, and written() comes here again
    Link &link = *m_link;
    const bool wasIdle = link.inFlight.empty();
    {
        const std::lock_guard lock(m_mutex);
        m_flushScheduled = false;
        sealGathered();
        if (m_outgoing.empty())
            return;
        link.writing.swap(m_outgoing);
        for (const auto &slot : m_queued) {
            link.earliest = std::min(link.earliest, slot.deadline);
            link.inFlight.push_back(slot);
        }
        m_queued.clear();
    }
    if (wasIdle)
        link.progress = std::chrono::steady_clock::now();
    link.isWriting = true;
    link.wire.stream().writeAll(asio::buffer(link.writing),
                                [self = shared_from_this(), held = m_link](const error_code &failed, std::size_t) {
                                    self->written(held, failed);
                                });
    startTicking();
}

void Client::Impl::written(const std::shared_ptr<Link> &link, const error_code &failed)
{
    link->isWriting = false;
    link->writing.clear();
    if (link->writing.capacity() > keptBuffer)
        link->writing.shrink_to_fit();
    if (link != m_link)
        return;
    if (failed)
        link->wire.close(); // run() is reading and will see the end
    else
        flush();
}

namespace {

/// One reply for all calls of a slot: each gets its element, or all the same when it has none for each.
void share(const Slot &slot, Reply reply)
{
    const bool each = reply.type == Reply::Type::Array && reply.elements.size() == slot.parts;
    std::size_t number = 0;
    for (Call *call = slot.call; call; call = call->next)
        call->reply = each ? std::move(reply.elements[number++]) : reply;
}

} // namespace

/// Hands out the replies that have come. False: what came is no answer to what was asked.
bool Client::Impl::received(Link &link, std::string &problem)
{
    link.progress = std::chrono::steady_clock::now();
    Completions completions;
    std::size_t answered = 0;
    Reply reply;
    ReplyReader::Next next = ReplyReader::Next::NeedMore;
    while ((next = link.wire.next(reply)) == ReplyReader::Next::Reply && !link.inFlight.empty()) {
        Slot &slot = link.inFlight.front();
        ++answered;
        noteRefusal(reply);
        noteTurn(link, reply);
        if (slot.parts > 0)
            std::ranges::for_each(reply.elements, [this](const Reply &one) { noteRefusal(one); });
        if (slot.call && slot.call->replies)
            slot.call->replies->push_back(std::move(reply));
        else if (slot.call && slot.parts > 0)
            share(slot, std::move(reply));
        else if (slot.call)
            slot.call->reply = std::move(reply);
        if (--slot.replies != 0)
            continue;
        if (slot.call)
            completions.add(slot.call);
        link.inFlight.pop_front();
    }
    m_pending.fetch_sub(answered, std::memory_order_relaxed);
    if (next == ReplyReader::Next::Malformed)
        problem = "its answer is malformed (" + link.wire.malformed() + ")";
    else if (next == ReplyReader::Next::Reply)
        problem = "it answered what was not asked: " + reply.text;
    else if (link.suspect)
        suspect(false);
    finish(completions);
    return next == ReplyReader::Next::NeedMore;
}

/// On the client's thread: delivers, and sends in one write what the resumed callers ask next.
void Client::Impl::finish(Completions &completions)
{
    if (completions.has(m_executor)) {
        const std::lock_guard lock(m_mutex);
        m_flushScheduled = true; // spares their posting it
    }
    completions.deliver(m_executor);
    flush();
}

// Connecting ---------------------------------------------------------------------------------------------------------

void Client::Impl::opened()
{
    m_connections.fetch_add(1, std::memory_order_relaxed);
    m_cluster.store(m_link->wire.isCluster(), std::memory_order_relaxed);
    setReady();
    if (!needsUpkeep())
        return;
    m_link->password = m_endpoint.password;
    spawn(m_executor, [self = shared_from_this(), link = m_link] { return upkeep(self, link); });
}

void Client::Impl::broke(Link &link, const std::string &problem)
{
    m_upkeep.cancel();
    lose(&link, away(m_endpoint, link.suspect ? "it does not answer" : problem, !link.suspect));
}

/// What waits for an answer of `link` (null: there is none) or to be sent gets none any more.
void Client::Impl::lose(Link *link, const Error &why)
{
    Completions completions;
    std::size_t gone = 0;
    if (link) {
        const Error broken = why.kind == ErrorKind::Cancelled ? why : lost(why);
        for (const auto &slot : link->inFlight) {
            gone += slot.replies;
            if (slot.call)
                completions.fail(slot.call, broken);
        }
        link->inFlight.clear();
    }
    {
        const std::lock_guard lock(m_mutex);
        m_accepting = false;
        sealGathered();
        for (const auto &slot : m_queued) {
            gone += slot.replies;
            if (slot.call)
                completions.fail(slot.call, why);
        }
        m_queued.clear();
        m_outgoing.clear();
        m_flushScheduled = false;
    }
    m_pending.fetch_sub(gone, std::memory_order_relaxed);
    if (why.kind != ErrorKind::Cancelled)
        setAway(why);
    completions.deliver(std::nullopt);
}

void Client::Impl::suspect(bool suspected)
{
    m_link->suspect = suspected;
    if (suspected)
        setAway(away(m_endpoint, "it does not answer", false));
    else
        setReady();
}

void Client::Impl::setReady()
{
    Completions completions;
    {
        const std::lock_guard lock(m_mutex);
        if (m_stopped)
            return;
        m_accepting = true;
        m_flushScheduled = false;
        m_problem.reset();
        for (const auto &waiter : m_waiters)
            completions.add(waiter.call);
        m_waiters.clear();
    }
    m_state.store(State::Ready, std::memory_order_release);
    completions.deliver(std::nullopt);
}

void Client::Impl::setAway(const Error &why)
{
    Completions completions;
    {
        const std::lock_guard lock(m_mutex);
        if (m_stopped)
            return;
        m_accepting = false;
        m_problem = why;
        if (permanent(why, m_options.password != nullptr)) {
            for (const auto &waiter : m_waiters)
                completions.fail(waiter.call, why);
            m_waiters.clear();
        }
    }
    m_state.store(State::Connecting, std::memory_order_release);
    completions.deliver(std::nullopt);
}

awaitable<void> Client::Impl::awaitReady(Call &call, std::chrono::milliseconds deadline)
{
    return asio::async_initiate<decltype(use_awaitable), void()>(
        [](auto handler, Impl *self, Call *waiting, SteadyTime until) {
            waiting->executor = asio::get_associated_executor(handler);
            waiting->handler.emplace(std::move(handler));
            Completions completions;
            {
                const std::lock_guard lock(self->m_mutex);
                if (self->m_stopped)
                    completions.fail(waiting, stopped());
                else if (self->m_accepting)
                    completions.add(waiting);
                else if (self->m_problem && permanent(*self->m_problem, self->m_options.password != nullptr))
                    completions.fail(waiting, *self->m_problem);
                else
                    self->m_waiters.push_back(Slot{waiting, until, 0});
            }
            completions.deliver(std::nullopt);
            asio::post(self->m_executor, [held = self->shared_from_this()] { held->startTicking(); });
        },
        use_awaitable, this, &call, after(deadline));
}

} // namespace portolan::redis
