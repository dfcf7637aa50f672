// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/table_model.h"
#include "ui/pages/page.h"
#include "ui/support/poll.h"
#include "ui/widgets/tile.h"

namespace portolan::ui {

class Card;
class LinkRow;
class OverviewBoard;
class TableView;

/// One tile per resource; below them what happened lately, and the top consumers. Which tiles there are, and where
/// their figures come from, is a table in the source; so are the causes (overview_causes.h).
class OverviewPage final : public Page
{
    Q_OBJECT

public:
    explicit OverviewPage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;

private:
    void addTiles();
    Card &makeEvents();
    Card &makeCauses();
    void showCauses(const Snapshot &snapshot, Age sampleAge);
    QFuture<Result<std::vector<Event>>> askEvents();
    QFuture<Result<std::vector<Series>>> askTrends();
    QFuture<Result<std::vector<Series>>> askDay();
    void take(const Result<std::vector<Event>> &answer);
    void takeTrends(const Result<std::vector<Series>> &answer);
    void takeDay(const Result<std::vector<Series>> &answer);
    void sayThatIsAll(); ///< what is listed of events
    void fitCards();

    TableModel<Event, std::string> m_events;
    Poll<Result<std::vector<Series>>> m_trendPoll;
    Poll<Result<std::vector<Series>>> m_dayPoll;
    Poll<Result<std::vector<Event>>> m_eventPoll;
    TableView *m_eventView = nullptr;
    std::vector<LinkRow *> m_causes;
    OverviewBoard *m_board;
    std::vector<Tile *> m_tiles;
    int m_cardsLeast = 0;
    std::uint64_t m_samplesShown = 0;
};

} // namespace portolan::ui
