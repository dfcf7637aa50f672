// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/instance.h"
#include "core/api/link_troubles.h"
#include "core/api/source.h"
#include "core/api/tier.h"
#include "core/api/zone.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Everything the monitor knows about one deployment at one moment: immutable, made once a second, read by the console,
/// `portoland status`, /api/admin/snapshot and /api/admin/stream. What is not known is nullopt (null in JSON), never 0.
/// Durations are seconds in JSON; rates are per second; sizes are bytes; fractions are 0–1.
namespace portolan {

using Age = std::chrono::milliseconds; ///< since it was measured, at Snapshot::time

/// Why a value is not known, or not fresh.
enum class Unknown : std::uint8_t {
    No,           ///< it is known
    NotYet,       ///< not measured since the start
    TooFew,       ///< too few requests or tasks in the window to say
    Away,         ///< whoever knows it does not answer
    NotAvailable, ///< this deployment has no such thing
    NoLimit,      ///< its tier or plan sets no limit, so there is no zone; the value is known all the same
    NotTold,      ///< whoever knows it refuses to say: see Snapshot::notTold
};
BOOST_DESCRIBE_ENUM(Unknown, No, NotYet, TooFew, Away, NotAvailable, NoLimit, NotTold)

/// One traffic light. `value`, `limit`, `yellow` and `red` are in the resource's unit (see Resource).
struct Reading
{
    Resource resource{};
    Zone zone = Zone::Unknown;
    Unknown unknown = Unknown::NotYet;
    /// The last one known: without a fresh one in time the zone is Unknown, and Red while what the resource needs is
    /// down (linkOf); the value stays with its age.
    std::optional<double> value;
    std::optional<double> limit; ///< of the plan or the pool: what is there in total
    std::optional<double> yellow;
    std::optional<double> red;
    std::optional<Age> age;
    std::optional<double> slope; ///< per second; only when the trend is significant (see monitor/trend.h)
    std::optional<std::chrono::seconds> toNextZone; ///< at that slope, to the next worse zone, at most 24 h
    std::optional<std::chrono::seconds> inZone;     ///< how long it has been in `zone`
    /// Whose it is, where each instance has its own and there are several: the worst. Empty: it is of all of them.
    std::string instance = {};
    bool operator==(const Reading &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Reading, (),
                      (resource, zone, unknown, value, limit, yellow, red, age, slope, toNextZone, inZone, instance))

/// Something the portal needs: "redis", "database"; and what users need of these: "queue" (tasks can be enqueued, taken
/// and ended), "sessions" (signing in is kept for all instances), which may be down while Redis answers, and are
/// unknown while it does not. "data_dir" is where a portal keeps its files.
struct LinkStatus
{
    std::string name;
    std::optional<bool> up;                    ///< unknown before the first try
    std::optional<std::chrono::seconds> since; ///< how long it has been so
    std::optional<double> latency;             ///< seconds, of the last round trip
    // What went wrong last, as Error has it; empty while up, and what is not known of it. Each at most
    // `longestLinkText` bytes, but for the command, which is whole or empty (core/monitor/link_trouble.h).
    std::string reason = {}; ///< Error::code: one of linkTroubles (link_troubles.h), or of another version; or empty
    std::string about = {};  ///< the address, file, keys or commands it is about
    std::string told = {};   ///< what the other side, or the system, said of it; without a reason all that is known
    std::string mend = {};   ///< the command that mends it
    bool operator==(const LinkStatus &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(LinkStatus, (), (name, up, since, latency, reason, about, told, mend))

/// From INFO. https://redis.io/docs/latest/commands/info/
struct RedisFigures
{
    std::optional<Age> age; ///< nothing: never measured
    std::string version;
    std::optional<std::chrono::seconds> uptime;
    std::optional<std::uint64_t> usedMemory;
    std::optional<std::uint64_t> usedMemoryPeak;
    std::optional<std::uint64_t> usedMemoryRss;
    std::optional<std::uint64_t> usedMemoryOverhead; ///< tables, buffers, the server itself
    std::optional<std::uint64_t> maxmemory;          ///< 0: no bound
    std::string maxmemoryPolicy;
    std::optional<double> fragmentation; ///< resident / used
    std::optional<std::uint64_t> connectedClients;
    std::optional<std::uint64_t> maxClients;
    std::optional<std::uint64_t> blockedClients;
    std::optional<std::uint64_t> commands; ///< processed since the server's start
    std::optional<double> commandsPerSecond;
    /// Of these, what this portal asks for by itself, whoever uses it: looking for tasks, and measuring.
    std::optional<double> ownCommandsPerSecond;
    std::optional<double> hitRatio; ///< of the last minute, without the portal's own; unknown below 180 look-ups
    std::optional<std::uint64_t> evictedKeys;
    std::optional<double> evictedPerSecond;
    std::optional<std::uint64_t> expiredKeys;
    std::optional<std::uint64_t> rejectedConnections;
    std::optional<std::uint64_t> keys;
    std::optional<bool> appendOnly;
    std::optional<bool> saving;     ///< a snapshot or a rewrite is under way
    std::optional<bool> lastSaveOk; ///< of the snapshot and of the append-only file
    std::optional<bool> loading;
    bool operator==(const RedisFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(RedisFigures, (),
                      (age, version, uptime, usedMemory, usedMemoryPeak, usedMemoryRss, usedMemoryOverhead, maxmemory,
                       maxmemoryPolicy, fragmentation, connectedClients, maxClients, blockedClients, commands,
                       commandsPerSecond, ownCommandsPerSecond, hitRatio, evictedKeys, evictedPerSecond, expiredKeys,
                       rejectedConnections, keys, appendOnly, saving, lastSaveOk, loading))

/// What is asked of the Redis plan, by everybody and by this portal itself. Limits are of the tier; nothing: the plan
/// does not bound it, or Redis is private.
struct PlanFigures
{
    std::optional<double> commandsPerSecond;   ///< of all clients, over the last minute or two samples
    std::optional<double> commandsLimit;       ///< a second
    std::optional<double> trafficPerSecond;    ///< bytes Redis sent to all clients, over the last hour at most
    std::optional<double> trafficPerMonth;     ///< bytes of 30 days at that pace
    std::optional<double> trafficLimit;        ///< bytes a month
    std::optional<double> ownTrafficPerSecond; ///< bytes that looking for tasks and measuring take of it
    bool operator==(const PlanFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(PlanFigures, (),
                      (commandsPerSecond, commandsLimit, trafficPerSecond, trafficPerMonth, trafficLimit,
                       ownTrafficPerSecond))

/// Why Redis is asked as often as it is.
enum class SamplingPace : std::uint8_t {
    Free,    ///< no plan bounds it: each second
    Idle,    ///< nobody looks and nothing is near its limit: as rarely as serves
    Watched, ///< a page or a stream is open
    Near,    ///< a figure of Redis is near or beyond its threshold
    Saving,  ///< one of these two, but the monitor's share of the plan is used up: as when idle
};
BOOST_DESCRIBE_ENUM(SamplingPace, Free, Idle, Watched, Near, Saving)

/// How often Redis is asked. A figure of it is unknown once it is older than `staleAfter`: two samples were missed. Key
/// families and clients are asked more rarely where a plan bounds that.
struct SamplingFigures
{
    SamplingPace pace = SamplingPace::Free;
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds staleAfter{5000};
    std::chrono::milliseconds detailsStaleAfter{5000}; ///< of key families and clients
    std::optional<double> left; ///< fraction 0–1 of what the monitor has put by for closer looks; nothing: no plan
    bool operator==(const SamplingFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(SamplingFigures, (), (pace, interval, staleAfter, detailsStaleAfter, left))

/// A statistical estimate with its 95 % interval.
struct Estimate
{
    double value = 0;
    double low = 0;
    double high = 0;
    bool operator==(const Estimate &) const = default;
};
BOOST_DESCRIBE_STRUCT(Estimate, (), (value, low, high))

/// One key family: sampled, except for what `measured` says is known exactly.
struct FamilyFigures
{
    std::string family; ///< "sessions", …, "other"
    std::optional<Estimate> keys;
    std::optional<Estimate> bytes;
    std::optional<std::uint64_t> measured; ///< bytes of single large keys, measured each second; part of `bytes`
    std::optional<std::uint64_t> budget;   ///< of the tier
    std::optional<double> growth;          ///< bytes per second; only when the trend is significant
    bool operator==(const FamilyFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(FamilyFigures, (), (family, keys, bytes, measured, budget, growth))

struct BigKey
{
    std::string key; ///< as monitor/printable.h shows it
    std::string family;
    std::uint64_t bytes = 0;
    bool operator==(const BigKey &) const = default;
};
BOOST_DESCRIBE_STRUCT(BigKey, (), (key, family, bytes))

struct FamiliesFigures
{
    std::optional<Age> age;
    std::optional<std::uint64_t> samples;      ///< in the window the estimates rest on
    std::optional<Age> span;                   ///< how far back these reach
    std::vector<FamilyFigures> families;       ///< by bytes, most first
    std::optional<std::uint64_t> unattributed; ///< used memory that is in no key: tables, buffers, the server itself
    std::vector<BigKey> biggest;               ///< of those met, most first
    std::optional<double> cost; ///< seconds of server time per second that sampling took, of the last round
    bool operator==(const FamiliesFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(FamiliesFigures, (), (age, samples, span, families, unattributed, biggest, cost))

/// One line of CLIENT LIST. https://redis.io/docs/latest/commands/client-list/
struct ClientInfo
{
    std::uint64_t id = 0;
    std::string address;
    std::string name;
    std::string user;
    std::chrono::seconds age{0};
    std::chrono::seconds idle{0};
    std::string flags;
    std::string command; ///< the last one
    std::uint32_t database = 0;
    std::uint32_t subscriptions = 0;           ///< channels and patterns
    std::optional<std::uint64_t> memory;       ///< bytes of all its buffers; Redis ≥ 6.2
    std::optional<std::uint64_t> outputMemory; ///< bytes waiting to be read by the client
    bool own = false;                          ///< a portal's: closed, it opens another at once
    bool operator==(const ClientInfo &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(ClientInfo, (),
                      (id, address, name, user, age, idle, flags, command, database, subscriptions, memory,
                       outputMemory, own))

/// Connections that share a name (without one: an address), most first.
struct ClientGroup
{
    std::string name;
    std::uint64_t connections = 0;
    std::chrono::seconds idleMost{0};
    std::optional<std::uint64_t> memory; ///< bytes of their buffers; Redis ≥ 6.2
    bool own = false;                    ///< all of them are
    bool operator==(const ClientGroup &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(ClientGroup, (), (name, connections, idleMost, memory, own))

/// Who is connected to Redis. Asked each second up to 200 clients, more rarely above (monitor/sampler.h).
struct ClientFigures
{
    std::optional<Age> age;
    std::optional<std::uint64_t> total;
    std::vector<ClientGroup> groups; ///< at most 50
    std::vector<ClientInfo> clients; ///< oldest first, at most 100; all are at /api/admin/redis/clients
    bool operator==(const ClientFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(ClientFigures, (), (age, total, groups, clients))

/// Why no worker of ours takes what waits in a list, and so which setting explains it.
enum class Untaken : std::uint8_t {
    No,           ///< ours take it
    Queue,        ///< another queue: `routes.*` and remote control's add_consumer say which are ours
    PriorityStep, ///< a step ours do not use (0, 3, 6, 9): `priority_steps` of whoever enqueues
    Separator,    ///< between queue and step stands something else: `sep` of whoever enqueues
    KeyPrefix,    ///< `global_keyprefix` of whoever enqueues
};
BOOST_DESCRIBE_ENUM(Untaken, No, Queue, PriorityStep, Separator, KeyPrefix)

/// What waits in one queue; where `untaken` is not No or Queue: in one list of it, by the list's key.
struct QueueLine
{
    std::string queue;
    std::uint64_t waiting = 0; ///< in all its priority lists
    Untaken untaken = Untaken::No;
    std::optional<Age> age{}; ///< where it is asked more rarely than the rest
    bool operator==(const QueueLine &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(QueueLine, (), (queue, waiting, untaken, age))

/// The true backlog is waiting + unacked.
struct QueueFigures
{
    std::optional<Age> age;
    std::vector<QueueLine> queues; ///< every list that bindings or keys show; what our workers take first
    /// Every key was looked at once, and there was room for all lists; else there may be more than are listed.
    std::optional<bool> complete;
    std::optional<std::uint64_t> waiting;   ///< of all queues: the sum of the lines
    std::optional<std::uint64_t> unacked;   ///< taken by a worker and not ended: prefetched, scheduled or running
    std::optional<std::uint64_t> running;   ///< by workers of the deployment's instances, as all below
    std::optional<std::uint64_t> reserved;  ///< taken, waiting for a thread
    std::optional<std::uint64_t> scheduled; ///< held for their time
    std::optional<double> takenPerSecond;   ///< over `ratesOver`
    std::optional<double> endedPerSecond;   ///< over `ratesOver`
    /// 10 s while tasks come often; up to 10 min where they are so rare that less would say nothing.
    std::optional<std::chrono::seconds> ratesOver;
    std::optional<std::uint64_t> endedLately;  ///< in the last 10 min
    std::optional<std::uint64_t> failedLately; ///< of these, without a result
    /// At least: the longest time since a message that still waits at the consuming end of a list was first seen
    /// there, or since the oldest unacknowledged one was taken. Messages carry no time of their own.
    std::optional<std::chrono::seconds> oldest;
    std::optional<std::chrono::seconds> oldestWaiting; ///< of those that wait alone; 0 where none does
    std::optional<std::uint64_t> untaken;              ///< wait while no worker takes any; 0 while some are taken
    bool operator==(const QueueFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(QueueFigures, (),
                      (age, queues, complete, waiting, unacked, running, reserved, scheduled, takenPerSecond,
                       endedPerSecond, ratesOver, endedLately, failedLately, oldest, oldestWaiting, untaken))

/// Messages a worker did not run, for one reason.
struct RefusedFigures
{
    std::string reason; ///< "bad-body", "not-registered", …: of a fixed set
    std::uint64_t messages = 0;
    bool operator==(const RefusedFigures &) const = default;
};
BOOST_DESCRIBE_STRUCT(RefusedFigures, (), (reason, messages))

/// Other programs at the queues this process takes its tasks from.
struct SharedQueueFigures
{
    bool holdingBack = false;         ///< it takes nothing because of them, or because it has not been able to look yet
    bool looked = false;              ///< false: not yet
    bool allowed = false;             ///< it takes tasks all the same: tasks.share_queue, or an operator sized its pool
    std::vector<std::string> workers; ///< theirs, by node; at most 16
    std::vector<std::string> silent;  ///< workers that did not say which queues they take from; at most 16
    std::vector<std::string> tasks;   ///< names of waiting tasks nobody here has registered; at most 16
    /// Tasks of ours that one of theirs threw away since the start; unknown while nobody counts.
    std::optional<std::uint64_t> discarded;
    bool operator==(const SharedQueueFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(SharedQueueFigures, (), (holdingBack, looked, allowed, workers, silent, tasks, discarded))

/// The worker pools of all instances together.
struct WorkerFigures
{
    std::string node;                         ///< of the instance that was asked, as `sharedQueue`
    std::optional<std::uint64_t> concurrency; ///< wanted
    std::optional<std::uint64_t> threads;     ///< there now
    std::optional<std::uint64_t> busy;
    std::optional<std::uint64_t> abandoned; ///< past their hard limit and not back
    std::optional<std::uint64_t> succeeded; ///< since the start, as all below
    std::optional<std::uint64_t> failed;
    std::optional<std::uint64_t> retried;
    std::optional<std::uint64_t> revoked;
    std::optional<std::uint64_t> rejected;         ///< messages that were not run: all of `refused`
    std::optional<std::uint64_t> restored;         ///< tasks of dead workers put back
    std::vector<RefusedFigures> refused;           ///< by reason, those that occurred
    std::optional<SharedQueueFigures> sharedQueue; ///< nothing: its Redis is private
    bool operator==(const WorkerFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(WorkerFigures, (),
                      (node, concurrency, threads, busy, abandoned, succeeded, failed, retried, revoked, rejected,
                       restored, refused, sharedQueue))

struct RouteFigures
{
    std::string method;
    std::string route;   ///< the template; "other": no route matched, whatever the path
    bool stream = false; ///< counts in the error rate, not in the response time
    TrafficFigures traffic;
    bool operator==(const RouteFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(RouteFigures, (), (method, route, stream, traffic))

struct HttpFigures
{
    /// Why nothing of it is known, not even that nobody asked: nobody here measures answers, or not now.
    Unknown unknown = Unknown::No;
    TrafficFigures traffic;           ///< counts of all routes; percentiles without streams
    std::optional<double> errorRate;  ///< unknown below 20 requests
    std::vector<RouteFigures> routes; ///< those asked in the last 60 s, most asked first
    std::optional<std::uint64_t> connections;
    std::optional<std::uint64_t> webSockets;
    std::optional<std::uint64_t> refusedConnections; ///< since the start
    std::optional<std::uint64_t> cutConnections;     ///< at a deadline, since the start
    bool operator==(const HttpFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(HttpFigures, (),
                      (unknown, traffic, errorRate, routes, connections, webSockets, refusedConnections,
                       cutConnections))

/// A pool of database connections of one instance.
struct DbPoolFigures
{
    std::string name; ///< "primary"
    std::uint64_t connections = 0;
    std::uint64_t busy = 0;
    std::uint64_t waiting = 0;
    std::uint64_t waits = 0;    ///< work that found every connection busy, since the start
    double waitedSeconds = 0;   ///< by all work together, since the start
    std::uint64_t timedOut = 0; ///< work that never got a connection in time, since the start
    std::string instance = {};  ///< whose it is, where there are several
    bool operator==(const DbPoolFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(DbPoolFigures, (), (name, connections, busy, waiting, waits, waitedSeconds, timedOut, instance))

/// The file system that holds the data directory; of several instances, that with the least left of it.
struct DiskFigures
{
    std::optional<std::uint64_t> total;     ///< bytes an ordinary user can have of it
    std::optional<std::uint64_t> available; ///< bytes left of these
    bool operator==(const DiskFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(DiskFigures, (), (total, available))

struct UserFigures
{
    std::optional<std::uint64_t> concurrent; ///< distinct signed-in users with a request in the last 5 min
    std::optional<std::uint64_t> today;      ///< distinct, since midnight UTC
    std::optional<std::uint64_t> registered;
    std::optional<std::uint64_t> sessions; ///< live ones; where nobody counts them, the estimate of their key family
    std::optional<std::uint64_t> sessionsError; ///< half of the estimate's 95 % interval; nothing: they are counted
    std::optional<std::uint64_t> failedSignIns; ///< attempts that were not let in, in the last 10 min
    bool operator==(const UserFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(UserFigures, (), (concurrent, today, registered, sessions, sessionsError, failedSignIns))

/// A part of the snapshot that this Redis refuses to tell, since a command is blocked or the user lacks the right.
struct NotTold
{
    std::string part;     ///< the member of Snapshot: "redis", "clients", "families", "queue", "instances" (the others
                          ///< do not hear of this one, or it not of them); and
                          ///< "lists": those beside our own queues, "live": news as it happens
    std::string command;  ///< "CLIENT LIST"; "keys emails" where it is the keys that the user may not read
    bool unknown = false; ///< the server does not know it (renamed, blocked); else the user may not
    /// Empty: it is the command. Else keys of unread_keys that the user may not read, or one of linkTroubles: why there
    /// is no connection to hear it by. Another version may know more.
    std::string reason = {};
    std::string about = {}; ///< the name of the list, of unread_keys::list; as LinkStatus::about
    std::string told = {};  ///< as LinkStatus::told
    bool operator==(const NotTold &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(NotTold, (), (part, command, unknown, reason, about, told))

/// Whose keys a Redis user has no right to read, as NotTold::reason.
namespace unread_keys {
inline constexpr const char *queue = "queue-keys";  ///< the queue's own
inline constexpr const char *list = "list-keys";    ///< those of one list
inline constexpr const char *others = "other-keys"; ///< those of other programs
} // namespace unread_keys

/// Figures are of all instances of the deployment together, unless they say otherwise.
struct Snapshot
{
    WallTime time{};
    std::uint64_t sequence = 0; ///< from 1, one more each time; a gap means missed ones
    std::string tier;
    std::string version;            ///< of the program
    std::string instance;           ///< the one that made it
    std::chrono::seconds uptime{0}; ///< of its process
    Zone verdict = Zone::Unknown;   ///< of readings and links together: see verdict.h
    std::vector<Reading> readings;  ///< one per resource, in the order of Resource
    std::vector<LinkStatus> links;
    std::vector<NotTold> notTold = {};
    RedisFigures redis;
    PlanFigures plan;
    SamplingFigures sampling;
    FamiliesFigures families;
    ClientFigures clients;
    QueueFigures queue;
    WorkerFigures workers;
    HttpFigures http;
    std::vector<DbPoolFigures> dbPools;
    UserFigures users;
    DiskFigures disk;
    std::vector<InstanceFigures> instances = {}; ///< by name
    std::vector<SourceFigures> sources = {};     ///< of a watched deployment; a portal measures itself
    std::vector<ProbeFigures> probes = {};       ///< in the order of the deployment's file
    bool operator==(const Snapshot &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Snapshot, (),
                      (time, sequence, tier, version, instance, uptime, verdict, readings, links, notTold, redis, plan,
                       sampling, families, clients, queue, workers, http, dbPools, users, disk, instances, sources,
                       probes))

} // namespace portolan
