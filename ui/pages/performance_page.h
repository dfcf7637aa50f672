// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/table_model.h"
#include "ui/pages/page.h"

namespace portolan::ui {

class Card;
class FigureStrip;
class HistoryPanel;
class TableView;

/// How fast the portal answers, over time, per route and, where it is several processes, by each of them.
class PerformancePage final : public Page
{
    Q_OBJECT

public:
    explicit PerformancePage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;

private:
    void addInstances();
    void showInstances(const Snapshot &snapshot);

    TableModel<RouteFigures, std::string> m_routes;
    TableModel<InstanceFigures, std::string> m_instances;
    FigureStrip *m_figures;
    HistoryPanel *m_history;
    Card *m_card;
    TableView *m_view;
    Card *m_instanceCard = nullptr;
    TableView *m_instanceView = nullptr;
};

} // namespace portolan::ui
