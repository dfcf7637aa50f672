// SPDX-License-Identifier: GPL-3.0-or-later
//
// The form of a message, numbers and texts as share_bytes.h has them:
//
//   "Pi"      two bytes that tell it from anything else on the channel
//   head      kind (0 share, 1 goodbye), name, version, started, sequence, ms until the next: in all forms, for ever
//   form      the number of what follows, `form` below; another one is not read further
//   body      of a share: what members() lists, in that order; nothing of a goodbye
//
// The window: routes (method, template, stream) in ascending order; then slices, youngest first, each with its age in
// ms and, per route that was asked, the distance of its index from the one before, a byte that says which of errors,
// refused, not found follow, and its buckets: for each the distance from the one before, less one, and the count.

#include "core/monitor/instances/share.h"

#include "core/base/names.h"
#include "core/monitor/instances/instance_name.h"
#include "core/monitor/instances/share_bytes.h"
#include "core/monitor/instances/share_traffic.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace portolan::monitor::instances {

namespace {

using std::chrono::milliseconds;
using telemetry::TrafficSlices;

constexpr std::string_view magic = "Pi";
constexpr std::uint8_t form = 1;
constexpr std::size_t maxVersionBytes = 32;
constexpr std::size_t maxLabelBytes = 48; ///< of pools, reasons, resources
constexpr std::size_t maxPools = 8;
constexpr std::size_t maxReasons = 16;
constexpr std::size_t maxZones = 64;
constexpr std::size_t maxSlices = 64;
constexpr std::uint64_t maxEvery = 3'600'000; ///< that is read; more than longestEvery counts as that
constexpr double mostRate = 1e12;             ///< sums of what 64 of them say stay numbers
constexpr std::uint64_t spanMs = std::uint64_t(TrafficSlices::span.count());
constexpr auto unknownResource = Resource(0xff);

bool isSound(const Identity &who)
{
    return isInstanceName(who.name) && !who.version.empty() && who.version.size() <= maxVersionBytes &&
           isShownText(who.version) && who.started <= maxNumber && who.sequence <= maxNumber &&
           who.every >= milliseconds(100) && who.every <= longestEvery;
}

template <class Bytes, class Who> void identity(Bytes &bytes, Who &who)
{
    bytes.text(who.name, maxNameBytes);
    bytes.text(who.version, maxVersionBytes);
    bytes.number(who.started);
    bytes.number(who.sequence);
    bytes.time(who.every, maxEvery);
}

template <class Bytes, class Counts> void unanswered(Bytes &bytes, Counts &counts)
{
    const std::array members{&counts.errors, &counts.refused, &counts.notFound};
    std::uint8_t which = 0;
    for (std::size_t i = 0; i < members.size(); ++i)
        which |= std::uint8_t(*members[i] != 0) << i;
    bytes.number(which, 7);
    for (std::size_t i = 0; i < members.size(); ++i)
        if (which >> i & 1)
            bytes.number(*members[i], std::numeric_limits<std::uint32_t>::max());
}

template <class Bytes, class Traffic> void traffic(Bytes &bytes, Traffic &window)
{
    bytes.time(window.covered, spanMs);
    bytes.number(window.answered);
    bytes.number(window.unanswered.errors);
    bytes.number(window.unanswered.refused);
    bytes.number(window.unanswered.notFound);
    bytes.list(window.routes, maxRoutes + 2, [&](auto &route) {
        bytes.text(route.method, maxMethodBytes);
        bytes.text(route.path, maxPathBytes);
        bytes.flag(route.stream);
    });
    bytes.list(window.slices, maxSlices, [&](auto &slice) {
        bytes.time(slice.age, spanMs - 1);
        std::uint64_t nextRoute = 0;
        bytes.list(slice.parts, window.routes.size(), [&](auto &part) {
            bytes.rising(part.route, nextRoute, window.routes.size() - 1);
            unanswered(bytes, part.unanswered);
            std::uint64_t nextBucket = 0;
            bytes.list(part.hits, telemetry::latency::bucketCount, [&](auto &hit) {
                bytes.rising(hit.bucket, nextBucket, telemetry::latency::bucketCount - 1);
                bytes.number(hit.count);
            });
        });
    });
}

template <class Bytes, class Tasks> void taskShare(Bytes &bytes, Tasks &tasks)
{
    for (auto *count : {&tasks.taken, &tasks.ended, &tasks.failed, &tasks.running, &tasks.reserved, &tasks.scheduled})
        bytes.number(*count);
    for (auto *count : {&tasks.endedLately, &tasks.failedLately})
        bytes.maybe(*count, [&](auto &value) { bytes.number(value); });
    for (auto *rate : {&tasks.takenPerSecond, &tasks.endedPerSecond})
        bytes.maybe(*rate, [&](auto &value) { bytes.real(value, mostRate); });
    bytes.maybe(tasks.ratesOver, [&](auto &value) { bytes.time(value); });
}

template <class Bytes, class Workers> void workerShare(Bytes &bytes, Workers &workers)
{
    for (auto *count : {&workers.concurrency, &workers.threads, &workers.busy, &workers.abandoned, &workers.succeeded,
                        &workers.failed, &workers.retried, &workers.revoked, &workers.restored})
        bytes.number(*count);
    bytes.list(workers.refused, maxReasons, [&](auto &refused) {
        bytes.text(refused.reason, maxLabelBytes);
        bytes.number(refused.messages);
    });
    bytes.flag(workers.holdingBack);
}

template <class Bytes, class Pool> void dbPool(Bytes &bytes, Pool &pool)
{
    bytes.text(pool.name, maxLabelBytes);
    for (auto *count : {&pool.connections, &pool.busy, &pool.waiting, &pool.waits, &pool.timedOut})
        bytes.number(*count);
    bytes.real(pool.waitedSeconds, mostRate);
}

/// By name: versions of the program may number them differently.
void resource(Writer &bytes, const Resource &value) { bytes.text(enumKey(value), maxLabelBytes); }
void resource(Reader &bytes, Resource &value)
{
    std::string name;
    bytes.text(name, maxLabelBytes);
    value = enumFromName<Resource>(name).value_or(unknownResource);
}

void zone(Writer &bytes, const Zone &value) { bytes.number(std::uint8_t(value)); }
void zone(Reader &bytes, Zone &value)
{
    std::uint8_t number = 0;
    bytes.number(number, std::uint64_t(Zone::Red));
    value = Zone(number);
}

/// All but the identity. `window`: the traffic as it is told, of reading that of the share.
template <class Bytes, class S, class Traffic> void members(Bytes &bytes, S &share, Traffic &window)
{
    bytes.time(share.uptime);
    traffic(bytes, window);
    auto &connections = share.connections;
    for (auto *count : {&connections.connections, &connections.webSockets, &connections.refused, &connections.cut})
        bytes.maybe(*count, [&](auto &value) { bytes.number(value); });
    bytes.maybe(share.tasks, [&](auto &tasks) { taskShare(bytes, tasks); });
    bytes.maybe(share.workers, [&](auto &workers) { workerShare(bytes, workers); });
    bytes.list(share.dbPools, maxPools, [&](auto &pool) { dbPool(bytes, pool); });
    for (auto *size : {&share.disk.total, &share.disk.available})
        bytes.maybe(*size, [&](auto &value) { bytes.number(value); });
    bytes.maybe(share.failedSignIns, [&](auto &value) { bytes.number(value); });
    bytes.list(share.zones, maxZones, [&](auto &light) {
        resource(bytes, light.resource);
        zone(bytes, light.zone);
        bytes.maybe(light.value, [&](auto &value) { bytes.real(value, double(maxNumber)); });
    });
}

Writer begun(const Identity &who, bool goodbye)
{
    Writer bytes;
    for (const char c : magic)
        bytes.number(std::uint8_t(c));
    bytes.flag(goodbye);
    identity(bytes, who);
    return bytes;
}

std::string written(const Share &share, const TrafficSlices &window)
{
    Writer bytes = begun(share.who, false);
    bytes.number(form);
    members(bytes, share, window);
    return bytes.take();
}

/// What reading alone does not say: order, and values that exclude each other.
bool isSound(const Share &share)
{
    const TrafficSlices &window = share.traffic;
    const auto twice = [](const auto &a, const auto &b) { return !(a < b); };
    if (std::ranges::adjacent_find(window.routes, twice) != window.routes.end() ||
        !std::ranges::all_of(window.routes, hasShownName) ||
        std::ranges::adjacent_find(window.slices, twice, &TrafficSlices::Slice::age) != window.slices.end())
        return false;
    for (const auto &slice : window.slices) {
        for (const auto &part : slice.parts) {
            const auto none = [](const auto &hit) { return hit.count == 0; };
            if ((part.hits.empty() && part.unanswered == telemetry::Unanswered()) ||
                std::ranges::any_of(part.hits, none))
                return false;
        }
    }
    return std::ranges::adjacent_find(share.zones, twice, &ZoneShare::resource) == share.zones.end();
}

Error refused(std::string why)
{
    return failure(ErrorKind::Protocol, "A message of another instance cannot be read: " + std::move(why) + ".");
}

Error unsoundIdentity()
{
    return failure(ErrorKind::Invalid, "An instance needs a name of 1 to 48 visible bytes, a version of 1 to 32, and "
                                       "tells of itself every 100 ms to 10 min.");
}

} // namespace

Result<std::string> encodeShare(const Share &share)
{
    if (!isSound(share.who))
        return unsoundIdentity();
    struct Cut
    {
        milliseconds width;
        std::size_t most;
    };
    constexpr std::array cuts{Cut{milliseconds(1000), usualShareBytes}, Cut{milliseconds(5000), usualShareBytes},
                              Cut{milliseconds(15'000), maxShareBytes}, Cut{TrafficSlices::span, maxShareBytes}};
    for (const auto &[width, most] : cuts) {
        if (4 * width < share.who.every && width < TrafficSlices::span)
            continue;
        std::string bytes = written(share, condensed(share.traffic, width, maxRoutes));
        if (bytes.size() <= most)
            return bytes;
    }
    const TrafficSlices whole = condensed(share.traffic, TrafficSlices::span, maxRoutes);
    std::size_t fitting = 0; // two rows of "other" and all else fit, whatever they hold
    std::size_t beyond = whole.routes.size();
    while (beyond - fitting > 1) {
        const std::size_t middle = fitting + (beyond - fitting) / 2;
        const bool fits = written(share, condensed(whole, TrafficSlices::span, middle)).size() <= maxShareBytes;
        (fits ? fitting : beyond) = middle;
    }
    return written(share, condensed(whole, TrafficSlices::span, fitting));
}

Result<std::string> encodeGoodbye(const Identity &who)
{
    if (!isSound(who))
        return unsoundIdentity();
    Writer bytes = begun(who, true);
    bytes.number(form);
    return bytes.take();
}

Result<Message> decodeMessage(std::string_view text)
{
    if (text.size() > maxShareBytes)
        return refused("it is too long");
    Reader bytes(text);
    for (const char c : magic) {
        std::uint8_t read = 0;
        bytes.number(read);
        if (read != std::uint8_t(c))
            return refused("it does not begin as one");
    }
    Message message;
    bytes.flag(message.goodbye);
    identity(bytes, message.who);
    message.who.every = std::min(message.who.every, longestEvery);
    std::uint32_t number = 0;
    bytes.number(number);
    if (!bytes.ok() || !isSound(message.who))
        return refused("it does not say whose it is");
    if (number != form)
        return message;
    if (!message.goodbye) {
        Share &share = message.share.emplace();
        members(bytes, share, share.traffic);
        share.who = message.who;
        std::erase_if(share.zones, [](const ZoneShare &light) { return light.resource == unknownResource; });
        std::ranges::sort(share.zones, {}, &ZoneShare::resource);
        if (!bytes.ok() || !isSound(share))
            return refused("its figures are damaged");
    }
    if (!bytes.atEnd())
        return refused("something follows it");
    return message;
}

Share shareOf(Identity who, TrafficSlices traffic, const Snapshot &own, const std::optional<TaskFigures> &tasks)
{
    Share share;
    share.who = std::move(who);
    share.uptime = own.uptime;
    share.traffic = std::move(traffic);
    share.connections = {own.http.connections, own.http.webSockets, own.http.refusedConnections,
                         own.http.cutConnections};
    if (tasks)
        share.tasks = TaskShare{tasks->taken,
                                tasks->ended,
                                tasks->failed,
                                tasks->running,
                                tasks->reserved,
                                tasks->scheduled,
                                own.queue.endedLately,
                                own.queue.failedLately,
                                own.queue.takenPerSecond,
                                own.queue.endedPerSecond,
                                own.queue.ratesOver};
    const WorkerFigures &workers = own.workers;
    if (workers.concurrency)
        share.workers = WorkerShare{*workers.concurrency,
                                    workers.threads.value_or(0),
                                    workers.busy.value_or(0),
                                    workers.abandoned.value_or(0),
                                    workers.succeeded.value_or(0),
                                    workers.failed.value_or(0),
                                    workers.retried.value_or(0),
                                    workers.revoked.value_or(0),
                                    workers.restored.value_or(0),
                                    workers.refused,
                                    workers.sharedQueue && workers.sharedQueue->holdingBack};
    share.dbPools = own.dbPools;
    share.disk = own.disk;
    share.failedSignIns = own.users.failedSignIns;
    for (const Reading &reading : own.readings)
        share.zones.push_back({reading.resource, reading.zone, reading.value});
    return share;
}

} // namespace portolan::monitor::instances
