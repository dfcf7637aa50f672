#pragma once

#include "core/api/clock.h"
#include "core/api/deployment.h"
#include "core/api/local_stack.h"
#include "ui/dialogs/save_dialog.h"
#include "ui/pages/page.h"
#include "ui/support/action_gate.h"
#include "ui/support/theme.h"

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
        std::function<void(const QUrl &)> openUrl;
        SaveAsker askWhereToSave = askWithSaveDialog;
        bool rememberChoices = true; ///< of the local portal (support/local_choices.h)
    };

    MainWindow(const Parts &parts, ActionGate::Options options, QWidget *parent = nullptr);

    bool openPage(const QString &id); ///< false: there is no such page
    /// A line over the header; what did not work stays until it is dismissed.
    void tell(const QString &sentence, bool worked);
    QString currentPage() const;
    Page *page() const;
    QList<QAction *> allCommands() const; ///< as the command palette lists them

protected:
    void closeEvent(QCloseEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void changeEvent(QEvent *event) override;

private:
    void makePages();
    void makeLayout();
    void useRoom(); ///< as the width of the window is
    void makeMenus();
    void makeStatusBar();
    void addGlobal(QMenu &menu, const QString &text, const QString &iconName, const QKeySequence &keys,
                   std::function<void()> work);
    void addThemes(QMenu &menu);
    void showPage(int row);
    void showSample();
    void showLink();
    void showZones();
    void openPalette();
    QList<QAction *> commandsElsewhere();
    void showStackState();
    QString problem() const; ///< why the portal of this machine is not there, if it should be
    void takeLog(const std::vector<LogLine> &lines);

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
    WallTime m_startEnds = WallTime::max(); ///< what the local portal warns of until then is told
    QStringList m_startWarnings;
};

} // namespace portolan::ui
