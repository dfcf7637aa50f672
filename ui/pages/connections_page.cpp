// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/connections_page.h"

#include "ui/support/action_button.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/widgets/adaptive_row.h"
#include "ui/widgets/button_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/table_view.h"

#include <array>

namespace portolan::ui {

namespace {

constexpr std::size_t mostAtOnce = 1000; ///< of CloseClients

std::string hostOf(const std::string &address) { return address.substr(0, address.rfind(':')); }
std::string groupOf(const ClientInfo &client) { return client.name.empty() ? hostOf(client.address) : client.name; }

template <class T> QVariant number(const T &value) { return QVariant(qlonglong(value)); }

const std::array groupColumns{
    Column<ClientGroup>{QT_TRANSLATE_NOOP("tables", "Name, or address"), 20,
                        [](const ClientGroup &g) { return text(g.name); }},
    Column<ClientGroup>{QT_TRANSLATE_NOOP("tables", "Count"), 6,
                        [](const ClientGroup &g) { return countText(double(g.connections)); },
                        [](const ClientGroup &g) { return number(g.connections); }},
    Column<ClientGroup>{QT_TRANSLATE_NOOP("tables", "Longest idle"), 11,
                        [](const ClientGroup &g) { return durationText(std::optional(g.idleMost)); },
                        [](const ClientGroup &g) { return number(g.idleMost.count()); }},
};

const std::array clientColumns{
    Column<ClientInfo>{QT_TRANSLATE_NOOP("tables", "Name"), 16,
                       [](const ClientInfo &c) { return c.name.empty() ? QStringLiteral("–") : text(c.name); }},
    Column<ClientInfo>{QT_TRANSLATE_NOOP("tables", "Address"), 17, [](const ClientInfo &c) { return text(c.address); }},
    Column<ClientInfo>{QT_TRANSLATE_NOOP("tables", "Age"), 9,
                       [](const ClientInfo &c) { return durationText(std::optional(c.age)); },
                       [](const ClientInfo &c) { return number(c.age.count()); }},
    Column<ClientInfo>{QT_TRANSLATE_NOOP("tables", "Idle"), 8,
                       [](const ClientInfo &c) { return durationText(std::optional(c.idle)); },
                       [](const ClientInfo &c) { return number(c.idle.count()); }},
    Column<ClientInfo>{QT_TRANSLATE_NOOP("tables", "Buffers"), 8,
                       [](const ClientInfo &c) { return sizeText(c.memory); },
                       [](const ClientInfo &c) { return QVariant(c.memory ? double(*c.memory) : -1); }},
    Column<ClientInfo>{QT_TRANSLATE_NOOP("tables", "Last command"), 13,
                       [](const ClientInfo &c) { return text(c.command); }},
};

std::string groupKey(const ClientGroup &group) { return group.name; }
std::uint64_t clientKey(const ClientInfo &client) { return client.id; }

} // namespace

ConnectionsPage::ConnectionsPage(const PageContext &context, QWidget *parent)
    : Page(context, parent),
      m_groups(groupColumns, groupKey),
      m_clients(clientColumns, clientKey),
      m_history(new HistoryPanel(this->context(), tr("Over time"),
                                 {{{}, {{metric::redisConnections, tr("connections")}}, {}}})),
      m_listed(
          this,
          [this] { return this->context().shown.deployment().ask(ClientsQuestion{.limit = ClientsQuestion::most}); },
          [this](const Result<ClientPage> &answer) { take(answer); })
{
    m_close = addCommand(
        tr("Close selected"), "close", QKeySequence::Delete,
        [this] { this->context().gate.run(Action(CloseClients{chosenClients()})); },
        [this] {
            const bool chosen = m_clientView && !m_clientView->selectedSourceRows().isEmpty();
            return mayClose(chosen, chosenClients(), tr("Select a connection first."));
        });
    m_closeGroup = addCommand(
        tr("Close group"), "close", QKeySequence("Shift+Del"),
        [this] { this->context().gate.run(Action(CloseClients{chosenGroup()})); },
        [this] {
            const bool chosen = m_groupView && m_groupView->currentSourceRow() >= 0;
            return mayClose(chosen, chosenGroup(), tr("Select a group first."));
        });
    makeDestructive(*m_close);
    makeDestructive(*m_closeGroup);
    body()->addWidget(m_history, 3);
    addExports(*m_history);
    auto *row = new AdaptiveRow(70); // two tables, and addresses are long
    addGroups(row->row());
    addClients(row->row());
    body()->addWidget(row, 4);
}

void ConnectionsPage::addGroups(QBoxLayout &row)
{
    auto *card = new Card(tr("Holders of connections"));
    m_groupView = new TableView(m_groups, tr("Groups of connections"), tr("No connections"));
    m_groupView->setSelectionMode(QAbstractItemView::SingleSelection);
    m_groupView->setRowsShown(4);
    m_groupView->setToolTip(tr("Enter shows its connections only"));
    card->body()->addWidget(m_groupView, 1);
    auto *buttons = new ButtonRow;
    buttons->addWidget(buttonOf(m_closeGroup));
    card->body()->addWidget(buttons);
    connect(m_groupView, &TableView::selected, this, &Page::updateCommands);
    connect(m_groupView, &TableView::opened, this,
            [this](int row) { m_filter->setText(text(m_groups.row(row).name)); });
    row.addWidget(card, 3);
}

void ConnectionsPage::addClients(QBoxLayout &row)
{
    m_clientCard = new Card(tr("Connections"));
    m_filter = new QLineEdit;
    m_filter->setPlaceholderText(tr("Filter (Ctrl+F)"));
    m_filter->setAccessibleName(tr("Filter connections"));
    m_filter->setClearButtonEnabled(true);
    m_clientCard->head()->addWidget(m_filter);
    m_clientView = new TableView(m_clients, tr("Connections"), tr("No connections"));
    m_clientView->setRowsShown(4);
    m_clientCard->body()->addWidget(m_clientView, 1);
    auto *buttons = new ButtonRow;
    buttons->addWidget(buttonOf(m_close));
    m_clientCard->body()->addWidget(buttons);
    connect(m_filter, &QLineEdit::textChanged, m_clientView, &TableView::setFilter);
    connect(m_clientView, &TableView::selected, this, &Page::updateCommands);
    row.addWidget(m_clientCard, 6);
}

std::vector<std::uint64_t> ConnectionsPage::chosenClients() const
{
    std::vector<std::uint64_t> ids;
    for (const int row : m_clientView ? m_clientView->selectedSourceRows() : QList<int>()) {
        if (ids.size() < mostAtOnce && !m_clients.row(row).own)
            ids.push_back(m_clients.row(row).id);
    }
    return ids;
}

std::vector<std::uint64_t> ConnectionsPage::chosenGroup() const
{
    std::vector<std::uint64_t> ids;
    const int row = m_groupView ? m_groupView->currentSourceRow() : -1;
    if (row < 0)
        return ids;
    for (const ClientInfo &client : m_clients.rows()) {
        if (groupOf(client) == m_groups.row(row).name && ids.size() < mostAtOnce && !client.own)
            ids.push_back(client.id);
    }
    return ids;
}

Allowance ConnectionsPage::mayClose(bool chosen, const std::vector<std::uint64_t> &ids, const QString &otherwise) const
{
    const Allowance allowed = context().gate.allowed(Action(CloseClients{}));
    if (!allowed.available)
        return allowed;
    if (!chosen)
        return {false, otherwise};
    if (ids.empty())
        return {false, tr("These are the portal's own: it would open others at once.")};
    return {};
}

void ConnectionsPage::showSnapshot(const Snapshot &snapshot)
{
    showNotTold(snapshot, {"clients", "live"});
    m_history->showSnapshot(snapshot);
    m_groups.setRows(snapshot.clients.groups);
    const auto sampleAge = std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time);
    if (snapshot.clients.age) {
        const Age age = *snapshot.clients.age + std::max(sampleAge, Age(0));
        m_groupView->setStale(isStale(age, snapshot.sampling.detailsStaleAfter));
        m_clientView->setStale(isStale(age, snapshot.sampling.detailsStaleAfter));
        // The plan's limit is the one that counts; where it has none, what the server would take.
        const auto reading = std::ranges::find(snapshot.readings, Resource::RedisConnections, &Reading::resource);
        const bool planned = reading != snapshot.readings.end() && reading->limit;
        m_clientCard->setNote(tr("%1 of %2, %3")
                                  .arg(countText(snapshot.clients.total),
                                       planned ? countText(*reading->limit) : countText(snapshot.redis.maxClients),
                                       ageText(age)));
    } else {
        m_clientCard->setNote(unknownText());
    }
    m_listed.ask();
}

void ConnectionsPage::take(const Result<ClientPage> &answer)
{
    if (answer)
        m_clients.setRows(answer->items);
    else if (m_clients.rows().empty())
        m_clientView->setWhenEmpty(errorText(answer.error()));
    updateCommands();
}

void ConnectionsPage::refresh() { m_history->refresh(); }

} // namespace portolan::ui
