// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/queue/alarm.h"
#include "core/queue/canvas.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

namespace portolan {
class Logger;
class Trouble;
} // namespace portolan

namespace portolan::redis {
class Client;
struct Reply;
} // namespace portolan::redis

namespace portolan::queue {

struct Scripts;

/// What finish.lua is told about one task.
struct Outcome
{
    enum Kind : char { Success = 'S', Failure = 'F', Retry = 'R', Acknowledge = 'A', State = 'P', PutAside = 'X' };
    Kind kind = Acknowledge;
    std::string delivery;
    std::string id;
    std::string result;    ///< JSON to store; empty: none
    std::string notify;    ///< topic
    std::string keep;      ///< message to keep for running it again; PutAside: the record of it
    std::string list;      ///< Retry: where …
    std::string message;   ///< … and what to enqueue; PutAside: what to put back; else followUpsJson() of `follow`
    bool counted = false;  ///< its starts were counted in q:n:
    bool noted = false;    ///< it may be noted in keys::held
    bool repeated = false; ///< sent before, and nobody knows what became of that
    std::vector<FollowUps> follow{};         ///< what the end brings about
    std::shared_ptr<const Message> source{}; ///< the task, where something follows
    CanvasSender sender{};
    /// Called once Redis has it (PutAside: once it is kept), unless somebody else runs the task again. On the outbox's
    /// executor; must be quick.
    std::function<void()> stored{};

    std::size_t bytes() const; ///< about what Redis will be sent
};

/// Sends outcomes to Redis in batches, in order, and again until Redis has taken them: a repetition changes nothing.
/// While a batch is on its way the next one gathers.
class Outbox final
{
public:
    Outbox(Executor executor, redis::Client &client, const Scripts &scripts, std::string instance,
           std::chrono::seconds expiry, Logger *logger, Trouble *trouble = nullptr);

    /// Told after each attempt to put messages aside how many went back into their list for want of room. Before
    /// loop().
    void onAside(std::function<void(std::uint64_t)> putBack) { m_onAside = std::move(putBack); }
    void push(Outcome outcome);                                            ///< any thread
    std::size_t size() const;                                              ///< not yet taken by Redis
    void addDeliveries(std::unordered_set<std::string> &deliveries) const; ///< of those

    awaitable<void> loop(); ///< until finish(); then until empty or Redis has refused once
    void finish();

    std::uint64_t unsent() const { return m_unsent; }        ///< follow-ups Redis would not put into their queue
    std::uint64_t dropped() const { return m_dropped; }      ///< results Redis had no room for, and foreign()
    std::uint64_t foreign() const { return m_foreign; }      ///< results under whose key something else lies
    std::string lastForeign() const;                         ///< the task of the last of these
    std::uint64_t failures() const { return m_failures; }    ///< batches that got no answer
    std::uint64_t lost() const { return m_lost; }            ///< ended, but no longer ours
    std::uint64_t copies() const { return m_copies; }        ///< put back by another program while they were held
    bool publishRefused() const { return m_publishRefused; } ///< Redis stores results and tells nobody of them

private:
    std::deque<Outcome> nextBatch();
    void sayUnsent(const redis::Reply &unsent);
    void told(const std::string &refusal, std::int64_t published);
    void sawForeign(const redis::Reply &ids);
    static void tellStored(const std::deque<Outcome> &batch, const redis::Reply &lost, const redis::Reply &kept);
    std::deque<Outcome> takeUnfit(std::deque<Outcome> &batch, const redis::Reply &unfit);
    awaitable<bool> send(std::deque<Outcome> &batch);

    redis::Client &m_client;
    const Scripts &m_scripts;
    Logger *const m_logger;
    Trouble *const m_trouble; ///< may be null: is told how sending goes
    const std::string m_owned;
    const std::string m_held;
    const std::string m_expiry;
    std::function<void(std::uint64_t)> m_onAside;
    const std::shared_ptr<Alarm> m_alarm;
    mutable std::mutex m_mutex;
    std::deque<Outcome> m_waiting;
    std::vector<std::string> m_sending; ///< deliveries
    std::string m_lastForeign;
    std::atomic<bool> m_finishing{false};
    std::atomic<bool> m_publishRefused{false};
    std::atomic<std::uint64_t> m_unsent{0};
    std::atomic<std::uint64_t> m_dropped{0};
    std::atomic<std::uint64_t> m_foreign{0};
    std::atomic<std::uint64_t> m_lost{0};
    std::atomic<std::uint64_t> m_copies{0};
    std::atomic<std::uint64_t> m_failures{0};
};

} // namespace portolan::queue
