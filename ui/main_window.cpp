// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/main_window.h"

#include "ui/dialogs/command_palette.h"
#include "ui/dialogs/help_dialogs.h"
#include "ui/pages/banner_lines.h"
#include "ui/pages/page_table.h"
#include "ui/support/action_button.h"
#include "ui/support/format.h"
#include "ui/support/icons.h"
#include "ui/support/on_answer.h"
#include "ui/support/work_area.h"
#include "ui/support/zones.h"
#include "ui/widgets/card.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/start_warnings.h"
#include "ui/widgets/zone_badge.h"
#include "ui/words/fact_words.h"

#include <QAbstractButton>
#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QLineEdit>
#include <QMenuBar>
#include <QPointer>
#include <QScreen>
#include <QStatusBar>
#include <QStyle>

namespace portolan::ui {

namespace {

constexpr auto geometryKey = "window/geometry";
constexpr auto pageKey = "window/page";
constexpr auto localPageId = "local";
constexpr int roomy = 62; ///< heights of a line: from this width on there is room for more than figures

QString linkWords(LinkState link)
{
    switch (link) {
    case LinkState::Off:
        return MainWindow::tr("not running");
    case LinkState::Connecting:
        return MainWindow::tr("connecting");
    case LinkState::Live:
        return MainWindow::tr("live");
    case LinkState::Lost:
        return MainWindow::tr("link lost");
    }
    return {};
}

/// Of what it explains and what has a limit; nothing where that is none.
std::optional<Zone> zoneOf(const PageEntry &entry, const Snapshot &snapshot)
{
    std::optional<Zone> worst;
    for (const Reading &reading : snapshot.readings) {
        if (reading.unknown == Unknown::NoLimit || reading.unknown == Unknown::NotAvailable)
            continue; // there is nothing to be told
        if (std::ranges::find(entry.resources, reading.resource) != entry.resources.end())
            worst = worst ? worseOf(*worst, reading.zone) : reading.zone;
    }
    return worst;
}

} // namespace

MainWindow::MainWindow(const Parts &parts, ActionGate::Options options, QWidget *parent)
    : QMainWindow(parent),
      m_parts(parts),
      m_options(options),
      m_sidebar(new Sidebar),
      m_header(new DeploymentHeader),
      m_pages(makePages(parts.deployment, parts.stack)),
      m_link(new ZoneBadge),
      m_age(mutedLabel()),
      m_tray(*this, [this] { close(); })
{
    setWindowTitle(tr("Portolan"));
    setWindowIcon(icon("portolan"));
    for (const PageEntry &entry : pageTable())
        m_sidebar->addPage(entry.id, pageTitle(entry), entry.icon);
    makeLayout();
    makeMenus();
    makeStatusBar();
    connect(m_sidebar, &QListWidget::currentRowChanged, this, &MainWindow::showPage);
    connect(m_header, &DeploymentHeader::pageWanted, this, &MainWindow::openPage);
    listen();
    offerPages();
    // Ages grow while no sample comes.
    connect(&m_ageTimer, &QTimer::timeout, this, &MainWindow::showLink);
    m_ageTimer.start(1000);
    if (!restoreGeometry(m_parts.settings.value(geometryKey).toByteArray()))
        resize(QSize(1180, 780).boundedTo(screen()->availableSize()));
    WorkArea::keep(*this); // with its frame, which is not known yet
    if (!openPage(m_parts.settings.value(pageKey).toString()))
        m_sidebar->setCurrentRow(0);
    showSample();
    showLink();
}

void MainWindow::makeLayout()
{
    auto *central = new QWidget;
    auto *across = new QHBoxLayout(central);
    across->setContentsMargins(0, 8, 0, 0);
    across->setSpacing(0);
    across->addWidget(m_sidebar);
    m_column = new QVBoxLayout;
    m_column->addWidget(m_header);
    m_column->addWidget(m_pages, 1);
    across->addLayout(m_column, 1);
    setCentralWidget(central);
    m_notice = new NoticeBar(m_header->noticeRoom(), m_header->nameRow(), *central);
    connect(m_notice, &NoticeBar::shownChanged, m_header, &DeploymentHeader::makeRoom);
    useRoom();
}

void MainWindow::useRoom()
{
    const bool narrow = width() < fontMetrics().height() * roomy;
    m_sidebar->setCompact(narrow);
    // At the right of what pages scroll is room for their bar (Page::body).
    const int bar = style()->pixelMetric(QStyle::PM_ScrollBarExtent);
    m_header->setContentsMargins(0, 0, bar, 0);
    m_column->setContentsMargins(narrow ? 4 : 12, narrow ? 0 : 8, std::max(0, (narrow ? 10 : 20) - bar),
                                 narrow ? 4 : 12);
    m_column->setSpacing(narrow ? 8 : 12);
    m_header->layout()->setSpacing(m_column->spacing());
}

void MainWindow::resizeEvent(QResizeEvent *event)
{
    QMainWindow::resizeEvent(event);
    useRoom();
}

void MainWindow::addGlobal(QMenu &menu, const QString &text, const QString &iconName, const QKeySequence &keys,
                           std::function<void()> work)
{
    auto *action = menu.addAction(icon(iconName), text);
    action->setShortcut(keys);
    connect(action, &QAction::triggered, this, std::move(work));
    m_globals.append(action);
}

void MainWindow::makeMenus()
{
    QMenu *go = menuBar()->addMenu(tr("&Go"));
    int number = 0;
    for (const PageEntry &entry : pageTable()) {
        addGlobal(*go, pageTitle(entry), entry.icon, QKeySequence(QString("Ctrl+%1").arg(++number)),
                  [this, id = entry.id] { openPage(id); });
        m_goTo.append(m_globals.last());
    }
    go->addSeparator();
    addGlobal(*go, tr("Back"), {}, QKeySequence("Alt+Left"), [this] { goBack(); });
    addGlobal(*go, tr("Quit"), {}, QKeySequence("Ctrl+Q"), [this] { close(); });

    m_pageMenu = menuBar()->addMenu(tr("&Page"));

    QMenu *view = menuBar()->addMenu(tr("&View"));
    addGlobal(*view, tr("Commands …"), "search", QKeySequence("Ctrl+K"), [this] { openPalette(); });
    addGlobal(*view, tr("Refresh"), "refresh", QKeySequence("F5"), [this] { page()->refresh(); });
    addGlobal(*view, tr("Search on this page"), "search", QKeySequence::Find, [this] {
        if (QWidget *field = page()->searchField())
            field->setFocus(Qt::ShortcutFocusReason);
    });
    addGlobal(*view, tr("Go to the list of pages"), {}, QKeySequence("F6"), [this] { m_sidebar->setFocus(); });
    view->addSeparator();
    addThemes(*view);
    makeHelp();
}

void MainWindow::makeHelp()
{
    QMenu *help = menuBar()->addMenu(tr("&Help"));
    addGlobal(*help, tr("Keyboard shortcuts"), {}, QKeySequence("F1"), [this] {
        std::vector<ShortcutsDialog::Group> groups{{tr("Everywhere"), m_globals}};
        for (int row = 0; row < m_pages->count(); ++row) {
            const Page *page = m_pages->page(row);
            if (!m_pages->isThere(row))
                continue;
            groups.push_back({page->accessibleName(), page->commands() + page->exports()});
        }
        for (const auto &group : ShortcutsDialog::widgetKeys())
            groups.push_back(group);
        (new ShortcutsDialog(groups, this))->open();
    });
    addGlobal(*help, tr("About Portolan"), {}, {},
              [this] { (new AboutDialog(text(m_pages->shown().deployment().info().version), this))->open(); });
}

void MainWindow::addThemes(QMenu &menu)
{
    auto *group = new QActionGroup(this);
    const std::pair<QString, Theme::Mode> modes[]{{tr("Theme of the system"), Theme::Mode::System},
                                                  {tr("Light theme"), Theme::Mode::Light},
                                                  {tr("Dark theme"), Theme::Mode::Dark}};
    for (const auto &[name, mode] : modes) {
        addGlobal(menu, name, {}, {}, [this, mode = mode] { m_parts.theme.setMode(mode); });
        QAction *action = m_globals.last();
        action->setCheckable(true);
        action->setChecked(m_parts.theme.mode() == mode);
        group->addAction(action);
    }
}

void MainWindow::makeStatusBar()
{
    m_link->setAccessibleName(tr("Link"));
    statusBar()->addWidget(m_link);
    statusBar()->addWidget(m_age);
    statusBar()->setSizeGripEnabled(false);
    statusBar()->setContentsMargins(16, 0, 16, 4);
    if (m_options.readOnly) {
        auto *mark = new ZoneBadge;
        mark->setZone(Zone::Unknown, tr("read-only"));
        statusBar()->addPermanentWidget(mark);
    }
    statusBar()->addPermanentWidget(mutedLabel(tr("Ctrl+K: commands")));
}

bool MainWindow::openPage(const QString &id)
{
    const int row = m_pages->rowOf(id);
    if (row >= 0)
        m_sidebar->setCurrentRow(row);
    return row >= 0;
}

QString MainWindow::currentPage() const { return page()->objectName(); }

Page *MainWindow::page() const { return m_pages->page(); }

void MainWindow::showPage(int row)
{
    if (row < 0)
        return;
    if (m_row >= 0 && m_row != row)
        m_visited.append(m_row);
    m_row = row;
    m_pages->setCurrentIndex(row);
    leaveActions();
    m_pageMenu->clear();
    m_pageMenu->addActions(page()->commands());
    m_pageMenu->addSeparator();
    m_pageMenu->addActions(page()->exports());
    m_pageMenu->menuAction()->setEnabled(!m_pageMenu->isEmpty());
    if (const auto snapshot = m_pages->shown().deployment().latest())
        page()->showSnapshot(*snapshot);
    page()->refresh();
    page()->updateCommands();
    showHeader();
}

void MainWindow::leaveActions()
{
    const QWidget *focused = focusWidget();
    const bool mine = page()->isAncestorOf(focused) || m_header->isAncestorOf(focused);
    if (mine && qobject_cast<const QAbstractButton *>(focused))
        page()->focusSomethingQuiet();
}

void MainWindow::goBack()
{
    if (m_visited.isEmpty())
        return;
    QList<int> before = m_visited;
    m_sidebar->setCurrentRow(before.takeLast());
    m_visited = before; // going back is no visit
}

void MainWindow::tell(const QString &sentence, bool worked)
{
    m_ownNotice = sentence;
    m_notice->tell(sentence, worked);
}

void MainWindow::showSample()
{
    const auto snapshot = m_pages->shown().deployment().latest();
    if (snapshot && m_startWarnings && m_pages->shown().ownStack())
        m_startWarnings->forgetWhatIsOver(*snapshot);
    if (!snapshot || isMinimized())
        return; // nobody looks; changeEvent() catches up
    showZones();
    page()->showSnapshot(*snapshot);
    showLink();
}

void MainWindow::showZones()
{
    const auto snapshot = m_pages->shown().deployment().latest();
    const LinkState link = m_pages->shown().deployment().link();
    for (int row = 0; row < m_sidebar->count(); ++row) {
        const PageEntry &entry = pageTable()[std::size_t(row)];
        const bool overview = row == 0;
        const bool wrong = link == LinkState::Lost || !problem().isEmpty();
        const Zone gone = overview && wrong ? Zone::Red : Zone::Unknown;
        const auto own = snapshot ? zoneOf(entry, *snapshot) : std::nullopt;
        const Zone zone = link != LinkState::Live || !snapshot ? gone
                          : overview                           ? snapshot->verdict
                                                               : own.value_or(Zone::Unknown);
        // A page whose figures have no limit in this tier has no zone; before the first sample nobody knows.
        const bool limited = !snapshot || own;
        m_sidebar->setZone(row, zone, overview || (limited && !entry.resources.empty()));
    }
}

QString MainWindow::problem() const
{
    const LocalStack *stack = m_pages->shown().ownStack();
    if (!stack || stack->state() != LocalStack::State::Stopped)
        return {};
    const auto error = stack->problem();
    return error ? errorText(*error) : QString();
}

/// Why the portal does not run stands once in the window: on its own page beside the fields, elsewhere in the header.
void MainWindow::showHeader()
{
    const Shown &shown = m_pages->shown();
    const Deployment &deployment = shown.deployment();
    const auto lines =
        bannerLines(deployment, problem(), m_pages->clock().wall(), currentPage(), shown.ownStack() != nullptr);
    m_header->show(deployment, lines, currentPage() == localPageId ? QString() : problem());
    setWindowTitle(shown.ownStack() ? tr("Portolan") : tr("%1 — Portolan").arg(text(deployment.info().name)));
}

void MainWindow::showLink()
{
    if (isMinimized())
        return;
    const LinkState link = m_pages->shown().deployment().link();
    m_link->setZone(link == LinkState::Live   ? Zone::Green
                    : link == LinkState::Lost ? Zone::Red
                                              : Zone::Unknown,
                    linkWords(link));
    const auto snapshot = m_pages->shown().deployment().latest();
    QString age = tr("no sample yet");
    if (snapshot) {
        const auto since = std::chrono::duration_cast<Age>(m_pages->clock().wall() - snapshot->time);
        age = tr("sample %1").arg(ageText(std::max(since, Age(0))));
        if (isStale(since))
            page()->showSnapshot(*snapshot);
    }
    m_age->setText(age);
    showHeader();
    showZones();
    page()->updateCommands();
}

QList<QAction *> MainWindow::allCommands() const { return page()->commands() + page()->exports() + m_globals; }

void MainWindow::openPalette()
{
    std::vector<CommandPalette::Search> searches;
    for (int row = 0; row < m_pages->count(); ++row) {
        const QPointer<Page> page = m_pages->page(row);
        const QPointer<QLineEdit> field = qobject_cast<QLineEdit *>(page->searchField());
        if (!field || page->searched().isEmpty() || !m_pages->isThere(row))
            continue;
        searches.push_back({page->searched(), [this, page, field](const QString &words) {
                                if (!field || m_pages->indexOf(page) < 0)
                                    return; // of what is shown no more
                                openPage(page->objectName());
                                field->setText(words);
                                field->setFocus(Qt::ShortcutFocusReason);
                            }});
    }
    auto *palette = new CommandPalette(allCommands() + commandsElsewhere(), std::move(searches), this);
    palette->open();
}

/// Those of the other pages: each opens its page before it runs.
QList<QAction *> MainWindow::commandsElsewhere()
{
    qDeleteAll(std::exchange(m_elsewhere, {}));
    for (int row = 0; row < m_pages->count(); ++row) {
        Page *page = m_pages->page(row);
        if (page == this->page() || !m_pages->isThere(row))
            continue;
        for (QAction *command : page->commands()) {
            auto *action = new QAction(command->icon(), command->text() + " (" + page->accessibleName() + ")", this);
            if (isDestructive(command))
                makeDestructive(*action);
            else if (!isHarmless(command))
                makeDisruptive(*action);
            action->setEnabled(command->isEnabled());
            action->setWhatsThis(command->whatsThis());
            action->setToolTip(command->toolTip());
            action->setProperty("keys", command->shortcut().toString(QKeySequence::NativeText)); // it has none itself
            connect(action, &QAction::triggered, this, [this, page, command] {
                openPage(page->objectName());
                command->trigger();
            });
            m_elsewhere.append(action);
        }
    }
    return m_elsewhere;
}

void MainWindow::changeEvent(QEvent *event)
{
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::WindowStateChange && !isMinimized() && m_row >= 0) {
        showSample();
        showLink();
    }
}

void MainWindow::closeEvent(QCloseEvent *event)
{
    m_parts.settings.setValue(geometryKey, saveGeometry());
    m_parts.settings.setValue(pageKey, currentPage());
    if (mayClose())
        QMainWindow::closeEvent(event);
    else
        event->ignore();
}

/// The portal in this process stops with the window: whoever uses it counts more than a habit of the fingers.
bool MainWindow::mayClose()
{
    LocalStack *stack = m_pages->shown().stack();
    if (m_ends || !stack || stack->state() != LocalStack::State::Running || qApp->isSavingSession())
        return true;
    if (std::exchange(m_asking, true))
        return false;
    onAnswer(m_pages, stack->preview(StackCommand(StopStack{})),
             [this, pages = m_pages](const Result<ActionPreview> &preview) {
                 if (LocalStack *asked = pages->shown().stack())
                     askToQuit(preview, *asked);
             });
    return m_ends;
}

void MainWindow::askToQuit(const Result<ActionPreview> &preview, LocalStack &stack)
{
    const bool interrupts = !preview || preview->count.value_or(0) > 0 || stack.deployment().info().production;
    if (!interrupts) {
        m_asking = false;
        m_ends = true;
        close();
        return;
    }
    const QString words = preview ? previewText(*preview) : errorText(preview.error());
    m_parts.askToQuit({words, Tray::available(), this},
                      [self = QPointer<MainWindow>(this), pages = QPointer<PageStack>(m_pages)](QuitAnswer answer) {
                          if (!self || pages != self->m_pages) // or it was asked about another
                              return;
                          self->m_asking = false;
                          if (answer == QuitAnswer::Quit)
                              self->end();
                          else if (answer == QuitAnswer::KeepServing)
                              self->m_tray.send(self->serves());
                      });
}

QString MainWindow::serves() const
{
    LocalStack *stack = m_pages->shown().stack();
    const std::string url = stack ? stack->deployment().info().url : std::string();
    return url.empty() ? tr("Portolan") : tr("Portolan serves %1").arg(text(url));
}

void MainWindow::end()
{
    m_ends = true;
    if (isHidden())
        QMetaObject::invokeMethod(qApp, &QCoreApplication::quit, Qt::QueuedConnection); // it has no window to close
    close();
}

} // namespace portolan::ui
