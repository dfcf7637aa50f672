// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/deployment.h"
#include "core/api/local_stack.h"
#include "ui/dialogs/quit_dialog.h"
#include "ui/dialogs/save_dialog.h"
#include "ui/pages/page.h"
#include "ui/support/action_gate.h"
#include "ui/support/theme.h"
#include "ui/widgets/tray.h"

#include <QLabel>
#include <QMainWindow>
#include <QMenu>
#include <QSettings>
#include <QStackedWidget>
#include <QTimer>
#include <QVBoxLayout>

namespace portolan::ui {

class DeploymentHeader;
class NoticeBar;
class Sidebar;
class StartWarnings;
class ZoneBadge;

/// The shell around the pages: sidebar, header, status bar, menus, command palette.
class MainWindow final : public QMainWindow
{
    Q_OBJECT

public:
    struct Parts
    {
        Deployment &deployment;
        LocalStack *stack; ///< null: no portal of this machine's
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
    void makePages();
    void makeLayout();
    void useRoom(); ///< as the width of the window is
    void makeMenus();
    void makeHelp();
    void makeStatusBar();
    void goBack();
    void keepServing();
    bool mayClose(); ///< else it asks first
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

    Parts m_parts;
    ActionGate m_gate;
    Sidebar *m_sidebar;
    DeploymentHeader *m_header;
    NoticeBar *m_notice = nullptr;
    QVBoxLayout *m_column = nullptr;
    QStackedWidget *m_pages;
    QMenu *m_pageMenu = nullptr;
    QList<QAction *> m_globals;
    QList<QAction *> m_elsewhere; ///< as the palette last offered them
    ZoneBadge *m_link;
    QLabel *m_age;
    QTimer m_ageTimer;
    StartWarnings *m_startWarnings = nullptr;
    QList<int> m_visited; ///< rows of pages, for going back; the last is the one before this
    int m_shown = -1;
    bool m_ends = false; ///< nobody is asked any more
    bool m_asking = false;
    Tray m_tray;
};

} // namespace portolan::ui
