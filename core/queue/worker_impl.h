#pragma once

#include "core/base/trouble.h"
#include "core/queue/alarm.h"
#include "core/queue/lease.h"
#include "core/queue/outbox.h"
#include "core/queue/refusals.h"
#include "core/queue/revoked_ids.h"
#include "core/queue/scripts.h"
#include "core/queue/task_context.h"
#include "core/queue/task_rate.h"
#include "core/queue/worker_pool.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace portolan::queue {

/// Messages up to this size are kept for running them again.
inline constexpr std::size_t keepBytes = 64 * 1024;

/// From then on a running task is noted in keys::held.
inline constexpr std::chrono::milliseconds longRun{1000};

/// A message taken from Redis and not yet ended.
struct Delivery
{
    std::string id;                         ///< its name in `unacked`
    std::string list;                       ///< where it came from
    std::size_t closing = 0;                ///< bytes after the message in its entry of `unacked`
    std::shared_ptr<const Message> message; ///< null only where nothing but `id` matters
    bool counted = false;                   ///< its starts are counted in Redis
    bool rateTaken = false;                 ///< has its token of a rate limit
    std::optional<Error> refusal{};         ///< what is wrong with the message
};

/// Deliveries held until a time, and what their messages weigh.
class HeldDeliveries final
{
public:
    using Map = std::multimap<WallTime, Delivery>;

    void add(WallTime at, Delivery delivery)
    {
        m_bytes += weightOf(delivery);
        m_held.emplace(at, std::move(delivery));
    }
    Delivery take(Map::const_iterator which)
    {
        Map::node_type node = m_held.extract(which);
        m_bytes -= weightOf(node.mapped());
        return std::move(node.mapped());
    }
    std::vector<Delivery> takeAll()
    {
        std::vector<Delivery> all;
        while (!m_held.empty())
            all.push_back(take(m_held.begin()));
        return all;
    }
    template <class F> void dropIf(F isOut)
    {
        for (auto at = m_held.begin(); at != m_held.end();) {
            const auto next = std::next(at);
            if (isOut(at->second))
                (void)take(at);
            at = next;
        }
    }
    /// Over `times` times what the options allow.
    bool over(const WorkerOptions &options, std::size_t times) const
    {
        return m_held.size() > times * options.scheduledMost || m_bytes > times * options.scheduledBytes;
    }

    Map::const_iterator begin() const { return m_held.begin(); }
    Map::const_iterator end() const { return m_held.end(); }
    bool empty() const { return m_held.empty(); }
    std::size_t size() const { return m_held.size(); }

private:
    static std::size_t weightOf(const Delivery &delivery)
    {
        return delivery.message ? delivery.message->raw.size() : 0;
    }

    Map m_held;
    std::size_t m_bytes = 0;
};

/// What the pool's parts share. worker_pool.cpp: the public calls. taker.cpp: from Redis to the ready queue.
/// taker_unknown.cpp: what it takes and does not run. runner.cpp: the threads and what they do with a task.
/// endings.cpp: what a client wants to happen after a task.
/// keeper.cpp: time limits, schedules, leases.
/// taker_park.cpp: what is not due for long. notes.cpp: copies of what is held.
struct WorkerPool::Impl : std::enable_shared_from_this<WorkerPool::Impl>
{
    struct Running
    {
        Delivery delivery;
        const TaskRegistry::Entry *entry = nullptr; ///< null: not registered (cannot be, but for a race-free look-up)
        std::shared_ptr<TaskContext::State> state;
        WallTime started{};
        SteadyTime since{};
        SteadyTime softAt{};
        SteadyTime hardAt{};
        std::chrono::milliseconds hardLimit{0};
        bool warned = false; ///< the soft limit has passed
    };
    struct Slot
    {
        std::thread thread;
        int tid = 0;
        bool done = false;      ///< has nothing more to do than to return
        bool abandoned = false; ///< its task was given up: what it returns counts for nothing
        std::shared_ptr<Running> running;
    };
    struct Limits
    {
        std::optional<std::chrono::milliseconds> soft;
        std::optional<std::chrono::milliseconds> hard;
    };
    using Lock = std::unique_lock<std::mutex>;
    using Events = std::vector<TaskEvent>;

    Impl(Executor ioExecutor, redis::Client &redisClient, redis::Subscriber &redisSubscriber, const Clock &theClock,
         TaskRegistry theRegistry, WorkerOptions theOptions);

    // taker.cpp
    static std::string closingOf(const std::string &queue);
    awaitable<void> takeLoop();
    awaitable<bool> anythingWaits();
    bool rightsDue();
    std::size_t room(); ///< how many to take now; 0: wait
    awaitable<std::optional<std::size_t>> take(std::size_t most, bool &more);
    void accept(std::string delivery, std::string list, std::size_t closing, std::string raw, Events &events);
    void dispatch(Delivery delivery); ///< locked
    enum class Unknown { AskFirst, End };
    bool dispatchable(const Delivery &delivery, Unknown unknownNames = Unknown::AskFirst);
    void refuse(const Delivery &delivery, const Error &error);
    void endUnrun(const Delivery &delivery, std::string_view state, const TaskFailure &failure, TaskEvent event);
    awaitable<void> catchUpOnRevoked();

    // taker_park.cpp
    awaitable<void> parkLatest();
    awaitable<void> unparkDue();

    // notes.cpp
    awaitable<void> noteHeld();
    void noteRunning();
    void noteAgain();
    void tellCopies();
    void tellForeign();

    // taker_unknown.cpp
    bool parkUnknown(const Delivery &delivery); ///< locked; false: it may be ended at once
    awaitable<void> decideUnknown();
    void seeAside(std::uint64_t putBack);
    awaitable<void> settleIdle(); ///< what is held while there are to be no threads

    // runner.cpp
    void grow(const Lock &lock);
    void threadMain(std::shared_ptr<Slot> slot);
    std::shared_ptr<Running> next(Lock &lock, Slot &slot);
    void execute(Slot &slot, Running &running);
    bool startAllowed(Running &running); ///< false: started too often
    Outcome concluded(Running &running, const Result<boost::json::value> &result, TaskEvent &event);
    ResultOrigin originOf(const Running &running) const;
    Outcome stateOf(const Running &running, std::string_view state, std::string_view result);
    Outcome succeeded(Running &running, const boost::json::value &value, FollowUps next);
    Outcome failed(const Running &running, std::string_view state, const TaskFailure &failure);
    bool mayBeNoted(const Running &running) const;
    std::optional<Outcome> retried(Running &running, const Error &error, TaskEvent &event);
    bool settle(Slot &slot, const std::string &name, Outcome outcome); ///< false: it was given up meanwhile
    void tellEnd(Outcome &outcome, TaskEvent event, Result<boost::json::value> value, SteadyTime since);
    void count(TaskEvent::Type type);

    // endings.cpp
    CanvasSender canvasSender() const;
    Result<FollowUps> following(const Running &running, const boost::json::value &value);
    void followFailure(Outcome &outcome, const Delivery &delivery, std::string_view state, const TaskFailure &failure);
    void setFollowing(Outcome &outcome, const Delivery &delivery, FollowUps next) const;
    void noteFollowing(const Delivery &delivery, const Error &error);

    // keeper.cpp
    awaitable<void> keepLoop();
    awaitable<void> leaseLoop();
    void enforceLimits();
    void releaseDue();
    void adaptPrefetch(std::chrono::nanoseconds elapsed);
    void reap();
    template <class F> void forEachHeld(F visit) const; ///< delivery; locked
    std::vector<std::string> heldDeliveries() const;
    std::vector<Record> heldRecords() const;
    std::size_t heldCount() const;
    bool holdsAnything() const;
    awaitable<void> touchHeld();
    awaitable<void> giveBackStrays();
    LeaseHolder leaseHolder();
    void dropLapsed(const std::unordered_set<std::string> &lost);

    // worker_pool.cpp
    void spawnLoop(awaitable<void> (Impl::*loop)());
    awaitable<void> sendLoop() { return outbox.loop(); }
    TaskInfo infoOf(const Message &message) const;
    void emit(const Events &events) const;
    void emit(const TaskEvent &event) const;
    /// An end is told of once its result is stored: who hears of it may look.
    void emitWhenStored(Outcome &outcome, TaskEvent event) const;
    bool keepAllowed(); ///< whether another failed message may be kept; also while holding `mutex`
    std::mutex keepMutex;
    awaitable<std::size_t> release(std::vector<Delivery> deliveries);
    std::vector<Delivery> takeBackUnstarted();
    std::vector<Delivery> giveUpRunning();
    void joinThreads();

    const Executor executor;
    redis::Client &client;
    redis::Subscriber &subscriber;
    const Clock &clock;
    TaskRegistry registry;
    WorkerOptions options;
    const std::string instance;
    const std::string node;
    const SteadyTime startedAt;
    const Scripts scripts;
    const std::shared_ptr<Alarm> hungry; ///< wakes takeLoop
    const std::shared_ptr<Alarm> timer;  ///< wakes keepLoop
    const std::shared_ptr<Alarm> leaseTimer;
    Trouble takeTrouble;
    Trouble endTrouble;
    Trouble asideTrouble;
    Lease lease;
    Outbox outbox;
    Refusals refusals;
    std::vector<std::function<void(const TaskEvent &)>> observers; ///< constant from start() on
    std::function<bool()> mayTake;                                 ///< likewise; may be empty
    std::function<awaitable<bool>()> mayEndUnknown;                ///< likewise; may be empty
    std::vector<std::shared_ptr<void>> subscriptions;

    mutable std::mutex mutex;      ///< of everything below but the atomics
    std::condition_variable ready; ///< there is work, or less to do
    std::condition_variable idle;  ///< a thread has ended its task, a loop has ended
    bool started = false;
    bool stopping = false;
    bool closing = false; ///< nothing is held any more: the remaining loops end
    bool taking = false;  ///< takeLoop is there
    unsigned loops = 0;   ///< the others
    unsigned wanted = 0;
    std::deque<Delivery> queue;
    HeldDeliveries scheduled;
    std::vector<Delivery> unknown; ///< of names nobody registered, until it is known what may be done with them
    bool deciding = false;         ///< decideUnknown() runs
    bool heldBack = false;
    SteadyTime asideFullUntil = SteadyTime::min(); ///< nothing is taken until then
    std::vector<std::shared_ptr<Slot>> slots;      ///< threads that take tasks
    std::vector<std::shared_ptr<Slot>> leaving;    ///< threads that are to be joined
    std::vector<std::string> queues;
    RevokedIds revokedIds;
    std::optional<std::uint64_t> revokedReadAt; ///< subscriber.connections() then; of leaseLoop
    std::map<std::string, TaskRate, std::less<>> rates;
    std::map<std::string, Limits, std::less<>> limits;
    std::map<std::string, std::uint64_t, std::less<>> totals;
    std::size_t running = 0;
    std::size_t prefetch = 0;
    std::size_t lowWater = 0; ///< held tasks at or below which `hungry` is rung; 0: nobody waits for it
    std::uint64_t ended = 0;
    std::uint64_t endedBefore = 0;
    double rate = 0; ///< tasks ended a second, smoothed
    SteadyTime keepWindow{};
    unsigned keptInWindow = 0;

    // takeLoop only.
    std::optional<std::uint64_t> rightsAskedOn; ///< the connection, by client.counters().reconnects
    SteadyTime rightsAskedAt{};

    std::uint64_t nextDelivery = 1;          ///< takeLoop only
    SteadyTime parkAgain{};                  ///< takeLoop only: not before then
    std::atomic<std::uint64_t> copies{0};    ///< messages recognised as copies of what is held or has ended
    std::uint64_t toldCopies = 0;            ///< leaseLoop only
    std::optional<SteadyTime> toldCopiesAt;  ///< leaseLoop only
    std::uint64_t toldForeign = 0;           ///< leaseLoop only
    std::optional<SteadyTime> toldForeignAt; ///< leaseLoop only
    std::vector<std::pair<std::string, std::string>> toNote; ///< task id, delivery: held for their time
    std::unordered_set<std::string> notedRunning;            ///< deliveries; leaseLoop only
    std::optional<SteadyTime> toldParking;                   ///< takeLoop only
    SteadyTime revokedAt{};                                  ///< leaseLoop only
    std::atomic<bool> unsure{false}; ///< an answer of Redis was lost: something may be ours without our knowing
    // leaseLoop only.
    std::uint64_t failuresSeen = 0;
    SteadyTime straysSince{};
    std::unordered_set<std::string> strays;
    std::atomic<std::uint64_t> emptySearches{0};
    /// What these, and keeping the lease, have cost Redis.
    struct Search
    {
        void add(std::uint64_t moreCommands, std::uint64_t moreHits, std::uint64_t moreMisses, std::uint64_t moreBytes)
        {
            commands += moreCommands;
            hits += moreHits;
            misses += moreMisses;
            bytes += moreBytes;
        }
        std::atomic<std::uint64_t> commands{0}, hits{0}, misses{0}, bytes{0};
    } search;
    std::atomic<std::uint64_t> taken{0}, succeededCount{0}, failedCount{0}, retriedCount{0}, revokedCount{0};
};

} // namespace portolan::queue
