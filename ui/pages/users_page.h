// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/audit.h"
#include "ui/models/user_model.h"
#include "ui/pages/page.h"

#include <QBoxLayout>
#include <QComboBox>
#include <QLineEdit>
#include <QTimer>

namespace portolan::ui {

class Card;
class TableView;

/// Accounts: found by a part of their address, sorted and paged as one scrolls, with their use of limits, their
/// sessions and what was done to them or by them; create, role, disable, password, sign out, delete.
class UsersPage final : public Page
{
    Q_OBJECT

public:
    explicit UsersPage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;
    QWidget *searchField() const override { return m_search; }
    QString searched() const override { return tr("accounts"); }

protected:
    void showEvent(QShowEvent *event) override;

private:
    void addCommands();
    void addUsers(QBoxLayout &row);
    void addChosen(QBoxLayout &row);
    void search();
    void ask(const std::string &cursor);
    void showChosen(); ///< what there is beside its row
    void askLimits(Id user);
    void askSessions(Id user);
    void askActivity(Id user);
    void create();
    void change(const std::function<Action(const User &)> &actionOf);
    void remove();
    Allowance mayChange(const Action &action, const std::function<Allowance(const User &)> &look) const;
    void askAgainFor(const std::string &email); ///< its row, as it is now
    const User *chosen() const;

    UserModel m_users;
    TableModel<LimitUse, std::string> m_limits;
    TableModel<SessionEntry, std::string> m_sessions;
    TableModel<AuditEntry, Id> m_activity;
    QAction *m_create = nullptr;
    QList<QAction *> m_makeRole;
    Card *m_userCard = nullptr;
    TableView *m_userView = nullptr;
    TableView *m_limitView = nullptr;
    TableView *m_sessionView = nullptr;
    TableView *m_activityView = nullptr;
    QLineEdit *m_search = nullptr;
    QComboBox *m_roles = nullptr;
    QComboBox *m_states = nullptr;
    QTimer m_typing;
    std::optional<UserOrder> m_order; ///< nothing: newest first
    bool m_ascending = false;
    std::uint64_t m_question = 0;
    std::uint64_t m_chosenQuestion = 0; ///< answers of one that was chosen before are too late
    Id m_chosen = 0;
    bool m_sessionsKnown = false; ///< of the chosen one
};

} // namespace portolan::ui
