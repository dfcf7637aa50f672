// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/overview_page.h"

#include "core/api/zone_series.h"
#include "ui/pages/overview_board.h"
#include "ui/pages/overview_causes.h"
#include "ui/pages/page_table.h"
#include "ui/support/advice.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/widgets/card.h"
#include "ui/widgets/link_row.h"
#include "ui/widgets/table_view.h"
#include "ui/words/event_words.h"
#include "ui/words/instance_words.h"
#include "ui/words/why_words.h"

#include <QCoreApplication>
#include <QHeaderView>
#include <algorithm>
#include <array>
#include <utility>

namespace portolan::ui {

namespace {

constexpr bool isTile(const MetricKind &kind) { return kind.resource.has_value(); }

/// Those with a traffic light, in the catalogue's order: what users feel first, then what it comes from.
constexpr auto kinds = [] {
    std::array<const MetricKind *, std::size_t(std::ranges::count_if(catalogue, isTile))> tiles{};
    std::size_t at = 0;
    for (const MetricKind &kind : catalogue)
        if (isTile(kind))
            tiles[at++] = &kind;
    return tiles;
}();

constexpr auto trendSpan = std::chrono::minutes(15);
constexpr std::uint32_t trendPoints = 1000; ///< more than there are seconds: what is short is drawn as short as it was
constexpr std::uint64_t trendEvery = 5;     ///< samples
constexpr auto daySpan = std::chrono::hours(24);
constexpr std::uint32_t dayPoints = 24 * 12; ///< of five minutes: about as many as there are pixels
constexpr std::uint64_t dayEvery = 30;       ///< samples

QString limitText(const Reading &reading)
{
    if (reading.resource == Resource::Workers)
        return !reading.value       ? QString()
               : reading.value >= 1 ? OverviewPage::tr("waiting, none is taken")
                                    : OverviewPage::tr("tasks wait untaken");
    if (reading.limit && !isShare(reading.resource))
        return OverviewPage::tr("of %1").arg(limitInUnit(reading.resource, *reading.limit));
    return reading.red ? OverviewPage::tr("red above %1").arg(limitInUnit(reading.resource, *reading.red)) : QString();
}

/// The figure, in the unit of its limit, or why there is none. That nothing limits it is said where the limit would be.
QString valueOf(const Reading &reading)
{
    if (!reading.value)
        return reading.unknown == Unknown::NoLimit ? OverviewPage::tr("not measured yet") : unknownReason(reading);
    const Form form = kindOf(reading.resource).form;
    const bool isSize = form == Form::Bytes || form == Form::BytesPerMonth;
    return isSize ? sizeLikeText(*reading.value, reading.limit.value_or(*reading.value))
                  : inUnit(reading.resource, *reading.value);
}

TileText contentOf(const MetricKind &kind, const Reading *reading, const Snapshot &snapshot, Age sampleAge)
{
    TileText content;
    content.title = metricTitle(kind);
    if (!reading) {
        content.value = unknownText();
        return content;
    }
    content.zone = reading->zone;
    content.known = reading->value.has_value();
    content.gauge = gaugeOf(*reading);
    content.limited = reading->unknown != Unknown::NoLimit;
    content.value = valueOf(*reading);
    content.limit = content.limited ? limitText(*reading) : unknownReason(*reading);
    const bool pace = kind.resource == Resource::RedisTraffic && content.known && !content.limited;
    const bool away = reading->unknown == Unknown::Away;
    content.next = away ? unknownReason(*reading) : nextZoneText(*reading);
    for (const LinkStatus &link : snapshot.links)
        if (link.up == false && link.name == linkOf(*kind.resource))
            content.next = OverviewPage::tr("%1 is down").arg(linkTitle(link));
    if (content.next.isEmpty() && content.known) // there is room for one of them; the banner has both
        content.next = whoseText(*reading);
    if (pace) // 206 GB of what?
        content.next = std::exchange(content.limit, OverviewPage::tr("a month at this pace"));
    if (!content.known)
        content.next = std::exchange(content.limit, {}); // there is more room at the foot
    if (reading->age && reading->value) {
        const Age age = *reading->age + sampleAge;
        content.age = ageText(age);
        content.stale = isStale(age, snapshot.sampling.staleAfter);
    }
    // How it stands now nobody knows, unless it is known to be down.
    if (isStale(sampleAge) || (content.stale && reading->zone != Zone::Red)) {
        content.zone = Zone::Unknown;
        if (!away)
            content.next.clear();
    }
    return content;
}

constexpr auto eventSpan = std::chrono::hours(24);
constexpr std::size_t mostEvents = 100;
constexpr int eventsLeast = 3; ///< rows

QString kindWord(EventKind kind)
{
    switch (kind) {
    case EventKind::Zone:
        return OverviewPage::tr("zone");
    case EventKind::Link:
        return OverviewPage::tr("link");
    case EventKind::Restart:
        return OverviewPage::tr("restart");
    case EventKind::Action:
        return OverviewPage::tr("action");
    case EventKind::Instance:
        return OverviewPage::tr("instance");
    }
    return {};
}

const std::array eventColumns{
    Column<Event>{QT_TRANSLATE_NOOP("tables", "Time"), 19, [](const Event &e) { return secondText(e.time); },
                  [](const Event &e) { return QVariant(qlonglong(e.time.time_since_epoch().count())); }, nullptr, true},
    Column<Event>{QT_TRANSLATE_NOOP("tables", "Kind"), 8, [](const Event &e) { return kindWord(e.kind); }, nullptr,
                  nullptr, true},
    Column<Event>{QT_TRANSLATE_NOOP("tables", "Event"), 30, eventText},
};

template <class T> std::string numberOf(const std::optional<T> &value)
{
    return value ? std::to_string(int(*value)) : "-";
}

/// Several may happen in one moment, also to the same thing.
std::string eventKey(const Event &event)
{
    std::string key = std::to_string(event.time.time_since_epoch().count());
    for (const std::string &part :
         {numberOf(std::optional(event.kind)), numberOf(event.resource), numberOf(event.zone), numberOf(event.up),
          event.name, event.actor, event.subject, event.reason, event.detail, event.told})
        key.append(1, '\n').append(part);
    for (const Fact &fact : event.facts)
        key.append(1, '\n').append(fact.name);
    return key;
}

} // namespace

OverviewPage::OverviewPage(const PageContext &context, QWidget *parent)
    : Page(context, parent),
      m_events(eventColumns, eventKey),
      m_trendPoll(
          this, [this] { return askTrends(); },
          [this](const Result<std::vector<Series>> &answer) { takeTrends(answer); }),
      m_dayPoll(
          this, [this] { return askDay(); }, [this](const Result<std::vector<Series>> &answer) { takeDay(answer); }),
      m_eventPoll(
          this, [this] { return askEvents(); }, [this](const Result<std::vector<Event>> &answer) { take(answer); }),
      m_board(new OverviewBoard)
{
    addTiles();
    Card &events = makeEvents();
    Card &causes = makeCauses();
    m_board->setParts({m_tiles.begin(), m_tiles.end()}, events, causes);
    m_cardsLeast = std::max(events.minimumSizeHint().height(), causes.minimumSizeHint().height());
    body()->addWidget(m_board, 1);
}

void OverviewPage::addTiles()
{
    for (const MetricKind *kind : kinds) {
        auto *tile = new Tile;
        tile->setContent({.title = metricTitle(*kind), .value = unknownText()});
        tile->setFormat([form = kind->form](double value) { return inUnit(form, value); });
        const QString target = pageExplaining(*kind->resource);
        connect(tile, &Tile::clicked, this, [this, target] { emit pageWanted(target); });
        m_tiles.push_back(tile);
    }
}

Card &OverviewPage::makeEvents()
{
    auto *card = new Card(tr("Recent events"));
    card->setNote(tr("in the last 24 h"));
    m_eventView = new TableView(m_events, tr("Recent events"), {});
    m_eventView->setRowsShown(eventsLeast);
    sayThatIsAll();
    card->body()->addWidget(m_eventView, 1);
    return *card;
}

Card &OverviewPage::makeCauses()
{
    auto *card = new Card(tr("Top consumers"));
    card->body()->setSpacing(0);
    for (const CauseKind &kind : causeTable()) {
        auto *link = new LinkRow(QCoreApplication::translate("causes", kind.title));
        connect(link, &QAbstractButton::clicked, this, [this, &kind] { emit pageWanted(kind.page); });
        card->body()->addWidget(link, 1);
        m_causes.push_back(link);
    }
    return *card;
}

void OverviewPage::sayThatIsAll()
{
    m_eventView->setWhenEmpty(tr("Nothing happened in the last 24 h: no change of zone, no restart, no action"));
    m_eventView->setClosing(tr("Nothing else happened in that time."));
}

/// As high as the list of events is long, in what room there is.
void OverviewPage::fitCards()
{
    const int more = std::max(0, m_events.rowCount() - eventsLeast);
    const int high = m_eventView->verticalHeader()->defaultSectionSize();
    m_board->setCardsMost(std::min(m_cardsLeast * 3 / 2, m_cardsLeast + more * high));
}

void OverviewPage::showCauses(const Snapshot &snapshot, Age sampleAge)
{
    for (std::size_t i = 0; i < m_causes.size(); ++i) {
        const CauseKind &kind = causeTable()[i];
        const auto cause = kind.find(snapshot);
        if (!cause) {
            const QString silent = silence(snapshot, kind.link);
            QString why = kind.known(snapshot) ? QCoreApplication::translate("causes", kind.none) : tr("not known yet");
            if (!silent.isEmpty())
                why = tr("unknown: %1").arg(silent);
            else if (context().shown.deployment().link() != LinkState::Live)
                why = tr("unknown: %1").arg(linkText(context().shown.deployment().linkReason()));
            m_causes[i]->setContent(why, {}, true);
            continue;
        }
        const bool stale = isStale(cause->age + sampleAge, snapshot.sampling.detailsStaleAfter);
        m_causes[i]->setContent(cause->name,
                                stale ? cause->figure + ", " + ageText(cause->age + sampleAge) : cause->figure, stale);
    }
}

void OverviewPage::showSnapshot(const Snapshot &snapshot)
{
    const Age sampleAge = std::max(Age(0), std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time));
    for (std::size_t i = 0; i < m_tiles.size(); ++i) {
        const auto reading = std::ranges::find(snapshot.readings, *kinds[i]->resource, &Reading::resource);
        const bool found = reading != snapshot.readings.end();
        m_tiles[i]->setContent(contentOf(*kinds[i], found ? &*reading : nullptr, snapshot, sampleAge));
    }
    showCauses(snapshot, sampleAge);
    if (m_samplesShown % trendEvery == 0) {
        m_trendPoll.ask();
        m_eventPoll.ask();
    }
    if (m_samplesShown++ % dayEvery == 0)
        m_dayPoll.ask();
}

void OverviewPage::refresh()
{
    m_trendPoll.ask();
    m_eventPoll.ask();
    m_dayPoll.ask();
}

QFuture<Result<std::vector<Event>>> OverviewPage::askEvents()
{
    const WallTime now = context().clock.wall();
    return context().shown.deployment().ask(EventsQuestion{now - eventSpan, now + std::chrono::seconds(1)});
}

void OverviewPage::take(const Result<std::vector<Event>> &answer)
{
    if (!answer) {
        // What is listed stays, but whether that is all nobody knows.
        m_eventView->setWhenEmpty(errorText(answer.error()));
        m_eventView->setClosing(errorText(answer.error()));
        return;
    }
    sayThatIsAll();
    std::vector<Event> latest(answer->rbegin(), answer->rend());
    if (latest.size() > mostEvents)
        latest.resize(mostEvents);
    m_events.setRows(std::move(latest));
    fitCards();
}

QFuture<Result<std::vector<Series>>> OverviewPage::askTrends()
{
    HistoryQuery query;
    for (const MetricKind *kind : kinds)
        query.metrics.emplace_back(kind->name);
    query.to = context().clock.wall();
    query.from = query.to - trendSpan;
    query.most = trendPoints;
    return context().shown.deployment().ask(HistoryQuestion{query});
}

QFuture<Result<std::vector<Series>>> OverviewPage::askDay()
{
    HistoryQuery query;
    query.metrics.emplace_back(metric::zone); // of all resources
    query.to = context().clock.wall();
    query.from = query.to - daySpan;
    query.most = dayPoints;
    return context().shown.deployment().ask(HistoryQuestion{query});
}

void OverviewPage::takeDay(const Result<std::vector<Series>> &answer)
{
    TileDay day;
    day.until = context().clock.wall();
    day.from = day.until - daySpan;
    for (std::size_t i = 0; i < m_tiles.size(); ++i) {
        day.spans = m_tiles[i]->day().spans; // what is known stays
        if (answer) {
            const auto series = std::ranges::find(*answer, zoneMetric(*kinds[i]->resource), &Series::metric);
            day.spans = series == answer->end() ? std::vector<ZoneSpan>() : zoneSpans(*series, day.from, day.until);
        }
        m_tiles[i]->setDay(day);
    }
}

void OverviewPage::takeTrends(const Result<std::vector<Series>> &answer)
{
    const auto snapshot = context().shown.deployment().latest();
    for (std::size_t i = 0; i < m_tiles.size(); ++i) {
        TileTrend trend = m_tiles[i]->trend(); // what is known stays
        trend.until = context().clock.wall();
        trend.from = trend.until - trendSpan;
        trend.least = kinds[i]->finest;
        trend.stale = answer.has_error();
        if (answer) {
            const auto series = std::ranges::find(*answer, Metric(kinds[i]->name), &Series::metric);
            trend.series = series == answer->end() ? Series() : *series;
        }
        if (snapshot) {
            const auto reading = std::ranges::find(snapshot->readings, *kinds[i]->resource, &Reading::resource);
            const bool found = reading != snapshot->readings.end();
            trend.yellow = found ? reading->yellow : std::nullopt;
            trend.red = found ? reading->red : std::nullopt;
            trend.limit = found ? reading->limit : std::nullopt;
        }
        m_tiles[i]->setTrend(std::move(trend));
    }
}

} // namespace portolan::ui
