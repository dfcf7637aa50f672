// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/pages/page.h"
#include "ui/widgets/chart_exporter.h"
#include "ui/widgets/time_chart.h"

#include <QButtonGroup>

namespace portolan::ui {

class Card;

/// One chart of a panel: its figures are written, and its bands drawn, as the catalogue says of its first line.
struct ChartKind
{
    QString title; ///< empty: the catalogue's, of its first line
    std::vector<std::pair<Metric, QString>> lines;
    std::vector<Resource> also = {}; ///< whose changes of zone are marked too, besides that of its bands
};

/// Charts over the same span of time, and the choice of it. Asks the deployment for what it shows, as often as that can
/// have changed. When that fails, or no new figures come, its charts say so until they do; the time shown goes on.
class HistoryPanel final : public QWidget
{
    Q_OBJECT

public:
    static constexpr auto spanKey = "history/span"; ///< in the settings: the chosen span's number, shortest first

    /// `perRow`: so many beside each other; the first is as wide as all of them where they do not fill their rows.
    HistoryPanel(const PageContext &context, const QString &title, std::vector<ChartKind> charts, int perRow = 1,
                 QWidget *parent = nullptr);

    void showSnapshot(const Snapshot &snapshot); ///< bands, and the next points when they are due
    void refresh();                              ///< now
    const std::vector<TimeChart *> &charts() const { return m_charts; }

    Allowance mayExport() const;
    void exportAll(ExportFormat format);
    void setExports(const QList<QAction *> &commands); ///< what its button offers

signals:
    void exportsChanged(); ///< mayExport()

private:
    ExportSource sourceOf(std::size_t first, std::size_t count) const;
    void offerExports(std::size_t chart, const QPoint &at);
    void makeRoomForNames();
    void choose(int span);
    void chooseRange(WallTime from, WallTime to);
    bool widen(const std::vector<Series> &series, WallTime from, WallTime to);
    void showRange();
    void returnToNow();
    void fitSpan(const std::vector<Series> &series, WallTime to);
    bool due() const; ///< to be asked again
    void moveTo(WallTime from, WallTime to);
    const Reading *readingOf(std::size_t chart, const Snapshot &snapshot) const; ///< null: there is none
    Age measuredAge(std::size_t chart, const Snapshot &snapshot) const;
    bool figuresCome(const Snapshot &snapshot) const;
    std::optional<Age> ageOf(std::size_t chart, const Snapshot &snapshot) const;
    TimeChart::Standing standingOf(std::size_t chart) const;
    void showStanding();
    std::vector<Event> eventsOf(std::size_t chart, const std::vector<Event> &all) const;
    void take(const std::vector<Series> &series, WallTime from, WallTime to);

    PageContext m_context;
    std::vector<ChartKind> m_kinds;
    std::vector<TimeChart *> m_charts;
    Card *m_card;
    QButtonGroup *m_spans;
    ChartExporter *m_exporter;
    FlatButton *m_exportButton;
    bool m_spanChosen;    ///< by somebody, now or earlier, or by the first figures
    bool m_fixed = false; ///< a time that was zoomed or moved to is shown: it does not go on
    WallTime m_from{};    ///< of what is shown
    WallTime m_to{};
    WallTime m_asked{};
    std::uint64_t m_question = 0; ///< answers to an earlier one are too late
    std::uint64_t m_answered = 0; ///< so that a slow portal is not asked again before it has
    QString m_failure;            ///< why the history could not be read last; empty: it could
    QString m_eventFailure;
    bool m_figuresCome = true; ///< with the samples
    bool m_wasOff = false;     ///< nobody was there to answer: a sample says that somebody is
};

} // namespace portolan::ui
