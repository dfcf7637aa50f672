// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/page.h"

#include "ui/support/format.h"
#include "ui/support/icons.h"
#include "ui/support/zones.h"
#include "ui/widgets/flat_button.h"
#include "ui/widgets/history_panel.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QScrollArea>
#include <QScrollBar>
#include <QStyle>

namespace portolan::ui {

QAction *Page::makeCommand(const QString &text, const QString &iconName, const QKeySequence &shortcut,
                           std::function<void()> work, Allowed allowed)
{
    auto *action = new QAction(icon(iconName), text, this);
    action->setShortcut(shortcut);
    connect(action, &QAction::triggered, this, std::move(work));
    addAction(action);
    m_allowed.emplace_back(action, std::move(allowed));
    return action;
}

QAction *Page::addCommand(const QString &text, const QString &iconName, const QKeySequence &shortcut,
                          std::function<void()> work, Allowed allowed)
{
    m_commands.append(makeCommand(text, iconName, shortcut, std::move(work), std::move(allowed)));
    return m_commands.last();
}

void Page::addExports(HistoryPanel &panel)
{
    const std::pair<ExportFormat, const char *> keys[]{
        {ExportFormat::Csv, "Ctrl+E"}, {ExportFormat::Png, "Ctrl+Shift+P"}, {ExportFormat::Pdf, "Ctrl+P"}};
    for (const auto &[format, shortcut] : keys) {
        m_exports.append(makeCommand(
            exportTitle(format), "export", QKeySequence(shortcut),
            [&panel, format = format] { panel.exportAll(format); }, [&panel] { return panel.mayExport(); }));
    }
    panel.setExports(m_exports);
    connect(&panel, &HistoryPanel::exportsChanged, this, &Page::updateCommands);
}

void Page::updateCommands()
{
    for (const auto &[action, allowed] : m_allowed) {
        const Allowance allowance = allowed ? allowed() : Allowance{};
        QString tip = action->text();
        if (!allowance.available)
            tip += ": " + allowance.reason;
        else if (!action->shortcut().isEmpty())
            tip += " (" + action->shortcut().toString(QKeySequence::NativeText) + ")";
        action->setEnabled(allowance.available);
        action->setWhatsThis(allowance.available ? QString() : allowance.reason);
        action->setToolTip(tip);
    }
}

void Page::focusSomethingQuiet()
{
    QWidget *quiet = nullptr;
    for (QWidget *widget : findChildren<QWidget *>()) {
        const bool acts = qobject_cast<QAbstractButton *>(widget);
        if (acts || !widget->isVisible() || !widget->isEnabled() || !(widget->focusPolicy() & Qt::TabFocus))
            continue;
        if (!quiet || qobject_cast<QAbstractItemView *>(widget))
            quiet = widget;
        if (qobject_cast<QAbstractItemView *>(widget))
            break;
    }
    if (quiet)
        quiet->setFocus(Qt::OtherFocusReason);
}

QVBoxLayout *Page::body()
{
    if (m_body)
        return m_body;
    auto *scroll = new QScrollArea;
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    auto *inner = new QWidget;
    m_body = new QVBoxLayout(inner);
    m_body->setContentsMargins(0, 0, 0, 0);
    m_body->setSpacing(12);
    // What it scrolls is as wide with a bar as without: no wider than what stands above it.
    const int extent = style()->pixelMetric(QStyle::PM_ScrollBarExtent);
    const auto makeRoom = [body = m_body, extent](int, int most) {
        body->setContentsMargins(0, 0, most > 0 ? 0 : extent, 0);
    };
    connect(scroll->verticalScrollBar(), &QScrollBar::rangeChanged, inner, makeRoom);
    makeRoom(0, 0);
    scroll->setWidget(inner);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(scroll);
    return m_body;
}

void Page::showNotTold(const Snapshot &snapshot, std::initializer_list<std::string_view> parts)
{
    const QString sentence = notToldText(snapshot, parts);
    if (!m_notTold) {
        if (sentence.isEmpty())
            return;
        m_notTold = new QLabel;
        m_notTold->setObjectName("notTold");
        m_notTold->setTextFormat(Qt::PlainText);
        m_notTold->setWordWrap(true);
        body()->insertWidget(0, m_notTold);
    }
    if (m_notTold->text() != sentence)
        m_notTold->setText(sentence);
    m_notTold->setVisible(!sentence.isEmpty());
}

QWidget *Page::buttonOf(QAction *command)
{
    auto *button = new FlatButton(this);
    button->setDefaultAction(command);
    button->setAccessibleName(command->text());
    const auto describe = [button, command] { button->setAccessibleDescription(command->whatsThis()); };
    connect(command, &QAction::changed, button, describe);
    describe();
    return button;
}

} // namespace portolan::ui
