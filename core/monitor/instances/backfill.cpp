// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/backfill.h"

#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/base/time_format.h"
#include "core/monitor/instances/history_chunk.h"
#include "core/monitor/instances/history_teller.h"
#include "core/monitor/kept_series.h"
#include "core/monitor/loop_life.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

namespace portolan::monitor::instances {

namespace {

using storage::SeriesRows;

constexpr std::size_t mostPeers = 4;  ///< asked for one gap
constexpr std::size_t mostAsks = 16;  ///< that wait to be answered
constexpr std::size_t mostWanted = 8; ///< gaps that wait to be filled
constexpr std::chrono::seconds askAgain{30};
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

/// So many label sets of a name are taken for one gap as history keeps at once, whoever tells them.
class LabelBounds final
{
public:
    void drop(std::vector<SeriesRows> &series)
    {
        std::erase_if(series, [this](const SeriesRows &one) { return !has(one.metric); });
    }

private:
    bool has(const Metric &metric)
    {
        if (metric.labels.empty())
            return true;
        auto &sets = m_sets[metric.name];
        if (sets.contains(metric.labels.begin()->second))
            return true;
        if (sets.size() > KeptSeries::mostOfName || m_count >= KeptSeries::most)
            return false;
        ++m_count;
        sets.insert(metric.labels.begin()->second);
        return true;
    }

    std::map<std::string, std::set<std::string>> m_sets;
    std::size_t m_count = 0;
};

/// A gap that is to be filled.
struct Wanted
{
    WallTime from;
    WallTime until; ///< what is not told yet ends there
    SteadyTime due;
    SteadyTime given; ///< up
    std::set<std::string> asked = {};
    std::size_t bytes = 0;
    std::uint64_t rows = 0;
    bool answered = false; ///< somebody has told all that it has
    bool begun = false;
    LabelBounds labels = {};
};

/// A question of another's.
struct Heard
{
    HistoryAsk ask;
    SteadyTime at;
};

enum class Outcome : std::uint8_t {
    Told,   ///< all that the one asked has of it
    Silent, ///< it did not answer, or not to the end
    Spoilt, ///< what came could not be read
    Failed, ///< nothing can be written here
    Enough, ///< it was as much as one answer may be
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
          key(historyKey(options.name)),
          askTimer(on),
          tellTimer(on),
          teller(on, to, kept, time, options.plan, options.deadline, stopping)
    {}

    awaitable<void> ask();
    awaitable<void> answer();
    awaitable<void> lookForGaps();
    awaitable<bool> fill(Wanted &wanted);
    awaitable<Outcome> askOne(const std::string &peer, Wanted &wanted);
    awaitable<Outcome> take(const std::string &peer, std::uint64_t request, Wanted &wanted);
    awaitable<Outcome> put(HistoryChunk chunk, Wanted &wanted);
    awaitable<void> wait(Timer &timer, std::chrono::milliseconds time);
    void hear(std::string_view payload);
    std::string nextPeer(const std::set<std::string> &asked) const;
    bool isUp(const std::string &name) const;
    std::optional<HistoryAsk> nextAsk();
    void pay(std::uint64_t bytes) const;
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
    const std::string key;
    std::atomic<bool> stopping{false};
    Timer askTimer; ///< on the executor, as what follows
    Timer tellTimer;
    HistoryTeller teller;
    std::vector<Wanted> wanted;
    std::vector<Heard> asks;
    std::shared_ptr<void> subscription;
    unsigned running = 2;
    LoopLife life;

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

void Backfill::Impl::pay(std::uint64_t bytes) const
{
    if (options.paid)
        options.paid(bytes);
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

/// The smallest name that is up and was not asked yet; empty: there is none.
std::string Backfill::Impl::nextPeer(const std::set<std::string> &asked_) const
{
    std::string peer;
    for (const Member &one : members())
        if (one.presence == Presence::Up && !asked_.contains(one.who.name) && (peer.empty() || one.who.name < peer))
            peer = one.who.name;
    return peer;
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
        Wanted one;
        one.from = missed.from.value_or(WallTime());
        one.until = missed.to;
        one.due = missed.noticed + options.settle;
        one.given = missed.noticed + wantedFor;
        wanted.push_back(std::move(one));
    }
    if (wanted.size() > mostWanted)
        wanted.erase(wanted.begin(), wanted.end() - std::ptrdiff_t(mostWanted));
}

awaitable<void> Backfill::Impl::ask()
{
    const auto self = shared_from_this();
    while (!stopping) {
        co_await lookForGaps();
        for (std::size_t i = 0; i < wanted.size() && !stopping;) {
            const SteadyTime now = clock.steady();
            if (now < wanted[i].due) {
                ++i;
                continue;
            }
            const bool over = co_await fill(wanted[i]);
            if (over || clock.steady() > wanted[i].given)
                wanted.erase(wanted.begin() + std::ptrdiff_t(i));
            else
                ++i;
        }
        co_await wait(askTimer, options.interval);
    }
    ended();
}

/// Asks one after the other. Whether there is no more to be had.
awaitable<bool> Backfill::Impl::fill(Wanted &gap)
{
    if (!std::exchange(gap.begun, true))
        gap.until = clock.wall(); // what came before all figures were known is missing too
    const WallTime to = gap.until;
    const std::uint64_t before = gap.rows;
    Outcome outcome = Outcome::Silent;
    std::string last;
    while (!stopping && gap.asked.size() < mostPeers && gap.until > gap.from && outcome != Outcome::Enough &&
           outcome != Outcome::Failed) {
        const std::string peer = nextPeer(gap.asked);
        if (peer.empty())
            break;
        gap.asked.insert(peer);
        last = peer;
        outcome = co_await askOne(peer, gap);
        gap.answered |= outcome == Outcome::Told || outcome == Outcome::Enough;
    }
    if (gap.rows > before) {
        history.filled(to);
        logger.info("the history that was missed was taken from other instances", {{"from", formatTime(gap.from)},
                                                                                   {"until", formatTime(to)},
                                                                                   {"points", gap.rows},
                                                                                   {"bytes", gap.bytes},
                                                                                   {"instance", last}});
    }
    if (gap.answered || gap.until <= gap.from)
        co_return true;
    if (!gap.asked.empty()) {
        gap.asked.clear();
        gap.due = clock.steady() + askAgain;
    }
    co_return false;
}

awaitable<Outcome> Backfill::Impl::askOne(const std::string &peer, Wanted &gap)
{
    HistoryAsk question;
    question.asker = options.name;
    question.peer = peer;
    question.request = requestOf(clock.wall());
    question.from = gap.from;
    question.to = gap.until;
    question.minutes = !options.plan || gap.until - gap.from <= fewMinutes;
    const std::string payload = encodeAsk(question);
    redis::Command command("DEL", key);
    command.add("PUBLISH", channel, payload);
    ++asked;
    const auto replies = co_await client.pipeline(std::move(command), options.deadline);
    if (!replies || replies->size() != 2 || replies->back().isError())
        co_return Outcome::Silent;
    pay(payload.size() * std::uint64_t(std::max<std::int64_t>(replies->back().integer, 0)));
    if (replies->back().integer <= 0)
        co_return Outcome::Silent;
    const Outcome outcome = co_await take(peer, question.request, gap);
    co_return outcome;
}

/// What comes in the list, until it is the last of it, or nothing comes.
awaitable<Outcome> Backfill::Impl::take(const std::string &peer, std::uint64_t request, Wanted &gap)
{
    const auto again = options.plan ? lookAgainUnderPlan : lookAgain;
    auto until = std::chrono::steady_clock::now() + options.patience;
    while (!stopping && std::chrono::steady_clock::now() < until) {
        redis::Command command("RPOP", key);
        const auto reply = co_await client.run(std::move(command), options.deadline);
        if (!reply || reply->type != redis::Reply::Type::String) {
            co_await wait(askTimer, again);
            continue;
        }
        pay(reply->text.size());
        gap.bytes += reply->text.size();
        auto chunk = decodeChunk(reply->text);
        if (!chunk) {
            ++refused;
            logger.warn("what another instance tells of the history is not taken",
                        {{"instance", peer}, {"why", chunk.error().message}});
            co_return Outcome::Spoilt;
        }
        if (gap.bytes > tellingBounds(options.plan).bytes + maxChunkBytes)
            co_return Outcome::Enough;
        if (chunk->request != request)
            continue;
        ++taken;
        until = std::chrono::steady_clock::now() + options.patience;
        const bool isLast = chunk->last;
        const Outcome outcome = co_await put(std::move(*chunk), gap);
        if (outcome != Outcome::Told || isLast)
            co_return outcome;
    }
    co_return Outcome::Silent;
}

awaitable<Outcome> Backfill::Impl::put(HistoryChunk chunk, Wanted &gap)
{
    storage::HistoryFill missing;
    missing.step = chunk.step;
    missing.from = gap.from;
    missing.to = std::min(gap.until, clock.wall());
    gap.labels.drop(chunk.series);
    missing.series = std::move(chunk.series);
    if (!missing.series.empty()) {
        const auto filled = co_await history.fill(std::move(missing));
        if (!filled) {
            logger.warn("the history that was missed cannot be written",
                        {{"why", filled.error().message}, {"mend", filled.error().hint}});
            co_return Outcome::Failed;
        }
        gap.rows += filled->rows;
        rows += filled->rows;
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
    return {m_impl->asked, m_impl->taken, m_impl->rows, m_impl->refused, m_impl->answered};
}

} // namespace portolan::monitor::instances
