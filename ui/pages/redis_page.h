// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/table_model.h"
#include "ui/pages/page.h"

#include <QBoxLayout>
#include <QLineEdit>

namespace portolan::ui {

class FigureStrip;
class HistoryPanel;
class TableView;
class Card;

/// A family, and the zone of the reading that its row shows too; nothing: no reading is of it.
struct ListedFamily : FamilyFigures
{
    std::optional<Zone> zone;
    bool operator==(const ListedFamily &) const = default;
};

/// What Redis holds: memory over time, the key families against their budgets, the biggest keys.
class RedisPage final : public Page
{
    Q_OBJECT

public:
    explicit RedisPage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;
    QWidget *searchField() const override { return m_filter; }
    QString searched() const override { return tr("large keys"); }

private:
    void addFamilies(QBoxLayout &row);
    void addBiggest(QBoxLayout &row);
    void cleanUp(std::optional<std::chrono::seconds> idle);
    Allowance mayCleanUp() const;

    TableModel<ListedFamily, std::string> m_families;
    TableModel<BigKey, std::string> m_biggest;
    FigureStrip *m_figures;
    HistoryPanel *m_history;
    Card *m_familyCard = nullptr;
    TableView *m_familyView = nullptr;
    TableView *m_biggestView = nullptr;
    QLineEdit *m_filter = nullptr;
    QAction *m_cleanUp;
    QAction *m_cleanUpIdle;
};

} // namespace portolan::ui
