// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/merge.h"

#include "core/monitor/instances/share_traffic.h"
#include "core/telemetry/buckets.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

namespace portolan::monitor::instances {

namespace {

using std::chrono::milliseconds;
using telemetry::Buckets;
using telemetry::TrafficSlices;
using telemetry::Unanswered;
using telemetry::WindowFigures;

/// What is summed up of a window before percentiles are read from it.
struct Window
{
    Buckets buckets;
    Unanswered unanswered;
    double perSecond = 0;

    WindowFigures figures() const
    {
        WindowFigures result{buckets.total(), unanswered, perSecond, {}, {}, {}};
        result.setPercentiles(buckets);
        return result;
    }
};

/// Counts of both, percentiles of the first.
WindowFigures together(const Window &timed, const Window &streams)
{
    WindowFigures result = timed.figures();
    result.count += streams.buckets.total();
    result.unanswered += streams.unanswered;
    result.perSecond += streams.perSecond;
    return result;
}

void add(Window &window, const TrafficSlices::Part &part, double seconds)
{
    std::uint64_t count = 0;
    for (const auto &hit : part.hits) {
        window.buckets.add(hit.bucket, hit.count);
        count += hit.count;
    }
    window.unanswered += part.unanswered;
    window.perSecond += double(count) / seconds;
}

struct Counted
{
    const TrafficSlices::Part *part;
    double seconds;
};

struct Windows
{
    Window timed;
    Window streams;
};

/// Buckets take 6 KiB: those of routes are made one after the other, from what was counted for each.
using Routes = std::map<TrafficSlices::Route, std::vector<Counted>>;

/// By how much its window has moved on since: while nothing more is due of who is there, it answers as it did.
milliseconds staleness(const Told &told)
{
    return told.there ? std::max(told.age - told.share->who.every, milliseconds(0)) : told.age;
}

/// Adds what of a share is in the window still, to all and to the part of its own.
void addTraffic(Windows &all, Windows &own, Routes &routes, const Told &told)
{
    const TrafficSlices &traffic = told.share->traffic;
    const milliseconds age = staleness(told);
    const auto covered = std::clamp(traffic.covered + age, milliseconds(1000), TrafficSlices::span);
    const double seconds = std::chrono::duration<double>(covered).count();
    std::vector<std::vector<Counted> *> rows;
    for (const auto &route : traffic.routes)
        rows.push_back(&routes[route]);
    for (const auto &slice : traffic.slices) {
        if (slice.age + age >= TrafficSlices::span)
            continue;
        for (const auto &part : slice.parts) {
            const bool stream = traffic.routes[part.route].stream;
            rows[part.route]->push_back({&part, seconds});
            add(stream ? all.streams : all.timed, part, seconds);
            add(stream ? own.streams : own.timed, part, seconds);
        }
    }
}

struct Asked
{
    const TrafficSlices::Route *route;
    const std::vector<Counted> *parts;
    std::uint64_t count;
};

std::uint64_t answersIn(const std::vector<Counted> &parts)
{
    std::uint64_t count = 0;
    for (const Counted &counted : parts)
        for (const auto &hit : counted.part->hits)
            count += hit.count;
    return count;
}

/// What others tell is bounded for each of them alone; here for all, whose buckets are made anew each second.
std::vector<MergedRoute> mergedRoutes(const Routes &routes)
{
    std::vector<Asked> asked;
    for (const auto &[route, parts] : routes)
        if (!parts.empty())
            asked.push_back({&route, &parts, answersIn(parts)});
    const auto most = [](const auto &a, const auto &b) { return a.count > b.count; };
    std::ranges::stable_sort(asked, most);
    std::vector<MergedRoute> result;
    std::array<Window, 2> others; // streams by themselves
    std::array<bool, 2> anyOther{};
    for (const Asked &one : asked) {
        const bool stream = one.route->stream;
        const bool byName = result.size() < maxRoutes && *one.route != otherRoute(stream);
        Window own;
        Window &window = byName ? own : others[stream];
        for (const auto &[part, seconds] : *one.parts)
            add(window, *part, seconds);
        if (byName)
            result.push_back({*one.route, own.figures()});
        else
            anyOther[stream] = true;
    }
    for (const bool stream : {false, true})
        if (anyOther[stream])
            result.push_back({otherRoute(stream), others[stream].figures()});
    std::ranges::stable_sort(
        result, [](const MergedRoute &a, const MergedRoute &b) { return a.figures.count > b.figures.count; });
    return result;
}

/// Greater is worse. A zone that nobody knows is no reason to hide one that somebody does.
bool worse(const ZoneShare &a, const ZoneShare &b) { return std::pair(a.zone, a.value) > std::pair(b.zone, b.value); }

template <class T> void addKnown(std::optional<T> &sum, const std::optional<T> &part)
{
    if (part)
        sum = sum.value_or(T{}) + *part;
}

void addTasks(std::optional<TaskShare> &sum, const std::optional<TaskShare> &part)
{
    if (!part)
        return;
    TaskShare &tasks = sum ? *sum : sum.emplace();
    for (const auto count : {&TaskShare::taken, &TaskShare::ended, &TaskShare::failed, &TaskShare::running,
                             &TaskShare::reserved, &TaskShare::scheduled})
        tasks.*count += (*part).*count;
    for (const auto count : {&TaskShare::endedLately, &TaskShare::failedLately})
        addKnown(tasks.*count, (*part).*count);
    for (const auto rate : {&TaskShare::takenPerSecond, &TaskShare::endedPerSecond})
        addKnown(tasks.*rate, (*part).*rate);
    tasks.ratesOver = std::max(tasks.ratesOver, part->ratesOver);
}

void addWorkers(std::optional<WorkerShare> &sum, const std::optional<WorkerShare> &part)
{
    if (!part)
        return;
    WorkerShare &workers = sum ? *sum : sum.emplace();
    for (const auto count : {&WorkerShare::concurrency, &WorkerShare::threads, &WorkerShare::busy,
                             &WorkerShare::abandoned, &WorkerShare::succeeded, &WorkerShare::failed,
                             &WorkerShare::retried, &WorkerShare::revoked, &WorkerShare::restored})
        workers.*count += (*part).*count;
    for (const RefusedFigures &refused : part->refused) {
        const auto known = std::ranges::lower_bound(workers.refused, refused.reason, {}, &RefusedFigures::reason);
        if (known != workers.refused.end() && known->reason == refused.reason)
            known->messages += refused.messages;
        else
            workers.refused.insert(known, refused);
    }
    workers.holdingBack |= part->holdingBack;
}

double left(const DiskFigures &disk) { return double(*disk.available) / double(*disk.total); }

void addDisk(std::optional<MergedDisk> &worst, const Share &share)
{
    const DiskFigures &disk = share.disk;
    if (!disk.total || !disk.available || *disk.total == 0)
        return;
    if (!worst || left(disk) < left(worst->disk))
        worst = MergedDisk{share.who.name, disk};
}

void addState(Merged &sum, const Share &share)
{
    sum.answered += share.traffic.answered;
    sum.unanswered += share.traffic.unanswered;
    addKnown(sum.connections.connections, share.connections.connections);
    addKnown(sum.connections.webSockets, share.connections.webSockets);
    addKnown(sum.connections.refused, share.connections.refused);
    addKnown(sum.connections.cut, share.connections.cut);
    addTasks(sum.tasks, share.tasks);
    addWorkers(sum.workers, share.workers);
    addKnown(sum.failedSignIns, share.failedSignIns);
    for (const DbPoolFigures &pool : share.dbPools)
        sum.dbPools.push_back({share.who.name, pool});
    addDisk(sum.disk, share);
    for (const ZoneShare &light : share.zones) {
        const auto known = std::ranges::lower_bound(sum.zones, light.resource, {},
                                                    [](const MergedZone &zone) { return zone.light.resource; });
        if (known == sum.zones.end() || known->light.resource != light.resource)
            sum.zones.insert(known, {light, share.who.name});
        else if (worse(light, known->light))
            *known = {light, share.who.name};
    }
}

InstancePart partOf(const Share &share, milliseconds age, bool there, const Windows &own)
{
    InstancePart part;
    part.who = share.who;
    part.there = there;
    part.age = age;
    part.uptime = share.uptime;
    part.traffic = together(own.timed, own.streams);
    part.answered = share.traffic.answered;
    part.unanswered = share.traffic.unanswered;
    part.connections = share.connections;
    part.tasks = share.tasks;
    part.workers = share.workers;
    for (const ZoneShare &light : share.zones)
        part.zone = std::max(part.zone, light.zone);
    return part;
}

/// Of each life the newest word; of the same word the freshest.
std::vector<Told> newest(const Share &own, std::span<const Told> others)
{
    const auto life = [](const Told &told) { return std::tie(told.share->who.name, told.share->who.started); };
    std::vector<Told> result{{std::shared_ptr<const Share>(std::shared_ptr<void>(), &own), milliseconds(0), true}};
    const auto ownLife = life(result.front());
    for (const Told &told : others)
        if (life(told) != ownLife)
            result.push_back({told.share, std::max(told.age, milliseconds(0)), told.there});
    std::ranges::sort(result, [&](const Told &a, const Told &b) {
        return std::tuple(life(a), b.share->who.sequence, a.age, b.there) <
               std::tuple(life(b), a.share->who.sequence, b.age, a.there);
    });
    const auto same = [&](const Told &a, const Told &b) { return life(a) == life(b); };
    result.erase(std::unique(result.begin(), result.end(), same), result.end());
    return result;
}

} // namespace

Merged merged(const Share &own, std::span<const Told> others)
{
    Merged result;
    Windows all;
    Routes routes;
    const std::vector<Told> newestOfEach = newest(own, others); // `routes` points into it
    for (const Told &told : newestOfEach) {
        Windows part;
        addTraffic(all, part, routes, told);
        if (told.there)
            addState(result, *told.share);
        result.instances.push_back(partOf(*told.share, told.age, told.there, part));
    }
    result.traffic = together(all.timed, all.streams);
    result.timed = all.timed.buckets.total();
    for (InstancePart &part : result.instances)
        if (result.traffic.count > 0)
            part.fraction = double(part.traffic.count) / double(result.traffic.count);
    result.routes = mergedRoutes(routes);
    return result;
}

} // namespace portolan::monitor::instances
