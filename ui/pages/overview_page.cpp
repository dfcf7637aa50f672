// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/overview_page.h"

#include "ui/pages/overview_causes.h"
#include "ui/pages/page_table.h"
#include "ui/support/advice.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/widgets/adaptive_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/link_row.h"
#include "ui/widgets/table_view.h"
#include "ui/words/event_words.h"
#include "ui/words/why_words.h"

#include <QCoreApplication>
#include <QStyle>
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
    content.limited = reading->unknown != Unknown::NoLimit;
    content.value = valueOf(*reading);
    content.limit = content.limited ? limitText(*reading) : unknownReason(*reading);
    const bool pace = kind.resource == Resource::RedisTraffic && content.known && !content.limited;
    const bool away = reading->unknown == Unknown::Away;
    content.next = away ? unknownReason(*reading) : nextZoneText(*reading);
    for (const LinkStatus &link : snapshot.links)
        if (link.up == false && link.name == linkOf(*kind.resource))
            content.next = OverviewPage::tr("%1 is down").arg(linkTitle(link));
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
constexpr int mostColumns = 5;

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
    Column<Event>{QT_TRANSLATE_NOOP("tables", "What happened"), 30, eventText},
};

template <class T> std::string numberOf(const std::optional<T> &value)
{
    return value ? std::to_string(int(*value)) : "-";
}

/// Several may happen in one moment, also to the same thing.
std::string eventKey(const Event &event)
{
    std::string key = std::to_string(event.time.time_since_epoch().count());
    for (const std::string &part : {numberOf(std::optional(event.kind)), numberOf(event.resource), numberOf(event.zone),
                                    numberOf(event.up), event.name, event.actor, event.subject, event.told})
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
          this, [this] { return askTrends(); }, [this](const Result<std::vector<Series>> &answer) { take(answer); }),
      m_eventPoll(
          this, [this] { return askEvents(); }, [this](const Result<std::vector<Event>> &answer) { take(answer); })
{
    m_grid = new QGridLayout;
    m_grid->setSpacing(12);
    body()->addLayout(m_grid, 3);
    auto *row = new AdaptiveRow;
    addEvents(row->row());
    addCauses(row->row());
    body()->addWidget(row, 2);
    for (const MetricKind *kind : kinds) {
        auto *tile = new Tile;
        tile->setContent({.title = metricTitle(*kind), .value = unknownText()});
        tile->setFormat([form = kind->form](double value) { return inUnit(form, value); });
        const QString target = pageExplaining(*kind->resource);
        connect(tile, &Tile::clicked, this, [this, target] { emit pageWanted(target); });
        m_tiles.push_back(tile);
    }
    arrange();
}

void OverviewPage::resizeEvent(QResizeEvent *event)
{
    Page::resizeEvent(event);
    arrange();
}

void OverviewPage::addEvents(QBoxLayout &row)
{
    auto *card = new Card(tr("Lately"));
    card->setNote(tr("in the last 24 h"));
    m_eventView = new TableView(m_events, tr("What happened lately"),
                                tr("Nothing happened in the last 24 h: no change of zone, no restart, no action"));
    m_eventView->setRowsShown(3);
    card->body()->addWidget(m_eventView, 1);
    row.addWidget(card, 1);
}

void OverviewPage::addCauses(QBoxLayout &row)
{
    auto *card = new Card(tr("Top consumers"));
    card->body()->setSpacing(0);
    for (const CauseKind &kind : causeTable()) {
        auto *link = new LinkRow(QCoreApplication::translate("causes", kind.title));
        connect(link, &QAbstractButton::clicked, this, [this, &kind] { emit pageWanted(kind.page); });
        card->body()->addWidget(link);
        m_causes.push_back(link);
    }
    card->body()->addStretch(1);
    row.addWidget(card, 1);
}

void OverviewPage::arrange()
{
    const int count = int(m_tiles.size());
    int wide = 0;
    for (const Tile *tile : m_tiles)
        wide = std::max(wide, tile->sizeHint().width() + m_grid->spacing());
    const int room = width() - style()->pixelMetric(QStyle::PM_ScrollBarExtent);
    const int columns = std::clamp((room + m_grid->spacing()) / wide, 1, mostColumns);
    if (columns == m_columns)
        return;
    m_columns = columns;
    // All of one width, or the eye takes the wider ones for more important.
    for (int i = 0; i < mostColumns; ++i)
        m_grid->setColumnStretch(i, i < columns ? 1 : 0);
    for (int i = 0; i < count; ++i)
        m_grid->addWidget(m_tiles[std::size_t(i)], i / columns, i % columns);
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
    if (m_samplesShown++ % trendEvery == 0)
        refresh();
}

void OverviewPage::refresh()
{
    m_trendPoll.ask();
    m_eventPoll.ask();
}

QFuture<Result<std::vector<Event>>> OverviewPage::askEvents()
{
    const WallTime now = context().clock.wall();
    return context().shown.deployment().ask(EventsQuestion{now - eventSpan, now + std::chrono::seconds(1)});
}

void OverviewPage::take(const Result<std::vector<Event>> &answer)
{
    if (!answer) {
        m_eventView->setWhenEmpty(errorText(answer.error()));
        return;
    }
    std::vector<Event> latest(answer->rbegin(), answer->rend());
    if (latest.size() > mostEvents)
        latest.resize(mostEvents);
    m_events.setRows(std::move(latest));
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

void OverviewPage::take(const Result<std::vector<Series>> &answer)
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
