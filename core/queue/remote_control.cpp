// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/remote_control.h"

#include "core/base/json_numbers.h"
#include "core/base/logging.h"
#include "core/base/utf8.h"
#include "core/queue/control_commands.h"
#include "core/queue/control_message.h"
#include "core/queue/event_sender.h"
#include "core/queue/keys.h"
#include "core/queue/log_pace.h"
#include "core/queue/node_match.h"
#include "core/queue/scripts.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace portolan::queue {

namespace {

constexpr auto heartbeatEvery = std::chrono::seconds(2);
constexpr auto heartbeatUnheardEvery = std::chrono::seconds(6); ///< so that who begins to listen hears it soon
constexpr std::string_view replyKeptSeconds = "300";
constexpr std::size_t replyMost = 1024 * 1024;
constexpr std::size_t toldMost = 256;    ///< bytes that the log says of each part of a request
constexpr std::size_t waitingMost = 100; ///< requests that wait to be answered, one after the other; more are dropped

/// With neither destination nor pattern a request is for everybody.
NodeMatch isFor(const std::string &node, const ControlRequest &request)
{
    if (!request.destination.empty())
        return std::ranges::find(request.destination, node) != request.destination.end() ? NodeMatch::Yes
                                                                                         : NodeMatch::No;
    if (request.pattern.empty() || request.matcher.empty())
        return NodeMatch::Yes;
    return matchNode(node, request.matcher, request.pattern);
}

} // namespace

struct RemoteControl::Impl : std::enable_shared_from_this<RemoteControl::Impl>
{
    Impl(Executor ioExecutor, redis::Client &redisClient, redis::Subscriber &redisSubscriber, const Clock &theClock,
         WorkerPool &thePool, RemoteControlOptions options)
        : executor(ioExecutor),
          client(redisClient),
          subscriber(redisSubscriber),
          clock(theClock),
          pool(thePool),
          database(pool.options().database),
          events(executor, client, clock, lamport, pool.node(), database),
          commands(pool, events, lamport, std::move(options)),
          pause(std::make_shared<Alarm>(executor))
    {}

    void received(std::string_view payload)
    {
        Result<ControlRequest> request = decodeControl(payload);
        if (!request)
            return;
        lamport.adjust(request->clock);
        const NodeMatch named = isFor(pool.node(), *request);
        if (named == NodeMatch::Unreadable || named == NodeMatch::TooCostly)
            tellIgnored(*request, named);
        if (named != NodeMatch::Yes)
            return;
        {
            const std::lock_guard lock(mutex);
            if (stopping || waiting.size() >= waitingMost)
                return;
            waiting.push_back(std::move(*request));
            if (std::exchange(answering, true))
                return;
            ++inside;
        }
        // On this very thread it begins at once, and takes the lock.
        spawn(executor, [self = shared_from_this()] { return self->answerAll(); });
    }

    std::optional<ControlRequest> next()
    {
        const std::lock_guard lock(mutex);
        answering = !stopping && !waiting.empty();
        if (!answering)
            return std::nullopt;
        auto request = std::move(waiting.front());
        waiting.pop_front();
        return request;
    }

    /// Once a minute: a stranger must not fill the log either.
    void tellIgnored(const ControlRequest &request, NodeMatch why)
    {
        const SteadyTime now = clock.steady();
        if (!pool.options().logger || (toldIgnored && now - *toldIgnored < std::chrono::minutes(1)))
            return;
        toldIgnored = now;
        pool.options().logger->warn(
            "a remote-control request was ignored: whom it names cannot be told",
            {{"method", cutText(request.method, 64)},
             {"matcher", std::string_view(request.matcher).substr(0, 16)},
             {"why", why == NodeMatch::TooCostly ? "its pattern takes too many steps" : "its pattern cannot be read"}});
    }

    /// What somebody else made of this worker would be a riddle otherwise; and a stranger must not fill the log.
    void tellChange(const ControlRequest &request, const boost::json::value &answer)
    {
        Logger *const logger = pool.options().logger;
        std::uint64_t unsaid = 0;
        const bool say = changePaces[request.method].mayBeSaid(clock.steady(), unsaid);
        if (logger && unsaid != 0)
            logger->info("this worker was sent more control messages than the log says",
                         {{"method", request.method}, {"messages", unsaid}});
        if (!logger || !say)
            return;
        const std::string arguments = jsonText(request.arguments);
        const std::string answered = jsonText(answer);
        logger->info("this worker was sent a control message", {{"method", request.method},
                                                                {"arguments", cutText(arguments, toldMost)},
                                                                {"answer", cutText(answered, toldMost)},
                                                                {"reply_to", cutText(request.replyTo, toldMost)},
                                                                {"ticket", cutText(request.ticket, toldMost)},
                                                                {"node", pool.node()}});
    }

    /// One after the other, and others get their turn between two: whoever may publish may ask as often as they like.
    awaitable<void> answerAll()
    {
        const Inside inside(*this);
        while (auto request = next()) {
            const std::string exchange =
                request->replyExchange.empty() ? std::string(keys::replyExchange) : request->replyExchange;
            const std::string reply = replyTo(*request, exchange);
            if (reply.empty()) {
                co_await asio::post(executor, use_awaitable);
                continue;
            }
            const std::string binding = keys::binding(exchange);
            const std::array<std::string_view, 1> scriptKeys{binding};
            const std::array<std::string_view, 4> arguments{request->replyTo, keys::separator, reply, replyKeptSeconds};
            co_await client.eval(scripts.reply, scriptKeys, arguments);
        }
    }

    /// Does what is asked; empty where no reply is wanted. Here, so that nothing of it is held while Redis is asked.
    std::string replyTo(const ControlRequest &request, const std::string &exchange)
    {
        const boost::json::value value = commands.run(request.method, request.arguments);
        if (ControlCommands::changes(request.method))
            tellChange(request, value);
        if (request.replyTo.empty())
            return {};
        std::string body = jsonText(boost::json::object{{pool.node(), value}});
        if (body.size() > replyMost)
            body =
                jsonText(boost::json::object{{pool.node(), boost::json::object{{"error", "the reply is too large"}}}});
        return encodeReply(body, exchange, request.replyTo, request.ticket, lamport.forward());
    }

    awaitable<void> heartbeatLoop()
    {
        const Inside inside(*this);
        events.worker("worker-online", pool.counters());
        for (bool heard = true;;) {
            const auto time = heard ? heartbeatEvery : heartbeatUnheardEvery;
            co_await pause->wait(time);
            if (stopping)
                break;
            heard = co_await events.heartbeat(pool.counters());
        }
        events.flush();
        events.worker("worker-offline", pool.counters());
    }

    awaitable<void> eventLoop()
    {
        const Inside inside(*this);
        co_await events.loop();
    }

    /// Leaves however its coroutine ends: stop() waits for it.
    struct Inside
    {
        explicit Inside(Impl &theImpl) : impl(theImpl) {}
        ~Inside() { impl.leave(); }
        Inside(const Inside &) = delete;
        Inside &operator=(const Inside &) = delete;
        Impl &impl;
    };

    bool enter()
    {
        const std::lock_guard lock(mutex);
        if (stopping)
            return false;
        ++inside;
        return true;
    }

    void leave()
    {
        const std::lock_guard lock(mutex);
        --inside;
        empty.notify_all();
    }

    const Executor executor;
    redis::Client &client;
    redis::Subscriber &subscriber;
    const Clock &clock;
    WorkerPool &pool;
    const unsigned database;
    const Scripts scripts;
    LamportClock lamport;
    EventSender events;
    ControlCommands commands;
    const std::shared_ptr<Alarm> pause;
    std::shared_ptr<void> subscription;
    std::optional<SteadyTime> toldIgnored; ///< of the subscriber's thread
    std::mutex mutex;
    std::condition_variable empty;
    std::atomic<bool> stopping{false};
    unsigned inside = 0; ///< coroutines that are running
    std::deque<ControlRequest> waiting;
    bool answering = false;                     ///< answerAll() is
    std::map<std::string, LogPace> changePaces; ///< of answerAll(), of which there is one; by command
};

RemoteControl::RemoteControl(Executor executor, redis::Client &client, redis::Subscriber &subscriber,
                             const Clock &clock, WorkerPool &pool, RemoteControlOptions options)
    : m_impl(std::make_shared<Impl>(executor, client, subscriber, clock, pool, std::move(options)))
{
    const std::weak_ptr<Impl> weak = m_impl;
    pool.observe([weak](const TaskEvent &event) {
        if (const std::shared_ptr<Impl> self = weak.lock())
            self->events.task(event);
    });
}

RemoteControl::~RemoteControl() { stop(); }

void RemoteControl::start()
{
    const std::shared_ptr<Impl> impl = m_impl;
    if (impl->subscription || !impl->enter() || !impl->enter())
        return;
    const std::weak_ptr<Impl> weak = impl;
    impl->subscription =
        impl->subscriber.subscribe(controlChannel(impl->database), [weak](std::string_view, std::string_view payload) {
            if (const std::shared_ptr<Impl> self = weak.lock())
                self->received(payload);
        });
    spawn(impl->executor, [impl] { return impl->heartbeatLoop(); });
    spawn(impl->executor, [impl] { return impl->eventLoop(); });
}

void RemoteControl::stop()
{
    m_impl->subscription.reset();
    std::unique_lock lock(m_impl->mutex);
    m_impl->stopping = true;
    m_impl->pause->notify();
    m_impl->events.finish();
    m_impl->empty.wait(lock, [this] { return m_impl->inside == 0; });
}

} // namespace portolan::queue
