// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/gui/console_window.h"
#include "tests/gui/portal_under_test.h"
#include "ui/widgets/table_view.h"

#include <memory>
#include <string>
#include <vector>

namespace portolan::ui {

/// A console on the portal that is tried, for tests of what is done on its pages by keyboard, and what comes of it:
/// what is shown, and what the audit log says. The same on every portal (portal_under_test.h), so nothing is expected
/// at once, and other things may happen meanwhile.
class PageActions
{
protected:
    static constexpr int patience = 20'000; // ms: for what takes a moment, on a busy machine

    ConsoleWindow &open(const QString &page, ActionGate::Options options = {});
    TableView *table(const QString &name) { return m_console->find<TableView>(name); }
    QString cell(const QString &table, int row, int column);
    bool goTo(const QString &table, int column, const QString &text);
    QString said() const { return m_console->notice(); }
    std::vector<AuditEntry> written();
    bool wrote(const std::string &group, const std::string &reason);

    std::unique_ptr<PortalUnderTest> m_portal;
    std::unique_ptr<ConsoleWindow> m_console;
    std::size_t m_audited = 0;
};

#define EVENTUALLY(condition) QTRY_VERIFY2_WITH_TIMEOUT(condition, qPrintable("notice: " + said()), patience)

inline ConsoleWindow &PageActions::open(const QString &page, ActionGate::Options options)
{
    m_console = std::make_unique<ConsoleWindow>(m_portal->stack(), m_portal->clock(), options);
    m_console->window->openPage(page);
    m_portal->nextSample();
    return *m_console;
}

inline QString PageActions::cell(const QString &name, int row, int column)
{
    return table(name)->model()->index(row, column).data().toString();
}

/// The table gets the focus and the row that says `text` in this column is chosen, by keys.
inline bool PageActions::goTo(const QString &name, int column, const QString &text)
{
    TableView *view = table(name);
    view->setFocus();
    m_console->press(Qt::Key_Home, Qt::ControlModifier); // chooses nothing; Space would add its row to what is chosen
    m_console->press(Qt::Key_Down);
    m_console->press(Qt::Key_Up);
    for (int step = 0; step < view->model()->rowCount(); ++step) {
        if (view->currentIndex().siblingAtColumn(column).data().toString() == text) {
            m_console->press(Qt::Key_Space);
            return view->currentSourceRow() >= 0;
        }
        m_console->press(Qt::Key_Down);
    }
    return false;
}

/// The audit log's entries since the test began.
inline std::vector<AuditEntry> PageActions::written()
{
    auto all = m_portal->audit();
    all.erase(all.begin(), all.begin() + std::ptrdiff_t(std::min(m_audited, all.size())));
    return all;
}

/// The last entry is of this group of actions, was done, and says why.
inline bool PageActions::wrote(const std::string &group, const std::string &reason)
{
    const auto entries = written();
    return !entries.empty() && entries.back().action.starts_with(group) && entries.back().outcome == "done" &&
           entries.back().reason == reason && entries.back().role == Role::Admin;
}

} // namespace portolan::ui
