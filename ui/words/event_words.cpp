// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/event_words.h"

#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/words/fact_words.h"

#include <QCoreApplication>
#include <algorithm>
#include <iterator>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("events", source); }

struct Coded
{
    std::string_view code;
    const char *words; ///< to be translated in the context "events"
};

/// Why a link is away, by Error::code. Of others than these the code would tell a person nothing.
constexpr Coded reasons[]{
    {"redis-away", QT_TRANSLATE_NOOP("events", "not reachable")},
    {"redis-lost", QT_TRANSLATE_NOOP("events", "the connection broke")},
    {"redis-timeout", QT_TRANSLATE_NOOP("events", "no answer in time")},
    {"redis-busy", QT_TRANSLATE_NOOP("events", "too many calls at once")},
    {"redis-busy-script", QT_TRANSLATE_NOOP("events", "a script occupies Redis")},
    {"redis-loading", QT_TRANSLATE_NOOP("events", "Redis is loading its data")},
    {"redis-read-only", QT_TRANSLATE_NOOP("events", "Redis refuses writes")},
    {"redis-auth", QT_TRANSLATE_NOOP("events", "Redis refuses the user of this portal")},
    {"redis-rights", QT_TRANSLATE_NOOP("events", "Redis refuses commands that are needed")},
    {"redis-database", QT_TRANSLATE_NOOP("events", "Redis refuses the number of the database")},
    {"redis-cluster", QT_TRANSLATE_NOOP("events", "a Redis Cluster is not supported")},
    {"redis-full", QT_TRANSLATE_NOOP("events", "Redis has no room left")},
    {"redis-evicts", QT_TRANSLATE_NOOP("events", "this Redis evicts any key when it is full")},
    {"redis-moved", QT_TRANSLATE_NOOP("events", "the files of Redis are not in their place")},
    {"redis-wrong-type", QT_TRANSLATE_NOOP("events", "Redis holds something else under a key that is needed")},
    {"queue-cancelled", QT_TRANSLATE_NOOP("events", "a control message told the worker to take no tasks")},
    {"database-lost", QT_TRANSLATE_NOOP("events", "not reachable")},
    {"database-busy", QT_TRANSLATE_NOOP("events", "others are writing to it")},
    {"database-connections", QT_TRANSLATE_NOOP("events", "its server takes no more connections")},
    {"database-resources", QT_TRANSLATE_NOOP("events", "its server is short of resources")},
    {"database-refused", QT_TRANSLATE_NOOP("events", "it refuses the user of this portal")},
    {"database-rights", QT_TRANSLATE_NOOP("events", "the user of this portal lacks a right")},
    {"database-missing", QT_TRANSLATE_NOOP("events", "it does not exist")},
    {"database-moved", QT_TRANSLATE_NOOP("events", "its file is not in its place")},
    {"database-unwritable", QT_TRANSLATE_NOOP("events", "it cannot be written")},
    {"database-schema", QT_TRANSLATE_NOOP("events", "a table is missing")},
    {"database-corrupt", QT_TRANSLATE_NOOP("events", "it is damaged")},
    {"disk-full", QT_TRANSLATE_NOOP("events", "the disk is full")},
    {"disk-error", QT_TRANSLATE_NOOP("events", "the disk failed")},
    {"data-dir-moved", QT_TRANSLATE_NOOP("events", "it is not in its place")},
    {"data-dir-hangs", QT_TRANSLATE_NOOP("events", "its file system does not answer")},
};

/// Redis, the database and the directory come and go; what rests on the first two works or does not.
QString linkTurned(const std::string &name, bool up)
{
    if (name == "queue")
        return up ? tr("The queue works again") : tr("The queue does not work");
    if (name == "sessions")
        return up ? tr("The keeping of sessions works again") : tr("The keeping of sessions does not work");
    const QString what = name == "redis"      ? tr("Redis")
                         : name == "database" ? tr("The database")
                         : name == "data_dir" ? tr("The data directory")
                                              : text(name);
    return (up ? tr("%1 is back") : tr("%1 is away")).arg(what);
}

QString linkEvent(const Event &event)
{
    const QString turned = linkTurned(event.name, event.up.value_or(false));
    const auto reason = std::ranges::find(reasons, std::string_view(event.reason), &Coded::code);
    return reason == std::end(reasons) ? turned : tr("%1: %2").arg(turned, tr(reason->words));
}

QString restartEvent(const Event &event)
{
    const QString what = event.name == "portal"  ? tr("The portal")
                         : event.name == "redis" ? tr("Redis")
                                                 : text(event.name);
    if (event.up == false)
        return tr("%1 stopped").arg(what);
    // That it stopped before, only its uptime tells.
    return (event.name == "redis" || !event.up ? tr("%1 restarted") : tr("%1 started")).arg(what);
}

/// What became of an instance, by Event::reason.
constexpr Coded instanceTurns[]{
    {instance_event::started, QT_TRANSLATE_NOOP("events", "Instance %1 started")},
    {instance_event::restarted, QT_TRANSLATE_NOOP("events", "Instance %1 restarted")},
    {instance_event::hangs, QT_TRANSLATE_NOOP("events", "Instance %1 hangs: it no longer says what it does")},
    {instance_event::back, QT_TRANSLATE_NOOP("events", "Instance %1 is back")},
    {instance_event::gone, QT_TRANSLATE_NOOP("events", "Instance %1 is gone, without having said that it stops")},
    {instance_event::stopped, QT_TRANSLATE_NOOP("events", "Instance %1 stopped")},
    {instance_event::twice, QT_TRANSLATE_NOOP("events", "Two instances go by the name %1")},
};

QString instanceEvent(const Event &event)
{
    const QString name = text(event.name);
    if (event.reason == instance_event::version)
        return tr("Instance %1 runs version %2, others another").arg(name, text(event.detail));
    const auto turn = std::ranges::find(instanceTurns, std::string_view(event.reason), &Coded::code);
    return (turn == std::end(instanceTurns) ? tr("Instance %1 changed") : tr(turn->words)).arg(name);
}

/// What the audit log says of it: "user.disable of user:7 (disabled: no → yes), which failed: conflict"
QString recordOf(const Event &event)
{
    QString words = text(event.name);
    if (!event.subject.empty())
        words = tr("%1 of %2").arg(words, text(event.subject));
    if (!event.detail.empty())
        words = tr("%1 (%2)").arg(words, text(event.detail));
    return event.reason.empty() ? words : tr("%1, which failed: %2").arg(words, text(event.reason));
}

QString actionEvent(const Event &event)
{
    const QString who = event.actor.empty() ? tr("This console") : text(event.actor);
    const QString outcome = event.reason.empty() ? outcomeText(event.facts) : QString();
    if (outcome.isEmpty())
        return tr("%1: %2").arg(who, recordOf(event));
    return event.detail.empty() ? tr("%1: %2").arg(who, outcome)
                                : tr("%1: %2 (%3)").arg(who, outcome, text(event.detail));
}

} // namespace

QString eventText(const Event &event)
{
    if (!event.told.empty())
        return text(event.told);
    switch (event.kind) {
    case EventKind::Zone:
        return event.resource && event.zone
                   ? tr("%1 turned %2").arg(resourceTitle(*event.resource), zoneWord(*event.zone))
                   : QString();
    case EventKind::Link:
        return linkEvent(event);
    case EventKind::Restart:
        return restartEvent(event);
    case EventKind::Action:
        return actionEvent(event);
    case EventKind::Instance:
        return instanceEvent(event);
    }
    return {};
}

} // namespace portolan::ui
