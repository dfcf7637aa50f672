// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/table_model.h"
#include "ui/pages/page.h"

namespace portolan::ui {

class Card;
class FigureStrip;
class HistoryPanel;
class TableView;

/// How fast the portal answers, over time and per route.
class PerformancePage final : public Page
{
    Q_OBJECT

public:
    explicit PerformancePage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;

private:
    TableModel<RouteFigures, std::string> m_routes;
    FigureStrip *m_figures;
    HistoryPanel *m_history;
    Card *m_card;
    TableView *m_view;
};

} // namespace portolan::ui
