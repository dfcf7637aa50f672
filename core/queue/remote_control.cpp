#include "core/queue/remote_control.h"

#include "core/queue/control_commands.h"
#include "core/queue/control_message.h"
#include "core/queue/event_sender.h"
#include "core/queue/keys.h"
#include "core/queue/scripts.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"

#include <boost/json/serialize.hpp>

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <regex>

namespace portolan::queue {

namespace {

constexpr auto heartbeatEvery = std::chrono::seconds(2);
constexpr std::string_view replyKeptSeconds = "300";
constexpr std::size_t replyMost = 1024 * 1024;
constexpr std::size_t patternMost = 128;
constexpr unsigned waitingMost = 100; ///< requests answered at the same time; more are dropped

/// kombu/matcher.py; with neither destination nor pattern a request is for everybody.
bool isFor(const std::string &node, const ControlRequest &request)
{
    if (!request.destination.empty())
        return std::ranges::find(request.destination, node) != request.destination.end();
    if (request.pattern.empty() || request.matcher.empty())
        return true;
    if (request.pattern.size() > patternMost)
        return false;
    if (request.matcher == "glob")
        return fnmatch(request.pattern.c_str(), node.c_str(), 0) == 0;
    if (request.matcher != "pcre")
        return false;
    try {
        return std::regex_search(node, std::regex(request.pattern), std::regex_constants::match_continuous);
    } catch (const std::regex_error &) {
        return false;
    }
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
        if (!isFor(pool.node(), *request) || !enter(waitingMost))
            return;
        auto held = std::make_shared<ControlRequest>(std::move(*request));
        spawn(executor, [self = shared_from_this(), held] { return self->answer(held); });
    }

    awaitable<void> answer(std::shared_ptr<ControlRequest> request)
    {
        const boost::json::value value = commands.run(request->method, request->arguments);
        if (!request->replyTo.empty()) {
            std::string body = boost::json::serialize(boost::json::object{{pool.node(), value}});
            if (body.size() > replyMost)
                body = boost::json::serialize(
                    boost::json::object{{pool.node(), boost::json::object{{"error", "the reply is too large"}}}});
            const std::string exchange =
                request->replyExchange.empty() ? std::string(keys::replyExchange) : request->replyExchange;
            const std::string reply = encodeReply(body, exchange, request->replyTo, request->ticket, lamport.forward());
            const std::string binding = keys::binding(exchange);
            const std::array<std::string_view, 1> scriptKeys{binding};
            const std::array<std::string_view, 4> arguments{request->replyTo, keys::separator, reply, replyKeptSeconds};
            co_await client.eval(scripts.reply, scriptKeys, arguments);
        }
        leave();
    }

    awaitable<void> heartbeatLoop()
    {
        events.worker("worker-online", pool.counters());
        for (;;) {
            co_await pause->wait(heartbeatEvery);
            if (stopping)
                break;
            events.worker("worker-heartbeat", pool.counters());
        }
        events.flush();
        events.worker("worker-offline", pool.counters());
        leave();
    }

    awaitable<void> eventLoop()
    {
        co_await events.loop();
        leave();
    }

    bool enter(unsigned most)
    {
        const std::lock_guard lock(mutex);
        if (stopping || inside >= most)
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
    std::mutex mutex;
    std::condition_variable empty;
    std::atomic<bool> stopping{false};
    unsigned inside = 0; ///< coroutines that are running
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
    if (impl->subscription || !impl->enter(waitingMost) || !impl->enter(waitingMost))
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
