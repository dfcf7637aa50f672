// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/event_words.h"

#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/words/error_words.h"
#include "ui/words/fact_words.h"
#include "ui/words/link_words.h"

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
    const QString why = linkPhrase(event.reason);
    return why.isEmpty() ? turned : tr("%1: %2").arg(turned, why);
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

/// What became of an instance, by Event::reason; first, for where there is little room it is a name that is cut.
constexpr Coded instanceTurns[]{
    {instance_event::started, QT_TRANSLATE_NOOP("events", "Started: instance %1")},
    {instance_event::restarted, QT_TRANSLATE_NOOP("events", "Restarted: instance %1")},
    {instance_event::hangs, QT_TRANSLATE_NOOP("events", "Hangs, and no longer says what it does: instance %1")},
    {instance_event::back, QT_TRANSLATE_NOOP("events", "Back: instance %1")},
    {instance_event::gone, QT_TRANSLATE_NOOP("events", "Gone without having said that it stops: instance %1")},
    {instance_event::stopped, QT_TRANSLATE_NOOP("events", "Stopped: instance %1")},
    {instance_event::twice, QT_TRANSLATE_NOOP("events", "Two instances go by the name %1")},
};

QString instanceEvent(const Event &event)
{
    const QString name = text(event.name);
    if (event.reason == instance_event::version)
        return tr("Another version, %2: instance %1").arg(name, text(event.detail));
    const auto turn = std::ranges::find(instanceTurns, std::string_view(event.reason), &Coded::code);
    return (turn == std::end(instanceTurns) ? tr("Changed: instance %1") : tr(turn->words)).arg(name);
}

/// What is done to the portal as a whole, by its name in StackCommand's traits, where it failed.
constexpr Coded failures[]{
    {"stack.start", QT_TRANSLATE_NOOP("events", "The portal could not be started")},
    {"stack.stop", QT_TRANSLATE_NOOP("events", "The portal could not be stopped")},
    {"stack.restart", QT_TRANSLATE_NOOP("events", "The portal could not be restarted")},
    {"stack.reset", QT_TRANSLATE_NOOP("events", "The portal could not be reset")},
    {"stack.seed", QT_TRANSLATE_NOOP("events", "Made-up users could not be added")},
    {"stack.unseed", QT_TRANSLATE_NOOP("events", "The made-up users could not be deleted")},
    {"stack.mend", QT_TRANSLATE_NOOP("events", "What is damaged could not be mended")},
};

/// What the audit log says of it: "user.disable of user:7 (disabled: no → yes), which failed: conflict"
QString recordOf(const Event &event)
{
    QString words = text(event.name);
    if (!event.subject.empty())
        words = tr("%1 of %2").arg(words, text(event.subject));
    if (!event.detail.empty())
        words = tr("%1 (%2)").arg(words, text(event.detail));
    return event.reason.empty() ? words : tr("%1, which failed: %2").arg(words, codeText(event.reason));
}

QString actionEvent(const Event &event)
{
    const QString who = event.actor.empty() ? tr("This console") : text(event.actor);
    const QString outcome = event.reason.empty() ? outcomeText(event.facts) : QString();
    const auto failed = std::ranges::find(failures, std::string_view(event.name), &Coded::code);
    if (!event.reason.empty() && failed != std::end(failures))
        return tr("%1: %2").arg(who, tr("%1: %2").arg(tr(failed->words), codeText(event.reason)));
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
