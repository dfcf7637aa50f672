// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/roll.h"

#include "core/base/json.h"
#include "core/base/runtime.h"
#include "core/monitor/instances/changes.h"
#include "core/monitor/loop_life.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"
#include "core/redis/keys.h"
#include "core/redis/subscriber.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/describe/class.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

namespace portolan::monitor::instances {

/// What `i:<name>` holds.
struct Sign
{
    std::string version;
    WallTime started;
    std::uint64_t sequence = 0;
    std::chrono::milliseconds every{0};
};
BOOST_DESCRIBE_STRUCT(Sign, (), (version, started, sequence, every))

namespace {

/// Beyond Identity::every: 10 s where an instance tells of itself each second.
constexpr std::chrono::seconds signLife{9};
/// With more instances, each tells of itself more rarely.
constexpr std::size_t tellersAtOnce = 8;
/// Of what Redis sends to each who listens, what is not the share: the frame of a message, and the name of the channel.
constexpr std::uint64_t frameBytes = 48;
constexpr std::uint64_t replyBytes = 10; ///< to SET and PUBLISH
/// Not for longer is waited until what the others answer could be heard, before they are told.
constexpr int deafIntervals = 5;

std::string channelOf(unsigned database) { return database == 0 ? "p:i" : "p:i:" + std::to_string(database); }

std::uint64_t microseconds(WallTime time)
{
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    return std::uint64_t(std::max<std::int64_t>(since, 0));
}

/// To how many Redis sent it.
std::uint64_t listenersOf(const Result<std::vector<redis::Reply>> &replies)
{
    const bool told = replies && !replies->empty() && replies->back().type == redis::Reply::Type::Integer;
    return told ? std::uint64_t(std::max<std::int64_t>(replies->back().integer, 0)) : 0;
}

/// Whether the others were told: the last of the replies is that of PUBLISH. Without the sign beside it, as where Redis
/// is full, they hear all the same.
Result<void> wasPublished(const Result<std::vector<redis::Reply>> &replies)
{
    if (!replies)
        return replies.error();
    if (replies->empty())
        return failure(ErrorKind::Protocol, "Redis did not answer PUBLISH.");
    if (replies->back().isError())
        return redis::errorOf(replies->back());
    return {};
}

} // namespace

/// What became of telling the others.
enum class Telling : std::uint8_t {
    Done, ///< or refused: Redis was there
    Late, ///< nobody knows whether they were told; Redis may have done all of it
    Away, ///< nothing was asked of it
};

struct Roll::Impl : std::enable_shared_from_this<Impl>
{
    Impl(Executor on, redis::Client &to, redis::Subscriber &from, const Clock &time, RollOptions with, Teller tells)
        : executor(on),
          client(to),
          subscriber(from),
          options(std::move(with)),
          teller(std::move(tells)),
          clock(time),
          startedAt(time.wall()),
          channel(channelOf(options.database)),
          key(std::string(redis::keys::instancePrefix) + options.name),
          who{options.name, options.version, microseconds(startedAt), 0, options.interval},
          timer(on),
          roster(who, time)
    {}

    void subscribe();
    awaitable<void> run();
    awaitable<Telling> tell();
    bool hears(std::chrono::steady_clock::time_point now);
    awaitable<void> sayGoodbye();
    void hear(std::string_view payload);
    void look();
    void setPace(std::size_t there);

    const Executor executor;
    redis::Client &client;
    redis::Subscriber &subscriber;
    const RollOptions options;
    const Teller teller;
    const Clock &clock;
    const WallTime startedAt;
    const std::string channel;
    const std::string key;
    std::function<void(const Change &)> handler;

    Identity who; ///< on the executor, as what follows
    Timer timer;
    bool stopping = false;
    bool answers = false; ///< somebody has joined, who does not know of this process yet
    bool told = false;    ///< the others were
    std::chrono::steady_clock::time_point deafSince;
    std::optional<std::chrono::steady_clock::time_point> hearsSince;
    std::uint64_t commands = 0; ///< that telling took, since it was last said
    std::uint64_t bytes = 0;
    std::uint64_t listeners = 0; ///< to whom Redis sent the last
    std::shared_ptr<void> subscription;
    LoopLife life;

    mutable std::mutex mutex; ///< of what follows
    Roster roster;
    ChangeQueue changes;         ///< the handler has not been told of yet
    std::uint64_t published = 0; ///< the last of our messages that Redis took
    std::uint64_t cameBack = 0;  ///< the last of them that was heard
    bool away = false;           ///< Redis, when the last was to be told
    std::optional<Error> trouble;
};

void Roll::Impl::subscribe()
{
    // It may be called while the roll is ending on another thread.
    subscription = subscriber.subscribe(channel, [weak = weak_from_this()](std::string_view, std::string_view payload) {
        if (const auto self = weak.lock())
            self->hear(payload);
    });
}

/// What comes on the channel: of others, one's own, or of whoever else may publish there.
void Roll::Impl::hear(std::string_view payload)
{
    Result<Message> message = decodeMessage(payload);
    if (!message)
        return;
    const std::lock_guard lock(mutex);
    if (message->who.name == options.name && message->who.started == microseconds(startedAt))
        cameBack = std::max(cameBack, message->who.sequence);
    changes.add(roster.heard(std::move(*message)));
}

/// Time has passed.
void Roll::Impl::look()
{
    const bool connected = subscriber.state() == redis::Client::State::Ready;
    std::vector<Change> news;
    std::size_t there = 0;
    {
        const std::lock_guard lock(mutex);
        const bool listening = connected && !away && cameBack >= published;
        changes.add(roster.tick(listening));
        news = changes.take(clock.steady());
        answers = changes.answers(clock.steady());
        there = std::size_t(std::ranges::count_if(
            roster.members(), [](const Member &member) { return member.presence != Presence::Gone; }));
    }
    setPace(there);
    if (!handler)
        return;
    for (const Change &change : news)
        handler(change);
}

void Roll::Impl::setPace(std::size_t there)
{
    who.every = options.interval * (1 + there / tellersAtOnce);
    if (options.pace)
        who.every =
            std::clamp(options.pace(std::exchange(commands, 0), std::exchange(bytes, 0)), who.every, longestEvery);
}

/// Whether what the others answer, who answer but once, would be heard. SUBSCRIBE goes out with the subscriber's next
/// turn; within an interval it is in force.
bool Roll::Impl::hears(std::chrono::steady_clock::time_point now)
{
    if (told)
        return true;
    if (subscriber.state() != redis::Client::State::Ready)
        hearsSince.reset();
    else if (!hearsSince)
        hearsSince = now;
    return (hearsSince && now - *hearsSince >= options.interval) || now - deafSince >= deafIntervals * options.interval;
}

awaitable<Telling> Roll::Impl::tell()
{
    ++who.sequence;
    const Share share = teller(who);
    const Result<std::string> encoded = encodeShare(share);
    if (!encoded) {
        const std::lock_guard lock(mutex);
        trouble = encoded.error();
        co_return Telling::Done;
    }
    const std::string sign = writeJson(Sign{options.version, startedAt, who.sequence, who.every});
    redis::Command command("SET", key, sign, "PX", (who.every + signLife).count());
    command.add("PUBLISH", channel, *encoded);
    const auto replies = co_await client.pipeline(std::move(command), options.deadline);
    const Result<void> done = wasPublished(replies);
    const bool late = !replies && replies.error().kind == ErrorKind::Timeout;
    if (replies)
        listeners = listenersOf(replies);
    if (replies || late) {
        commands += 2;
        bytes += replyBytes + listeners * (frameBytes + encoded->size());
    }
    const std::lock_guard lock(mutex);
    away = !done && (done.error().kind == ErrorKind::Unavailable || done.error().kind == ErrorKind::Timeout) &&
           done.error().code != "redis-auth" && done.error().code != "redis-rights";
    trouble = done ? std::nullopt : std::optional(done.error());
    if (done)
        published = share.who.sequence;
    told |= done.has_value();
    co_return late ? Telling::Late : away ? Telling::Away : Telling::Done;
}

awaitable<void> Roll::Impl::sayGoodbye()
{
    ++who.sequence;
    const Result<std::string> bytes = encodeGoodbye(who);
    if (!bytes)
        co_return;
    redis::Command command("PUBLISH", channel, *bytes);
    command.add("DEL", key);
    // Where it does not arrive the others notice that nothing comes any more.
    const auto replies = co_await client.pipeline(std::move(command), options.deadline);
    (void)replies;
}

awaitable<void> Roll::Impl::run()
{
    const auto self = shared_from_this();
    subscribe();
    auto due = std::chrono::steady_clock::now();
    deafSince = due;
    std::optional<std::chrono::steady_clock::time_point> last;
    std::chrono::milliseconds promised{0};
    std::chrono::milliseconds again = options.interval;
    while (!stopping) {
        look(); // before telling: by now all that was told before has come back
        if (hears(due) && (answers || !last || due >= *last + std::min(promised, who.every))) {
            last = due;
            promised = who.every;
            const Telling outcome = co_await tell();
            if (outcome == Telling::Away)
                last.reset(); // asking again costs nothing
            promised = outcome == Telling::Late ? std::exchange(again, std::min(2 * again, longestEvery)) : promised;
            if (outcome != Telling::Late)
                again = options.interval;
            if (!told)
                deafSince = due;
        }
        // Late rounds are skipped, not made up for.
        for (const auto now = std::chrono::steady_clock::now(); due <= now;)
            due += options.interval;
        if (stopping)
            break;
        timer.expires_at(due);
        error_code cancelled;
        co_await timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    subscription.reset();
    co_await sayGoodbye();
    life.ended();
}

Roll::Roll(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
           RollOptions options, Teller teller)
    : m_impl(std::make_shared<Impl>(executor, client, subscriber, clock, std::move(options), std::move(teller)))
{}

Roll::~Roll() { stop(); }

void Roll::onChange(std::function<void(const Change &)> handler) { m_impl->handler = std::move(handler); }

void Roll::start()
{
    m_impl->life.start([this] { spawn(m_impl->executor, [impl = m_impl] { return impl->run(); }); });
}

void Roll::stop()
{
    m_impl->life.stop(m_impl->executor, [impl = m_impl] {
        impl->stopping = true;
        impl->timer.cancel();
    });
}

std::vector<Member> Roll::members() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->roster.members();
}

Together Roll::together(const Share &own) const
{
    std::vector<Told> others;
    Together together;
    {
        const std::lock_guard lock(m_impl->mutex);
        others = m_impl->roster.told();
        together.members = m_impl->roster.members();
        together.ownNameTaken = m_impl->roster.ownNameTaken();
    }
    together.merged = instances::merged(own, others);
    return together;
}

std::optional<Error> Roll::problem() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->trouble;
}

bool Roll::full() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->roster.full();
}

} // namespace portolan::monitor::instances
