// How ends of tasks reach Redis: each exactly as often as it takes, to the effect of once.
//
// A task has ended here when its outcome is in the outbox, and in Redis when finish.lua has run. Until then it is in
// `unacked` as ours. So a worker that dies in between has lost nothing: the task is put back and runs again
// (lease.cpp). finish.lua does in one step all that an end is: it stores the result and tells of it, keeps the message
// for running it again, puts what follows (the next of a chain, errbacks, the body of a chord, a retry) into its
// queue, and takes the delivery out of `unacked` and of our notes. Before that it asks for every right it needs, so
// for a user who lacks one nothing changes. Telling is no part of ending: who may not PUBLISH stores and ends like any
// other.
//
// Order: one batch is on its way at a time, at most 200 outcomes and about 8 MiB, and the next one gathers. What Redis
// has not taken goes back to the front. So states of one task arrive in their order; one that is followed by the end
// in the same batch is left out, as nobody would see it.
//
// No answer: whether Redis has done it nobody knows. The batch is sent again every 100 ms until it is answered, and a
// repetition changes nothing: a delivery that is neither noted as ours nor in `unacked` has ended or has been put
// back, and of such a one only a success is stored, where no other is. Retries and whatever follows are not sent for
// it again. Parts of chords are counted before finish.lua, by scripts of their own (countParts()): the same part
// counted again changes nothing, and the body that the last part calls goes out with the end of that part.
//
// No longer ours: after our lease had ended others may have put the task back. The same rule holds; such an end is
// counted in lost(). Its observers are told of it only when it is a success, or when it was sent before and may have
// been counted then.
//
// Redis is full: finish.lua stores what is smaller than the message that goes. A result for which there is no room
// becomes FAILURE ResultDropped and is counted. Whether what follows can be put into its queue is found out before
// anything is done of its task. Where it cannot, nothing is done: the outcome is changed to end it as FAILURE with all
// that waits for it (takeUnfit()) and goes out with the next batch. What is refused all the same ends as FAILURE alone
// (sayUnsent()).
//
// Redis refuses the script: where it would do so each time (a key of another type), the batch is given up with an
// error in the log, as trying for ever would stop the worker. Its deliveries stay noted as ours: they go back with the
// next strays (keeper.cpp), or when this worker is gone (lease.cpp).
//
// Bounds: while more than four times WorkerOptions::prefetchMost outcomes wait, Taker takes nothing, so what gathers
// is at most those and what was held. At the end of a worker the loop goes on until the outbox is empty or Redis has
// refused once; what is left runs again elsewhere.

#include "core/queue/outbox.h"

#include "core/base/logging.h"
#include "core/base/trouble.h"
#include "core/queue/chord_parts.h"
#include "core/queue/keys.h"
#include "core/queue/scripts.h"
#include "core/redis/client.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace portolan::queue {

namespace {

constexpr std::size_t batchMost = 200;
constexpr std::size_t batchBytes = 8 * 1024 * 1024;
constexpr auto retryAfter = std::chrono::milliseconds(100);
constexpr auto deadline = std::chrono::milliseconds(2000);

} // namespace

Outbox::Outbox(Executor executor, redis::Client &client, const Scripts &scripts, std::string instance,
               std::chrono::seconds expiry, Logger *logger, Trouble *trouble)
    : m_client(client),
      m_scripts(scripts),
      m_logger(logger),
      m_trouble(trouble),
      m_owned(keys::owned(instance)),
      m_held(keys::held(instance)),
      m_expiry(std::to_string(expiry.count())),
      m_alarm(std::make_shared<Alarm>(executor))
{}

void Outbox::push(Outcome outcome)
{
    bool first = false;
    {
        const std::lock_guard lock(m_mutex);
        first = m_waiting.empty();
        m_waiting.push_back(std::move(outcome));
    }
    if (first)
        m_alarm->notify();
}

std::size_t Outbox::size() const
{
    const std::lock_guard lock(m_mutex);
    return m_waiting.size() + m_sending.size();
}

void Outbox::addDeliveries(std::unordered_set<std::string> &deliveries) const
{
    const std::lock_guard lock(m_mutex);
    deliveries.insert(m_sending.begin(), m_sending.end());
    for (const Outcome &outcome : m_waiting)
        deliveries.insert(outcome.delivery);
}

void Outbox::finish()
{
    m_finishing = true;
    m_alarm->notify();
}

std::size_t Outcome::bytes() const
{
    std::size_t sum = result.size() + keep.size() + (follow.empty() ? message.size() : 0);
    for (const FollowUps &step : follow) {
        for (const FollowUps::Stored &stored : step.results)
            sum += stored.result.size();
        for (const FollowUp &sent : step.messages)
            sum += sent.message.size();
        for (const ChordPart &part : step.parts)
            sum += part.member.size();
    }
    return sum;
}

std::deque<Outcome> Outbox::nextBatch()
{
    const std::lock_guard lock(m_mutex);
    std::deque<Outcome> batch;
    std::size_t bytes = 0;
    while (!m_waiting.empty() && batch.size() < batchMost && bytes < batchBytes) {
        bytes += m_waiting.front().bytes();
        m_sending.push_back(m_waiting.front().delivery);
        batch.push_back(std::move(m_waiting.front()));
        m_waiting.pop_front();
    }
    return batch;
}

awaitable<void> Outbox::loop()
{
    for (;;) {
        std::deque<Outcome> batch = nextBatch();
        if (batch.empty()) {
            if (m_finishing)
                co_return;
            co_await m_alarm->wait(std::chrono::seconds(1));
            continue;
        }
        bool sent = co_await countParts(m_client, m_scripts, m_owned, batch, m_logger);
        if (sent)
            sent = co_await send(batch);
        if (!sent) {
            ++m_failures;
            for (Outcome &outcome : batch)
                outcome.repeated = true;
            {
                const std::lock_guard lock(m_mutex);
                m_waiting.insert(m_waiting.begin(), std::make_move_iterator(batch.begin()),
                                 std::make_move_iterator(batch.end()));
                m_sending.clear();
            }
            if (m_finishing)
                co_return;
            co_await m_alarm->wait(retryAfter);
            continue;
        }
        const std::lock_guard lock(m_mutex);
        m_sending.clear();
    }
}

/// Said once each time it begins. Where nothing was to be published, nothing is known.
void Outbox::told(const std::string &refusal, std::int64_t published)
{
    if (refusal.empty() && published == 0)
        return;
    if (refusal.empty() == !m_publishRefused.load())
        return;
    m_publishRefused = !refusal.empty();
    if (!m_logger || refusal.empty())
        return;
    m_logger->warn(
        "Redis stores results of tasks, but lets this portal tell nobody of them: live progress is missing, and "
        "who waits for a result must look for it. Give its user the right to PUBLISH and to its channels "
        "(ACL SETUSER <user> +publish &*)",
        {{"answer", refusal}});
}

/// Pairs: a task's id, and why Redis would not take it. It has ended as FAILURE.
void Outbox::sayUnsent(const redis::Reply &unsent)
{
    m_unsent += unsent.elements.size() / 2;
    for (std::size_t i = 0; m_logger && i + 1 < unsent.elements.size(); i += 2)
        m_logger->error("a task that was to follow another could not be put into its queue and was ended as FAILURE",
                        {{"task_id", unsent.elements[i].text}, {"error", unsent.elements[i + 1].text}});
}

std::string Outbox::lastForeign() const
{
    const std::lock_guard lock(m_mutex);
    return m_lastForeign;
}

/// Nothing is written over what somebody else stored, so who waits for the result meets that.
void Outbox::sawForeign(const redis::Reply &ids)
{
    if (ids.elements.empty())
        return;
    m_dropped += ids.elements.size();
    m_foreign += ids.elements.size();
    const std::lock_guard lock(m_mutex);
    m_lastForeign = ids.elements.back().text;
}

/// Of what runs again elsewhere only a success is an end here.
void Outbox::tellStored(const std::deque<Outcome> &batch, const redis::Reply &lost, const redis::Reply &kept)
{
    const auto names = [](const redis::Reply &deliveries, const Outcome &outcome) {
        return std::ranges::find(deliveries.elements, outcome.delivery, &redis::Reply::text) !=
               deliveries.elements.end();
    };
    for (const Outcome &outcome : batch) {
        bool ended = outcome.kind == Outcome::Success || !names(lost, outcome);
        if (outcome.kind == Outcome::PutAside)
            ended = names(kept, outcome);
        if (outcome.stored && (ended || outcome.repeated))
            outcome.stored();
    }
}

/// More ends with what cannot be put into its queue, so their tasks are to be ended once more, with that.
std::deque<Outcome> Outbox::takeUnfit(std::deque<Outcome> &batch, const redis::Reply &unfit)
{
    std::map<std::string_view, std::map<std::string_view, std::string_view>> all;
    for (std::size_t i = 0; i + 2 < unfit.elements.size(); i += 3)
        all[unfit.elements[i].text][unfit.elements[i + 1].text] = unfit.elements[i + 2].text;
    std::deque<Outcome> again;
    for (const auto &[delivery, refused] : all) {
        m_unsent += refused.size();
        if (m_logger)
            m_logger->error(
                "a task that was to follow another could not be put into its queue and was ended as FAILURE, "
                "with what waits for it",
                {{"tasks", refused.size()}, {"task_id", refused.begin()->first}, {"error", refused.begin()->second}});
        const auto isIt = [&](const Outcome &one) { return one.delivery == delivery && !one.follow.empty(); };
        const auto outcome = std::ranges::find_if(batch, isIt);
        if (outcome == batch.end())
            continue;
        endRefused(*outcome, refused);
        again.push_back(std::move(*outcome));
        batch.erase(outcome);
    }
    return again;
}

awaitable<bool> Outbox::send(std::deque<Outcome> &batch)
{
    // A state that is followed by the end in the same batch would be seen by nobody.
    std::unordered_set<std::string_view> ended;
    bool anyState = false;
    for (const Outcome &outcome : batch)
        anyState = anyState || outcome.kind == Outcome::State;
    if (anyState)
        for (const Outcome &outcome : batch)
            if (outcome.kind != Outcome::State)
                ended.insert(outcome.delivery);

    static constexpr std::string_view kinds = "SFRAPX";
    std::vector<std::string_view> arguments;
    arguments.reserve(batch.size() * 10 + 2);
    arguments.insert(arguments.end(), {m_expiry, keys::wake});
    for (const Outcome &outcome : batch) {
        if (outcome.kind == Outcome::State && ended.contains(outcome.delivery))
            continue;
        arguments.insert(arguments.end(), {kinds.substr(kinds.find(outcome.kind), 1), outcome.delivery, outcome.id,
                                           outcome.result, outcome.notify, outcome.keep, outcome.list, outcome.message,
                                           outcome.counted ? "1" : "", outcome.noted ? "1" : ""});
    }
    const std::array<std::string_view, 4> scriptKeys{keys::unacked, keys::unackedIndex, m_owned, m_held};
    const Result<redis::Reply> reply = co_await m_client.eval(m_scripts.finish, scriptKeys, arguments, deadline);
    if (m_trouble && reply)
        m_trouble->worked();
    else if (m_trouble)
        m_trouble->failed(reply.error());
    if (reply && reply->elements.size() == 10) {
        m_dropped += static_cast<std::uint64_t>(reply->elements[0].integer);
        m_lost += reply->elements[1].elements.size();
        sayUnsent(reply->elements[5]);
        const bool aside = std::ranges::any_of(batch, [](const Outcome &one) { return one.kind == Outcome::PutAside; });
        if (aside && m_onAside)
            m_onAside(static_cast<std::uint64_t>(reply->elements[6].integer));
        told(reply->elements[2].text, reply->elements[4].integer);
        m_copies += static_cast<std::uint64_t>(reply->elements[3].integer);
        sawForeign(reply->elements[8]);
        std::deque<Outcome> again = takeUnfit(batch, reply->elements[9]);
        tellStored(batch, reply->elements[1], reply->elements[7]);
        const std::lock_guard lock(m_mutex);
        m_waiting.insert(m_waiting.begin(), std::make_move_iterator(again.begin()),
                         std::make_move_iterator(again.end()));
        co_return true;
    }
    // Redis itself refuses the script (a key of another type, say): trying for ever would stop the worker.
    if (!reply && reply.error().kind == ErrorKind::Internal) {
        if (m_logger)
            m_logger->error("results of tasks were refused", {{"error", reply.error().message}});
        m_dropped += batch.size();
        tellStored(batch, {}, {});
        co_return true;
    }
    co_return false;
}

} // namespace portolan::queue
