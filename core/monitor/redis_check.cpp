// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/redis_check.h"

#include "core/api/clock.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/base/trouble.h"
#include "core/monitor/link_trouble.h"
#include "core/monitor/loop_life.h"
#include "core/monitor/printable.h"
#include "core/queue/keys.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"
#include "core/redis/subscriber.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <map>
#include <mutex>

namespace portolan::monitor {

namespace {

constexpr std::chrono::minutes rightsEvery{10};
constexpr std::chrono::seconds rightsSoon{2};
/// The rights may not tell what a refusal is about: then it makes them due so often and no more.
constexpr std::chrono::seconds rightsUnexplained{30};
constexpr std::size_t askedMost = 64;
/// Keys are looked at in every second look: a command each, whatever they hold.
constexpr unsigned typesEvery = 2;
/// Subscriptions are answered some time after the connection is there.
constexpr std::chrono::seconds subscriptionsWithin{2};

bool aboutRights(const std::optional<Error> &error)
{
    return error && (error->code == "redis-rights" || error->code == "redis-auth");
}

/// "p:t:42" → "p:*": there is a channel for every task.
std::string patternOf(const std::string &channel)
{
    for (const std::string_view prefix : {"p:", "celery-task-meta-"})
        if (channel.starts_with(prefix))
            return std::string(prefix) + "*";
    return channel;
}

/// What the path of a task goes by, from its start to its end.
std::vector<redis::NeededKey> neededKeys(const std::vector<std::string> &queues)
{
    namespace names = queue::keys;
    using redis::Use;
    std::vector<redis::NeededKey> needed{
        {std::string(names::unacked), "HLEN", Use::Queue},
        {std::string(names::unackedIndex), "ZCARD", Use::Queue},
        {std::string(names::instances), "ZCARD", Use::Queue},
        {std::string(names::revoked), "ZCARD", Use::Queue},
        {std::string(names::parked), "ZCARD", Use::Queue},
        {std::string(names::parkedMessages), "HLEN", Use::Queue},
        {names::binding("celery.pidbox"), "SCARD", Use::Queue},
    };
    for (const std::string &queue : queues)
        needed.push_back({queue, "LLEN", Use::Queue});
    return needed;
}

/// What is missing, for the log. Its message says what is lost, and nothing else: whoever reads it goes by it.
Error lossOf(const redis::Rights &found)
{
    using redis::Use;
    Error error =
        failure(ErrorKind::Unavailable, "Redis refuses a part of what the portal asks for; it serves without");
    error.hint = found.aclLine();
    if (error.hint.empty())
        error.hint = "Take back the rename-command of these, or name another Redis.";
    if (!found.unusable())
        return error;
    const bool sessions = found.lacks(Use::Sessions), limits = found.lacks(Use::Limits),
               queue = found.lacks(Use::Queue);
    const bool all = sessions && limits && queue;
    error.message = all ? "Redis cannot be used: " : "Redis can be used in part only: ";
    if (sessions && limits)
        error.message += "sessions and limits live in memory";
    else if (sessions)
        error.message += "sessions live in memory";
    else if (limits)
        error.message += "limits are counted in memory";
    if (queue)
        error.message += sessions || limits ? ", tasks wait" : "tasks wait";
    return error;
}

Error wrongTypes(const std::vector<redis::NeededKey> &wrong)
{
    std::string names;
    for (const redis::NeededKey &one : wrong)
        names.append(names.empty() ? "" : ", ").append("\"").append(printable(one.key)).append("\"");
    Error error =
        failure(ErrorKind::Unavailable, "Redis holds something else under what this portal needs: " + names + ".",
                "Another program may have written it: rename or delete it there, or give this portal a "
                "database of its own (the number at the end of the Redis URL).");
    error.code = "redis-wrong-type";
    return aboutThat(std::move(error), names);
}

} // namespace

struct RedisCheck::Impl : std::enable_shared_from_this<RedisCheck::Impl>
{
    Impl(Executor on, redis::Client &to, const redis::Subscriber *news, const Clock &time, Logger &log, Options with)
        : executor(on),
          client(to),
          subscriber(news),
          clock(time),
          logger(log),
          options(std::move(with)),
          script(redis::writeProbe()),
          typesScript(redis::typesProbe()),
          writing(&log, time, "Redis does not take what the portal writes", redis::lacksNamedCommand),
          typing(&log, time, "a key the portal needs is used by something else"),
          listening(&log, time, "Redis gives the portal no connection to listen on: live updates are missing"),
          timer(on)
    {}

    awaitable<void> run();
    awaitable<bool> look(); ///< whether all is well
    awaitable<void> lookAtRights();
    void lookAtPolicy();
    awaitable<void> lookAtTypes();
    void lookAtNews();
    void addSubscriptions(redis::Rights &rights) const;
    void learned(redis::Rights found);
    void tell(const redis::Rights &rights);
    std::optional<Error> problem(redis::Use use) const;
    bool rightsDue() const;
    bool refusedAnew();
    bool isKnown(const std::string &refused) const;
    awaitable<void> rest(std::chrono::milliseconds time);

    const Executor executor;
    redis::Client &client;
    const redis::Subscriber *const subscriber;
    const Clock &clock;
    Logger &logger;
    const Options options;
    const redis::Script script;
    const redis::Script typesScript;
    Trouble writing;
    Trouble typing;
    Trouble listening; ///< on the subscriber's connection
    Timer timer;
    bool stopping = false;                   ///< on the executor, as all down to the promise
    std::optional<std::uint64_t> connection; ///< of the last rights
    std::optional<SteadyTime> rightsAsked;
    std::optional<redis::Rights> probed;     ///< without the subscriptions, which are told elsewhere
    std::map<std::string, SteadyTime> asked; ///< for which refusals the rights were last asked, and when
    bool refused = false;                    ///< somebody met one that is news
    unsigned looks = 0;
    std::string told; ///< the last message
    LoopLife life;

    mutable std::mutex mutex; ///< of all below
    std::shared_ptr<const redis::Rights> rights;
    std::vector<redis::NeededKey> wrong; ///< keys of another type
    std::optional<Error> policy;         ///< it evicts
    bool written = false;                ///< the last write came through, or said why not
};

awaitable<void> RedisCheck::Impl::run()
{
    const auto self = shared_from_this();
    while (!stopping) {
        const bool well = co_await look();
        if (stopping)
            break;
        const auto time = well ? options.every : options.soon;
        co_await rest(time);
    }
    life.ended();
}

/// Cut short by a refusal that anybody meets.
awaitable<void> RedisCheck::Impl::rest(std::chrono::milliseconds time)
{
    do {
        timer.expires_after(std::min(time, options.soon));
        error_code cancelled;
        co_await timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
        time -= options.soon;
    } while (time.count() > 0 && !stopping && !refusedAnew());
}

/// Whether somebody was refused what the rights do not tell yet. What watches asks again and again for what it is
/// refused: that is no news.
bool RedisCheck::Impl::refusedAnew()
{
    const SteadyTime now = clock.steady();
    if (asked.size() > askedMost)
        asked.clear();
    for (std::string &name : client.takeRefusals()) {
        if (isKnown(name))
            continue;
        const auto [last, first] = asked.try_emplace(std::move(name), now);
        if (!first && now - last->second < rightsUnexplained)
            continue;
        last->second = now;
        refused = true;
    }
    return refused;
}

bool RedisCheck::Impl::isKnown(const std::string &name) const
{
    return !name.empty() && rights && std::ranges::any_of(rights->missing, [&](const redis::MissingRight &right) {
        return right.what == name || right.what.starts_with(name + " ");
    });
}

bool RedisCheck::Impl::rightsDue() const
{
    if (!rightsAsked || connection != client.counters().reconnects)
        return true;
    const auto since = clock.steady() - *rightsAsked;
    const bool doubtful = refused || (rights && rights->unusable()) || aboutRights(writing.current()) ||
                          (options.queue && aboutRights(options.queue())) ||
                          (options.sessions && aboutRights(options.sessions()));
    return since >= (doubtful ? std::chrono::steady_clock::duration(rightsSoon)
                              : std::chrono::steady_clock::duration(rightsEvery));
}

awaitable<bool> RedisCheck::Impl::look()
{
    if (client.state() != redis::Client::State::Ready)
        co_return false;
    if (rightsDue())
        co_await lookAtRights();
    lookAtPolicy();
    lookAtNews();
    if (looks++ % typesEvery == 0 || typing.current())
        co_await lookAtTypes();
    std::string name = options.instance;
    const Result<void> wrote = co_await redis::probeWrite(client, script, std::move(name));
    // Without an answer it is away, or busy: that is the link's to tell.
    const bool unanswered = !wrote && (redis::isAway(wrote.error()) || wrote.error().code == "redis-lost" ||
                                       wrote.error().kind == ErrorKind::Timeout);
    if (wrote)
        writing.worked();
    else if (!unanswered)
        writing.failed(wrote.error());
    {
        const std::lock_guard lock(mutex);
        written = written || !unanswered;
    }
    co_return wrote.has_value() && !problem(redis::Use::Queue) && !problem(redis::Use::Sessions);
}

void RedisCheck::Impl::lookAtPolicy()
{
    const auto told = options.memory ? options.memory() : std::nullopt;
    if (!told)
        return;
    const std::string kept = told->policy.value_or("");
    std::optional<Error> evicts;
    if (told->evictsAnyKey()) {
        evicts = failure(ErrorKind::Unavailable,
                         "This Redis evicts any key when it is full (maxmemory-policy " + kept +
                             "): queued tasks would be lost.",
                         "Run it with maxmemory-policy noeviction, or name another.");
        evicts->code = "redis-evicts";
        evicts->about = kept;
    }
    const std::lock_guard lock(mutex);
    if (evicts && !policy)
        logger.error("this Redis may lose tasks", {{"why", inWords(*evicts)}});
    if (!evicts && policy)
        logger.info("this Redis no longer evicts any key", {{"policy", kept}});
    policy = std::move(evicts);
}

awaitable<void> RedisCheck::Impl::lookAtRights()
{
    const std::uint64_t now = client.counters().reconnects;
    std::vector<std::string> queues;
    if (options.queues)
        queues = options.queues();
    Result<redis::Rights> found = co_await redis::probeRights(client, std::move(queues));
    if (!found)
        co_return;
    connection = now;
    rightsAsked = clock.steady();
    refused = false;
    client.takeRefusals(); // the probe's own
    if (found->user == "default" && !options.user.empty())
        found->user = options.user;
    if (probed && *probed != *found)
        asked.clear();
    // So that everything is in one message.
    Timer pause(executor);
    for (const auto until = std::chrono::steady_clock::now() + subscriptionsWithin;
         subscriber && subscriber->state() == redis::Client::State::Connecting && !stopping &&
         std::chrono::steady_clock::now() < until;) {
        pause.expires_after(std::chrono::milliseconds(20));
        error_code cancelled;
        co_await pause.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    probed = *found;
    addSubscriptions(*found);
    learned(std::move(*found));
}

void RedisCheck::Impl::learned(redis::Rights found)
{
    tell(found);
    const std::lock_guard lock(mutex);
    rights = std::make_shared<const redis::Rights>(std::move(found));
}

/// Subscriptions are asked for when somebody wants them, and refused then.
void RedisCheck::Impl::lookAtNews()
{
    if (!subscriber)
        return;
    const auto why = subscriber->problem();
    if (subscriber->state() == redis::Client::State::Ready)
        listening.worked();
    else if (why)
        listening.failed(*why);
    if (!probed)
        return;
    redis::Rights found = *probed;
    addSubscriptions(found);
    if (!rights || *rights != found)
        learned(std::move(found));
}

awaitable<void> RedisCheck::Impl::lookAtTypes()
{
    std::vector<std::string> queues;
    if (options.queues)
        queues = options.queues();
    std::vector<redis::NeededKey> needed = neededKeys(queues);
    needed.insert(needed.end(), options.keys.begin(), options.keys.end());
    Result<std::vector<redis::NeededKey>> found = co_await redis::probeTypes(client, typesScript, std::move(needed));
    if (!found)
        co_return; // that is the write's to tell
    if (found->empty())
        typing.worked();
    else
        typing.failed(wrongTypes(*found));
    const std::lock_guard lock(mutex);
    wrong = std::move(*found);
}

void RedisCheck::Impl::addSubscriptions(redis::Rights &found) const
{
    if (!subscriber)
        return;
    for (const redis::Subscriber::Refused &refused : subscriber->refused()) {
        const std::string pattern = patternOf(refused.name);
        std::string acl = refused.pattern ? "+psubscribe +punsubscribe" : "+subscribe +unsubscribe";
        if (!found.allChannels)
            acl += " &" + pattern;
        redis::MissingRight missing{
            (refused.pattern ? "PSUBSCRIBE " : "SUBSCRIBE ") + pattern, {redis::Use::Live}, refused.unknown, acl};
        if (std::ranges::find(found.missing, missing.what, &redis::MissingRight::what) == found.missing.end())
            found.missing.push_back(std::move(missing));
    }
}

void RedisCheck::Impl::tell(const redis::Rights &found)
{
    std::string words = found.inWords();
    if (words == told)
        return;
    told = std::move(words);
    if (told.empty())
        return logger.info("Redis now allows everything the portal asks for");
    const Error loss = lossOf(found);
    const std::string drops = found.aclDrops();
    const auto level = found.unusable() ? LogLevel::Error : LogLevel::Warning;
    if (drops.empty())
        logger.log(level, loss.message, {{"what", told}, {"mend", loss.hint}});
    else
        logger.log(level, loss.message, {{"what", told}, {"mend", loss.hint}, {"mend_drops", drops}});
}

std::optional<Error> RedisCheck::Impl::problem(redis::Use use) const
{
    {
        const std::lock_guard lock(mutex);
        if (rights && rights->lacks(use))
            return rights->problem(use);
        std::vector<redis::NeededKey> those = wrong;
        std::erase_if(those, [use](const redis::NeededKey &one) { return one.use != use; });
        if (!those.empty())
            return wrongTypes(those);
        if (use == redis::Use::Queue && policy)
            return policy;
    }
    if (use == redis::Use::Live || use == redis::Use::Figures)
        return std::nullopt;
    if (auto write = writing.current())
        return write;
    const Felt &felt = use == redis::Use::Queue ? options.queue : options.sessions;
    return felt && use != redis::Use::Limits ? felt() : std::nullopt;
}

RedisCheck::RedisCheck(Executor executor, redis::Client &client, const redis::Subscriber *subscriber,
                       const Clock &clock, Logger &logger, Options options)
    : m_impl(std::make_shared<Impl>(executor, client, subscriber, clock, logger, std::move(options)))
{}

RedisCheck::~RedisCheck() { stop(); }

void RedisCheck::start()
{
    m_impl->life.start([this] { spawn(m_impl->executor, [impl = m_impl] { return impl->run(); }); });
}

void RedisCheck::stop()
{
    m_impl->life.stop(m_impl->executor, [impl = m_impl] {
        impl->stopping = true;
        impl->timer.cancel();
    });
}

std::vector<LinkStatus> RedisCheck::paths() const
{
    const bool away = m_impl->client.state() != redis::Client::State::Ready;
    std::vector<LinkStatus> paths;
    for (const auto &[name, use] :
         {std::pair{"queue", redis::Use::Queue}, std::pair{"sessions", redis::Use::Sessions}}) {
        LinkStatus status{name, std::nullopt, std::nullopt, std::nullopt};
        std::optional<Error> why;
        if (!away) {
            why = m_impl->problem(use);
            // Whoever is signed in is let in by the limits too.
            if (!why && use == redis::Use::Sessions)
                why = m_impl->problem(redis::Use::Limits);
            const std::lock_guard lock(m_impl->mutex);
            if (!why && m_impl->written && m_impl->rights)
                status.up = true;
        }
        if (why)
            setDown(status, *why);
        paths.push_back(std::move(status));
    }
    return paths;
}

std::vector<NotTold> RedisCheck::notTold() const
{
    std::vector<NotTold> all;
    if (m_impl->client.state() != redis::Client::State::Ready)
        return all;
    if (const auto why = m_impl->listening.current())
        all.push_back({"live", "SUBSCRIBE", false, why->code, why->about, whatWasTold(*why)});
    const auto known = rights();
    for (const redis::MissingRight &right : known ? known->missing : std::vector<redis::MissingRight>{})
        if (right.is(redis::Use::Live))
            all.push_back({"live", right.what, right.unknown});
    return all;
}

std::optional<Error> RedisCheck::problem(redis::Use use) const { return m_impl->problem(use); }

std::shared_ptr<const redis::Rights> RedisCheck::rights() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->rights;
}

} // namespace portolan::monitor
