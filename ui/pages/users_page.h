#pragma once

#include "ui/models/user_model.h"
#include "ui/pages/page.h"

#include <QBoxLayout>
#include <QComboBox>
#include <QLineEdit>
#include <QTimer>

namespace portolan::ui {

class Card;
class TableView;

/// Accounts: found by a part of their address, paged as one scrolls, with their use of limits; role, disable, sign out.
class UsersPage final : public Page
{
    Q_OBJECT

public:
    explicit UsersPage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;
    QWidget *searchField() const override { return m_search; }

protected:
    void showEvent(QShowEvent *event) override;

private:
    void addCommands();
    void addUsers(QBoxLayout &row);
    void addLimits(QBoxLayout &row);
    void search();
    void ask(const std::string &cursor);
    void showLimits();
    void change(const std::function<Action(const User &)> &actionOf);
    Capability mayChange(const std::function<Capability(const User &)> &look) const;
    void askAgainFor(const std::string &email); ///< its row, as it is now
    const User *chosen() const;

    UserModel m_users;
    TableModel<LimitUse, std::string> m_limits;
    Card *m_userCard = nullptr;
    Card *m_limitCard = nullptr;
    TableView *m_userView = nullptr;
    TableView *m_limitView = nullptr;
    QLineEdit *m_search = nullptr;
    QComboBox *m_roles = nullptr;
    QComboBox *m_states = nullptr;
    QTimer m_typing;
    std::uint64_t m_question = 0;
    std::uint64_t m_limitQuestion = 0;
    Id m_limitsOf = 0;
};

} // namespace portolan::ui
