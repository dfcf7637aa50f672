// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/table_model.h"
#include "ui/pages/page.h"
#include "ui/support/poll.h"
#include "ui/widgets/tile.h"

#include <QBoxLayout>
#include <QGridLayout>

namespace portolan::ui {

class Card;
class LinkRow;
class TableView;

/// One tile per resource; below them what happened lately, and what weighs most. Which tiles there are, and where their
/// figures come from, is a table in the source; so are the causes (overview_causes.h).
class OverviewPage final : public Page
{
    Q_OBJECT

public:
    explicit OverviewPage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    void arrange();
    void addEvents(QBoxLayout &row);
    void addCauses(QBoxLayout &row);
    void showCauses(const Snapshot &snapshot, Age sampleAge);
    QFuture<Result<std::vector<Event>>> askEvents();
    QFuture<Result<std::vector<Series>>> askTrends();
    void take(const Result<std::vector<Event>> &answer);
    void take(const Result<std::vector<Series>> &answer);

    TableModel<Event, std::string> m_events;
    Poll<Result<std::vector<Series>>> m_trendPoll;
    Poll<Result<std::vector<Event>>> m_eventPoll;
    TableView *m_eventView = nullptr;
    std::vector<LinkRow *> m_causes;
    QGridLayout *m_grid;
    std::vector<Tile *> m_tiles;
    int m_columns = 0;
    std::uint64_t m_samplesShown = 0;
};

} // namespace portolan::ui
