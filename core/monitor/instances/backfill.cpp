// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/backfill.h"

#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/base/time_format.h"
#include "core/monitor/instances/gap.h"
#include "core/monitor/instances/history_chunk.h"
#include "core/monitor/instances/history_teller.h"
#include "core/monitor/loop_life.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"
#include "core/redis/subscriber.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>

namespace portolan::monitor::instances {

namespace {

constexpr std::size_t mostAsks = 16;        ///< that wait to be answered
constexpr std::size_t mostWanted = 8;       ///< gaps that wait to be filled
constexpr std::size_t mostRows = 4'000'000; ///< of one answer: more than there are of 400 series
constexpr std::chrono::minutes longestAnswer{10};
constexpr std::chrono::minutes wantedFor{15};
/// How often the list is looked into while nothing is there.
constexpr std::chrono::milliseconds lookAgain{200};
constexpr std::chrono::milliseconds lookAgainUnderPlan{1000};

std::string channelOf(unsigned database) { return database == 0 ? "p:i:ask" : "p:i:ask:" + std::to_string(database); }

std::uint64_t requestOf(WallTime time)
{
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    return std::uint64_t(std::max<std::int64_t>(since, 1)) & ((std::uint64_t{1} << 53) - 1);
}

/// A question of another's.
struct Heard
{
    HistoryAsk ask;
    SteadyTime at;
};

enum class Outcome : std::uint8_t {
    Told,   ///< all that the one asked has of it
    Silent, ///< it did not answer, or not to the end, or what cannot be taken
    Failed, ///< it can be taken from nobody: Redis refuses it, or the file
};

} // namespace

struct Backfill::Impl : std::enable_shared_from_this<Impl>
{
    Impl(Executor on, redis::Client &to, redis::Subscriber &from, const Clock &time, Logger &log, History &kept,
         std::function<std::vector<Member>()> others, BackfillOptions with)
        : executor(on),
          client(to),
          subscriber(from),
          clock(time),
          logger(log),
          history(kept),
          members(std::move(others)),
          options(std::move(with)),
          channel(channelOf(options.database)),
          askTimer(on),
          tellTimer(on),
          teller(on, to, kept, time, options.plan, options.deadline, options.paid, stopping)
    {}

    awaitable<void> ask();
    awaitable<void> answer();
    awaitable<void> lookForGaps();
    awaitable<void> keepGaps();
    awaitable<bool> fill(Gap &gap);
    awaitable<Outcome> askOne(const std::string &peer, Gap &gap);
    awaitable<Outcome> take(const std::string &peer, std::uint64_t request, Gap &gap);
    awaitable<Outcome> put(const std::string &peer, HistoryChunk chunk, Gap &gap);
    Outcome notTaken(const std::string &peer, const Error &why, Gap &gap);
    Outcome cannot(const Error &why, Gap &gap);
    void finish(const Gap &gap);
    awaitable<void> wait(Timer &timer, std::chrono::milliseconds time);
    void hear(std::string_view payload);
    std::string nextPeer(const Gap &gap) const;
    bool isUp(const std::string &name) const;
    std::optional<HistoryAsk> nextAsk();
    void pay(std::uint64_t commands, std::uint64_t bytes) const;
    void ended();

    const Executor executor;
    redis::Client &client;
    redis::Subscriber &subscriber;
    const Clock &clock;
    Logger &logger;
    History &history;
    const std::function<std::vector<Member>()> members;
    const BackfillOptions options;
    const std::string channel;
    std::atomic<bool> stopping{false};
    Timer askTimer; ///< on the executor, as what follows
    Timer tellTimer;
    HistoryTeller teller;
    std::vector<Gap> wanted;
    std::vector<Heard> asks;
    std::shared_ptr<void> subscription;
    unsigned running = 2;
    LoopLife life;

    std::atomic<std::uint64_t> openGaps{0};
    std::atomic<std::uint64_t> asked{0};
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> rows{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> answered{0};
};

void Backfill::Impl::ended()
{
    if (--running > 0)
        return;
    subscription.reset();
    life.ended();
}

void Backfill::Impl::pay(std::uint64_t commands, std::uint64_t bytes) const
{
    if (options.paid)
        options.paid(commands, bytes);
}

awaitable<void> Backfill::Impl::wait(Timer &timer, std::chrono::milliseconds time)
{
    if (stopping)
        co_return;
    timer.expires_after(time);
    error_code cancelled;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
}

bool Backfill::Impl::isUp(const std::string &name) const
{
    return std::ranges::any_of(members(),
                               [&](const Member &one) { return one.who.name == name && one.presence == Presence::Up; });
}

/// Who is up and was not asked yet; empty: there is none. One that ran before the gap has most of it, another version
/// may not know how to tell; among the rest each instance begins with another one.
std::string Backfill::Impl::nextPeer(const Gap &gap) const
{
    const auto from = std::chrono::duration_cast<std::chrono::microseconds>(gap.from.time_since_epoch()).count();
    std::optional<std::tuple<bool, bool, std::size_t, std::string>> next;
    for (const Member &one : members()) {
        const std::string &name = one.who.name;
        if (one.presence != Presence::Up || gap.told.contains(name) || gap.failed.contains(name))
            continue;
        const bool late = std::int64_t(one.who.started) > from;
        const std::tuple rank(one.otherVersion, late, std::hash<std::string>()(options.name + ' ' + name), name);
        next = std::min(next.value_or(rank), rank);
    }
    return next ? std::get<std::string>(*next) : std::string();
}

/// On the subscriber's executor: a question, somebody else's, or of whoever else may publish there.
void Backfill::Impl::hear(std::string_view payload)
{
    auto question = decodeAsk(payload);
    if (!question || question->peer != options.name || question->asker == options.name)
        return;
    asio::post(executor, [self = shared_from_this(), question = std::move(*question)] {
        if (self->stopping)
            return;
        std::erase_if(self->asks, [&](const Heard &one) { return one.ask.asker == question.asker; });
        if (self->asks.size() >= mostAsks)
            return;
        self->asks.push_back({question, self->clock.steady()});
        self->tellTimer.cancel();
    });
}

/// The first of one that is known to be up; that it is may be heard after its question.
std::optional<HistoryAsk> Backfill::Impl::nextAsk()
{
    std::erase_if(asks, [this](const Heard &one) { return clock.steady() - one.at > options.patience; });
    const auto next = std::ranges::find_if(asks, [this](const Heard &one) { return isUp(one.ask.asker); });
    if (next == asks.end())
        return std::nullopt;
    HistoryAsk ask = std::move(next->ask);
    asks.erase(next);
    return ask;
}

awaitable<void> Backfill::Impl::answer()
{
    const auto self = shared_from_this();
    subscription = subscriber.subscribe(channel, [weak = weak_from_this()](std::string_view, std::string_view payload) {
        if (const auto here = weak.lock())
            here->hear(payload);
    });
    while (!stopping) {
        auto question = nextAsk();
        if (!question) {
            co_await wait(tellTimer, options.interval);
            continue;
        }
        ++answered;
        const std::string asker = question->asker;
        const auto told = co_await teller.tell(std::move(*question));
        if (told)
            logger.info("told another instance the history it missed",
                        {{"instance", asker}, {"points", told->rows}, {"bytes", told->bytes}});
        else if (!stopping)
            logger.info("could not tell another instance the history it missed",
                        {{"instance", asker}, {"why", told.error().message}});
    }
    ended();
}

awaitable<void> Backfill::Impl::lookForGaps()
{
    const auto found = co_await history.takeMissed();
    if (!found)
        co_return; // the file's trouble is said where it is written
    for (const Missed &missed : *found) {
        Gap one;
        one.from = missed.from.value_or(WallTime());
        one.between = missed.atStart || missed.from; // seconds are in no file that could be lost
        one.to = missed.to + options.settle;
        one.due = missed.noticed + options.settle;
        one.given = missed.noticed + wantedFor;
        wanted.push_back(std::move(one));
    }
    if (wanted.size() > mostWanted)
        wanted.erase(wanted.begin(), wanted.end() - std::ptrdiff_t(mostWanted));
    if (!found->empty())
        co_await keepGaps();
}

/// For the run after this one, should it end before they are filled.
awaitable<void> Backfill::Impl::keepGaps()
{
    std::vector<Missed> open;
    for (const Gap &gap : wanted)
        open.push_back({gap.from, gap.to, gap.due});
    const auto kept = co_await history.keepMissed(std::move(open));
    if (kept) // else the file's trouble is said where it is written
        openGaps = wanted.size();
}

awaitable<void> Backfill::Impl::ask()
{
    const auto self = shared_from_this();
    while (!stopping) {
        co_await lookForGaps();
        bool changed = false;
        for (std::size_t i = 0; i < wanted.size() && !stopping;) {
            const SteadyTime now = clock.steady();
            if (now < wanted[i].due) {
                ++i;
                continue;
            }
            const bool over = co_await fill(wanted[i]);
            if (stopping)
                break;
            if (over || clock.steady() > wanted[i].given) {
                finish(wanted[i]);
                changed = true;
                wanted.erase(wanted.begin() + std::ptrdiff_t(i));
            } else {
                ++i;
            }
        }
        if (changed)
            co_await keepGaps();
        co_await wait(askTimer, options.interval);
    }
    ended();
}

/// Asks one after the other. Whether there is no more to be had: it is all there, or each has told what it has.
awaitable<bool> Backfill::Impl::fill(Gap &gap)
{
    if (!std::exchange(gap.begun, true))
        gap.to = gap.until = clock.wall(); // what came before all figures were known is missing too
    const auto isFilled = [&] { return gap.until <= gap.from || gap.bytes >= tellingBounds(options.plan).bytes; };
    Outcome outcome = Outcome::Told;
    while (!stopping && !isFilled() && outcome != Outcome::Failed) {
        const std::string peer = nextPeer(gap);
        if (peer.empty())
            break;
        outcome = co_await askOne(peer, gap);
        (outcome == Outcome::Told ? gap.told : gap.failed).insert(peer);
    }
    if (isFilled() || (gap.failed.empty() && !gap.told.empty()))
        co_return true;
    if (!gap.failed.empty()) {
        gap.failed.clear();
        gap.due = clock.steady() + 6 * options.patience;
    }
    co_return false;
}

void Backfill::Impl::finish(const Gap &gap)
{
    if (gap.rows == 0)
        return;
    if (gap.between && gap.minutes > 0)
        history.filled(gap.from, gap.to);
    std::string givers;
    for (const std::string &one : gap.givers)
        givers.append(givers.empty() ? "" : ", ").append(one);
    const std::string from = gap.from == WallTime() ? std::string("ever") : formatTime(gap.from);
    logger.info("the history that was missed was taken from other instances", {{"from", from},
                                                                               {"until", formatTime(gap.to)},
                                                                               {"points", gap.rows},
                                                                               {"bytes", gap.bytes},
                                                                               {"instances", givers}});
}

/// Something that came from one of them is of no use.
Outcome Backfill::Impl::notTaken(const std::string &peer, const Error &why, Gap &gap)
{
    const bool otherForm = why.code == "history-form"; // while one after the other gets a new version
    if (!otherForm)
        ++refused;
    if (!std::exchange(gap.warned, true))
        logger.log(otherForm ? LogLevel::Info : LogLevel::Warning,
                   "what another instance tells of the history is not taken",
                   {{"instance", peer}, {"why", why.message}});
    return Outcome::Silent;
}

Outcome Backfill::Impl::cannot(const Error &why, Gap &gap)
{
    if (!std::exchange(gap.warned, true))
        logger.warn("the history that was missed cannot be taken from other instances",
                    {{"why", why.message}, {"mend", why.hint}});
    return Outcome::Failed;
}

awaitable<Outcome> Backfill::Impl::askOne(const std::string &peer, Gap &gap)
{
    HistoryAsk question;
    question.asker = options.name;
    question.peer = peer;
    question.request = requestOf(clock.wall());
    question.from = gap.from;
    question.to = gap.until;
    question.minutes = !options.plan || gap.until - gap.from <= fewMinutes;
    const std::string payload = encodeAsk(question);
    redis::Command command("PUBLISH", channel, payload);
    ++asked;
    const auto reply = co_await client.run(std::move(command), options.deadline);
    const std::int64_t hearers = reply ? reply->integer : 0;
    pay(1, payload.size() * std::uint64_t(std::max<std::int64_t>(hearers, 0)));
    if (hearers <= 1) // this one hears itself
        co_return Outcome::Silent;
    const Outcome outcome = co_await take(peer, question.request, gap);
    co_return outcome;
}

/// What comes in the list, until it is the last of it, or nothing comes. One that is busy answers late.
awaitable<Outcome> Backfill::Impl::take(const std::string &peer, std::uint64_t request, Gap &gap)
{
    const auto again = options.plan ? lookAgainUnderPlan : lookAgain;
    const std::string key = historyKey(options.name, request);
    const auto begun = std::chrono::steady_clock::now();
    auto until = begun + 2 * options.patience;
    std::size_t bytes = 0, told = 0;
    bool drop = false; // what was read last, before the next is
    while (!stopping && std::chrono::steady_clock::now() < until) {
        redis::Command command;
        if (drop)
            command.add("LTRIM", key, 0, -2);
        command.add("LRANGE", key, -1, -1);
        const auto replies = co_await client.pipeline(std::move(command), options.deadline);
        if (!replies || replies->empty()) {
            if (drop)
                co_return Outcome::Silent; // what it dropped is not known
            co_await wait(askTimer, again);
            continue;
        }
        for (const redis::Reply &reply : *replies)
            if (reply.isError())
                co_return cannot(redis::errorOf(reply), gap);
        const auto &found = replies->back().elements;
        const std::size_t size = found.empty() ? 0 : found.front().text.size();
        pay(replies->size(), size);
        drop = !found.empty();
        if (!drop) {
            co_await wait(askTimer, again);
            continue;
        }
        bytes += size;
        gap.bytes += size;
        auto chunk = decodeChunk(found.front().text);
        if (!chunk)
            co_return notTaken(peer, chunk.error(), gap);
        for (const storage::SeriesRows &one : chunk->series)
            told += one.rows.size();
        if (chunk->request != request || told > mostRows || bytes > tellingBounds(options.plan).bytes + maxChunkBytes)
            co_return notTaken(peer, failure(ErrorKind::Protocol, "It is not what was asked for, or too much."), gap);
        ++taken;
        const bool isLast = chunk->last;
        const Outcome outcome = co_await put(peer, std::move(*chunk), gap);
        if (isLast) {
            client.post(redis::Command("DEL", key));
            pay(1, 0);
        }
        if (outcome != Outcome::Told || isLast)
            co_return outcome;
        until = std::min(std::chrono::steady_clock::now() + options.patience, begun + longestAnswer);
    }
    co_return Outcome::Silent;
}

awaitable<Outcome> Backfill::Impl::put(const std::string &peer, HistoryChunk chunk, Gap &gap)
{
    const bool minutes = chunk.step == storage::keep::minute;
    const WallTime now = clock.wall();
    storage::HistoryFill missing;
    missing.step = chunk.step;
    missing.from = minutes ? std::max({gap.from, gap.hoursUntil, now - storage::keep::minutes})
                           : std::max(gap.from, now - storage::keep::hours);
    missing.to = std::min(gap.until, now);
    gap.labels.drop(chunk.series);
    missing.series = std::move(chunk.series);
    if (!missing.series.empty() && missing.from < missing.to) {
        const auto filled = co_await history.fill(std::move(missing));
        if (!filled)
            co_return cannot(filled.error(), gap);
        gap.rows += filled->rows;
        rows += filled->rows;
        if (minutes)
            gap.minutes += filled->rows;
        else if (filled->last)
            gap.hoursUntil = std::max(gap.hoursUntil, *filled->last);
        if (filled->rows > 0)
            gap.givers.insert(peer);
    }
    gap.until = std::clamp(chunk.reached, gap.from, gap.until);
    co_return Outcome::Told;
}

Backfill::Backfill(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
                   Logger &logger, History &history, std::function<std::vector<Member>()> members,
                   BackfillOptions options)
    : m_impl(std::make_shared<Impl>(executor, client, subscriber, clock, logger, history, std::move(members),
                                    std::move(options)))
{}

Backfill::~Backfill() { stop(); }

void Backfill::start()
{
    m_impl->life.start([this] {
        spawn(m_impl->executor, [impl = m_impl] { return impl->answer(); });
        spawn(m_impl->executor, [impl = m_impl] { return impl->ask(); });
    });
}

void Backfill::stop()
{
    m_impl->life.stop(m_impl->executor, [impl = m_impl] {
        impl->stopping = true;
        impl->askTimer.cancel();
        impl->tellTimer.cancel();
    });
}

Backfill::Counters Backfill::counters() const
{
    return {m_impl->openGaps, m_impl->asked, m_impl->taken, m_impl->rows, m_impl->refused, m_impl->answered};
}

} // namespace portolan::monitor::instances
