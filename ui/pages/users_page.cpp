// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/users_page.h"

#include "ui/dialogs/account_dialog.h"
#include "ui/support/action_button.h"
#include "ui/support/format.h"
#include "ui/support/on_answer.h"
#include "ui/support/words.h"
#include "ui/widgets/adaptive_row.h"
#include "ui/widgets/button_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/flat_button.h"
#include "ui/widgets/menu_button.h"
#include "ui/widgets/table_view.h"

#include <QPointer>
#include <QShowEvent>
#include <array>

namespace portolan::ui {

namespace {

constexpr int typingPause = 150; ///< ms: a search begins when nothing was typed for so long
constexpr std::uint32_t pageSize = 100;

QVariant sortable(const std::optional<WallTime> &time)
{
    return QVariant(qlonglong(time.value_or(WallTime{}).time_since_epoch().count()));
}

const std::array userColumns{
    Column<User>{QT_TRANSLATE_NOOP("tables", "Address"), 30,
                 [](const User &u) {
                     return u.deceptive ? UsersPage::tr("⚠ %1 (look-alike)").arg(text(u.email)) : text(u.email);
                 }},
    Column<User>{QT_TRANSLATE_NOOP("tables", "Role"), 9, [](const User &u) { return roleWord(u.role); }, nullptr,
                 nullptr, true},
    Column<User>{QT_TRANSLATE_NOOP("tables", "State"), 10,
                 [](const User &u) { return u.disabled ? UsersPage::tr("✕ disabled") : UsersPage::tr("active"); },
                 nullptr, nullptr, true},
    Column<User>{QT_TRANSLATE_NOOP("tables", "Created"), 16, [](const User &u) { return dateTimeText(u.created); },
                 [](const User &u) { return sortable(u.created); }, nullptr, true,
                 [](const User &u) { return secondText(u.created); }},
    Column<User>{QT_TRANSLATE_NOOP("tables", "Last sign-in"), 16,
                 [](const User &u) { return u.lastSignIn ? dateTimeText(*u.lastSignIn) : UsersPage::tr("never"); },
                 [](const User &u) { return sortable(u.lastSignIn); }, nullptr, true,
                 [](const User &u) { return u.lastSignIn ? secondText(*u.lastSignIn) : UsersPage::tr("never"); }},
};
/// What the columns are sorted by, in their order.
constexpr std::array userOrders{UserOrder::Address, UserOrder::Role, UserOrder::State, UserOrder::Created,
                                UserOrder::LastSignIn};

constexpr double nearlyUsedUp = 0.8; ///< of a limit, and told before anything is refused

std::optional<double> shareOf(const LimitUse &use)
{
    return use.limit ? std::optional(double(use.used) / double(use.limit)) : std::nullopt;
}

const std::array limitColumns{
    Column<LimitUse>{QT_TRANSLATE_NOOP("tables", "Limit"), 12,
                     [](const LimitUse &l) { return categoryWord(l.category); }, nullptr, nullptr, true},
    Column<LimitUse>{
        QT_TRANSLATE_NOOP("tables", "Used"), 16,
        [](const LimitUse &l) { return UsersPage::tr("%1 of %2").arg(text(std::to_string(l.used)), text(l.window)); },
        [](const LimitUse &l) { return QVariant(qulonglong(l.used)); }, shareOf, true, nullptr, false,
        [](const LimitUse &l) {
            const auto share = shareOf(l);
            return share ? std::optional(*share >= nearlyUsedUp ? Zone::Yellow : Zone::Green) : std::nullopt;
        }},
    Column<LimitUse>{
        QT_TRANSLATE_NOOP("tables", "Resets"), 11,
        [](const LimitUse &l) {
            return l.reset ? soonText(*l.reset, std::chrono::system_clock::now()) : QStringLiteral("–");
        },
        [](const LimitUse &l) { return sortable(l.reset); }, nullptr, true,
        [](const LimitUse &l) { return l.reset ? secondText(*l.reset) : UsersPage::tr("nothing is used"); }},
};

const std::array sessionColumns{
    Column<SessionEntry>{
        QT_TRANSLATE_NOOP("tables", "Last seen"), 16, [](const SessionEntry &s) { return dateTimeText(s.lastSeen); },
        [](const SessionEntry &s) { return sortable(s.lastSeen); }, nullptr, true,
        [](const SessionEntry &s) {
            return UsersPage::tr("signed in %1, last seen %2").arg(secondText(s.created), secondText(s.lastSeen));
        }},
    Column<SessionEntry>{QT_TRANSLATE_NOOP("tables", "Address"), 14,
                         [](const SessionEntry &s) { return text(s.address); }},
    Column<SessionEntry>{QT_TRANSLATE_NOOP("tables", "Program"), 20,
                         [](const SessionEntry &s) { return text(s.agent); }},
};

const std::array activityColumns{
    Column<AuditEntry>{QT_TRANSLATE_NOOP("tables", "Time"), 16, [](const AuditEntry &e) { return dateTimeText(e.at); },
                       [](const AuditEntry &e) { return sortable(e.at); }, nullptr, true,
                       [](const AuditEntry &e) { return secondText(e.at); }},
    Column<AuditEntry>{QT_TRANSLATE_NOOP("tables", "Who"), 12, [](const AuditEntry &e) { return text(e.actor); }},
    Column<AuditEntry>{
        QT_TRANSLATE_NOOP("tables", "What"), 22,
        [](const AuditEntry &e) {
            const QString what = text(e.action) + (e.outcome == "done" ? "" : " (" + text(e.outcome) + ")");
            return e.detail.empty() ? what : what + ": " + text(e.detail);
        },
        nullptr, nullptr, false,
        [](const AuditEntry &e) { return text(e.reason.empty() ? e.detail : e.detail + " – " + e.reason); }},
};

Id userKey(const User &user) { return user.id; }
std::string sessionKey(const SessionEntry &session) { return session.id; }
Id activityKey(const AuditEntry &entry) { return entry.id; }
std::string limitKey(const LimitUse &use) { return std::to_string(int(use.category)) + use.window; }

} // namespace

UsersPage::UsersPage(const PageContext &context, QWidget *parent)
    : Page(context, parent),
      m_users(userColumns, userKey),
      m_limits(limitColumns, limitKey),
      m_sessions(sessionColumns, sessionKey),
      m_activity(activityColumns, activityKey)
{
    m_users.setSource([this](const std::string &cursor) { ask(cursor); });
    m_typing.setSingleShot(true);
    m_typing.setInterval(typingPause);
    connect(&m_typing, &QTimer::timeout, this, &UsersPage::search);
    addCommands();
    auto *row = new AdaptiveRow(84);
    addUsers(row->row());
    addChosen(row->row());
    body()->addWidget(row, 1);
}

void UsersPage::addCommands()
{
    m_create = addCommand(
        tr("New account"), "plus", QKeySequence("Ctrl+N"), [this] { create(); },
        [this] { return this->context().gate.allowed(Action(CreateUser{})); });
    const auto roleCommand = [this](Role role, const QString &text) {
        m_makeRole << addCommand(
            text, "role", {}, [=, this] { change([role](const User &u) {
                                              return ChangeUser{u.id, role, {}};
                                          }); },
            [=, this] {
                return mayChange(ChangeUser{}, [role](const User &u) {
                    return u.role == role ? Allowance{false, tr("That is the role already.")} : Allowance{};
                });
            });
    };
    roleCommand(Role::User, tr("Make a user"));
    roleCommand(Role::Operator, tr("Make an operator"));
    roleCommand(Role::Admin, tr("Make an admin"));
    const auto stateCommand = [this](bool disable, const QString &text, const QString &icon) {
        return addCommand(
            text, icon, {}, [=, this] { change([disable](const User &u) {
                                            return ChangeUser{u.id, {}, disable};
                                        }); },
            [=, this] {
                return mayChange(ChangeUser{}, [disable](const User &u) {
                    return u.disabled == disable ? Allowance{false, tr("It is so already.")} : Allowance{};
                });
            });
    };
    makeDestructive(*stateCommand(true, tr("Disable"), "revoke"));
    stateCommand(false, tr("Enable"), "play");
    const auto any = [](const User &) { return Allowance{}; };
    makeDestructive(*addCommand(
        tr("Reset the password"), "reset", {}, [this] { change([](const User &u) { return ResetPassword{u.id}; }); },
        [=, this] { return mayChange(ResetPassword{}, any); }));
    makeDestructive(*addCommand(
        tr("Sign out"), "sign_out", {}, [this] { change([](const User &u) { return SignOutUser{u.id}; }); },
        [this] {
            return mayChange(SignOutUser{}, [this](const User &u) {
                const bool none = m_sessionsKnown && m_chosen == u.id && m_sessions.rows().empty();
                return none ? Allowance{false, tr("It has no session.")} : Allowance{};
            });
        }));
    makeDestructive(*addCommand(
        tr("Delete the account"), "close", QKeySequence::Delete, [this] { remove(); },
        [=, this] { return mayChange(DeleteUser{}, any); }));
}

void UsersPage::addUsers(QBoxLayout &row)
{
    m_userCard = new Card(tr("Accounts"));
    auto *line = new QHBoxLayout;
    m_search = new QLineEdit;
    m_search->setPlaceholderText(tr("Search addresses (Ctrl+F)"));
    m_search->setAccessibleName(tr("Search addresses"));
    m_search->setClearButtonEnabled(true);
    m_roles = new QComboBox;
    m_roles->setAccessibleName(tr("Role"));
    m_roles->addItem(tr("any role"));
    for (const Role role : {Role::User, Role::Operator, Role::Admin})
        m_roles->addItem(roleWord(role), int(role));
    m_states = new QComboBox;
    m_states->setAccessibleName(tr("State"));
    m_states->addItem(tr("any state"));
    m_states->addItem(tr("active"), false);
    m_states->addItem(tr("disabled"), true);
    line->addWidget(m_search, 1);
    line->addWidget(m_roles);
    line->addWidget(m_states);
    line->addWidget(buttonOf(m_create)); // of no account that is selected
    m_userCard->body()->addLayout(line);
    m_userView = new TableView(m_users, tr("Accounts"), tr("No accounts yet"), TableView::Sorting::Elsewhere);
    m_userView->setSelectionMode(QAbstractItemView::SingleSelection);
    m_userView->setRowsShown(10);
    m_userCard->body()->addWidget(m_userView, 1);
    auto *buttons = new ButtonRow;
    buttons->addWidget(menuButton(tr("Change the role"), "role", m_makeRole, this));
    for (QAction *command : commands())
        if (command != m_create && !m_makeRole.contains(command))
            buttons->addWidget(buttonOf(command));
    m_userCard->body()->addWidget(buttons);
    row.addWidget(m_userCard, 3);
    connect(m_search, &QLineEdit::textChanged, &m_typing, qOverload<>(&QTimer::start));
    connect(m_search, &QLineEdit::returnPressed, this, &UsersPage::search);
    connect(m_roles, &QComboBox::currentIndexChanged, this, &UsersPage::search);
    connect(m_states, &QComboBox::currentIndexChanged, this, &UsersPage::search);
    connect(m_userView, &TableView::selected, this, [this] {
        showChosen();
        updateCommands();
    });
    connect(m_userView, &TableView::sortWanted, this, [this](int column, Qt::SortOrder order) {
        m_order = userOrders[std::size_t(column)];
        m_ascending = order == Qt::AscendingOrder;
        search();
    });
}

void UsersPage::addChosen(QBoxLayout &row)
{
    auto *column = new QWidget;
    auto *cards = new QVBoxLayout(column);
    cards->setContentsMargins(0, 0, 0, 0);
    cards->setSpacing(12);
    const auto add = [&](QAbstractItemModel &model, const QString &title, int rows) {
        auto *card = new Card(title);
        auto *view = new TableView(model, title, tr("Select an account to see it"));
        view->setRowsShown(rows);
        card->body()->addWidget(view, 1);
        cards->addWidget(card, rows);
        return view;
    };
    m_limitView = add(m_limits, tr("Use of limits"), 3);
    m_sessionView = add(m_sessions, tr("Sessions"), 2);
    m_activityView = add(m_activity, tr("Activity"), 2);
    column->setMinimumWidth(fontMetrics().height() * 28);
    row.addWidget(column, 2);
}

const User *UsersPage::chosen() const
{
    const int row = m_userView ? m_userView->currentSourceRow() : -1;
    return row < 0 ? nullptr : &m_users.row(row);
}

void UsersPage::search()
{
    m_typing.stop();
    m_userView->setWhenEmpty(m_search->text().isEmpty() && m_roles->currentIndex() == 0 && m_states->currentIndex() == 0
                                 ? tr("No accounts yet. Ctrl+N creates one.")
                                 : tr("No matching accounts"));
    m_users.restart();
}

void UsersPage::ask(const std::string &cursor)
{
    UserQuery query;
    query.search = m_search->text().trimmed().toStdString();
    query.limit = pageSize;
    query.order = m_order;
    query.ascending = m_ascending;
    query.cursor = cursor;
    if (const QVariant role = m_roles->currentData(); role.isValid())
        query.role = Role(role.toInt());
    if (const QVariant disabled = m_states->currentData(); disabled.isValid())
        query.disabled = disabled.toBool();
    const std::uint64_t question = cursor.empty() ? ++m_question : m_question;
    onAnswer(this, context().shown.deployment().ask(UsersQuestion{query}),
             [this, question](const Result<UserPage> &answer) {
                 if (question != m_question)
                     return; // of a search that is over
                 if (answer) {
                     m_users.take(*answer);
                 } else {
                     m_users.giveUp();
                     m_userView->setWhenEmpty(errorText(answer.error()));
                 }
                 updateCommands();
             });
}

void UsersPage::showChosen()
{
    const User *user = chosen();
    const Id id = user ? user->id : 0;
    if (id != m_chosen) {
        m_limits.setRows({});
        m_sessions.setRows({});
        m_activity.setRows({});
        m_sessionsKnown = false;
    }
    m_chosen = id;
    ++m_chosenQuestion;
    for (TableView *view : {m_limitView, m_sessionView, m_activityView})
        view->setWhenEmpty(user ? tr("…") : tr("Select an account to see it"));
    if (!user)
        return;
    askLimits(id);
    askSessions(id);
    askActivity(id);
}

void UsersPage::askLimits(Id user)
{
    onAnswer(this, context().shown.deployment().ask(LimitUseQuestion{user}),
             [this, question = m_chosenQuestion](const Result<std::vector<LimitUse>> &answer) {
                 if (question != m_chosenQuestion)
                     return;
                 m_limits.setRows(answer ? *answer : std::vector<LimitUse>());
                 m_limitView->setWhenEmpty(answer ? tr("No limits") : errorText(answer.error()));
             });
}

void UsersPage::askSessions(Id user)
{
    onAnswer(this, context().shown.deployment().ask(SessionsQuestion{user}),
             [this, question = m_chosenQuestion](const Result<std::vector<SessionEntry>> &answer) {
                 if (question != m_chosenQuestion)
                     return;
                 m_sessionsKnown = answer.has_value();
                 m_sessions.setRows(answer ? *answer : std::vector<SessionEntry>());
                 m_sessionView->setWhenEmpty(answer ? tr("No sessions") : errorText(answer.error()));
                 updateCommands();
             });
}

void UsersPage::askActivity(Id user)
{
    AuditQuery query;
    query.subject = "user:" + std::to_string(user);
    onAnswer(this, context().shown.deployment().ask(AuditQuestion{query}),
             [this, question = m_chosenQuestion](const Result<AuditPage> &answer) {
                 if (question != m_chosenQuestion)
                     return;
                 m_activity.setRows(answer ? answer->items : std::vector<AuditEntry>());
                 m_activityView->setWhenEmpty(answer ? tr("No activity") : errorText(answer.error()));
             });
}

void UsersPage::create()
{
    (new AccountDialog(
         [self = QPointer<UsersPage>(this)](const CreateUser &wanted) {
             if (!self)
                 return;
             self->context().gate.run(Action(wanted), [self](bool worked) {
                 if (self && worked)
                     self->search();
             });
         },
         window()))
        ->open();
}

void UsersPage::remove()
{
    const User *user = chosen();
    if (!user)
        return;
    context().gate.run(Action(DeleteUser{user->id}), [self = QPointer<UsersPage>(this)](bool worked) {
        if (self && worked)
            self->search();
    });
}

Allowance UsersPage::mayChange(const Action &action, const std::function<Allowance(const User &)> &look) const
{
    const Allowance allowed = context().gate.allowed(action);
    if (!allowed.available)
        return allowed;
    return chosen() ? look(*chosen()) : Allowance{false, tr("Select an account first.")};
}

void UsersPage::change(const std::function<Action(const User &)> &actionOf)
{
    const User *user = chosen();
    if (!user)
        return;
    context().gate.run(actionOf(*user), [this, email = user->email](bool worked) {
        if (worked)
            askAgainFor(email);
    });
}

void UsersPage::askAgainFor(const std::string &email)
{
    UserQuery query;
    query.search = email;
    query.match = TextMatch::Prefix;
    query.limit = 1;
    onAnswer(this, context().shown.deployment().ask(UsersQuestion{query}), [this](const Result<UserPage> &answer) {
        if (!answer || answer->items.empty())
            return;
        m_users.replaceRow(answer->items.front());
        showChosen();
        updateCommands();
    });
}

void UsersPage::showSnapshot(const Snapshot &snapshot)
{
    QStringList note;
    if (snapshot.users.registered)
        note << tr("%1 registered").arg(countText(snapshot.users.registered));
    if (snapshot.users.today)
        note << tr("%1 seen today").arg(countText(snapshot.users.today));
    if (snapshot.users.concurrent)
        note << tr("%1 in the last 5 min").arg(countText(snapshot.users.concurrent));
    if (snapshot.users.sessions)
        note << tr("%1 sessions").arg(estimateText(snapshot.users.sessions, snapshot.users.sessionsError));
    if (snapshot.users.failedSignIns.value_or(0) > 0)
        note << tr("failed sign-ins in 10 min: %1").arg(countText(snapshot.users.failedSignIns));
    m_userCard->setNote(note.join("  ·  "));
    updateCommands();
}

/// Who opens the page wants to see who is there now.
void UsersPage::showEvent(QShowEvent *event)
{
    Page::showEvent(event);
    if (!event->spontaneous())
        search();
}

void UsersPage::refresh()
{
    if (m_users.rows().empty())
        search();
    else
        showChosen();
}

} // namespace portolan::ui
