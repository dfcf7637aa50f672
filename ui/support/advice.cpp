// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/advice.h"

#include "core/api/verdict.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/words/link_words.h"

#include <QCoreApplication>
#include <algorithm>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("advice", source); }

/// Who takes the memory: the family furthest over its budget, else the largest.
QString adviceOnMemory(const Snapshot &snapshot)
{
    const FamilyFigures *over = nullptr;
    double most = 0;
    for (const FamilyFigures &family : snapshot.families.families) {
        const double by = family.bytes && family.budget ? family.bytes->value - double(*family.budget) : 0;
        if (by > most) {
            over = &family;
            most = by;
        }
    }
    if (!over)
        return tr("Clean up the largest key family on the page Redis, or choose a larger plan.");
    return tr("The key family %1 takes %2: clean it up on the page Redis, which shows before what that loses, or "
              "choose a larger plan.")
        .arg(text(over->family), sizeOfText(over->bytes->value, double(*over->budget)));
}

QString adviceOn(const Reading &reading, const Snapshot &snapshot)
{
    switch (reading.resource) {
    case Resource::Workers:
        return reading.value && *reading.value < 1
                   ? tr("There is nothing to do: it turns green when tasks go on being taken.")
                   : tr("Give a worker slots on the page Queue, or start a worker.");
    case Resource::Disk:
        return tr("Free space in the data directory before the database can no longer be written.");
    case Resource::Refused:
        return tr("The page Performance shows which routes refuse, the page Users who used up which limit.");
    case Resource::RedisMemory:
        return adviceOnMemory(snapshot);
    case Resource::RedisOverhead:
        return tr("It is memory of connections, their buffers and fragmentation, not of keys: close connections that "
                  "nobody needs on the page Connections.");
    case Resource::RedisConnections:
        return tr("Close idle connections of the largest group on the page Connections.");
    case Resource::Queue:
    case Resource::OldestTask:
        return tr("Give a worker slots on the page Queue, or revoke tasks that are no longer wanted.");
    case Resource::FailedTasks:
        return tr("The page Queue shows which tasks failed, and why.");
    case Resource::ResponseTime:
    case Resource::ErrorRate:
        return tr("The page Performance shows which routes are slow or fail.");
    case Resource::DbPool:
        return tr("The page Performance shows which routes are slow and hold a connection meanwhile. More of them are "
                  "a setting, database.pool_most, as far as the database lets them in.");
    case Resource::Users:
        return tr(
            "More use it at once than the tier is made for: choose the next one, or lower the limits of those who "
            "ask most on the page Users.");
    case Resource::RedisCommands:
    case Resource::RedisTraffic:
        return tr(
            "The page Connections shows who asks this Redis. Choose a larger plan, or let fewer programs use it.");
    }
    return {};
}

} // namespace

QString paceText(const std::optional<double> &perSecond, const std::optional<double> &beside)
{
    if (!perSecond || std::max(*perSecond, beside.value_or(0)) >= 1)
        return rateText(perSecond);
    return (*perSecond > 0 ? QString::number(*perSecond * 60, 'f', 1) : QStringLiteral("0")) + tr("/min");
}

QString silence(const Snapshot &snapshot, std::string_view link)
{
    const auto found = std::ranges::find(snapshot.links, link, &LinkStatus::name);
    if (found == snapshot.links.end() || found->up != false)
        return {};
    return tr("%1 does not answer").arg(linkTitle(*found));
}

QString adviceText(const Snapshot &snapshot)
{
    const Standing standing = standingOf(snapshot);
    for (const LinkStatus &link : standing.down) {
        const QString trouble = troubleText(link);
        const auto advised = [&trouble](const QString &what) {
            return trouble.isEmpty() ? what : trouble + ' ' + what;
        };
        if (link.name == "redis")
            return advised(tr("Check that redis-server runs, can be reached, and has memory and disk left. Until it "
                              "answers, sessions and limits are kept in memory and no task is taken."));
        if (link.name == "database")
            return advised(tr("Check that the database runs, can be reached, and has disk left. Until it answers, "
                              "nobody can sign in."));
        return trouble;
    }
    if (standing.zone != Zone::Red && standing.zone != Zone::Yellow)
        return {};
    for (const Reading &reading : standing.causes)
        if (const QString advice = adviceOn(reading, snapshot); !advice.isEmpty())
            return advice;
    return {};
}

} // namespace portolan::ui
