// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/models/table_model.h"
#include "ui/pages/page_table.h"
#include "ui/pages/queue_page.h"
#include "ui/support/colours.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/time_chart.h"
#include "ui/words/event_words.h"

#include <QAbstractButton>
#include <QFuture>
#include <QHeaderView>
#include <QLabel>
#include <QRegularExpression>
#include <QScrollArea>
#include <QScrollBar>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// What takes a script: failures, roles, and situations that no portal is brought into quickly. What holds on every
/// portal is in page_actions_test.cpp.
class SituationsTest final : public QObject
{
    Q_OBJECT
private slots:
    void cleaningUpShowsInTheFigures();
    void closingAGroupShowsInTheFigures();
    void ownConnectionsStay();
    void limitsAreNotCut_data();
    void limitsAreNotCut();
    void nothingIsCutBesideRoom_data();
    void nothingIsCutBesideRoom();
    void eventsStandOnTheirCharts();
    void theThemeReachesEverything();
    void theSharesOfRoutes();
    void operatorsDoNotManageUsers();
    void failuresAreShown();
    void runtimesAreThoseOfThePagesClock();
    void chartsSayThatNothingComes();
    void chartsSayThatTheyCouldNotBeRead();
    void pagesAskAgainWhenThePortalIsThere_data();
    void pagesAskAgainWhenThePortalIsThere();
    void chartsSayWhyNothingIsKnown_data();
    void chartsSayWhyNothingIsKnown();
    void everySituationOnEveryPage_data();
    void everySituationOnEveryPage();
};

void SituationsTest::cleaningUpShowsInTheFigures()
{
    Console console({.situation = "memory-climbing"});
    console.window->openPage("redis");
    auto *view = console.find<TableView>("Key families");
    view->selectRow(0);
    const double before = *console.stack.deployment().latest()->readings.front().value;
    console.press(Qt::Key_Delete, Qt::ShiftModifier);
    const auto &performed = console.stack.deployment().performed();
    QCOMPARE(performed.size(), std::size_t(1));
    QVERIFY(std::get<CleanUpFamily>(performed[0]).idle);
    console.press(Qt::Key_Delete);
    QCOMPARE(performed.size(), std::size_t(2));
    QCOMPARE(std::get<CleanUpFamily>(performed[1]).family, std::string("sessions"));
    QVERIFY(*console.stack.deployment().latest()->readings.front().value < before / 1.5);
    console.press(Qt::Key_Delete, Qt::ShiftModifier); // nothing is left of it
    QCOMPARE(performed.size(), std::size_t(2));
}

void SituationsTest::closingAGroupShowsInTheFigures()
{
    Console console({.situation = "leak"});
    console.window->openPage("connections");
    auto *groups = console.find<TableView>("Groups of connections");
    groups->selectRow(0);
    QCOMPARE(groups->model()->index(0, 0).data().toString(), QString("10.0.0.7"));
    QCOMPARE(console.stack.deployment().latest()->readings[1].zone, Zone::Yellow);
    console.press(Qt::Key_Delete, Qt::ShiftModifier);
    QCOMPARE(console.stack.deployment().latest()->readings[1].zone, Zone::Green);
}

void SituationsTest::ownConnectionsStay()
{
    Console console;
    console.window->openPage("connections");
    console.tick();
    const auto choose = [&](const QString &name, const QString &text) {
        auto *table = console.find<TableView>(name);
        for (int row = 0; row < table->model()->rowCount(); ++row) {
            const QModelIndex index = table->model()->index(row, 0);
            if (index.data().toString() == text) // selectRow() would look at keys that an earlier test has pressed
                table->selectionModel()->select(index, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
        }
        console.window->page()->updateCommands();
    };
    for (const auto &[table, command] : {std::pair(QString("Groups of connections"), QString("Close group")),
                                         std::pair(QString("Connections"), QString("Close selected"))}) {
        choose(table, "portal");
        QAction *close = console.command(command);
        QVERIFY(!close->isEnabled());
        QVERIFY2(close->toolTip().contains("portal's own"), qPrintable(close->toolTip()));
        QVERIFY(console.find<QWidget>(command)->accessibleDescription().contains("portal's own"));
        choose(table, "flower");
        QVERIFY(close->isEnabled());
        QVERIFY(console.find<QWidget>(command)->accessibleDescription().isEmpty());
    }
    console.find<TableView>("Connections")->selectAll(); // of these the portal's own are left alone
    console.command("Close selected")->trigger();
    const auto left = console.stack.deployment().ask(ClientsQuestion{}).result();
    for (const ClientInfo &client : left->items)
        QVERIFY(client.own);
}

void SituationsTest::limitsAreNotCut_data()
{
    QTest::addColumn<QSize>("size");
    QTest::newRow("usual") << QSize(1180, 780);
    QTest::newRow("small") << QSize(800, 600);
}

void SituationsTest::limitsAreNotCut()
{
    QFETCH(QSize, size);
    Console console;
    console.window->resize(size);
    console.window->openPage("users");
    Console::settle();
    console.find<TableView>("Accounts")->selectRow(0);
    auto *limits = console.find<TableView>("Use of limits");
    QTRY_VERIFY(limits->model()->rowCount() > 0);
    Console::settle();
    QVERIFY(limits->horizontalHeader()->length() <= limits->viewport()->width());
    for (int row = 0; row < limits->model()->rowCount(); ++row) {
        for (int column = 0; column < limits->model()->columnCount(); ++column) {
            const QString text = limits->model()->index(row, column).data().toString();
            QVERIFY2(limits->fontMetrics().horizontalAdvance(text) + 16 <= limits->columnWidth(column),
                     qPrintable(text));
        }
    }
}

void SituationsTest::nothingIsCutBesideRoom_data()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<QSize>("size");
    for (const QSize size : {QSize(683, 400), QSize(800, 600), QSize(1024, 600), QSize(1280, 800), QSize(1920, 1080)}) {
        for (const char *situation : {"all-green", "backlog", "leak", "long-names", "one-instance-hangs"})
            QTest::addRow("%s %d x %d", situation, size.width(), size.height()) << QString(situation) << size;
    }
}

/// Figures are never cut, and words only where no column has more room than it needs. No page is wider than its window.
void SituationsTest::nothingIsCutBesideRoom()
{
    QFETCH(QString, situation);
    QFETCH(QSize, size);
    Console console({.situation = situation.toStdString()});
    console.window->resize(size);
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        console.tick();
        Console::settle();
        for (const QScrollArea *area : console.window->page()->findChildren<QScrollArea *>())
            QVERIFY2(area->horizontalScrollBar()->maximum() == 0, qPrintable(entry.id));
        for (TableView *table : console.window->page()->findChildren<TableView *>()) {
            if (!table->isVisible())
                continue;
            const QString where = entry.id + ", " + table->accessibleName() + ": ";
            QVERIFY2(table->horizontalHeader()->length() <= table->viewport()->width(), qPrintable(where));
            std::vector<QString> cut;
            int spare = 0;
            for (int column = 0; column < table->model()->columnCount(); ++column) {
                if (table->isColumnHidden(column))
                    continue;
                int needed = 0;
                QString longest;
                for (int row = 0; row < table->model()->rowCount(); ++row) {
                    const QString text = table->model()->index(row, column).data().toString();
                    if (const int wide = table->fontMetrics().horizontalAdvance(text) + 16; wide > needed) {
                        needed = wide;
                        longest = text;
                    }
                }
                const bool whole = table->model()->headerData(column, Qt::Horizontal, WholeRole).toBool();
                QVERIFY2(!whole || needed <= table->columnWidth(column), qPrintable(where + longest));
                if (needed > table->columnWidth(column))
                    cut.push_back(longest);
                const QString title = table->model()->headerData(column, Qt::Horizontal).toString();
                const int head = table->fontMetrics().horizontalAdvance(title) + 30;
                spare += std::max(0, table->columnWidth(column) - std::max({needed, head, 4 * 16}));
            }
            QVERIFY2(cut.empty() || spare < 30, qPrintable(where + (cut.empty() ? QString() : cut.front())));
        }
    }
}

void SituationsTest::eventsStandOnTheirCharts()
{
    Console console({.situation = "backlog"}); // the queue turned yellow, then red
    const auto marks = [&](const QString &page, std::size_t chart) {
        console.window->openPage(page);
        console.find<QAbstractButton>("Show the last 1 day")->click(); // it was restarted hours ago
        Console::settle();
        QStringList words;
        for (const Event &event : console.window->page()->findChild<HistoryPanel *>()->charts()[chart]->events())
            words << eventText(event);
        return words;
    };
    QVERIFY(marks("queue", 0).contains("Queue turned yellow"));
    for (const std::size_t chart : {0, 1, 2}) {
        const QStringList words = marks("performance", chart);
        QVERIFY2(words.filter("turned").isEmpty(), qPrintable(words.join(", ")));
        QVERIFY(words.contains("The portal started"));
    }
}

/// Also what a chart has laid out before, and what is beside a table's columns.
void SituationsTest::theThemeReachesEverything()
{
    Console console;
    for (const Theme::Mode mode : {Theme::Mode::Light, Theme::Mode::Dark, Theme::Mode::Light}) {
        console.theme.setMode(mode);
        for (const PageEntry &entry : pageTable()) {
            console.window->openPage(entry.id);
            Console::settle();
            const Colours &colours = coloursOf(console.window->palette());
            for (const TimeChart *chart : console.window->page()->findChildren<TimeChart *>())
                for (const TimeChart::PlacedLabel &label : chart->labels())
                    QVERIFY2(label.colour == colours.yellow || label.colour == colours.red ||
                                 label.colour == colours.text,
                             qPrintable(label.words));
            for (TableView *table : console.window->page()->findChildren<TableView *>()) {
                const QImage head = table->horizontalHeader()->grab().toImage();
                QVERIFY2(head.isNull() || head.pixelColor(head.width() - 2, 2) == colours.surface,
                         qPrintable(table->accessibleName()));
            }
        }
    }
}

void SituationsTest::theSharesOfRoutes()
{
    Console console;
    console.window->openPage("performance");
    console.tick();
    const QAbstractItemModel *routes = console.find<TableView>("Routes")->model();
    QStringList titles;
    for (int column = 0; column < routes->columnCount(); ++column)
        titles << routes->headerData(column, Qt::Horizontal).toString();
    const auto cell = [&](const QString &route, const QString &title) {
        for (int row = 0; row < routes->rowCount(); ++row) {
            if (routes->index(row, 0).data().toString().startsWith(route))
                return routes->index(row, int(titles.indexOf(title))).data().toString();
        }
        return QString();
    };
    QVERIFY2(cell("POST /auth/login", "Refused").endsWith(" %"), qPrintable(cell("POST /auth/login", "Refused")));
    QCOMPARE(cell("GET /dashboard", "Refused"), QString("0"));
    QCOMPARE(cell("GET /dashboard", "Not found"), QString("0"));
    QCOMPARE(cell("other", "Not found"), QString("100 %"));
}

void SituationsTest::operatorsDoNotManageUsers()
{
    Console console({.role = Role::Operator});
    console.window->openPage("users");
    console.find<TableView>("Accounts")->selectRow(0);
    QVERIFY(!console.command("Disable")->isEnabled());
    QVERIFY(console.command("Disable")->toolTip().contains("role admin"));
}

void SituationsTest::failuresAreShown()
{
    Console console;
    console.window->openPage("queue");
    Console::settle();
    console.stack.deployment().failNext(failure(ErrorKind::Timeout, "The worker did not answer.", "Look at its log."));
    console.command("Add slot")->trigger();
    Console::settle();
    QCOMPARE(console.notice(), QString("The worker did not answer. Look at its log."));
}

void SituationsTest::runtimesAreThoseOfThePagesClock()
{
    Console console({.situation = "backlog"});
    console.window->openPage("queue");
    console.tick(20s);
    const auto tasks = console.stack.deployment().ask(TasksQuestion{}).result().value().items;
    const auto *model = console.find<TableView>("Tasks")->model();
    int running = 0;
    for (int row = 0; row < model->rowCount(); ++row) {
        if (!model->index(row, 0).data().toString().startsWith("running"))
            continue;
        std::vector<double> expected;
        for (const TaskInfo &task : tasks) {
            if (task.place == TaskPlace::Running)
                expected.push_back(std::chrono::duration<double>(console.clock.wall() - *task.started).count());
        }
        const double shown = model->index(row, 3).data(SortRole).toDouble(); // Runtime
        QVERIFY2(std::ranges::find(expected, shown) != expected.end(), qPrintable(QString::number(shown)));
        ++running;
    }
    QVERIFY(running > 0);
}

namespace {

TimeChart &chartOf(const Console &console, const QString &page)
{
    if (console.window->currentPage() != page)
        console.window->openPage(page);
    Console::settle();
    return *console.window->page()->findChild<HistoryPanel *>()->charts().front();
}

constexpr int patience = 10'000; // ms: the console looks once a second how old its figures are

} // namespace

void SituationsTest::chartsSayThatNothingComes()
{
    Console console;
    TimeChart &chart = chartOf(console, "redis");
    QVERIFY(chart.hasData() && chart.standing().words.isEmpty());
    console.clock.advance(4s);
    console.stack.deployment().changed();
    QVERIFY(chart.standing().words.isEmpty());
    console.clock.advance(21s);
    QTRY_COMPARE_WITH_TIMEOUT(chart.standing().words, QString("No new figures for 25 s"), patience);
    QVERIFY(chart.standing().stale && chart.accessibleDescription().startsWith(chart.standing().words));
    QVERIFY(chart.hasData() && chart.to() == console.clock.wall());
    QVERIFY(*chart.knownUntil() < console.clock.wall() - 20s); // and nothing is drawn after it
    console.tick();
    QCOMPARE(chart.standing(), TimeChart::Standing{});
    QVERIFY(console.clock.wall() - *chart.knownUntil() < 15s);
}

void SituationsTest::chartsSayThatTheyCouldNotBeRead()
{
    const QString words = "The history could not be read: The portal is not running. Start it on the page Local stack.";
    Console console;
    TimeChart &chart = chartOf(console, "redis");
    const WallTime known = *chart.knownUntil();
    console.stack.switchOff();
    console.clock.advance(25s);
    QTRY_COMPARE_WITH_TIMEOUT(chart.standing().words, words, patience);
    QVERIFY(chart.standing().stale && chart.hasData());
    QVERIFY(chart.accessibleDescription().startsWith(words));
    QVERIFY(*chart.knownUntil() == known && chart.to() == console.clock.wall());
    // Also where the time shown does not go on.
    chart.setFocus();
    console.press(Qt::Key_Left, Qt::ShiftModifier);
    QCOMPARE(chart.standing().words, words);
    QVERIFY(console.stack.start({}).result().has_value());
    console.tick(10s);
    QCOMPARE(chart.standing(), TimeChart::Standing{});
    console.press(Qt::Key_0);
    QVERIFY(chart.to() == console.clock.wall() && chart.standing().words.isEmpty());
}

/// A window opens before its portal has started.
void SituationsTest::pagesAskAgainWhenThePortalIsThere_data()
{
    QTest::addColumn<QString>("page");
    for (const char *page : {"overview", "redis", "connections", "queue", "performance", "users"})
        QTest::newRow(page) << QString(page);
}

void SituationsTest::pagesAskAgainWhenThePortalIsThere()
{
    QFETCH(QString, page);
    Console console;
    console.stack.switchOff();
    console.settings.setValue("window/page", page);
    console.open(console.parts());
    QCOMPARE(console.window->currentPage(), page);
    const auto answered = [&console] {
        bool all = true;
        for (const char *table : {"Accounts", "Recent events"})
            if (const auto *view = console.find<TableView>(table))
                all &= view->model()->rowCount() > 0;
        for (const TimeChart *chart : console.window->page()->findChildren<TimeChart *>())
            all &= chart->hasData() && chart->standing().words.isEmpty();
        return all;
    };
    QVERIFY(!answered());
    QVERIFY(console.stack.start({}).result().has_value());
    Console::settle();
    QVERIFY(answered());
}

void SituationsTest::chartsSayWhyNothingIsKnown_data()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<QString>("page");
    QTest::addColumn<QString>("words");
    QTest::newRow("Redis is away") << "redis-down"
                                   << "redis"
                                   << "No new figures for 3 min: not answering";
    QTest::newRow("what Redis does not know goes on") << "redis-down"
                                                      << "performance"
                                                      << "";
    QTest::newRow("nothing yet") << "empty"
                                 << "redis"
                                 << "No data for this time: not measured yet";
    QTest::newRow("the link is lost") << "stale"
                                      << "queue"
                                      << "The history could not be read: The portal cannot be reached: connection "
                                         "refused.";
}

void SituationsTest::chartsSayWhyNothingIsKnown()
{
    QFETCH(QString, situation);
    QFETCH(QString, page);
    QFETCH(QString, words);
    Console console({.situation = situation.toStdString()});
    TimeChart &chart = chartOf(console, page);
    QCOMPARE(chart.standing().words, words);
}

void SituationsTest::everySituationOnEveryPage_data()
{
    QTest::addColumn<QString>("situation");
    for (const auto &situation : demo::situations())
        QTest::newRow(situation.name.data()) << QString::fromUtf8(situation.name.data());
}

namespace {

/// The causes in the header, from the page `here`: to another, and one that there is.
void leadsSomewhere(MainWindow &window, const QString &here)
{
    const std::vector<BannerLine> lines = window.findChild<DeploymentHeader *>()->banner().lines();
    for (const BannerLine &line : lines) {
        QVERIFY2(line.page != here, qPrintable(line.words));
        if (line.page.isEmpty())
            continue;
        QVERIFY2(window.openPage(line.page), qPrintable(line.page));
        QCOMPARE(window.currentPage(), line.page);
        window.openPage(here);
    }
}

} // namespace

void SituationsTest::everySituationOnEveryPage()
{
    QFETCH(QString, situation);
    Console console({.situation = situation.toStdString()});
    for (const QSize size : {QSize(1180, 780), QSize(640, 480)}) {
        console.window->resize(size);
        for (const PageEntry &entry : pageTable()) {
            console.window->openPage(entry.id);
            console.tick();
            QVERIFY(!console.window->grab().isNull());
            for (const auto *label : console.window->findChildren<QLabel *>()) // sentences that were joined
                QVERIFY2(!label->isVisible() ||
                             !QRegularExpression("[.!?] ?\\.(?!\\.)").match(label->text()).hasMatch(),
                         qPrintable(label->text()));
            QVERIFY2(console.window->width() <= size.width(), qPrintable(entry.id));
            // How it stands is on every page, and leads to what explains it, but not to where one is.
            const auto *header = console.window->findChild<DeploymentHeader *>();
            QVERIFY(header->standing().isValid() && header->banner().isVisible() && !header->verdict().isEmpty());
            leadsSomewhere(*console.window, entry.id);
        }
    }
    // Where there is no portal of this machine's, there is no page of it either.
    console.window->show(console.stack.deployment(), nullptr);
    for (const bool on : {true, false}) {
        if (!on)
            console.stack.switchOff();
        for (const PageEntry &entry : pageTable()) {
            if (!console.window->openPage(entry.id))
                continue;
            console.tick();
            leadsSomewhere(*console.window, entry.id);
        }
    }
}

QTEST_MAIN(SituationsTest)
#include "situations_test.moc"
