// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/instance_words.h"

#include "ui/support/format.h"

#include <QCoreApplication>
#include <algorithm>
#include <functional>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("instances", source); }

QString withTime(const QString &known, const QString &without, const std::optional<std::chrono::seconds> &time)
{
    return time ? known.arg(durationText(time)) : without;
}

} // namespace

QString whoseText(const Reading &reading)
{
    return reading.instance.empty() ? QString() : tr("at %1").arg(text(reading.instance));
}

QString instanceState(const InstanceFigures &instance)
{
    switch (instance.why) {
    case Absence::No:
        return withTime(tr("up %1"), tr("up"), instance.uptime);
    case Absence::Hangs:
        return withTime(tr("hangs for %1"), tr("hangs"), instance.since);
    case Absence::Gone:
        return withTime(tr("gone for %1"), tr("gone"), instance.since);
    case Absence::Stopped:
        return withTime(tr("stopped %1 ago"), tr("stopped"), instance.since);
    }
    return {};
}

QString absentText(const InstanceFigures &instance, const Snapshot &snapshot)
{
    const bool hangs = instance.why == Absence::Hangs;
    const auto stopped = std::ranges::count(snapshot.instances, Absence::Stopped, &InstanceFigures::why);
    const auto answering = std::ranges::count(snapshot.instances, true, &InstanceFigures::up);
    return (hangs ? tr("Instance %1 hangs; %2 of %3 answer") : tr("Instance %1 is gone; %2 of %3 answer"))
        .arg(text(instance.name))
        .arg(answering)
        .arg(std::ptrdiff_t(snapshot.instances.size()) - stopped);
}

std::vector<InstanceFigures> absentOf(const Snapshot &snapshot)
{
    std::vector<InstanceFigures> absent;
    for (const InstanceFigures &instance : snapshot.instances)
        if (instance.why == Absence::Hangs || instance.why == Absence::Gone)
            absent.push_back(instance);
    std::ranges::stable_sort(absent, std::greater{},
                             [](const InstanceFigures &one) { return one.since.value_or(std::chrono::seconds(0)); });
    return absent;
}

} // namespace portolan::ui
