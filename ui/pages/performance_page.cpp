// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/performance_page.h"

#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/widgets/card.h"
#include "ui/widgets/figure_strip.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/table_view.h"
#include "ui/words/instance_words.h"
#include "ui/words/why_words.h"

#include <algorithm>
#include <array>

namespace portolan::ui {

namespace {

template <std::uint64_t TrafficFigures::*kind> double shareOf(const RouteFigures &r)
{
    return r.traffic.requests ? double(r.traffic.*kind) / double(r.traffic.requests) : 0;
}

template <std::uint64_t TrafficFigures::*kind> QString shareText(const RouteFigures &r)
{
    return r.traffic.*kind == 0 ? QStringLiteral("0") : percentText(shareOf<kind>(r));
}

template <std::uint64_t TrafficFigures::*kind> constexpr Column<RouteFigures> shareColumn(const char *title, int width)
{
    return {title, width, shareText<kind>, [](const RouteFigures &r) { return QVariant(shareOf<kind>(r)); }};
}

template <std::optional<double> TrafficFigures::*percentile> QString latencyOf(const RouteFigures &r)
{
    if (r.stream)
        return PerformancePage::tr("stream");
    return r.traffic.*percentile ? durationText(*(r.traffic.*percentile)) : PerformancePage::tr("too few");
}

template <std::optional<double> TrafficFigures::*percentile> QVariant latencyKey(const RouteFigures &r)
{
    return (r.traffic.*percentile).value_or(-1);
}

/// Requests that fit no route are one row, whatever their paths; the handshakes of WebSockets are in it.
QString routeText(const RouteFigures &r)
{
    return r.route == "other" ? PerformancePage::tr("other") : text(r.method + ' ' + r.route);
}

const std::array columns{
    Column<RouteFigures>{QT_TRANSLATE_NOOP("tables", "Route"), 30, routeText},
    Column<RouteFigures>{QT_TRANSLATE_NOOP("tables", "Requests"), 8,
                         [](const RouteFigures &r) { return rateText(r.traffic.perSecond); },
                         [](const RouteFigures &r) { return QVariant(r.traffic.perSecond); }},
    Column<RouteFigures>{QT_TRANSLATE_NOOP("tables", "p50"), 7, latencyOf<&TrafficFigures::p50>,
                         latencyKey<&TrafficFigures::p50>},
    Column<RouteFigures>{QT_TRANSLATE_NOOP("tables", "p95"), 7, latencyOf<&TrafficFigures::p95>,
                         latencyKey<&TrafficFigures::p95>},
    Column<RouteFigures>{QT_TRANSLATE_NOOP("tables", "p99"), 7, latencyOf<&TrafficFigures::p99>,
                         latencyKey<&TrafficFigures::p99>},
    shareColumn<&TrafficFigures::errors>(QT_TRANSLATE_NOOP("tables", "Errors"), 7),
    shareColumn<&TrafficFigures::refused>(QT_TRANSLATE_NOOP("tables", "Refused"), 8),
    shareColumn<&TrafficFigures::notFound>(QT_TRANSLATE_NOOP("tables", "Not found"), 9),
};

std::string routeKey(const RouteFigures &route) { return route.method + ' ' + route.route; }

QString shareOrUnknown(const InstanceFigures &one, QString (*of)(const InstanceShare &))
{
    return one.share ? of(*one.share) : unknownText();
}

/// Marked where somebody is missing; one that said that it stops is not.
QString stateText(const InstanceFigures &one)
{
    const QString state = instanceState(one);
    return one.why == Absence::Hangs || one.why == Absence::Gone ? QStringLiteral("✕ ") + state : state;
}

QString versionText(const InstanceFigures &one)
{
    return one.otherVersion ? PerformancePage::tr("⚠ %1, others differ").arg(text(one.version)) : text(one.version);
}

QString nameText(const InstanceFigures &one)
{
    if (one.twice)
        return PerformancePage::tr("⚠ %1 (twice)").arg(text(one.name));
    return one.own ? PerformancePage::tr("%1 (this one)").arg(text(one.name)) : text(one.name);
}

const std::array instanceColumns{
    Column<InstanceFigures>{QT_TRANSLATE_NOOP("tables", "Instance"), 22, nameText},
    Column<InstanceFigures>{QT_TRANSLATE_NOOP("tables", "State"), 14, stateText, nullptr, nullptr, true},
    Column<InstanceFigures>{
        QT_TRANSLATE_NOOP("tables", "Zone"), 8,
        [](const InstanceFigures &one) { return zoneWord(one.up && one.share ? one.share->zone : Zone::Unknown); },
        nullptr, nullptr, true},
    Column<InstanceFigures>{
        QT_TRANSLATE_NOOP("tables", "Share"), 9,
        [](const InstanceFigures &one) {
            return shareOrUnknown(one, [](const InstanceShare &share) {
                return share.fraction ? inUnit(Form::Share, *share.fraction) : unknownText();
            });
        },
        [](const InstanceFigures &one) { return QVariant(one.share ? one.share->fraction.value_or(-1) : -1); },
        [](const InstanceFigures &one) { return one.share ? one.share->fraction : std::optional<double>(); }},
    Column<InstanceFigures>{
        QT_TRANSLATE_NOOP("tables", "Requests"), 8,
        [](const InstanceFigures &one) {
            return shareOrUnknown(one, [](const InstanceShare &share) { return rateText(share.traffic.perSecond); });
        },
        [](const InstanceFigures &one) { return QVariant(one.share ? one.share->traffic.perSecond : -1); }, nullptr,
        false, nullptr, true},
    Column<InstanceFigures>{
        QT_TRANSLATE_NOOP("tables", "p95"), 7,
        [](const InstanceFigures &one) {
            return shareOrUnknown(one, [](const InstanceShare &share) {
                return share.traffic.p95 ? durationText(*share.traffic.p95) : PerformancePage::tr("too few");
            });
        },
        [](const InstanceFigures &one) { return QVariant(one.share ? one.share->traffic.p95.value_or(-1) : -1); }},
    Column<InstanceFigures>{
        QT_TRANSLATE_NOOP("tables", "Tasks"), 9,
        [](const InstanceFigures &one) {
            return shareOrUnknown(one, [](const InstanceShare &share) {
                return share.threads
                           ? PerformancePage::tr("%1 of %2").arg(countText(share.running), countText(share.threads))
                           : unknownText();
            });
        },
        [](const InstanceFigures &one) {
            return QVariant(one.share ? qlonglong(one.share->running.value_or(0)) : -1);
        }},
    // Events and the banner tell of another version; the share says more than the rate.
    Column<InstanceFigures>{QT_TRANSLATE_NOOP("tables", "Version"), 12, versionText, nullptr, nullptr, true, nullptr,
                            true},
};

std::string instanceKey(const InstanceFigures &one) { return one.name; }

/// "4 of 120": so few that the share alone would mislead are told apart.
QString refusedText(const TrafficFigures &traffic, bool known)
{
    if (!known)
        return unknownText();
    return PerformancePage::tr("%1 of %2").arg(countText(double(traffic.refused)), countText(double(traffic.requests)));
}

} // namespace

PerformancePage::PerformancePage(const PageContext &context, QWidget *parent)
    : Page(context, parent),
      m_routes(columns, routeKey),
      m_instances(instanceColumns, instanceKey),
      m_figures(new FigureStrip({tr("p50"), tr("p95"), tr("p99"), tr("Requests"), tr("Error rate"), tr("Refused"),
                                 tr("Connections"), tr("WebSockets"), tr("Database pool")}))
{
    std::vector<ChartKind> charts;
    charts.push_back({tr("Response time"),
                      {{metric::responseP95, "p95"}, {metric::responseP99, "p99"}, {metric::responseP50, "p50"}}});
    charts.push_back({{}, {{metric::requestRate, tr("requests")}}, {Resource::Refused, Resource::Users}});
    charts.push_back({{}, {{metric::errorRate, tr("errors")}}});
    m_history = new HistoryPanel(this->context(), tr("Over time"), std::move(charts), 2);
    body()->addWidget(m_figures);
    body()->addWidget(m_history, 5);
    addExports(*m_history);
    m_card = new Card(tr("Routes"));
    m_card->setToolTip(tr("Errors: 5xx. Refused: 429, over a limit. Not found: 404."));
    m_view = new TableView(m_routes, tr("Routes"), tr("The requests have not been measured yet"));
    m_view->setRowsShown(4);
    m_card->body()->addWidget(m_view, 1);
    body()->addWidget(m_card, 4);
    addInstances();
}

void PerformancePage::addInstances()
{
    m_instanceCard = new Card(tr("Instances"));
    m_instanceView = new TableView(m_instances, tr("Instances"), {});
    m_instanceView->setRowsShown(3);
    m_instanceCard->body()->addWidget(m_instanceView, 1);
    m_instanceCard->hide(); // until there are several
    body()->addWidget(m_instanceCard, 2);
}

void PerformancePage::showInstances(const Snapshot &snapshot)
{
    m_instances.setRows(snapshot.instances);
    const auto up = std::ranges::count(snapshot.instances, true, &InstanceFigures::up);
    const auto other = std::ranges::count(snapshot.instances, true, &InstanceFigures::otherVersion);
    QStringList note{tr("%1 of %2 up").arg(up).arg(snapshot.instances.size())};
    if (other > 0)
        note << tr("%1 of another version").arg(other);
    m_instanceCard->setNote(note.join("  ·  "));
    m_instanceCard->setVisible(snapshot.instances.size() > 1);
    m_instanceView->setStale(isStale(std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time)));
}

void PerformancePage::showSnapshot(const Snapshot &snapshot)
{
    const HttpFigures &http = snapshot.http;
    // A portal counts its connections from the start; of a watched stack others tell of requests alone.
    const bool known = http.unknown == Unknown::No && (http.connections.has_value() || !snapshot.sources.empty());
    // Of a watched stack the answers' statuses may not be told; of a portal they are.
    const bool statuses = known && (snapshot.sources.empty() || http.errorRate.has_value());
    QString pool = unknownText();
    if (!snapshot.dbPools.empty()) {
        const DbPoolFigures &first = snapshot.dbPools.front();
        pool = tr("%1 of %2 busy").arg(first.busy).arg(first.connections);
    }
    m_figures->setValues({latencyText(http.traffic.p50), latencyText(http.traffic.p95), latencyText(http.traffic.p99),
                          known ? rateText(http.traffic.perSecond) : unknownText(), percentText(http.errorRate),
                          refusedText(http.traffic, statuses), countText(http.connections), countText(http.webSockets),
                          pool},
                         isStale(std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time)));
    m_history->showSnapshot(snapshot);
    m_routes.setRows(http.routes);
    const bool live = context().shown.deployment().link() == LinkState::Live;
    m_view->setWhenEmpty(!live ? tr("Not known: %1").arg(linkText(context().shown.deployment().linkReason()))
                         : http.unknown == Unknown::NotAvailable ? tr("Nothing here measures requests")
                         : known                                 ? tr("No requests in the last 60 s")
                                                                 : tr("The requests have not been measured yet"));
    m_card->setNote(statuses
                        ? tr("of the last 60 s  ·  %1 refused  ·  %2 not found")
                              .arg(countText(double(http.traffic.refused)), countText(double(http.traffic.notFound)))
                        : unknownText());
    showInstances(snapshot);
    m_view->setStale(isStale(std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time)));
}

void PerformancePage::refresh() { m_history->refresh(); }

} // namespace portolan::ui
