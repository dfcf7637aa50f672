// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/overview_causes.h"

#include "core/api/backlog.h"
#include "ui/support/format.h"

#include <QCoreApplication>
#include <algorithm>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("causes", source); }

std::optional<Cause> biggestFamily(const Snapshot &snapshot)
{
    const auto &families = snapshot.families.families;
    if (families.empty() || !snapshot.families.age || !families.front().bytes)
        return std::nullopt;
    const FamilyFigures &first = families.front();
    QString figure =
        first.budget ? sizeOfText(first.bytes->value, double(*first.budget)) : sizeText(first.bytes->value);
    // In the unit of the figure it is about, and not at all where there that is next to nothing.
    const double unit = first.budget ? double(*first.budget) : first.bytes->value;
    // One line has room for one of them; the page it leads to has both.
    if (first.growth)
        figure += ", " + growthText(first.growth);
    else if (const double half = (first.bytes->high - first.bytes->low) / 2; !isNextToNothing(half, unit))
        figure += QStringLiteral(" ± ") + sizeLikeText(half, unit);
    return Cause{text(first.family), figure, *snapshot.families.age};
}

std::optional<Cause> mostConnected(const Snapshot &snapshot)
{
    const ClientFigures &clients = snapshot.clients;
    if (clients.groups.empty() || !clients.age)
        return std::nullopt;
    const ClientGroup &first = clients.groups.front();
    const double count = double(first.connections);
    return Cause{text(first.name),
                 clients.total ? tr("%1 of %2 connections").arg(countText(count), countText(clients.total))
                               : countText(count),
                 *clients.age};
}

bool served(const Snapshot &snapshot) { return snapshot.http.connections.has_value(); }

std::optional<Cause> slowestRoute(const Snapshot &snapshot)
{
    const auto &routes = snapshot.http.routes;
    const auto slowest = std::ranges::max_element(
        routes, {}, [](const RouteFigures &route) { return route.stream ? -1 : route.traffic.p95.value_or(-1); });
    if (slowest == routes.end() || slowest->stream || !slowest->traffic.p95)
        return std::nullopt;
    return Cause{text(slowest->method + ' ' + slowest->route), tr("p95 %1").arg(latencyText(slowest->traffic.p95))};
}

std::optional<Cause> failingRoute(const Snapshot &snapshot)
{
    const auto &routes = snapshot.http.routes;
    const auto worst =
        std::ranges::max_element(routes, {}, [](const RouteFigures &route) { return route.traffic.errors; });
    if (worst == routes.end() || worst->traffic.errors == 0)
        return std::nullopt;
    return Cause{text(worst->method + ' ' + worst->route),
                 tr("%1 of %2 in 60 s")
                     .arg(countText(double(worst->traffic.errors)), countText(double(worst->traffic.requests)))};
}

/// By their number: each of them was somebody who was turned away.
std::optional<Cause> refusingRoute(const Snapshot &snapshot)
{
    const auto &routes = snapshot.http.routes;
    const auto worst =
        std::ranges::max_element(routes, {}, [](const RouteFigures &route) { return route.traffic.refused; });
    if (worst == routes.end() || worst->traffic.refused == 0)
        return std::nullopt;
    return Cause{text(worst->method + ' ' + worst->route),
                 tr("%1 of %2 in 60 s")
                     .arg(countText(double(worst->traffic.refused)), countText(double(worst->traffic.requests)))};
}

std::optional<Cause> oldestTask(const Snapshot &snapshot)
{
    const QueueFigures &queue = snapshot.queue;
    // As the tile has it: of those that wait for our workers.
    const auto waiting = waitingForOurs(queue);
    if (!queue.oldestWaiting || waiting == std::uint64_t{0} || !queue.age)
        return std::nullopt;
    const QueueLine *longest = nullptr;
    for (const QueueLine &line : queue.queues)
        if (line.untaken == Untaken::No && (!longest || line.waiting > longest->waiting))
            longest = &line;
    return Cause{longest ? tr("queue %1").arg(text(longest->queue)) : QString(),
                 tr("%1, %2 waiting").arg(durationText(queue.oldestWaiting), countText(waiting)), *queue.age};
}

} // namespace

const std::vector<CauseKind> &causeTable()
{
    static const std::vector<CauseKind> table{
        {QT_TRANSLATE_NOOP("causes", "Largest key family"), "redis", "redis", QT_TRANSLATE_NOOP("causes", "no keys"),
         [](const Snapshot &s) { return s.families.age && s.redis.keys == 0; }, biggestFamily},
        {QT_TRANSLATE_NOOP("causes", "Most connections"), "connections", "redis",
         QT_TRANSLATE_NOOP("causes", "no connections"), [](const Snapshot &s) { return s.clients.age.has_value(); },
         mostConnected},
        {QT_TRANSLATE_NOOP("causes", "Oldest task"), "queue", "redis",
         QT_TRANSLATE_NOOP("causes", "no task waits for our workers"),
         [](const Snapshot &s) { return s.queue.age.has_value(); }, oldestTask},
        {QT_TRANSLATE_NOOP("causes", "Slowest route"), "performance", "",
         QT_TRANSLATE_NOOP("causes", "too few requests in the last 60 s"), served, slowestRoute},
        {QT_TRANSLATE_NOOP("causes", "Most errors"), "performance", "",
         QT_TRANSLATE_NOOP("causes", "no error in the last 60 s"), served, failingRoute},
        {QT_TRANSLATE_NOOP("causes", "Most refused"), "performance", "",
         QT_TRANSLATE_NOOP("causes", "none refused in the last 60 s"), served, refusingRoute},
    };
    return table;
}

} // namespace portolan::ui
