#include "ui/pages/overview_page.h"

#include "ui/pages/page_table.h"
#include "ui/support/format.h"
#include "ui/support/on_answer.h"
#include "ui/support/zones.h"

#include <algorithm>
#include <utility>

namespace portolan::ui {

namespace {

/// A figure without thresholds in this tier still has a tile.
struct PlainFigure
{
    std::optional<double> value;
    std::optional<Age> age;
};

template <class T> std::optional<double> real(const std::optional<T> &value)
{
    return value ? std::optional(double(*value)) : std::nullopt;
}

Age measured(const Snapshot &) { return Age(0); }

struct TileKind
{
    Resource resource;
    Metric metric;
    PlainFigure (*plain)(const Snapshot &);
};

constexpr TileKind kinds[]{
    {Resource::RedisMemory, Metric::RedisMemory,
     [](const Snapshot &s) {
         return PlainFigure{real(s.redis.usedMemory), s.redis.age};
     }},
    {Resource::RedisConnections, Metric::RedisConnections,
     [](const Snapshot &s) {
         return PlainFigure{real(s.redis.connectedClients), s.redis.age};
     }},
    {Resource::Queue, Metric::QueueWaiting,
     [](const Snapshot &s) {
         return PlainFigure{real(s.queue.waiting), s.queue.age};
     }},
    {Resource::ResponseTime, Metric::ResponseP95,
     [](const Snapshot &s) {
         return PlainFigure{s.http.traffic.p95, measured(s)};
     }},
    {Resource::ErrorRate, Metric::ErrorRate,
     [](const Snapshot &s) {
         return PlainFigure{s.http.errorRate, measured(s)};
     }},
    {Resource::Users, Metric::ConcurrentUsers,
     [](const Snapshot &s) {
         return PlainFigure{real(s.users.concurrent), measured(s)};
     }},
    {Resource::DbPool, Metric::DbPool,
     [](const Snapshot &s) {
         double worst = 0;
         for (const DbPoolFigures &pool : s.dbPools)
             worst = std::max(worst, pool.connections ? double(pool.busy) / double(pool.connections) : 0);
         return PlainFigure{s.dbPools.empty() ? std::nullopt : std::optional(worst), measured(s)};
     }},
};

constexpr auto trendSpan = std::chrono::minutes(15);
constexpr std::uint32_t trendPoints = 180; ///< so many that a portal that just began has a trend too
constexpr std::uint64_t trendEvery = 5;    ///< samples

QString limitText(const Reading &reading)
{
    if (reading.limit && reading.resource != Resource::ErrorRate && reading.resource != Resource::DbPool)
        return OverviewPage::tr("of %1").arg(limitInUnit(reading.resource, *reading.limit));
    return reading.red ? OverviewPage::tr("red above %1").arg(limitInUnit(reading.resource, *reading.red)) : QString();
}

TileText contentOf(const TileKind &kind, const Reading *reading, const Snapshot &snapshot, Age sampleAge)
{
    TileText content;
    content.title = resourceTitle(kind.resource);
    if (!reading) {
        const PlainFigure figure = kind.plain(snapshot);
        content.known = figure.value.has_value();
        content.value = figure.value ? inUnit(kind.resource, *figure.value) : unknownText();
        content.limit = OverviewPage::tr("no limit in this tier");
        content.limited = false;
        content.age = figure.value && figure.age ? ageText(*figure.age + sampleAge) : QString();
        return content;
    }
    content.zone = reading->zone;
    content.known = reading->value.has_value();
    content.value = reading->value ? inUnit(kind.resource, *reading->value) : unknownReason(reading->unknown);
    content.limit = limitText(*reading);
    content.next = reading->unknown == Unknown::Away ? unknownReason(Unknown::Away) : nextZoneText(*reading);
    if (!content.known)
        content.next = std::exchange(content.limit, {}); // there is more room at the foot
    if (reading->age && reading->value) {
        const Age age = *reading->age + sampleAge;
        content.age = ageText(age);
        content.stale = isStale(age);
    }
    return content;
}

} // namespace

OverviewPage::OverviewPage(const PageContext &context, QWidget *parent) : Page(context, parent)
{
    m_grid = new QGridLayout;
    m_grid->setSpacing(14);
    body()->addLayout(m_grid, 1);
    body()->addStretch();
    for (const TileKind &kind : kinds) {
        auto *tile = new Tile;
        tile->setContent({.title = resourceTitle(kind.resource), .value = unknownText()});
        const QString target = pageExplaining(kind.resource);
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

void OverviewPage::arrange()
{
    const int wide = m_tiles.front()->sizeHint().width() + m_grid->spacing();
    const int columns = std::clamp((width() + m_grid->spacing()) / wide, 1, 4);
    if (columns == m_columns)
        return;
    for (int i = 0; i < m_columns; ++i)
        m_grid->setColumnStretch(i, 0);
    m_columns = columns;
    for (std::size_t i = 0; i < m_tiles.size(); ++i)
        m_grid->addWidget(m_tiles[i], int(i) / columns, int(i) % columns);
    for (int i = 0; i < columns; ++i)
        m_grid->setColumnStretch(i, 1);
}

void OverviewPage::showSnapshot(const Snapshot &snapshot)
{
    const Age sampleAge = std::max(Age(0), std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time));
    for (std::size_t i = 0; i < m_tiles.size(); ++i) {
        const auto reading = std::ranges::find(snapshot.readings, kinds[i].resource, &Reading::resource);
        const bool found = reading != snapshot.readings.end();
        m_tiles[i]->setContent(contentOf(kinds[i], found ? &*reading : nullptr, snapshot, sampleAge));
    }
    if (m_samplesShown++ % trendEvery == 0)
        refresh();
}

void OverviewPage::refresh()
{
    HistoryQuery query;
    for (const TileKind &kind : kinds)
        query.metrics.push_back(kind.metric);
    query.to = context().clock.wall();
    query.from = query.to - trendSpan;
    query.most = trendPoints;
    onAnswer(this, context().deployment.history(query), [this](const Result<std::vector<Series>> &answer) {
        if (!answer)
            return;
        const auto snapshot = context().deployment.latest();
        for (std::size_t i = 0; i < m_tiles.size(); ++i) {
            const auto series = std::ranges::find(*answer, kinds[i].metric, &Series::metric);
            if (series == answer->end())
                continue;
            std::optional<double> yellow, red;
            if (snapshot) {
                const auto reading = std::ranges::find(snapshot->readings, kinds[i].resource, &Reading::resource);
                if (reading != snapshot->readings.end()) {
                    yellow = reading->yellow;
                    red = reading->red;
                }
            }
            m_tiles[i]->setTrend(*series, yellow, red);
        }
    });
}

} // namespace portolan::ui
