// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/taker.h"

#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"
#include "core/redis/subscriber.h"

#include <algorithm>
#include <array>

namespace portolan::queue {

namespace {

/// Whoever enqueues with our Broker wakes us. Celery's clients do not, so we look, more and more rarely while nothing
/// is there (up to WorkerOptions::pollMost).
constexpr auto pollMin = std::chrono::milliseconds(5);
constexpr auto retryAfter = std::chrono::milliseconds(50); ///< where there is no room, no lease, or no answer
constexpr std::size_t takeMost = 1000; ///< Lua's unpack() has room for 8,000 values, take.lua unpacks two for each
constexpr std::string_view takeBytes = "8388608";
constexpr auto askRightsEvery = std::chrono::seconds(1);
constexpr auto unheardEvery = std::chrono::seconds(2);
constexpr int latestRevoked = 1000;
constexpr std::size_t queuesMost = 64;
constexpr std::size_t releaseBatch = 500;

bool isQueueName(std::string_view name)
{
    return !name.empty() && name.size() <= maxIdBytes &&
           std::ranges::all_of(name, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

/// Where the messages of queues lie, in the order they are looked through, and what closes a task of each.
struct Lists
{
    std::vector<std::string> names;
    std::vector<std::string> closings;
};

Lists listsOf(const std::vector<std::string> &queues)
{
    Lists lists;
    for (const int step : keys::prioritySteps)
        for (const std::string &name : queues) {
            lists.names.push_back(keys::list(name, step));
            lists.closings.push_back(Taker::closingOf(name));
        }
    return lists;
}

Error notRegistered(const std::string &task)
{
    Error error = failure(ErrorKind::NotFound, "nobody here has registered a task named '" + task + "'");
    error.code = "message-not-registered";
    return error;
}

} // namespace

Taker::Taker(WorkerCommon &worker, Held &held, Endings &endings, Notes &notes, WorkerLoops &loops)
    : m_worker(worker),
      m_held(held),
      m_endings(endings),
      m_notes(notes),
      m_loops(loops),
      m_takeTrouble(worker.options.logger, worker.clock, "tasks cannot be taken from the queue",
                    redis::lacksNamedCommand),
      m_asideTrouble(worker.options.logger, worker.clock,
                     "messages that are no tasks cannot be kept aside; nothing is taken")
{
    for (const std::string &name : worker.options.queues)
        if (isQueueName(name) && std::ranges::find(m_queues, name) == m_queues.end() && m_queues.size() < queuesMost)
            m_queues.push_back(name);
    for (const std::string &name : worker.registry.names())
        if (const auto interval = TaskRate::parse(worker.registry.find(name)->options.rateLimit);
            interval && interval->count() > 0)
            m_rates.emplace(name, TaskRate(*interval));
}

std::string Taker::closingOf(const std::string &queue)
{
    std::string closing = R"(,"",)";
    text::appendString(closing, queue);
    closing.push_back(']');
    return closing;
}

awaitable<void> Taker::loop()
{
    auto poll = pollMin;
    for (;;) {
        {
            const Held::Lock lock(m_held.mutex);
            if (m_held.stopping)
                co_return;
        }
        const bool allowed = m_worker.lease.holds() && (!m_mayTake || m_mayTake());
        const std::size_t most = allowed ? room() : 0;
        if (most == 0) {
            co_await m_held.hungry->wait(retryAfter);
            continue;
        }
        bool more = false;
        // While nothing comes, one cheap question for all lists: taking costs a command for each, and three more. But
        // that taking works again only taking can show.
        bool maybe = poll == pollMin || m_takeTrouble.current();
        if (!maybe)
            maybe = co_await anythingWaits();
        std::optional<std::size_t> count = 0;
        if (maybe)
            count = co_await take(most, more);
        if (!count) {
            co_await m_held.hungry->wait(retryAfter);
            continue;
        }
        if (*count != 0)
            poll = pollMin;
        co_await m_notes.send();
        co_await parkLatest();
        if (more)
            continue;
        co_await m_held.hungry->wait(poll);
        poll = std::min(poll * 3 / 2, std::max(pollMin, m_worker.options.pollMost));
    }
}

/// Whether any of our lists is there; also when Redis did not say, so that taking finds out why.
awaitable<bool> Taker::anythingWaits()
{
    redis::Command command;
    std::size_t lists = 0;
    {
        const Held::Lock lock(m_held.mutex);
        lists = m_queues.size() * std::size(keys::prioritySteps);
        command.begin(lists + 1).argument("EXISTS");
        for (const int step : keys::prioritySteps)
            for (const std::string &name : m_queues)
                command.argument(keys::list(name, step));
    }
    const Result<redis::Reply> there = co_await m_worker.client.run(std::move(command));
    if (!there || there->integer != 0)
        co_return true;
    ++m_counts.emptySearches;
    m_worker.search.add(1, 0, lists, 4); // ":0\r\n"
    co_return false;
}

std::size_t Taker::room()
{
    const Held::Lock lock(m_held.mutex);
    const std::size_t held = m_held.queue.size() + m_held.running + m_held.unknown.size();
    const std::size_t step = std::max<std::size_t>(1, m_held.prefetch / 4);
    // Results that Redis has not taken yet are work in hand as well.
    // Of those held for their time the latest are parked; twice as many are only there while that does not work.
    const bool full =
        m_held.scheduled.over(m_worker.options, 2) || m_worker.outbox.size() > 4 * m_worker.options.prefetchMost;
    if (m_held.stopping || m_held.heldBack || m_held.wanted == 0 || m_queues.empty() || full ||
        m_worker.clock.steady() < m_asideFullUntil || held + step > m_held.prefetch) {
        m_held.lowWater = m_held.prefetch >= step ? m_held.prefetch - step + 1 : 0;
        return 0;
    }
    m_held.lowWater = 0;
    return std::min(m_held.prefetch - held, takeMost);
}

/// Whether to ask with this taking for the rights that ending needs; take.lua says why not each time.
bool Taker::rightsDue()
{
    const std::uint64_t connection = m_worker.client.counters().reconnects;
    const SteadyTime now = m_worker.clock.steady();
    if (m_rightsAskedOn == connection && now - m_rightsAskedAt < askRightsEvery && !m_takeTrouble.current() &&
        !m_worker.endTrouble.current())
        return false;
    m_rightsAskedOn = connection;
    m_rightsAskedAt = now;
    return true;
}

awaitable<std::optional<std::size_t>> Taker::take(std::size_t most, bool &more)
{
    std::vector<std::string> from;
    {
        const Held::Lock lock(m_held.mutex);
        from = m_queues;
    }
    const auto [lists, closings] = listsOf(from);
    const std::string owned = keys::owned(m_worker.instance);
    std::vector<std::string_view> scriptKeys{keys::unacked, keys::unackedIndex, keys::instances, owned};
    scriptKeys.insert(scriptKeys.end(), lists.begin(), lists.end());
    const std::string count = std::to_string(most);
    const std::string first = std::to_string(m_nextDelivery);
    std::vector<std::string_view> arguments{m_worker.instance, count, first, takeBytes};
    arguments.insert(arguments.end(), closings.begin(), closings.end());
    arguments.push_back(rightsDue() ? "1" : "");

    Result<redis::Reply> reply = co_await m_worker.client.eval(m_worker.scripts.take, scriptKeys, arguments);
    if (reply)
        m_takeTrouble.worked();
    else
        m_takeTrouble.failed(reply.error());
    // Should the answer be lost, the numbers it gave away must not be given twice.
    const std::uint64_t number = m_nextDelivery;
    m_nextDelivery += most;
    if (!reply || reply->elements.size() < 3 || reply->elements[0].integer != 1) {
        if (!reply)
            m_held.unsure = true;
        m_held.leaseTimer->notify();
        co_return std::nullopt;
    }
    more = reply->elements[1].integer == 1;
    m_counts.copies += static_cast<std::uint64_t>(reply->elements[2].integer);
    const std::size_t messages = (reply->elements.size() - 3) / 2;
    Events events;
    {
        const Held::Lock lock(m_held.mutex);
        for (std::size_t i = 0; i < messages; ++i) {
            const auto list = static_cast<std::size_t>(reply->elements[3 + 2 * i].integer) - 1;
            if (list >= lists.size())
                continue;
            accept(m_worker.instance + ':' + std::to_string(number + i), lists[list], closings[list].size(),
                   std::move(reply->elements[4 + 2 * i].text), events);
        }
        if (messages == 1)
            m_held.ready.notify_one();
        else if (messages > 1)
            m_held.ready.notify_all();
    }
    m_counts.taken += messages;
    if (messages == 0) {
        ++m_counts.emptySearches;
        // take.lua: EVALSHA, TIME, ZSCORE (which finds the lease), and LRANGE of each list; "*3\r\n:1\r\n:0\r\n:0\r\n".
        m_worker.search.add(3 + lists.size(), 1, lists.size(), 16);
    }
    m_endings.emit(events);
    co_return messages;
}

void Taker::accept(std::string delivery, std::string list, std::size_t closing, std::string raw, Events &events)
{
    Message readable;
    Result<Message> message = decode(std::move(raw), &readable);
    if (!message) {
        Delivery refused{std::move(delivery), std::move(list), closing,
                         std::make_shared<const Message>(std::move(readable))};
        refused.refusal = message.error();
        // It may be no worse than another program's.
        if (m_worker.registry.find(refused.message->task) || !parkUnknown(refused))
            refuse(refused, *refused.refusal);
        return;
    }
    Delivery taken{std::move(delivery), std::move(list), closing, std::make_shared<const Message>(std::move(*message))};
    if (m_endings.observed())
        events.push_back({TaskEvent::Type::Received, taken.message, m_worker.clock.wall()});
    dispatch(std::move(taken));
}

/// Ends what cannot be run as FAILURE under its id; what has none is kept aside. Whoever waits is told, and no message
/// goes without a line and a count: one that finds no room aside goes back and is met again, so it counts once kept.
void Taker::refuse(const Delivery &delivery, const Error &error)
{
    const Message &message = *delivery.message;
    const Refused reason = refusedAs(error);
    const std::string_view from = std::string_view(delivery.list).substr(0, delivery.list.find(keys::separator));
    if (message.id.empty()) {
        Outcome outcome;
        outcome.kind = Outcome::PutAside;
        outcome.delivery = delivery.id;
        outcome.keep = putAsideRecord(error, message, from, m_worker.clock.wall());
        outcome.list = delivery.list;
        outcome.message = message.raw;
        outcome.stored = [this, reason, error, message = delivery.message, queue = std::string(from)] {
            m_worker.refusals.note(reason, error, *message, queue);
        };
        m_worker.outbox.push(std::move(outcome));
        return;
    }
    m_worker.refusals.note(reason, error, message, from);
    const auto [type, module] = exceptionOf(reason);
    const TaskFailure why{
        std::string(type), reason == Refused::NotRegistered ? message.task : error.message, std::string(module), {}};
    m_endings.count(TaskEvent::Type::Failed);
    TaskEvent event{TaskEvent::Type::Failed, delivery.message, m_worker.clock.wall()};
    event.text = why.type + "(" + pythonRepr(boost::json::value(why.message)) + ")";
    m_endings.endUnrun(delivery, state::failure, why, std::move(event));
}

void Taker::dispatch(Delivery delivery)
{
    if (!dispatchable(delivery))
        return;
    const WallTime now = m_worker.clock.wall();
    if (delivery.message->eta && *delivery.message->eta > now) {
        const WallTime at = *delivery.message->eta;
        m_held.toNote.emplace_back(delivery.message->id, delivery.id);
        m_held.scheduled.add(at, std::move(delivery));
        return;
    }
    if (const auto rate = m_rates.find(delivery.message->task); rate != m_rates.end() && !delivery.rateTaken) {
        delivery.rateTaken = true;
        if (const WallTime at = rate->second.take(now); at > now) {
            m_held.scheduled.add(at, std::move(delivery));
            return;
        }
    }
    m_held.queue.push_back(std::move(delivery));
}

bool Taker::dispatchable(const Delivery &delivery, Unknown unknownNames)
{
    const Message &message = *delivery.message;
    const bool expired = message.expires && *message.expires <= m_worker.clock.wall();
    if (expired || m_revokedIds.contains(message.id, m_worker.clock.steady())) {
        m_endings.count(TaskEvent::Type::Revoked);
        TaskEvent event{TaskEvent::Type::Revoked, delivery.message, m_worker.clock.wall()};
        event.expired = expired;
        m_endings.endUnrun(delivery, state::revoked,
                           {"TaskRevokedError", expired ? "expired" : "revoked", "celery.exceptions", {}},
                           std::move(event));
        return false;
    }
    if (!m_worker.registry.find(message.task)) {
        if (unknownNames == Unknown::AskFirst && parkUnknown(delivery))
            return false;
        refuse(delivery, notRegistered(message.task));
        return false;
    }
    return true;
}

awaitable<void> Taker::catchUpOnRevoked()
{
    const std::uint64_t connections = m_worker.subscriber.connections();
    // Where Redis lets nobody publish, this is the only way to hear of one.
    const bool unheard = m_worker.outbox.publishRefused() && m_worker.clock.steady() - m_revokedAt >= unheardEvery;
    if (m_revokedReadAt == connections && !unheard)
        co_return;
    m_revokedAt = m_worker.clock.steady();
    redis::Command command("ZRANGE", keys::revoked, m_revokedReadAt == connections ? -latestRevoked : 0, -1);
    const Result<redis::Reply> reply = co_await m_worker.client.run(std::move(command));
    if (!reply)
        co_return;
    m_revokedReadAt = connections;
    const Held::Lock lock(m_held.mutex);
    for (const redis::Reply &id : reply->elements)
        m_revokedIds.add(id.text, m_worker.clock.steady());
    const auto ended = [&](const Delivery &delivery) { return !dispatchable(delivery); };
    std::erase_if(m_held.queue, ended);
    m_held.scheduled.dropIf(ended);
}

void Taker::releaseDue()
{
    const Held::Lock lock(m_held.mutex);
    const WallTime now = m_worker.clock.wall();
    bool any = false;
    while (!m_held.scheduled.empty() && m_held.scheduled.begin()->first <= now) {
        dispatch(m_held.scheduled.take(m_held.scheduled.begin()));
        any = true;
    }
    if (any)
        m_held.ready.notify_all();
}

awaitable<std::size_t> Taker::release(std::vector<Delivery> deliveries)
{
    // The last one taken first, so that the first one is the next again.
    std::ranges::reverse(deliveries);
    const std::string owned = keys::owned(m_worker.instance);
    const std::array<std::string_view, 3> scriptKeys{keys::unacked, keys::unackedIndex, owned};
    std::size_t released = 0;
    for (std::size_t i = 0; i < deliveries.size(); i += releaseBatch) {
        const std::size_t end = std::min(deliveries.size(), i + releaseBatch);
        std::vector<std::string> lengths;
        for (std::size_t n = i; n < end; ++n)
            lengths.push_back(std::to_string(deliveries[n].closing));
        std::vector<std::string_view> arguments{keys::wake};
        for (std::size_t n = i; n < end; ++n)
            arguments.insert(arguments.end(), {deliveries[n].id, deliveries[n].list, lengths[n - i]});
        const Result<redis::Reply> reply =
            co_await m_worker.client.eval(m_worker.scripts.release, scriptKeys, arguments);
        if (!reply)
            break; // the lease ends soon, and somebody else puts them back
        released += static_cast<std::size_t>(std::max<std::int64_t>(reply->integer, 0));
    }
    co_return released;
}

std::unordered_set<std::string_view> Taker::revoke(const Held::Lock &, const std::vector<std::string> &ids)
{
    std::unordered_set<std::string_view> revoked; // thousands may be named, thousands be held
    for (const std::string &id : ids)
        if (!id.empty() && id.size() <= maxIdBytes) {
            m_revokedIds.add(id, m_worker.clock.steady());
            revoked.insert(id);
        }
    // Those held end now; dispatchable() ends them and says false.
    const auto ended = [&](const Delivery &delivery) {
        return revoked.contains(delivery.message->id) && !dispatchable(delivery);
    };
    std::erase_if(m_held.queue, ended);
    m_held.scheduled.dropIf(ended);
    return revoked;
}

RevokedList Taker::revokedIds(std::size_t atMost) const
{
    const Held::Lock lock(m_held.mutex);
    return m_revokedIds.list(atMost);
}

void Taker::setRate(std::string_view task, std::chrono::nanoseconds interval)
{
    const Held::Lock lock(m_held.mutex);
    m_rates.erase(std::string(task));
    if (interval.count() > 0)
        m_rates.emplace(task, TaskRate(interval));
}

bool Taker::addQueue(std::string queue)
{
    const Held::Lock lock(m_held.mutex);
    const auto found = std::ranges::find(m_queues, queue);
    if (!isQueueName(queue) || found != m_queues.end() || m_queues.size() >= queuesMost)
        return false;
    m_queues.push_back(std::move(queue));
    m_held.hungry->notify();
    return true;
}

bool Taker::cancelQueue(std::string_view queue)
{
    const Held::Lock lock(m_held.mutex);
    return std::erase(m_queues, queue) != 0;
}

bool Taker::consumes(std::string_view queue) const
{
    const Held::Lock lock(m_held.mutex);
    return std::ranges::find(m_queues, queue) != m_queues.end();
}

std::optional<Error> Taker::problem() const
{
    std::optional<Error> taking = m_takeTrouble.current();
    return taking ? taking : m_asideTrouble.current();
}

std::optional<Error> Taker::cancelled() const
{
    const Held::Lock lock(m_held.mutex);
    std::string names;
    for (const std::string &queue : m_worker.options.queues)
        if (std::ranges::find(m_queues, queue) == m_queues.end())
            names.append(names.empty() ? "" : ", ").append(queue);
    if (names.empty() || m_held.wanted == 0 || m_held.heldBack)
        return std::nullopt;
    Error error =
        failure(ErrorKind::Unavailable,
                "This worker takes no tasks from " + names + ": it was told so by a control message (cancel_consumer).",
                "`celery control add_consumer` with the queue's name, or a restart, takes that back.");
    error.code = "queue-cancelled";
    return aboutThat(std::move(error), names);
}

} // namespace portolan::queue
