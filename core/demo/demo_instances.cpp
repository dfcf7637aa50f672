// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/demo_instances.h"

#include <algorithm>
#include <cmath>

namespace portolan::demo {

namespace {

using std::chrono::seconds;

constexpr auto onlyName = "demo";
constexpr auto ownName = "portal-7f9c6d5b84-2xkvq";
constexpr auto hangingName = "portal-7f9c6d5b84-9wmlr";
constexpr auto newerName = "portal-86d4f7c9b-tq4zd"; ///< of the version that is rolled out
constexpr auto newerVersion = "0.2.0";
constexpr seconds rolledOut{1260}; ///< before the demo began

/// A part of what all have answered; of the rest somebody else is.
TrafficFigures partOf(const TrafficFigures &all, double part, double slowness)
{
    TrafficFigures traffic;
    const auto of = [part](std::uint64_t whole) { return std::uint64_t(std::floor(double(whole) * part)); };
    traffic.requests = of(all.requests);
    traffic.errors = of(all.errors);
    traffic.refused = of(all.refused);
    traffic.notFound = of(all.notFound);
    traffic.perSecond = double(traffic.requests) / 60;
    if (traffic.requests >= 20) {
        traffic.p50 = all.p50 ? std::optional(*all.p50 * slowness) : std::nullopt;
        traffic.p95 = all.p95 ? std::optional(*all.p95 * slowness) : std::nullopt;
        traffic.p99 = all.p99 ? std::optional(*all.p99 * slowness) : std::nullopt;
    }
    return traffic;
}

void take(TrafficFigures &rest, const TrafficFigures &part)
{
    rest.requests -= part.requests;
    rest.errors -= part.errors;
    rest.refused -= part.refused;
    rest.notFound -= part.notFound;
    rest.perSecond = double(rest.requests) / 60;
}

InstanceFigures upInstance(const char *name, const std::string &version, seconds uptime)
{
    InstanceFigures instance;
    instance.name = name;
    instance.version = version;
    instance.up = true;
    instance.uptime = uptime;
    instance.age = Age(0);
    return instance;
}

InstanceShare shareOf(const TrafficFigures &traffic, const TrafficFigures &all, std::uint64_t before)
{
    InstanceShare share;
    share.traffic = traffic;
    if (all.requests > 0)
        share.fraction = double(traffic.requests) / double(all.requests);
    share.answered = before + traffic.requests;
    return share;
}

/// One process, which answers everything.
InstanceFigures onlyInstance(const Snapshot &snapshot)
{
    InstanceFigures instance = upInstance(onlyName, snapshot.version, snapshot.uptime);
    instance.own = true;
    InstanceShare &share = instance.share.emplace(shareOf(snapshot.http.traffic, snapshot.http.traffic, 0));
    share.connections = snapshot.http.connections;
    share.webSockets = snapshot.http.webSockets;
    share.running = snapshot.queue.running;
    share.threads = snapshot.workers.threads;
    share.zone = snapshot.verdict;
    return instance;
}

InstanceFigures hangingInstance(const Snapshot &snapshot, seconds hangs)
{
    InstanceFigures instance = upInstance(hangingName, snapshot.version, snapshot.uptime - hangs);
    instance.up = false;
    instance.why = Absence::Hangs;
    instance.since = hangs;
    instance.age = hangs + seconds(3); // it is said to hang when its next word is late
    return instance;
}

Zone zoneOf(const Snapshot &snapshot, Resource resource)
{
    const auto found = std::ranges::find(snapshot.readings, resource, &Reading::resource);
    return found == snapshot.readings.end() ? Zone::Unknown : found->zone;
}

} // namespace

std::string ownInstance(const Situation &situation) { return situation.hangsSince ? ownName : onlyName; }

std::vector<InstanceFigures> instancesOf(const Situation &situation, const Snapshot &snapshot, double second)
{
    if (!situation.hangsSince)
        return {onlyInstance(snapshot)};
    const seconds hangs(std::int64_t(std::max(0.0, second - *situation.hangsSince)));
    InstanceFigures own = upInstance(ownName, snapshot.version, snapshot.uptime);
    own.own = true;
    InstanceFigures hanging = hangingInstance(snapshot, hangs);
    InstanceFigures newer = upInstance(newerName, newerVersion, rolledOut + seconds(std::int64_t(second)));
    newer.otherVersion = true;
    newer.age = Age(400);
    // What it answered before it hung leaves the window of a minute.
    const TrafficFigures &all = snapshot.http.traffic;
    const double left = std::clamp(1 - double(hangs.count()) / 60, 0.0, 1.0);
    const TrafficFigures answered = partOf(all, left / 3, 1);
    const TrafficFigures others = partOf(all, (1 - left / 3) * 0.42, 1.3);
    TrafficFigures rest = partOf(all, 1, 0.9);
    take(rest, answered);
    take(rest, others);
    if (left > 0)
        hanging.share = shareOf(answered, all, 41'980);
    InstanceShare &mine = own.share.emplace(shareOf(rest, all, 52'311));
    InstanceShare &theirs = newer.share.emplace(shareOf(others, all, 3'406));
    const auto halve = [](const std::optional<std::uint64_t> &whole, auto &here, auto &there) {
        if (!whole)
            return;
        here = *whole - *whole / 2;
        there = *whole / 2;
    };
    halve(snapshot.http.connections, mine.connections, theirs.connections);
    halve(snapshot.http.webSockets, mine.webSockets, theirs.webSockets);
    halve(snapshot.queue.running, mine.running, theirs.running);
    halve(snapshot.workers.threads, mine.threads, theirs.threads);
    mine.zone = Zone::Green;
    theirs.zone = zoneOf(snapshot, Resource::Disk);
    return {own, hanging, newer};
}

void nameWorst(const Situation &situation, Snapshot &snapshot)
{
    if (!situation.hangsSince)
        return;
    for (Reading &reading : snapshot.readings) {
        if (reading.resource == Resource::DbPool)
            reading.instance = ownName;
        else if (reading.resource == Resource::Disk)
            reading.instance = newerName;
    }
    for (DbPoolFigures &pool : snapshot.dbPools)
        pool.instance = ownName;
}

std::vector<Event> instanceEvents(const Situation &situation, WallTime start)
{
    if (!situation.hangsSince)
        return {};
    const auto event = [](WallTime time, const char *name, const char *reason) {
        return Event{.time = time, .kind = EventKind::Instance, .name = name, .reason = reason};
    };
    std::vector<Event> events{
        event(start - rolledOut, newerName, instance_event::started),
        event(start - rolledOut + seconds(1), newerName, instance_event::version),
        event(start + seconds(std::int64_t(*situation.hangsSince)), hangingName, instance_event::hangs)};
    events[1].detail = newerVersion;
    return events;
}

} // namespace portolan::demo
