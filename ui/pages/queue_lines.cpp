// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/queue_lines.h"

#include "ui/support/format.h"

#include <QCoreApplication>
#include <QStringList>

namespace portolan::ui {

namespace {

QString tr(const char *text) { return QCoreApplication::translate("queue_lines", text); }

QString lineText(const QueueLine &line)
{
    const QString name = text(line.queue);
    const QString count = countText(line.waiting);
    switch (line.untaken) {
    case Untaken::PriorityStep:
        return tr("%1 (%2 waiting, another of priority_steps)").arg(name, count);
    case Untaken::Separator:
        return tr("%1 (%2 waiting, another sep)").arg(name, count);
    case Untaken::KeyPrefix:
        return tr("%1 (%2 waiting, a global_keyprefix)").arg(name, count);
    case Untaken::No:
    case Untaken::Queue:
        break;
    }
    return tr("%1 (%2 waiting)").arg(name, count);
}

} // namespace

QString untakenText(const QueueFigures &queue)
{
    constexpr int most = 3;
    QStringList lines;
    int more = 0;
    for (const QueueLine &line : queue.queues) {
        if (line.untaken == Untaken::No || line.waiting == 0)
            continue;
        if (lines.size() < most)
            lines << lineText(line);
        else
            ++more;
    }
    if (lines.isEmpty())
        return queue.complete == false ? tr("not all lists are known yet") : QString();
    QString said = tr("no worker here takes %1").arg(lines.join(", "));
    if (more > 0)
        said += tr(" and %1 more queues").arg(more);
    if (queue.complete == false)
        said += tr("; not all lists are known yet");
    return said;
}

QString samplingText(const SamplingFigures &sampling)
{
    const QString interval = durationText(std::chrono::duration<double>(sampling.interval).count());
    switch (sampling.pace) {
    case SamplingPace::Free:
        break;
    case SamplingPace::Idle:
        return tr("Redis is asked every %1: nothing is near a limit").arg(interval);
    case SamplingPace::Watched:
        return tr("Redis is asked every %1: somebody looks").arg(interval);
    case SamplingPace::Near:
        return tr("Redis is asked every %1: a figure is near its threshold").arg(interval);
    case SamplingPace::Saving:
        return tr("Redis is asked every %1: the monitor's share of the plan is used up").arg(interval);
    }
    return {};
}

} // namespace portolan::ui
