#include "ui/pages/users_page.h"

#include "ui/support/format.h"
#include "ui/support/on_answer.h"
#include "ui/widgets/adaptive_row.h"
#include "ui/widgets/button_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/table_view.h"

#include <QShowEvent>
#include <array>

namespace portolan::ui {

namespace {

constexpr int typingPause = 150; ///< ms: a search begins when nothing was typed for so long
constexpr std::uint32_t pageSize = 100;

QString roleWord(Role role)
{
    switch (role) {
    case Role::Admin:
        return UsersPage::tr("admin");
    case Role::Operator:
        return UsersPage::tr("operator");
    case Role::User:
        return UsersPage::tr("user");
    case Role::Anonymous:
        break;
    }
    return UsersPage::tr("anonymous");
}

QString categoryWord(Category category)
{
    switch (category) {
    case Category::Default:
        return UsersPage::tr("pages");
    case Category::Api:
        return UsersPage::tr("API");
    case Category::Auth:
        return UsersPage::tr("sign-in");
    case Category::Upload:
        return UsersPage::tr("uploads");
    case Category::Analysis:
        return UsersPage::tr("analyses");
    case Category::Automation:
        return UsersPage::tr("automation");
    case Category::Admin:
        return UsersPage::tr("administration");
    case Category::Unlimited:
        break;
    }
    return UsersPage::tr("unlimited");
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
    Column<User>{QT_TRANSLATE_NOOP("tables", "Created"), 10, [](const User &u) { return dateText(u.created); }, nullptr,
                 nullptr, true},
    Column<User>{QT_TRANSLATE_NOOP("tables", "Last sign-in"), 11,
                 [](const User &u) { return u.lastSignIn ? dateText(*u.lastSignIn) : UsersPage::tr("never"); }, nullptr,
                 nullptr, true},
};

const std::array limitColumns{
    Column<LimitUse>{QT_TRANSLATE_NOOP("tables", "Limit"), 12,
                     [](const LimitUse &l) { return categoryWord(l.category); }, nullptr, nullptr, true},
    Column<LimitUse>{
        QT_TRANSLATE_NOOP("tables", "Used"), 16,
        [](const LimitUse &l) { return UsersPage::tr("%1 of %2").arg(text(std::to_string(l.used)), text(l.window)); },
        [](const LimitUse &l) { return QVariant(qulonglong(l.used)); },
        [](const LimitUse &l) { return l.limit ? std::optional(double(l.used) / double(l.limit)) : std::nullopt; },
        true},
    Column<LimitUse>{QT_TRANSLATE_NOOP("tables", "Starts anew"), 11,
                     [](const LimitUse &l) {
                         return l.reset ? soonText(*l.reset, std::chrono::system_clock::now()) : QStringLiteral("–");
                     },
                     nullptr, nullptr, true},
};

Id userKey(const User &user) { return user.id; }
std::string limitKey(const LimitUse &use) { return std::to_string(int(use.category)) + use.window; }

} // namespace

UsersPage::UsersPage(const PageContext &context, QWidget *parent)
    : Page(context, parent), m_users(userColumns, userKey), m_limits(limitColumns, limitKey)
{
    m_users.setSource([this](const std::string &cursor) { ask(cursor); });
    m_typing.setSingleShot(true);
    m_typing.setInterval(typingPause);
    connect(&m_typing, &QTimer::timeout, this, &UsersPage::search);
    addCommands();
    auto *row = new AdaptiveRow(72);
    addUsers(row->row());
    addLimits(row->row());
    body()->addWidget(row, 1);
}

void UsersPage::addCommands()
{
    const auto roleCommand = [this](Role role, const QString &text) {
        addCommand(
            text, "role", {}, [=, this] { change([role](const User &u) {
                                              return ChangeUser{u.id, role, {}};
                                          }); },
            [=, this] {
                return mayChange([role](const User &u) {
                    return u.role == role ? Capability{false, tr("That is the role already.").toStdString()}
                                          : Capability{};
                });
            });
    };
    roleCommand(Role::User, tr("Make a user"));
    roleCommand(Role::Operator, tr("Make an operator"));
    roleCommand(Role::Admin, tr("Make an admin"));
    const auto stateCommand = [this](bool disable, const QString &text, const QString &icon) {
        addCommand(
            text, icon, {}, [=, this] { change([disable](const User &u) {
                                            return ChangeUser{u.id, {}, disable};
                                        }); },
            [=, this] {
                return mayChange([disable](const User &u) {
                    return u.disabled == disable ? Capability{false, tr("It is so already.").toStdString()}
                                                 : Capability{};
                });
            });
    };
    stateCommand(true, tr("Disable"), "revoke");
    stateCommand(false, tr("Enable"), "play");
    addCommand(
        tr("Sign out"), "sign_out", {}, [this] { change([](const User &u) { return SignOutUser{u.id}; }); },
        [this] { return mayChange([](const User &) { return Capability{}; }); });
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
    m_userCard->body()->addLayout(line);
    m_userView = new TableView(m_users, tr("Accounts"), tr("Nobody has an account yet"), false);
    m_userView->setSelectionMode(QAbstractItemView::SingleSelection);
    m_userView->setRowsShown(5);
    m_userCard->body()->addWidget(m_userView, 1);
    auto *buttons = new ButtonRow;
    for (QAction *command : commands())
        buttons->addWidget(buttonOf(command));
    m_userCard->body()->addWidget(buttons);
    row.addWidget(m_userCard, 3);
    connect(m_search, &QLineEdit::textChanged, &m_typing, qOverload<>(&QTimer::start));
    connect(m_search, &QLineEdit::returnPressed, this, &UsersPage::search);
    connect(m_roles, &QComboBox::currentIndexChanged, this, &UsersPage::search);
    connect(m_states, &QComboBox::currentIndexChanged, this, &UsersPage::search);
    connect(m_userView, &TableView::selected, this, [this] {
        showLimits();
        updateCommands();
    });
}

void UsersPage::addLimits(QBoxLayout &row)
{
    m_limitCard = new Card(tr("Use of limits"));
    m_limitView = new TableView(m_limits, tr("Use of limits"), tr("Choose an account to see its use of limits"));
    m_limitView->setRowsShown(3);
    m_limitCard->body()->addWidget(m_limitView, 1);
    m_limitCard->setMinimumWidth(fontMetrics().height() * 28);
    row.addWidget(m_limitCard, 2);
}

const User *UsersPage::chosen() const
{
    const int row = m_userView ? m_userView->currentSourceRow() : -1;
    return row < 0 ? nullptr : &m_users.row(row);
}

void UsersPage::search()
{
    m_typing.stop();
    m_userView->setWhenEmpty(m_search->text().isEmpty() ? tr("Nobody has an account yet") : tr("No account fits"));
    m_users.restart();
}

void UsersPage::ask(const std::string &cursor)
{
    UserQuery query;
    query.search = m_search->text().trimmed().toStdString();
    query.limit = pageSize;
    query.cursor = cursor;
    if (const QVariant role = m_roles->currentData(); role.isValid())
        query.role = Role(role.toInt());
    if (const QVariant disabled = m_states->currentData(); disabled.isValid())
        query.disabled = disabled.toBool();
    const std::uint64_t question = cursor.empty() ? ++m_question : m_question;
    onAnswer(this, context().deployment.users(query), [this, question](const Result<UserPage> &answer) {
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

void UsersPage::showLimits()
{
    const User *user = chosen();
    if (!user) {
        m_limitsOf = 0;
        m_limits.setRows({});
        m_limitCard->setNote({});
        m_limitView->setWhenEmpty(tr("Choose an account to see its use of limits"));
        return;
    }
    if (user->id != m_limitsOf)
        m_limits.setRows({});
    m_limitsOf = user->id;
    const std::uint64_t question = ++m_limitQuestion;
    onAnswer(this, context().deployment.limitUse(user->id),
             [this, question](const Result<std::vector<LimitUse>> &answer) {
                 if (question != m_limitQuestion)
                     return;
                 m_limits.setRows(answer ? *answer : std::vector<LimitUse>());
                 m_limitView->setWhenEmpty(answer ? tr("Nothing limits this account") : errorText(answer.error()));
             });
}

Capability UsersPage::mayChange(const std::function<Capability(const User &)> &look) const
{
    const Capability allowed = context().gate.allowed(Action(ChangeUser{}));
    if (!allowed.available)
        return allowed;
    return chosen() ? look(*chosen()) : Capability{false, tr("Choose an account first.").toStdString()};
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
    onAnswer(this, context().deployment.users(query), [this](const Result<UserPage> &answer) {
        if (!answer || answer->items.empty())
            return;
        m_users.replaceRow(answer->items.front());
        showLimits();
        updateCommands();
    });
}

void UsersPage::showSnapshot(const Snapshot &snapshot)
{
    QStringList note;
    if (snapshot.users.registered)
        note << tr("%1 registered").arg(countText(snapshot.users.registered));
    if (snapshot.users.today)
        note << tr("%1 today").arg(countText(snapshot.users.today));
    if (snapshot.users.concurrent)
        note << tr("%1 now").arg(countText(snapshot.users.concurrent));
    if (snapshot.users.sessions)
        note << tr("%1 sessions").arg(estimateText(snapshot.users.sessions, snapshot.users.sessionsError));
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
        showLimits();
}

} // namespace portolan::ui
