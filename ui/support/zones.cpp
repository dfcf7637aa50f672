// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/zones.h"

#include "core/api/verdict.h"
#include "core/api/words.h"
#include "ui/support/format.h"
#include "ui/words/instance_words.h"
#include "ui/words/link_words.h"

#include <QCoreApplication>
#include <QPainterPath>
#include <algorithm>
#include <cmath>

namespace portolan::ui {

namespace {

constexpr std::chrono::seconds headlineHorizon{3600}; ///< what is green for longer is no headline

QString tr(const char *source) { return QCoreApplication::translate("zones", source); }

int badness(Zone zone)
{
    switch (zone) {
    case Zone::Green:
        return 0;
    case Zone::Unknown:
        return 1;
    case Zone::Yellow:
        return 2;
    case Zone::Red:
        return 3;
    }
    return 1;
}

QString capitalised(QString word)
{
    if (!word.isEmpty())
        word[0] = word[0].toUpper();
    return word;
}

} // namespace

QString zoneWord(Zone zone) { return tr(wordOf(zone).data()); }

QString unknownReason(const Reading &reading)
{
    const Resource resource = reading.resource;
    switch (reading.unknown) {
    case Unknown::NotYet:
        return tr("not measured yet");
    case Unknown::TooFew:
        return resource == Resource::FailedTasks    ? tr("too few tasks")
               : resource == Resource::RedisTraffic ? tr("measured for less than 10 min")
                                                    : tr("too few requests");
    case Unknown::Away:
        return tr("not answering");
    case Unknown::NotAvailable:
        return tr("not available here");
    case Unknown::NoLimit:
        return resource == Resource::RedisCommands || resource == Resource::RedisTraffic ? tr("no plan limits it")
                                                                                         : tr("no limit in this tier");
    case Unknown::NotTold:
        return tr("this Redis does not tell");
    case Unknown::No:
        break;
    }
    return {};
}

QString resourceTitle(Resource resource) { return tr(titleOf(resource).data()); }

QString metricTitle(const MetricKind &kind) { return tr(kind.title.data()); }

QString inUnit(Form form, double value)
{
    switch (form) {
    case Form::Bytes:
        return sizeText(value);
    case Form::BytesPerMonth:
        return tr("%1/month").arg(sizeText(value));
    case Form::Latency:
        return durationText(value);
    case Form::Duration:
        return durationText(std::optional(std::chrono::seconds(std::int64_t(value))));
    case Form::Fraction:
        return percentText(value);
    case Form::Share:
        return QString::number(value * 100, 'f', 0) + " %";
    case Form::PerSecond:
        return rateText(value);
    case Form::Ratio:
        return QString::number(value, 'f', 2);
    case Form::Level:
        return zoneWord(Zone(std::clamp(int(std::lround(value)), 0, 2) + int(Zone::Green)));
    case Form::Count:
        break;
    }
    return countText(value);
}

QString inUnit(Resource resource, double value) { return inUnit(kindOf(resource).form, value); }

QString limitInUnit(Resource resource, double value)
{
    const Form form = kindOf(resource).form;
    switch (form) {
    case Form::Bytes:
        return sizeLimitText(value);
    case Form::BytesPerMonth:
        return tr("%1/month").arg(sizeLimitText(value));
    case Form::Fraction:
        return QString::number(value * 100) + " %";
    case Form::Latency:
    case Form::Duration:
        if (value >= 1)
            return durationText(std::chrono::seconds(std::int64_t(value)));
        break;
    default:
        break;
    }
    return inUnit(form, value);
}

void paintZone(QPainter &painter, const QRectF &rect, Zone zone, const Colours &colours)
{
    const double side = std::min(rect.width(), rect.height());
    QRectF square(0, 0, side, side);
    square.moveCenter(rect.center());
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(colours.zone(zone));
    switch (zone) {
    case Zone::Green:
        painter.drawEllipse(square.adjusted(side * 0.06, side * 0.06, -side * 0.06, -side * 0.06));
        break;
    case Zone::Yellow: {
        QPainterPath triangle;
        triangle.moveTo(square.center().x(), square.top() + side * 0.04);
        triangle.lineTo(square.right(), square.bottom() - side * 0.06);
        triangle.lineTo(square.left(), square.bottom() - side * 0.06);
        triangle.closeSubpath();
        painter.drawPath(triangle);
        break;
    }
    case Zone::Red:
        painter.drawRect(square.adjusted(side * 0.1, side * 0.1, -side * 0.1, -side * 0.1));
        break;
    case Zone::Unknown: {
        const double line = std::max(1.2, side * 0.14);
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(colours.muted, line));
        painter.drawEllipse(square.adjusted(line, line, -line, -line));
        break;
    }
    }
    painter.restore();
}

bool isStale(const std::optional<Age> &age, Age after) { return age && *age >= after; }

Zone worseOf(Zone one, Zone other) { return badness(one) >= badness(other) ? one : other; }

QString valueText(const Reading &reading)
{
    if (!reading.instance.empty()) {
        Reading ofAll = reading;
        ofAll.instance.clear();
        return tr("%1, %2").arg(valueText(ofAll), whoseText(reading));
    }
    if (!reading.value)
        return unknownReason(reading);
    const Resource resource = reading.resource;
    if (resource == Resource::Workers) {
        if (*reading.value >= 1)
            return tr("no worker takes tasks, %1 waiting").arg(countText(*reading.value));
        if (reading.unknown != Unknown::No) // red with what is down, which says nothing of tasks
            return tr("no task waited untaken");
        return reading.zone == Zone::Red ? tr("tasks waited untaken until a moment ago") : tr("no task waits untaken");
    }
    if (reading.limit && !isShare(resource)) {
        if (resource == Resource::RedisTraffic)
            return tr("%1/month at this pace").arg(sizeOfText(*reading.value, *reading.limit));
        if (kindOf(resource).form == Form::Bytes)
            return sizeOfText(*reading.value, *reading.limit);
        return tr("%1 of %2").arg(inUnit(resource, *reading.value), limitInUnit(resource, *reading.limit));
    }
    // Also those that wait at a worker.
    const QString unit = resource != Resource::Queue ? QString() : *reading.value == 1 ? tr(" task") : tr(" tasks");
    if (reading.red)
        return tr("%1%2, red above %3")
            .arg(inUnit(resource, *reading.value), unit, limitInUnit(resource, *reading.red));
    return inUnit(resource, *reading.value) + unit;
}

QString nextZoneText(const Reading &reading)
{
    if (!reading.toNextZone || reading.zone == Zone::Unknown || reading.zone == Zone::Red)
        return {};
    const Zone next = reading.zone == Zone::Green ? Zone::Yellow : Zone::Red;
    return tr("%1 in about %2").arg(zoneWord(next), roughDurationText(*reading.toNextZone));
}

QString linkTitle(const LinkStatus &link)
{
    return link.name == "database"   ? tr("The database")
           : link.name == "data_dir" ? tr("The data directory")
                                     : capitalised(text(link.name));
}

QString downText(const LinkStatus &link) { return capitalised(silentText(link)); }

namespace {

QString titles(const std::vector<Reading> &readings)
{
    QStringList words;
    for (const Reading &reading : readings)
        words << resourceTitle(reading.resource);
    return words.join(", ");
}

QString greenText(const Standing &standing)
{
    QString sentence = tr("Green: %1 of %2 watched").arg(standing.watched).arg(standing.total);
    const auto horizon = [](const Reading &reading) { return reading.toNextZone.value_or(headlineHorizon); };
    if (!standing.causes.empty() && horizon(standing.causes.front()) < headlineHorizon)
        sentence +=
            tr("; %1 %2").arg(resourceTitle(standing.causes.front().resource), nextZoneText(standing.causes.front()));
    if (!standing.unknown.empty())
        sentence += tr("; unknown: %1").arg(titles(standing.unknown));
    return sentence;
}

QString whyNotTold(const NotTold &one)
{
    if (one.reason == unread_keys::queue)
        return tr("its user may not read the keys of the queue");
    if (one.reason == unread_keys::list)
        return tr("its user may not read \"%1\"").arg(text(one.about));
    if (one.reason == unread_keys::others)
        return tr("its user may not read the keys of other programs");
    const QString command = text(one.command);
    if (!one.reason.empty() || !one.told.empty()) {
        const QString why = linkPhrase(one.reason, one.about, one.told);
        return why.isEmpty() ? tr("%1 does not work there").arg(command) : why;
    }
    return one.unknown ? tr("%1 is blocked or renamed there").arg(command) : tr("its user may not use %1").arg(command);
}

} // namespace

QString notToldText(const Snapshot &snapshot, std::initializer_list<std::string_view> parts)
{
    QStringList reasons;
    for (const NotTold &one : snapshot.notTold) {
        if (std::ranges::find(parts, std::string_view(one.part)) == parts.end())
            continue;
        const QString reason = whyNotTold(one);
        if (!reasons.contains(reason))
            reasons << reason;
    }
    return reasons.isEmpty() ? QString() : tr("This Redis does not tell: %1.").arg(reasons.join(tr("; ")));
}

QString verdictText(const Snapshot &snapshot)
{
    const Standing standing = standingOf(snapshot);
    if (standing.zone == Zone::Green)
        return greenText(standing);
    const QString word = capitalised(zoneWord(standing.zone));
    if (!standing.down.empty()) {
        const QString sentence = tr("%1: %2").arg(word, silentText(standing.down.front()));
        // What is red for want of it is red beside this: a number would be taken for theirs.
        QStringList besides;
        for (std::size_t other = 1; other < standing.down.size(); ++other)
            besides << linkTitle(standing.down[other]);
        if (!standing.causes.empty())
            besides << titles(standing.causes);
        return besides.isEmpty() ? sentence : tr("%1; besides: %2").arg(sentence, besides.join(", "));
    }
    if (standing.causes.empty() && standing.watched == 0)
        return tr("%1: nothing is known yet").arg(word);
    if (standing.causes.empty()) {
        std::vector<Reading> missing = standing.unknown;
        // What cannot be known does not make it unknown (core/api/verdict.h).
        std::erase_if(missing, [](const Reading &reading) { return reading.unknown != Unknown::NotYet; });
        return tr("%1: %2 not measured yet; %3 of %4 watched")
            .arg(word, titles(missing.empty() ? standing.unknown : missing))
            .arg(standing.watched)
            .arg(standing.total);
    }
    const Reading &worst = standing.causes.front();
    QString sentence = worst.resource == Resource::Workers && worst.value
                           ? tr("%1: %2").arg(word, valueText(worst))
                           : tr("%1: %2 %3").arg(word, resourceTitle(worst.resource), valueText(worst));
    if (const QString next = nextZoneText(worst); !next.isEmpty())
        sentence += ", " + next;
    if (standing.causes.size() > 1)
        sentence += tr("; and %1 more").arg(standing.causes.size() - 1);
    return sentence;
}

} // namespace portolan::ui
