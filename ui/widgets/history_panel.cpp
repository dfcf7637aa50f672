// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/history_panel.h"

#include "ui/support/format.h"
#include "ui/support/icons.h"
#include "ui/support/on_answer.h"
#include "ui/support/zones.h"
#include "ui/widgets/card.h"
#include "ui/widgets/flat_button.h"

#include <QGridLayout>
#include <QMenu>
#include <algorithm>

namespace portolan::ui {

namespace {

struct Span
{
    const char *title;
    std::chrono::seconds length;
    std::chrono::seconds every; ///< a new point comes so often
};

constexpr std::chrono::seconds patience{30}; ///< with an answer
constexpr std::chrono::seconds again{5};     ///< after a failure
constexpr std::chrono::seconds late{5};      ///< a new point may be, besides how often they come
constexpr Span spans[]{
    {QT_TRANSLATE_NOOP("portolan::ui::HistoryPanel", "5 min"), std::chrono::minutes(5), std::chrono::seconds(1)},
    {QT_TRANSLATE_NOOP("portolan::ui::HistoryPanel", "1 h"), std::chrono::hours(1), std::chrono::seconds(10)},
    {QT_TRANSLATE_NOOP("portolan::ui::HistoryPanel", "1 day"), std::chrono::hours(24), std::chrono::seconds(60)},
    {QT_TRANSLATE_NOOP("portolan::ui::HistoryPanel", "1 month"), std::chrono::hours(24 * 30),
     std::chrono::seconds(600)},
};

constexpr int usualSpan = 1;
constexpr int leastSteps = 10; ///< are shown, of what is known of that time
constexpr std::chrono::hours mostSpan{24 * 400};

const MetricKind &kindOf(const ChartKind &chart) { return *findKind(chart.lines.front().first.name); }

AxisUnit axisUnitOf(Form form)
{
    switch (form) {
    case Form::Bytes:
        return AxisUnit::Bytes;
    case Form::Latency:
    case Form::Duration:
        return AxisUnit::Seconds;
    default:
        return AxisUnit::Plain;
    }
}

/// Up to a minute in steps of five seconds: read out, each would be an announcement.
std::optional<std::chrono::seconds> evenly(Age age)
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age);
    return seconds < std::chrono::minutes(1) ? seconds - seconds % 5 : seconds;
}

} // namespace

HistoryPanel::HistoryPanel(const PageContext &context, const QString &title, std::vector<ChartKind> charts, int perRow,
                           QWidget *parent)
    : QWidget(parent),
      m_context(context),
      m_kinds(std::move(charts)),
      m_card(nullptr),
      m_spans(new QButtonGroup(this)),
      m_exporter(new ChartExporter(context)),
      m_exportButton(new FlatButton),
      m_spanChosen(context.settings.contains(spanKey))
{
    auto *card = m_card = new Card(title);
    card->head()->addWidget(m_exporter);
    for (int i = 0; i < int(std::size(spans)); ++i) {
        auto *button = new FlatButton;
        button->setText(tr(spans[i].title));
        button->setAccessibleName(tr("Show the last %1").arg(tr(spans[i].title)));
        button->setCheckable(true);
        m_spans->addButton(button, i);
        card->head()->addWidget(button);
    }
    m_exportButton->setIcon(icon("export"));
    m_exportButton->setAccessibleName(tr("Export"));
    m_exportButton->setToolTip(tr("Export these charts"));
    m_exportButton->setPopupMode(QToolButton::InstantPopup);
    m_exportButton->hide();
    card->head()->addWidget(m_exportButton);
    card->head()->setSpacing(4);
    auto *grid = new QGridLayout;
    grid->setHorizontalSpacing(16);
    grid->setVerticalSpacing(8);
    int place = 0;
    for (ChartKind &chartKind : m_kinds) {
        const MetricKind &kind = kindOf(chartKind);
        if (chartKind.title.isEmpty())
            chartKind.title = metricTitle(kind);
        const auto format = [form = kind.form](double value) { return inUnit(form, value); };
        auto *chart = new TimeChart(chartKind.title, format, axisUnitOf(kind.form));
        const bool alone = place == 0 && int(m_kinds.size()) % perRow != 0;
        grid->addWidget(chart, place / perRow, place % perRow, 1, alone ? perRow : 1);
        grid->setRowStretch(place / perRow, 1);
        place += alone ? perRow : 1;
        chart->setContextMenuPolicy(Qt::CustomContextMenu);
        connect(chart, &QWidget::customContextMenuRequested, this,
                [this, number = m_charts.size()](const QPoint &at) { offerExports(number, at); });
        connect(chart, &TimeChart::rangeWanted, this, &HistoryPanel::chooseRange);
        connect(chart, &TimeChart::nowWanted, this, [this] {
            if (m_fixed) // a key that is held asks nothing again and again
                returnToNow();
        });
        connect(chart, &TimeChart::cursorMoved, this, [this, chart](std::optional<WallTime> time) {
            for (TimeChart *other : m_charts)
                if (other != chart)
                    other->followCursor(time);
        });
        m_charts.push_back(chart);
    }
    card->body()->addLayout(grid, 1);
    makeRoomForNames();
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(card);
    const int kept = context.settings.value(spanKey, usualSpan).toInt();
    m_spans->button(std::clamp(kept, 0, int(std::size(spans)) - 1))->setChecked(true);
    connect(m_spans, &QButtonGroup::idClicked, this, &HistoryPanel::choose);
    connect(m_exporter, &ChartExporter::busyChanged, this, &HistoryPanel::exportsChanged);
}

void HistoryPanel::makeRoomForNames()
{
    int room = 0;
    for (const ChartKind &kind : m_kinds) {
        for (const auto &[metric, name] : kind.lines)
            room = kind.lines.size() > 1 ? std::max(room, fontMetrics().horizontalAdvance(name) + 14) : room;
    }
    for (TimeChart *chart : m_charts)
        chart->setNameRoom(room);
}

void HistoryPanel::choose(int span)
{
    m_context.settings.setValue(spanKey, span);
    m_spanChosen = true;
    returnToNow();
}

void HistoryPanel::chooseRange(WallTime from, WallTime to)
{
    const WallTime now = m_context.clock.wall();
    const WallTime::duration wanted = to - from, shown = m_to - m_from;
    const auto span = std::clamp<WallTime::duration>(wanted, leastSteps * std::chrono::seconds(1), mostSpan);
    if (wanted > span && shown >= span)
        return;                              // it goes no wider
    if (wanted != span && wanted != shown) { // what was to stay where it is, stays
        const double part = double((m_from - from).count()) / double((wanted - shown).count());
        from = m_from - WallTime::duration(std::int64_t(part * double((span - shown).count())));
    }
    m_to = std::min(from + span, now);
    m_from = m_to - span;
    m_fixed = true;
    showRange();
    refresh();
}

/// What is known of that time may be too coarse for it: then as little of it as says something.
bool HistoryPanel::widen(const std::vector<Series> &series, WallTime from, WallTime to)
{
    std::chrono::seconds step{0};
    for (const Series &one : series)
        step = std::max(step, one.step);
    if (!m_fixed || to - from >= leastSteps * step)
        return false;
    chooseRange(from + (to - from) / 2 - leastSteps * step / 2, from + (to - from) / 2 + leastSteps * step / 2);
    return true;
}

void HistoryPanel::showRange()
{
    const bool seconds = m_to - m_from < std::chrono::minutes(10);
    const QString from = seconds ? secondText(m_from) : dateTimeText(m_from);
    m_card->setNote(tr("%1 to %2  ·  0 returns to now").arg(from, seconds ? clockText(m_to) : dateTimeText(m_to)));
}

void HistoryPanel::returnToNow()
{
    m_fixed = false;
    m_card->setNote({});
    refresh();
}

/// A portal that began minutes ago would show an hour of nothing. Decided by the first figures, and then it stays: a
/// span of time that changes by itself is a surprise to whoever reads it.
void HistoryPanel::fitSpan(const std::vector<Series> &series, WallTime to)
{
    std::optional<WallTime> first;
    for (const Series &one : series) {
        if (!one.points.empty())
            first = std::min(first.value_or(to), beginOf(one.points.front()));
    }
    if (m_spanChosen || m_fixed || !first)
        return;
    m_spanChosen = true;
    const int fitting = *first > to - spans[0].length + std::chrono::seconds(2) ? 0 : usualSpan;
    if (fitting == m_spans->checkedId())
        return;
    m_spans->button(fitting)->setChecked(true);
    refresh();
}

void HistoryPanel::showSnapshot(const Snapshot &snapshot)
{
    for (std::size_t i = 0; i < m_charts.size(); ++i) {
        if (const Reading *reading = readingOf(i, snapshot))
            m_charts[i]->setBands(
                {reading->yellow, reading->red, isShare(reading->resource) ? std::nullopt : reading->limit});
    }
    const bool came = std::exchange(m_figuresCome, figuresCome(snapshot)) && !std::exchange(m_wasOff, false);
    if (due() || (m_figuresCome && !came && !m_fixed))
        refresh();
    const WallTime now = m_context.clock.wall();
    const Span &span = spans[m_spans->checkedId()];
    if (!m_fixed && m_answered != m_question && now - m_to >= span.every + late)
        moveTo(now - span.length, now); // no answer yet: what is missing shows
    showStanding();
}

bool HistoryPanel::due() const
{
    const auto since = m_context.clock.wall() - m_asked;
    if (since < WallTime::duration(0))
        return !m_fixed; // the clock was set back
    if (m_answered != m_question && since < patience)
        return false;
    const std::chrono::seconds every = spans[m_spans->checkedId()].every;
    const bool failed = !m_failure.isEmpty() || !m_eventFailure.isEmpty();
    return (failed && since >= again) || (!m_fixed && since >= every);
}

void HistoryPanel::moveTo(WallTime from, WallTime to)
{
    for (TimeChart *chart : m_charts)
        chart->setRange(from, to);
    m_from = from;
    m_to = to;
}

TimeChart::Standing HistoryPanel::standingOf(std::size_t chart) const
{
    if (!m_failure.isEmpty())
        return {tr("The history could not be read: %1").arg(m_failure), true};
    const auto snapshot = m_context.shown.deployment().latest();
    if (snapshot && !m_fixed) {
        const auto age = ageOf(chart, *snapshot);
        const bool samplesCome = !isStale(std::chrono::duration_cast<Age>(m_context.clock.wall() - snapshot->time));
        const auto reading = readingOf(chart, *snapshot);
        const QString reason = samplesCome && reading ? unknownReason(*reading) : QString();
        if (age && m_charts[chart]->hasData()) {
            const QString words = tr("No new figures for %1").arg(durationText(evenly(*age)));
            return {reason.isEmpty() ? words : words + ": " + reason, true};
        }
        if (!reason.isEmpty() && !m_charts[chart]->hasData())
            return {tr("No data for this time: %1").arg(reason), false};
    }
    if (!m_eventFailure.isEmpty())
        return {tr("What happened could not be read: %1").arg(m_eventFailure), false};
    return {};
}

const Reading *HistoryPanel::readingOf(std::size_t chart, const Snapshot &snapshot) const
{
    const auto found = std::ranges::find_if(
        snapshot.readings, [&](const Reading &reading) { return kindOf(m_kinds[chart]).resource == reading.resource; });
    return found == snapshot.readings.end() ? nullptr : &*found;
}

/// Of what a sample says; zero where that tells no age.
Age HistoryPanel::measuredAge(std::size_t chart, const Snapshot &snapshot) const
{
    const Reading *reading = readingOf(chart, snapshot);
    return std::chrono::duration_cast<Age>(m_context.clock.wall() - snapshot.time) +
           (reading ? reading->age.value_or(Age(0)) : Age(0));
}

bool HistoryPanel::figuresCome(const Snapshot &snapshot) const
{
    for (std::size_t i = 0; i < m_charts.size(); ++i) {
        if (isStale(measuredAge(i, snapshot), snapshot.sampling.staleAfter))
            return false;
    }
    return true;
}

/// How long no new figure has come; nothing: they come.
std::optional<Age> HistoryPanel::ageOf(std::size_t chart, const Snapshot &snapshot) const
{
    if (const Age age = measuredAge(chart, snapshot); isStale(age, snapshot.sampling.staleAfter))
        return age;
    const WallTime now = m_context.clock.wall();
    // Samples come, but this may not be in them.
    const auto until = m_charts[chart]->knownUntil();
    if (until && now - *until >= spans[m_spans->checkedId()].every + late)
        return std::chrono::duration_cast<Age>(now - *until);
    return std::nullopt;
}

void HistoryPanel::showStanding()
{
    for (std::size_t i = 0; i < m_charts.size(); ++i)
        m_charts[i]->setStanding(standingOf(i));
}

void HistoryPanel::refresh()
{
    const WallTime to = m_fixed ? m_to : m_context.clock.wall();
    const WallTime from = m_fixed ? m_from : to - spans[m_spans->checkedId()].length;
    HistoryQuery query;
    for (const ChartKind &kind : m_kinds) {
        for (const auto &[metric, name] : kind.lines)
            query.metrics.push_back(metric);
    }
    query.from = from;
    query.to = to;
    query.most = 2000;
    m_asked = m_context.clock.wall();
    const std::uint64_t question = ++m_question;
    onAnswer(this, m_context.shown.deployment().ask(HistoryQuestion{query}),
             [=, this](const Result<std::vector<Series>> &answer) {
                 if (question != m_question)
                     return;
                 m_answered = question;
                 m_failure = answer ? QString() : errorText(answer.error());
                 m_wasOff = !answer && answer.error().kind == ErrorKind::Unavailable;
                 if (answer && widen(*answer, from, to))
                     return;
                 if (answer)
                     take(*answer, from, to);
                 else
                     moveTo(from, to);
                 showStanding();
                 emit exportsChanged();
             });
    onAnswer(this, m_context.shown.deployment().ask(EventsQuestion{from, to}),
             [=, this](const Result<std::vector<Event>> &answer) {
                 if (question != m_question)
                     return;
                 m_eventFailure = answer ? QString() : errorText(answer.error());
                 for (std::size_t i = 0; answer && i < m_charts.size(); ++i)
                     m_charts[i]->setEvents(eventsOf(i, *answer));
                 showStanding();
             });
}

/// Those that a chart's figures may come from: what starts, stops, is done or does not answer may be the cause of
/// anything, a change of zone has to do with its own figure.
std::vector<Event> HistoryPanel::eventsOf(std::size_t chart, const std::vector<Event> &all) const
{
    const ChartKind &kind = m_kinds[chart];
    std::vector<Event> events;
    std::ranges::copy_if(all, std::back_inserter(events), [&kind](const Event &event) {
        return !event.resource || kindOf(kind).resource == event.resource ||
               std::ranges::find(kind.also, *event.resource) != kind.also.end();
    });
    return events;
}

void HistoryPanel::take(const std::vector<Series> &series, WallTime from, WallTime to)
{
    for (std::size_t i = 0; i < m_charts.size(); ++i) {
        std::vector<TimeChart::Line> lines;
        for (const auto &[metric, name] : m_kinds[i].lines) {
            const auto found = std::ranges::find(series, metric, &Series::metric);
            lines.push_back({name, found == series.end() ? Series{metric, std::chrono::seconds(1), {}} : *found});
        }
        m_charts[i]->setLines(std::move(lines), from, to);
    }
    m_from = from;
    m_to = to;
    fitSpan(series, to);
}

ExportSource HistoryPanel::sourceOf(std::size_t first, std::size_t count) const
{
    ExportSource source;
    source.from = m_from;
    source.to = m_to;
    QStringList titles, notes;
    for (std::size_t i = first; i < first + count; ++i) {
        titles << m_kinds[i].title;
        source.charts.push_back(m_charts[i]);
        if (m_failure.isEmpty() && m_charts[i]->standing().stale)
            notes << m_charts[i]->standing().words;
        for (const auto &[metric, name] : m_kinds[i].lines) {
            if (std::ranges::find(source.metrics, metric) == source.metrics.end())
                source.metrics.push_back(metric);
        }
    }
    source.title = titles.join(", ");
    notes.removeDuplicates();
    source.note = notes.join("; ");
    return source;
}

Allowance HistoryPanel::mayExport() const { return m_exporter->allowed(sourceOf(0, m_charts.size())); }

void HistoryPanel::exportAll(ExportFormat format) { m_exporter->start(format, sourceOf(0, m_charts.size())); }

void HistoryPanel::setExports(const QList<QAction *> &commands)
{
    auto *menu = new QMenu(m_exportButton);
    menu->addActions(commands);
    m_exportButton->setMenu(menu);
    m_exportButton->show();
}

void HistoryPanel::offerExports(std::size_t chart, const QPoint &at)
{
    auto *menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addSection(m_kinds[chart].title);
    for (const ExportFormat format : {ExportFormat::Csv, ExportFormat::Png, ExportFormat::Pdf}) {
        auto *action = menu->addAction(icon("export"), exportTitle(format));
        action->setEnabled(m_exporter->allowed(sourceOf(chart, 1)).available);
        connect(action, &QAction::triggered, this,
                [this, chart, format] { m_exporter->start(format, sourceOf(chart, 1)); });
    }
    menu->popup(m_charts[chart]->mapToGlobal(at));
}

} // namespace portolan::ui
