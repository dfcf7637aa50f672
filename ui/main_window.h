// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/no_deployment.h"
#include "ui/dialogs/quit_dialog.h"
#include "ui/dialogs/save_dialog.h"
#include "ui/pages/page_stack.h"
#include "ui/support/action_gate.h"
#include "ui/support/theme.h"
#include "ui/widgets/tray.h"

#include <QLabel>
#include <QMainWindow>
#include <QMenu>
#include <QSettings>
#include <QTimer>
#include <QVBoxLayout>

namespace portolan::ui {

class DeploymentHeader;
class NoticeBar;
class Sidebar;
class StartWarnings;
class ZoneBadge;

/// The shell around the pages: sidebar, header, status bar, menus, command palette. Shows one deployment at a time, and
/// another when it is told to.
class MainWindow final : public QMainWindow
{
    Q_OBJECT

public:
    struct Parts
    {
        Deployment &deployment; ///< shown first
        LocalStack *stack;      ///< null: no portal of this machine's
        Confirmer &confirmer;
        const Clock &clock;
        QSettings &settings;
        Theme &theme;
        std::function<bool(const QUrl &)> openUrl; ///< false: nothing on this machine opens it
        SaveAsker askWhereToSave = askWithSaveDialog;
        bool rememberChoices = true; ///< of the local portal (support/local_choices.h)
        QuitAsker askToQuit = askWithQuitDialog;
    };

    MainWindow(const Parts &parts, ActionGate::Options options, QWidget *parent = nullptr);
    ~MainWindow() override;

    using QMainWindow::show;
    /// Shows another deployment from now on. Nothing of the one before stays but a password that was just made up: what
    /// was asked about it, chosen on it or is being saved of it is given up, and answers of its that are still to come
    /// change nothing; of an action on its way there a new password and a failure are told, with the deployment's name.
    /// The page and the focus stay where they are. `stack`: of this machine's, whichever is shown; null: there is none,
    /// and no page of it. When what is shown is destroyed, NoDeployment takes its place.
    void show(Deployment &deployment, LocalStack *stack);

    bool openPage(const QString &id); ///< false: there is no such page
    /// A line over the header; what did not work stays until it is dismissed.
    void tell(const QString &sentence, bool worked);
    QString currentPage() const;
    Page *page() const;
    QList<QAction *> allCommands() const; ///< as the command palette lists them
    /// Closes without asking, also from the tray: somebody with the right to it has decided already (a signal, the end
    /// of the session).
    void end();

protected:
    void closeEvent(QCloseEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void changeEvent(QEvent *event) override;

private:
    PageStack *makePages(Deployment &deployment, LocalStack *stack);
    LateOutcomes lateOutcomes();
    void showSecret(const QString &sentence, const QString &secret);
    void makeLayout();
    void listen(); ///< to what is shown
    /// But for its pages, which something may still be at work in; `stack` is that which is shown next.
    void forgetShown(const LocalStack *stack);
    void offerPages(); ///< those that are there
    QWidget *counterpart(const PageStack &before) const;
    void useRoom(); ///< as the width of the window is
    void makeMenus();
    void makeHelp();
    void makeStatusBar();
    void goBack();
    bool mayClose(); ///< else it asks first
    void askToQuit(const Result<ActionPreview> &preview, LocalStack &stack);
    void addGlobal(QMenu &menu, const QString &text, const QString &iconName, const QKeySequence &keys,
                   std::function<void()> work);
    void addThemes(QMenu &menu);
    void showPage(int row);
    void leaveActions(); ///< the focus, where a change of the page has put it on one
    void showSample();
    void showLink();
    void showHeader();
    void showZones();
    void openPalette();
    QList<QAction *> commandsElsewhere();
    QString problem() const; ///< why the portal of this machine is not there, if it should be
    QString serves() const;  ///< what is told of it in the tray

    Parts m_parts; ///< what it was made with: m_pages has what is shown now
    const ActionGate::Options m_options;
    NoDeployment m_none;
    Sidebar *m_sidebar;
    DeploymentHeader *m_header;
    NoticeBar *m_notice = nullptr;
    QVBoxLayout *m_column = nullptr;
    PageStack *m_pages;
    QMenu *m_pageMenu = nullptr;
    QList<QAction *> m_goTo; ///< a page, as the rows of the sidebar
    QList<QAction *> m_globals;
    QList<QAction *> m_elsewhere; ///< as the palette last offered them
    ZoneBadge *m_link;
    QLabel *m_age;
    QTimer m_ageTimer;
    StartWarnings *m_startWarnings = nullptr;
    QList<int> m_visited; ///< rows of pages, for going back; the last is the one before this
    int m_row = -1;       ///< of the page shown
    QString m_ownNotice;  ///< last told by tell(): not of what is shown
    bool m_ends = false;  ///< nobody is asked any more
    bool m_asking = false;
    Tray m_tray;
};

} // namespace portolan::ui
