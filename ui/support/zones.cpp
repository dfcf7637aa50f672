#include "ui/support/zones.h"

#include "core/api/words.h"
#include "ui/support/format.h"

#include <QCoreApplication>
#include <QPainterPath>
#include <algorithm>

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

QString unknownReason(Unknown unknown)
{
    switch (unknown) {
    case Unknown::No:
        return {};
    case Unknown::NotYet:
        return tr("not measured yet");
    case Unknown::TooFew:
        return tr("too few requests");
    case Unknown::Away:
        return tr("not answering");
    case Unknown::NotAvailable:
        return tr("not available here");
    }
    return {};
}

QString resourceTitle(Resource resource) { return tr(titleOf(resource).data()); }

QString inUnit(Resource resource, double value)
{
    switch (resource) {
    case Resource::RedisMemory:
        return sizeText(value);
    case Resource::ResponseTime:
        return durationText(value);
    case Resource::ErrorRate:
        return percentText(value);
    case Resource::DbPool:
        return QString::number(value * 100, 'f', 0) + " %";
    case Resource::RedisConnections:
    case Resource::Queue:
    case Resource::Users:
        break;
    }
    return countText(value);
}

QString limitInUnit(Resource resource, double value)
{
    if (resource == Resource::RedisMemory)
        return sizeLimitText(value);
    if (resource == Resource::ErrorRate)
        return QString::number(value * 100) + " %";
    if (resource == Resource::ResponseTime && value >= 1)
        return durationText(std::chrono::seconds(std::int64_t(value)));
    return inUnit(resource, value);
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

bool isStale(const std::optional<Age> &age) { return age && *age >= std::chrono::seconds(5); }

Zone worseOf(Zone one, Zone other) { return badness(one) >= badness(other) ? one : other; }

QString valueText(const Reading &reading)
{
    if (!reading.value)
        return unknownReason(reading.unknown);
    const Resource resource = reading.resource;
    // A share's limit is all of it: the threshold says more.
    const bool share = resource == Resource::ErrorRate || resource == Resource::DbPool;
    if (reading.limit && !share) {
        if (resource == Resource::RedisMemory)
            return sizeOfText(*reading.value, *reading.limit);
        return tr("%1 of %2").arg(inUnit(resource, *reading.value), limitInUnit(resource, *reading.limit));
    }
    const QString unit = resource == Resource::Queue ? tr(" waiting") : QString();
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

QString verdictText(const Snapshot &snapshot)
{
    const QString word = capitalised(zoneWord(snapshot.verdict));
    std::vector<const Reading *> causes;
    for (const Reading &reading : snapshot.readings) {
        const bool cause =
            snapshot.verdict == Zone::Unknown ? reading.unknown == Unknown::Away : reading.zone == snapshot.verdict;
        if (cause)
            causes.push_back(&reading);
    }
    // The one that gets worse soonest says most.
    std::ranges::stable_sort(causes, {}, [](const Reading *reading) {
        return reading->toNextZone.value_or(std::chrono::hours(1000)).count();
    });
    const auto silent = std::ranges::find(snapshot.links, std::optional(false), &LinkStatus::up);
    if (silent != snapshot.links.end())
        return tr("%1: %2 does not answer").arg(word, capitalised(text(silent->name)));
    if (snapshot.verdict == Zone::Green) {
        const bool soon = !causes.empty() && causes.front()->toNextZone.value_or(headlineHorizon) < headlineHorizon;
        const QString soonest = soon ? nextZoneText(*causes.front()) : QString();
        return soonest.isEmpty() ? tr("Green: everything is within its limits")
                                 : tr("Green: %1 %2").arg(resourceTitle(causes.front()->resource), soonest);
    }
    if (causes.empty())
        return tr("%1: nothing is known yet").arg(word);
    const Reading &worst = *causes.front();
    QString sentence = tr("%1: %2 %3").arg(word, resourceTitle(worst.resource), valueText(worst));
    if (const QString next = nextZoneText(worst); !next.isEmpty())
        sentence += ", " + next;
    if (causes.size() > 1)
        sentence += tr("; and %1 more").arg(causes.size() - 1);
    return sentence;
}

} // namespace portolan::ui
