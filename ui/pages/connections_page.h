// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/table_model.h"
#include "ui/pages/page.h"
#include "ui/support/poll.h"

#include <QBoxLayout>
#include <QLineEdit>

namespace portolan::ui {

class Card;
class HistoryPanel;
class TableView;

/// Who is connected to Redis, over time, in groups and one by one; closes one or a group.
class ConnectionsPage final : public Page
{
    Q_OBJECT

public:
    explicit ConnectionsPage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;
    QWidget *searchField() const override { return m_filter; }
    QString searched() const override { return tr("connections"); }

private:
    void addGroups(QBoxLayout &row);
    void addClients(QBoxLayout &row);
    std::vector<std::uint64_t> chosenClients() const;
    std::vector<std::uint64_t> chosenGroup() const;
    /// `ids`: of those chosen, the ones that are not the portal's own.
    Allowance mayClose(bool chosen, const std::vector<std::uint64_t> &ids, const QString &otherwise) const;
    void take(const Result<ClientPage> &answer);

    TableModel<ClientGroup, std::string> m_groups;
    TableModel<ClientInfo, std::uint64_t> m_clients;
    HistoryPanel *m_history;
    Poll<Result<ClientPage>> m_listed;
    Card *m_clientCard = nullptr;
    TableView *m_groupView = nullptr;
    TableView *m_clientView = nullptr;
    QLineEdit *m_filter = nullptr;
    QAction *m_close;
    QAction *m_closeGroup;
};

} // namespace portolan::ui
