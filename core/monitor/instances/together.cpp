// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/together.h"

#include "core/monitor/traffic_figures.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace portolan::monitor::instances {

namespace {

double useOf(const DbPoolFigures &pool)
{
    return pool.connections > 0 ? double(pool.busy) / double(pool.connections) : 0;
}

void joinTraffic(HttpFigures &http, const Merged &all)
{
    http.traffic = trafficOf(all.traffic);
    http.routes.clear();
    for (const MergedRoute &route : all.routes)
        http.routes.push_back({route.route.method, route.route.path, route.route.stream, trafficOf(route.figures)});
    http.connections = all.connections.connections;
    http.webSockets = all.connections.webSockets;
    http.refusedConnections = all.connections.refused;
    http.cutConnections = all.connections.cut;
}

void joinTasks(QueueFigures &queue, const TaskShare &tasks, std::uint64_t parked)
{
    queue.running = tasks.running;
    queue.reserved = tasks.reserved;
    queue.scheduled = tasks.scheduled + parked;
    queue.takenPerSecond = tasks.takenPerSecond;
    queue.endedPerSecond = tasks.endedPerSecond;
    queue.ratesOver = tasks.ratesOver;
    queue.endedLately = tasks.endedLately;
    queue.failedLately = tasks.failedLately;
}

void joinWorkers(WorkerFigures &workers, const WorkerShare &all)
{
    workers.concurrency = all.concurrency;
    workers.threads = all.threads;
    workers.busy = all.busy;
    workers.abandoned = all.abandoned;
    workers.succeeded = all.succeeded;
    workers.failed = all.failed;
    workers.retried = all.retried;
    workers.revoked = all.revoked;
    workers.restored = all.restored;
    workers.refused = all.refused;
    std::uint64_t rejected = 0;
    for (const RefusedFigures &refused : all.refused)
        rejected += refused.messages;
    workers.rejected = rejected;
}

InstanceShare shareOf(const InstancePart &part)
{
    InstanceShare share;
    share.fraction = part.fraction;
    share.traffic = trafficOf(part.traffic);
    share.answered = part.answered;
    share.connections = part.connections.connections;
    share.webSockets = part.connections.webSockets;
    if (part.tasks)
        share.running = part.tasks->running;
    if (part.workers)
        share.threads = part.workers->threads;
    share.zone = part.zone;
    return share;
}

const InstancePart *partOf(const Merged &merged, const std::string &name, std::uint64_t started)
{
    const auto part = std::ranges::find_if(
        merged.instances, [&](const InstancePart &one) { return one.who.name == name && one.who.started == started; });
    return part == merged.instances.end() ? nullptr : &*part;
}

Absence absenceOf(const Member &member)
{
    return member.presence == Presence::Up      ? Absence::No
           : member.presence == Presence::Hangs ? Absence::Hangs
           : member.goodbye                     ? Absence::Stopped
                                                : Absence::Gone;
}

InstanceFigures figuresOf(const Member &member, const Merged &merged)
{
    InstanceFigures figures;
    figures.name = member.who.name;
    figures.version = member.who.version;
    figures.up = member.presence == Presence::Up;
    figures.why = absenceOf(member);
    if (!figures.up)
        figures.since = std::chrono::duration_cast<std::chrono::seconds>(member.since);
    figures.age = member.silent;
    figures.otherVersion = member.otherVersion;
    figures.twice = member.twice;
    figures.restarts = member.restarts;
    if (const InstancePart *part = partOf(merged, member.who.name, member.who.started)) {
        figures.share = shareOf(*part);
        figures.uptime = std::chrono::duration_cast<std::chrono::seconds>(part->uptime);
    }
    return figures;
}

} // namespace

void join(Snapshot &own, const Together &together, std::uint64_t parked)
{
    const Merged &all = together.merged;
    InstanceFigures here;
    here.name = own.instance;
    here.version = own.version;
    here.up = true;
    here.uptime = own.uptime;
    here.age = Age(0);
    here.own = true;
    here.twice = together.ownNameTaken;
    const auto part = std::ranges::find_if(
        all.instances, [&](const InstancePart &one) { return one.there && one.who.name == own.instance; });
    if (part != all.instances.end())
        here.share = shareOf(*part);
    own.instances.push_back(std::move(here));
    for (const Member &member : together.members)
        own.instances.push_back(figuresOf(member, all));
    std::ranges::stable_sort(own.instances, {}, &InstanceFigures::name);
    if (together.alone())
        return;

    joinTraffic(own.http, all);
    if (all.tasks)
        joinTasks(own.queue, *all.tasks, parked);
    if (all.workers)
        joinWorkers(own.workers, *all.workers);
    own.dbPools.clear();
    for (const MergedPool &pool : all.dbPools)
        own.dbPools.emplace_back(pool.pool).instance = pool.instance;
    std::ranges::stable_sort(own.dbPools, std::greater<>(), useOf);
    if (all.disk)
        own.disk = all.disk->disk;
    own.users.failedSignIns = all.failedSignIns;
}

void joinReadings(std::vector<Reading> &readings, const Together &together, std::string_view ownName)
{
    if (together.alone())
        return;
    for (const MergedZone &worst : together.merged.zones) {
        const Resource resource = worst.light.resource;
        if (!isEachOwn(resource))
            continue;
        const auto reading = std::ranges::find(readings, resource, &Reading::resource);
        if (reading == readings.end())
            continue;
        reading->instance = worst.instance;
        if (worst.instance == ownName)
            continue;
        reading->zone = worst.light.zone;
        reading->value = worst.light.value;
        reading->unknown = worst.light.value ? Unknown::No : Unknown::NotAvailable;
        // How it moves, and since when it is so, its owner alone knows.
        reading->slope.reset();
        reading->toNextZone.reset();
        reading->inZone.reset();
        reading->age.reset();
        for (const InstancePart &part : together.merged.instances)
            if (part.there && part.who.name == worst.instance && worst.light.value)
                reading->age = part.age;
    }
}

} // namespace portolan::monitor::instances
