#include "core/base/logging.h"
#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/worker_impl.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"

#include <algorithm>

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

Error notRegistered(const std::string &task)
{
    Error error = failure(ErrorKind::NotFound, "nobody here has registered a task named '" + task + "'");
    error.code = "message-not-registered";
    return error;
}

} // namespace

void WorkerPool::takeWhile(std::function<bool()> allowed) { m_impl->mayTake = std::move(allowed); }

/// What closes an entry of `unacked`: the exchange ("", the anonymous one) and the routing key, by which kombu too
/// would put the message back into the right queue.
std::string WorkerPool::Impl::closingOf(const std::string &queue)
{
    std::string closing = R"(,"",)";
    text::appendString(closing, queue);
    closing.push_back(']');
    return closing;
}

awaitable<void> WorkerPool::Impl::takeLoop()
{
    auto poll = pollMin;
    for (;;) {
        {
            const Lock lock(mutex);
            if (stopping)
                co_return;
        }
        const bool allowed = lease.holds() && (!mayTake || mayTake());
        const std::size_t most = allowed ? room() : 0;
        if (most == 0) {
            co_await hungry->wait(retryAfter);
            continue;
        }
        bool more = false;
        // While nothing comes, one cheap question for all lists: taking costs a command for each, and three more. But
        // that taking works again only taking can show.
        bool maybe = poll == pollMin || takeTrouble.current();
        if (!maybe)
            maybe = co_await anythingWaits();
        std::optional<std::size_t> count = 0;
        if (maybe)
            count = co_await take(most, more);
        if (!count) {
            co_await hungry->wait(retryAfter);
            continue;
        }
        if (*count != 0)
            poll = pollMin;
        co_await noteHeld();
        co_await parkLatest();
        if (more)
            continue;
        co_await hungry->wait(poll);
        poll = std::min(poll * 3 / 2, std::max(pollMin, options.pollMost));
    }
}

/// Whether any of our lists is there; also when Redis did not say, so that taking finds out why.
awaitable<bool> WorkerPool::Impl::anythingWaits()
{
    redis::Command command;
    std::size_t lists = 0;
    {
        const Lock lock(mutex);
        lists = queues.size() * std::size(keys::prioritySteps);
        command.begin(lists + 1).argument("EXISTS");
        for (const int step : keys::prioritySteps)
            for (const std::string &name : queues)
                command.argument(keys::list(name, step));
    }
    const Result<redis::Reply> there = co_await client.run(std::move(command));
    if (!there || there->integer != 0)
        co_return true;
    ++emptySearches;
    search.add(1, 0, lists, 4); // ":0\r\n"
    co_return false;
}

std::size_t WorkerPool::Impl::room()
{
    const Lock lock(mutex);
    const std::size_t held = queue.size() + running + unknown.size();
    const std::size_t step = std::max<std::size_t>(1, prefetch / 4);
    // Results that Redis has not taken yet are work in hand as well.
    // Of those held for their time the latest are parked; twice as many are only there while that does not work.
    const bool full = scheduled.over(options, 2) || outbox.size() > 4 * options.prefetchMost;
    if (stopping || heldBack || wanted == 0 || queues.empty() || full || clock.steady() < asideFullUntil ||
        held + step > prefetch) {
        lowWater = prefetch >= step ? prefetch - step + 1 : 0;
        return 0;
    }
    lowWater = 0;
    return std::min(prefetch - held, takeMost);
}

/// Whether to ask with this taking for the rights that ending needs; take.lua says why not each time.
bool WorkerPool::Impl::rightsDue()
{
    const std::uint64_t connection = client.counters().reconnects;
    const SteadyTime now = clock.steady();
    if (rightsAskedOn == connection && now - rightsAskedAt < askRightsEvery && !takeTrouble.current() &&
        !endTrouble.current())
        return false;
    rightsAskedOn = connection;
    rightsAskedAt = now;
    return true;
}

awaitable<std::optional<std::size_t>> WorkerPool::Impl::take(std::size_t most, bool &more)
{
    std::vector<std::string> from;
    {
        const Lock lock(mutex);
        from = queues;
    }
    std::vector<std::string> lists;
    std::vector<std::string> closings;
    for (const int step : keys::prioritySteps)
        for (const std::string &name : from) {
            lists.push_back(keys::list(name, step));
            closings.push_back(closingOf(name));
        }
    const std::string owned = keys::owned(instance);
    std::vector<std::string_view> scriptKeys{keys::unacked, keys::unackedIndex, keys::instances, owned};
    scriptKeys.insert(scriptKeys.end(), lists.begin(), lists.end());
    const std::string count = std::to_string(most);
    const std::string first = std::to_string(nextDelivery);
    std::vector<std::string_view> arguments{instance, count, first, takeBytes};
    arguments.insert(arguments.end(), closings.begin(), closings.end());
    arguments.push_back(rightsDue() ? "1" : "");

    Result<redis::Reply> reply = co_await client.eval(scripts.take, scriptKeys, arguments);
    if (reply)
        takeTrouble.worked();
    else
        takeTrouble.failed(reply.error());
    // Should the answer be lost, the numbers it gave away must not be given twice.
    const std::uint64_t number = nextDelivery;
    nextDelivery += most;
    if (!reply || reply->elements.size() < 3 || reply->elements[0].integer != 1) {
        if (!reply)
            unsure = true;
        leaseTimer->notify();
        co_return std::nullopt;
    }
    more = reply->elements[1].integer == 1;
    copies += static_cast<std::uint64_t>(reply->elements[2].integer);
    const std::size_t messages = (reply->elements.size() - 3) / 2;
    Events events;
    {
        const Lock lock(mutex);
        for (std::size_t i = 0; i < messages; ++i) {
            const auto list = static_cast<std::size_t>(reply->elements[3 + 2 * i].integer) - 1;
            if (list >= lists.size())
                continue;
            accept(instance + ':' + std::to_string(number + i), lists[list], closings[list].size(),
                   std::move(reply->elements[4 + 2 * i].text), events);
        }
        if (messages == 1)
            ready.notify_one();
        else if (messages > 1)
            ready.notify_all();
    }
    taken += messages;
    if (messages == 0) {
        ++emptySearches;
        // take.lua: EVALSHA, TIME, ZSCORE (which finds the lease), and LRANGE of each list; "*3\r\n:1\r\n:0\r\n:0\r\n".
        search.add(3 + lists.size(), 1, lists.size(), 16);
    }
    emit(events);
    co_return messages;
}

void WorkerPool::Impl::accept(std::string delivery, std::string list, std::size_t closing, std::string raw,
                              Events &events)
{
    Message readable;
    Result<Message> message = decode(std::move(raw), &readable);
    if (!message) {
        Delivery refused{std::move(delivery), std::move(list), closing,
                         std::make_shared<const Message>(std::move(readable))};
        refused.refusal = message.error();
        // It may be no worse than another program's.
        if (registry.find(refused.message->task) || !parkUnknown(refused))
            refuse(refused, *refused.refusal);
        return;
    }
    Delivery taken{std::move(delivery), std::move(list), closing, std::make_shared<const Message>(std::move(*message))};
    if (!observers.empty())
        events.push_back({TaskEvent::Type::Received, taken.message, clock.wall()});
    dispatch(std::move(taken));
}

/// Ends what cannot be run as FAILURE under its id; what has none is kept aside. Whoever waits is told, and no message
/// goes without a line and a count: one that finds no room aside goes back and is met again, so it counts once kept.
void WorkerPool::Impl::refuse(const Delivery &delivery, const Error &error)
{
    const Message &message = *delivery.message;
    const Refused reason = refusedAs(error);
    const std::string_view from = std::string_view(delivery.list).substr(0, delivery.list.find(keys::separator));
    if (message.id.empty()) {
        Outcome outcome;
        outcome.kind = Outcome::PutAside;
        outcome.delivery = delivery.id;
        outcome.keep = putAsideRecord(error, message, from, clock.wall());
        outcome.list = delivery.list;
        outcome.message = message.raw;
        outcome.stored = [this, reason, error, message = delivery.message, queue = std::string(from)] {
            refusals.note(reason, error, *message, queue);
        };
        outbox.push(std::move(outcome));
        return;
    }
    refusals.note(reason, error, message, from);
    const auto [type, module] = exceptionOf(reason);
    const TaskFailure why{
        std::string(type), reason == Refused::NotRegistered ? message.task : error.message, std::string(module), {}};
    ++failedCount;
    TaskEvent event{TaskEvent::Type::Failed, delivery.message, clock.wall()};
    event.text = why.type + "(" + pythonRepr(boost::json::value(why.message)) + ")";
    endUnrun(delivery, state::failure, why, std::move(event));
}

void WorkerPool::Impl::dispatch(Delivery delivery)
{
    if (!dispatchable(delivery))
        return;
    const WallTime now = clock.wall();
    if (delivery.message->eta && *delivery.message->eta > now) {
        const WallTime at = *delivery.message->eta;
        toNote.emplace_back(delivery.message->id, delivery.id);
        scheduled.add(at, std::move(delivery));
        return;
    }
    if (const auto rate = rates.find(delivery.message->task); rate != rates.end() && !delivery.rateTaken) {
        delivery.rateTaken = true;
        if (const WallTime at = rate->second.take(now); at > now) {
            scheduled.add(at, std::move(delivery));
            return;
        }
    }
    queue.push_back(std::move(delivery));
}

bool WorkerPool::Impl::dispatchable(const Delivery &delivery, Unknown unknownNames)
{
    const Message &message = *delivery.message;
    const bool expired = message.expires && *message.expires <= clock.wall();
    if (expired || revokedIds.contains(message.id, clock.steady())) {
        ++revokedCount;
        TaskEvent event{TaskEvent::Type::Revoked, delivery.message, clock.wall()};
        event.expired = expired;
        endUnrun(delivery, state::revoked,
                 {"TaskRevokedError", expired ? "expired" : "revoked", "celery.exceptions", {}}, std::move(event));
        return false;
    }
    if (!registry.find(message.task)) {
        if (unknownNames == Unknown::AskFirst && parkUnknown(delivery))
            return false;
        refuse(delivery, notRegistered(message.task));
        return false;
    }
    return true;
}

void WorkerPool::Impl::endUnrun(const Delivery &delivery, std::string_view state, const TaskFailure &failure,
                                TaskEvent event)
{
    const Message &message = *delivery.message;
    Outcome outcome;
    outcome.kind = Outcome::Failure;
    outcome.delivery = delivery.id;
    outcome.id = message.id;
    outcome.counted = delivery.counted || message.redelivered;
    outcome.noted = message.eta.has_value();
    if (message.raw.size() <= keepBytes && keepAllowed())
        outcome.keep = message.raw;
    if (!message.ignoreResult) {
        outcome.result = resultJson(state, failureJson(failure),
                                    {message.id, message.parentId, message.groupId, clock.wall()}, failure.traceback);
        outcome.notify = message.notify;
    }
    followFailure(outcome, delivery, state, failure);
    emitWhenStored(outcome, std::move(event));
    outbox.push(std::move(outcome));
}

/// The revocations of the last 3 h, made while this worker was not there or did not hear.
awaitable<void> WorkerPool::Impl::catchUpOnRevoked()
{
    const std::uint64_t connections = subscriber.connections();
    // Where Redis lets nobody publish, this is the only way to hear of one.
    const bool unheard = outbox.publishRefused() && clock.steady() - revokedAt >= unheardEvery;
    if (revokedReadAt == connections && !unheard)
        co_return;
    revokedAt = clock.steady();
    redis::Command command("ZRANGE", keys::revoked, revokedReadAt == connections ? -latestRevoked : 0, -1);
    const Result<redis::Reply> reply = co_await client.run(std::move(command));
    if (!reply)
        co_return;
    revokedReadAt = connections;
    const Lock lock(mutex);
    for (const redis::Reply &id : reply->elements)
        revokedIds.add(id.text, clock.steady());
    const auto ended = [&](const Delivery &delivery) { return !dispatchable(delivery); };
    std::erase_if(queue, ended);
    scheduled.dropIf(ended);
}

} // namespace portolan::queue
