// SPDX-License-Identifier: GPL-3.0-or-later
// What a window has of the deployment that it shows, and how it comes to show another.
#include "ui/dialogs/secret_dialog.h"
#include "ui/main_window.h"
#include "ui/pages/local_page.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/start_warnings.h"

#include <QAbstractButton>
#include <QApplication>
#include <QPointer>
#include <utility>

namespace portolan::ui {

MainWindow::~MainWindow() { m_pages->end(); } // or it would hear of what it has among its members

PageStack *MainWindow::makePages(Deployment &deployment, LocalStack *stack)
{
    const auto tell = [this](const QString &sentence, bool worked) { m_notice->tell(sentence, worked); };
    return new PageStack(deployment, stack,
                         {m_parts.confirmer, m_options, m_parts.clock, m_parts.settings, m_parts.openUrl,
                          m_parts.askWhereToSave, tell, m_parts.rememberChoices, lateOutcomes()});
}

LateOutcomes MainWindow::lateOutcomes()
{
    const auto of = [](const QString &deployment, const QString &sentence) {
        return tr("%1: %2").arg(deployment, sentence);
    };
    return {this,
            [this, of](const QString &deployment, const QString &sentence, const QString &secret) {
                showSecret(of(deployment, sentence), secret);
            },
            [this, of](const QString &deployment, const QString &sentence) {
                if (sentence != problem()) // or it is said already
                    this->tell(of(deployment, sentence), false);
            }};
}

void MainWindow::showSecret(const QString &sentence, const QString &secret)
{
    (new SecretDialog(sentence, secret, this))->open();
}

void MainWindow::listen()
{
    const Shown &shown = m_pages->shown();
    const ActionGate &gate = m_pages->gate();
    connect(m_pages, &PageStack::pageWanted, this, &MainWindow::openPage);
    connect(&shown, &Shown::sampled, this, &MainWindow::showSample);
    connect(&shown, &Shown::changed, this, [this, live = shown.deployment().link() == LinkState::Live]() mutable {
        const bool was = std::exchange(live, m_pages->shown().deployment().link() == LinkState::Live);
        if (live && !was)
            page()->refresh(); // what it asked while nobody was there
        showLink();
    });
    // A start that failed changes nothing of a deployment that was off already.
    connect(&shown, &Shown::stackChanged, this, &MainWindow::showLink);
    connect(&shown, &Shown::gone, this,
            [this](Deployment *deployment, LocalStack *stack) { show(deployment ? *deployment : m_none, stack); });
    connect(&gate, &ActionGate::reported, this, [this](const QString &sentence, bool worked) {
        if (worked || sentence != problem()) // why it did not start is said already, and stays
            m_notice->tell(sentence, worked);
    });
    connect(&gate, &ActionGate::secretMade, this, &MainWindow::showSecret);
    connect(&gate, &ActionGate::performed, this, [this] {
        page()->refresh();
        page()->updateCommands();
    });
    if (shown.stack() && !m_startWarnings)
        m_startWarnings = new StartWarnings(*shown.stack(), m_parts.clock, *m_notice, this);
}

void MainWindow::offerPages()
{
    if (m_sidebar->currentRow() >= 0 && !m_pages->isThere(m_sidebar->currentRow()))
        m_sidebar->setCurrentRow(0);
    for (int row = 0; row < m_sidebar->count(); ++row) {
        m_sidebar->setRowHidden(row, !m_pages->isThere(row));
        m_goTo[row]->setVisible(m_pages->isThere(row));
        m_goTo[row]->setEnabled(m_pages->isThere(row)); // by its keys too
    }
    m_visited.removeIf([this](int row) { return !m_pages->isThere(row); });
}

void MainWindow::forgetShown(const LocalStack *stack)
{
    m_pages->end();
    m_pages->disconnect(this);
    m_pages->shown().disconnect(this);
    m_pages->gate().disconnect(this);
    // Whatever is asked or listed is of what is shown no more; what was made up is seen only this once.
    const auto found = findChildren<QDialog *>();
    for (const QPointer<QDialog> &dialog : QList<QPointer<QDialog>>(found.begin(), found.end())) {
        if (dialog && !dialog->isHidden() && !qobject_cast<SecretDialog *>(dialog.data()))
            dialog->reject();
    }
    m_asking = false;
    qDeleteAll(std::exchange(m_elsewhere, {}));
    // What this machine's portal warned of as it started is said once, and is so whatever is shown.
    if (m_startWarnings && !m_startWarnings->areOf(stack))
        delete std::exchange(m_startWarnings, nullptr);
    const bool warns = m_startWarnings && m_notice->sentence() == m_startWarnings->told();
    if (m_notice->sentence() != m_ownNotice && !warns)
        m_notice->withdraw(m_notice->sentence());
    for (QWidget *tip : QApplication::topLevelWidgets()) {
        if (tip->windowType() == Qt::ToolTip)
            tip->hide(); // at once: QToolTip takes a while
    }
}

/// Of what has the focus on a page that was there before: the same on the page that is there now, unless it acts. Null:
/// the focus is elsewhere.
QWidget *MainWindow::counterpart(const PageStack &before) const
{
    const QWidget *focused = focusWidget();
    if (!focused || !before.isAncestorOf(focused))
        return nullptr;
    if (!qobject_cast<const QAbstractButton *>(focused)) {
        for (QWidget *widget : page()->findChildren<QWidget *>()) {
            const bool same =
                widget->metaObject() == focused->metaObject() && widget->accessibleName() == focused->accessibleName();
            if (same && widget->isVisibleTo(page()) && widget->isEnabled())
                return widget;
        }
    }
    return page();
}

void MainWindow::show(Deployment &deployment, LocalStack *stack)
{
    if (m_pages->shown().shows(deployment, stack))
        return;
    const bool sameStack = m_startWarnings && m_startWarnings->areOf(stack); // else this is one of another
    forgetShown(stack);
    PageStack *before = std::exchange(m_pages, makePages(deployment, stack));
    if (sameStack)
        m_pages->findChild<LocalPage *>()->continueFrom(*before->findChild<LocalPage *>());
    delete m_column->replaceWidget(before, m_pages); // the place of the one before in the layout
    m_row = -1;                                      // of the pages that were
    listen();
    offerPages();
    if (m_row < 0)
        showPage(m_sidebar->currentRow());
    m_pages->show();
    if (QWidget *widget = counterpart(*before)) {
        widget == page() ? page()->focusSomethingQuiet() : widget->setFocus(Qt::OtherFocusReason);
    }
    before->hide();
    before->deleteLater(); // what it does now may be what showed another
    m_tray.tell(serves());
    showSample();
    showLink();
}

} // namespace portolan::ui
