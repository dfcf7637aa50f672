// SPDX-License-Identifier: GPL-3.0-or-later
// Leases: how a worker may die at any instant and its tasks run again within ten seconds.
//
// A message is always in one place of Redis: in its queue's list, taken (in `unacked`, with its list in q:o:<instance>
// of who took it), parked until it is due (q:p), or ended. Each step from one to another is one script, which does all
// of it or nothing: take.lua, release.lua, park.lua and unpark.lua, finish.lua, restore.lua. So whatever dies between
// two steps leaves a message whole, and the question is only who goes on with what is taken by one that is no more.
//
// The answer is the lease: an instance's entry in q:i, with the time by Redis' own clock until which it is alive. It
// is written for 5 s and renewed every second while anything is held, else every 2 s (lease.lua). By our clock it
// counts from before the question, and half a second less: holds() is false before anybody may take us for dead,
// however long the answer was on its way. Without it nothing is taken (take.lua looks itself) and no task is started
// (Runner).
//
// Who restores whom: with each renewal lease.lua names up to 16 instances whose lease has ended, of the 64 whose
// leases end first. One is a suspect from then on, and dead when it still is one at least 1.5 s later. The pause is
// for a Redis that stood still: then every lease has ended at once, and those who live renew theirs in between. A
// lease more than a minute ahead counts as ended too; it was written by a clock that was ahead. Any living instance
// restores, several at once as well: owned.lua reads a part of what the dead one has noted, each message is marked as
// redelivered, and restore.lua looks again whether it is dead and then puts back each delivery that is still noted: to
// be taken next, by one of those who try. An entry of q:i goes when nothing is noted for it any more. Each dead one
// gets a second of this at a time.
//
// Bounds: a dead worker's tasks are in their queues 5 s (its lease) + 2 s (until somebody looks) + 1.5 s after its
// last sign of life, as many as can be put back in a second; the rest follows with each renewal. A task runs at least
// once, and a second time only when its worker died or was without Redis for longer than its lease. Each start of a
// redelivered task is counted (start.lua); over WorkerOptions::startsMost it ends as FAILURE WorkerLostError, so that
// a task that kills its workers does not do so for ever.
//
// The lease had ended, and yet we live: Redis was away, or our process stood still. Redis says so with the next
// renewal. Where the answer to a renewal was lost it might say so to nobody, so one that comes after our own time was
// over counts as doubtful as well. Then nothing is started until own.lua has told which of our deliveries are still in
// `unacked`. The others have been put back: what waits of them here is dropped, what runs is let run. Its end is no
// longer ours; finish.lua stores it only where it is a success and no other success is there.
//
// Notes that were deleted, by hand or by a Redis that evicts: of a living instance by the number of what is noted,
// which each renewal answers (mend(); keeper.cpp). The count is taken here before the question goes out, and ends go
// the same way after it, so one that is on its way cannot look like a note that is missing. Of a dead instance
// `unacked` alone is left, whose deliveries are called <instance>:<number>: ownerless.lua looks through it, 500
// entries or 4 MiB with each renewal, begun after each restoring and whenever a look finds more taken than is noted
// here (each fifth renewal looks, and each one while something is parked). What it finds is noted for the dead one
// again and restored like all else (Records). An instance whose lease was deleted gets one that has ended.
//
// At the end of a worker its entry in q:i is taken away, but only when nothing is noted for it: whatever is left,
// others restore.

#include "core/queue/lease.h"

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/message.h"
#include "core/queue/scripts.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace portolan::queue {

namespace {

constexpr auto confirmAfter = std::chrono::milliseconds(1500);
constexpr unsigned lookEvery = 5; ///< renewals
constexpr auto retryEvery = std::chrono::milliseconds(100);
constexpr auto margin = std::chrono::milliseconds(500);
constexpr auto restoreAtOnce = std::chrono::milliseconds(1000); ///< then our own lease is renewed first
constexpr auto restoreDeadline = std::chrono::milliseconds(3000);
constexpr std::string_view restoreBytes = "4194304";

/// The message in an entry of `unacked` that take.lua made, marked as redelivered.
std::string redelivered(std::string_view entry)
{
    const std::string_view raw = messageIn(entry);
    if (raw.empty())
        return {};
    Changes changes;
    changes.redelivered = true;
    Result<std::string> marked = rewrite(raw, changes);
    return marked ? std::move(*marked) : std::string(raw); // what cannot be read is refused by whoever takes it
}

} // namespace

Lease::Lease(redis::Client &client, const Scripts &scripts, const Clock &clock, std::string instance, Logger *logger,
             LeaseHolder holder)
    : m_client(client),
      m_scripts(scripts),
      m_clock(clock),
      m_logger(logger),
      m_instance(std::move(instance)),
      m_owned(keys::owned(m_instance)),
      m_holder(std::move(holder)),
      m_trouble(logger, clock, "this worker cannot renew its hold on tasks", redis::lacksNamedCommand),
      m_records(client, scripts, clock, m_instance, logger)
{}

bool Lease::holds() const { return m_clock.steady().time_since_epoch().count() < m_until; }

std::optional<Error> Lease::problem() const
{
    const auto why = m_trouble.current();
    return why ? why : m_records.problem();
}

std::chrono::milliseconds Lease::pause(bool holdsAnything) const
{
    if (!holds())
        return retryEvery;
    if (holdsAnything)
        return renewEvery;
    return m_suspects.empty() ? renewIdleEvery : confirmAfter;
}

void Lease::setUntil(SteadyTime until) { m_until = until.time_since_epoch().count(); }

awaitable<void> Lease::renew()
{
    const SteadyTime asked = m_clock.steady();
    const std::string milliseconds = std::to_string(duration.count());
    // Each second while there is something, else now and then: each look costs Redis three commands.
    const bool look = m_parked != 0 || m_renewals++ % lookEvery == 0;
    const std::string ahead = look ? std::to_string(parkedAhead.count()) : std::string();
    forgetEnded();
    // From here to the sending nothing comes in between, and what is sent later Redis meets later: an end that takes
    // one away cannot make it look as if it were missing.
    const std::size_t held = m_holder.count();
    // The answer to an earlier renewal came too late or not at all: then Redis does not tell twice that it had ended.
    const bool doubtful = !m_first && !holds();
    const std::array<std::string_view, 4> scriptKeys{keys::instances, m_owned, keys::parked, keys::unacked};
    const std::array<std::string_view, 4> arguments{m_instance, milliseconds, ahead, held != 0 ? "1" : ""};
    const Result<redis::Reply> reply = co_await m_client.eval(m_scripts.lease, scriptKeys, arguments);
    if (!reply)
        m_trouble.failed(reply.error());
    else
        m_trouble.worked();
    if (!reply || reply->elements.size() < 3)
        co_return;
    const auto numberAt = [&](std::size_t i) { return static_cast<std::uint64_t>(reply->elements[i].integer); };
    const std::uint64_t noted = numberAt(2);
    if (reply->elements.size() >= 6) {
        m_parked = numberAt(3);
        m_parkedDue = numberAt(4);
        if (numberAt(5) > noted)
            m_records.begin();
    }
    const bool ended = numberAt(0) == 0 && !m_first;
    m_first = false;
    if (ended || doubtful) {
        const bool settled = co_await settle(ended);
        if (!settled)
            co_return;
    } else if (noted + m_gone.size() < held) {
        co_await mend();
    }
    setUntil(asked + duration - margin);

    std::map<std::string, SteadyTime> suspects;
    for (const redis::Reply &dead : reply->elements[1].elements) {
        const auto known = m_suspects.find(dead.text);
        suspects[dead.text] = known == m_suspects.end() ? asked : known->second;
    }
    m_suspects = std::move(suspects);
    std::vector<std::string> dead;
    for (const auto &[instance, since] : m_suspects)
        if (asked - since >= confirmAfter)
            dead.push_back(instance);
    for (std::string &instance : dead)
        co_await restore(std::move(instance));
    if (!dead.empty())
        m_records.begin(); // it may have had more than was noted
    co_await m_records.look();
}

/// After the lease had ended, or may have: only what is in `unacked` still has been put back by nobody. False: that
/// could not be found out. Until it is nothing is started.
awaitable<bool> Lease::settle(bool ended)
{
    setUntil(SteadyTime{});
    const bool known = co_await mend();
    if (known && (ended || !m_gone.empty()))
        m_holder.onLapsed(m_gone);
    co_return known;
}

awaitable<bool> Lease::mend()
{
    Result<Records::Mended> mended = co_await m_records.mend(m_holder.held());
    if (!mended)
        co_return false;
    m_gone = std::move(mended->gone);
    if (mended->written != 0)
        m_holder.onMended();
    co_return true;
}

/// What is lost stays held while it runs.
void Lease::forgetEnded()
{
    if (m_gone.empty())
        return;
    std::unordered_set<std::string> held;
    for (Record &record : m_holder.held())
        held.insert(std::move(record.delivery));
    std::erase_if(m_gone, [&](const std::string &delivery) { return !held.contains(delivery); });
}

awaitable<void> Lease::restore(std::string dead)
{
    const std::string owned = keys::owned(dead);
    const std::uint64_t before = m_restored;
    const SteadyTime begun = m_clock.steady();
    std::optional<Error> failed;
    while (m_clock.steady() - begun < restoreAtOnce) {
        const std::array<std::string_view, 3> heldKeys{keys::instances, owned, keys::unacked};
        const std::array<std::string_view, 2> whose{dead, restoreBytes};
        const Result<redis::Reply> held = co_await m_client.eval(m_scripts.owned, heldKeys, whose, restoreDeadline);
        if (!held)
            failed = held.error();
        if (!held || held->elements.size() < 3)
            break;
        std::vector<std::string> messages;
        for (std::size_t i = 2; i < held->elements.size(); i += 3)
            messages.push_back(redelivered(held->elements[i].text));
        std::vector<std::string_view> arguments{dead, keys::wake};
        for (std::size_t i = 0; i < messages.size(); ++i)
            arguments.insert(arguments.end(),
                             {held->elements[3 * i].text, held->elements[3 * i + 1].text, messages[i]});
        const std::array<std::string_view, 4> restoreKeys{keys::instances, owned, keys::unacked, keys::unackedIndex};
        const Result<redis::Reply> done =
            co_await m_client.eval(m_scripts.restore, restoreKeys, arguments, restoreDeadline);
        if (!done) {
            failed = done.error();
            break;
        }
        m_restored += static_cast<std::uint64_t>(std::max<std::int64_t>(done->integer, 0));
        const bool nothingToPutBack = std::ranges::all_of(messages, &std::string::empty);
        if (done->integer == 0 && !nothingToPutBack)
            break; // it lives, another did it, or its list has another type
    }
    if (m_logger && failed)
        m_logger->warn("tasks of a dead worker could not be put back; tried again",
                       {{"worker", dead}, {"why", failed->message}});
    if (m_logger && m_restored != before)
        m_logger->warn("tasks of a dead worker were put back", {{"worker", dead}, {"tasks", m_restored - before}});
}

awaitable<void> Lease::giveUp()
{
    setUntil(SteadyTime{});
    // Whoever still finds something of ours restores it: then the entry must stay.
    redis::Command command("EXISTS", m_owned);
    const Result<redis::Reply> holding = co_await m_client.run(std::move(command));
    if (!holding || holding->integer != 0)
        co_return;
    redis::Command leave("ZREM", keys::instances, m_instance);
    co_await m_client.run(std::move(leave));
}

} // namespace portolan::queue
