// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/pages/page_table.h"
#include "ui/support/advice.h"
#include "ui/support/colours.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/widgets/card.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/figure_strip.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/tile.h"

#include <QHelpEvent>
#include <QLabel>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// How the portal stands is in sight wherever one is, and nothing hides it or says better of it.
class StandingTest final : public QObject
{
    Q_OBJECT
private slots:
    void noticesCoverNoStatus_data();
    void noticesCoverNoStatus();
    void adviceIsSentences();
    void whatIsDownIsRedEverywhere();
    void whatIsNotKnownSaysWhy();
    void aLostLinkIsRed();
    void everyResourceHasATile();
    void theOldestTaskIsOneFigure_data();
    void theOldestTaskIsOneFigure();
    void whatNobodyAskedForIsUnknown();
    void nobodyTakesTasks();
    void overheadIsARowWithItsBudget();
    void budgetsAreNoZones_data();
    void budgetsAreNoZones();
    void theHitRatioSaysWhatItIs();
    void theMemoryHasOneLimit_data();
    void theMemoryHasOneLimit();
    void theCommandsAreOneFigure();
    void notesAreCutWithAnEllipsis();
    void theTitleIsAsWideAsTheCards_data();
    void theTitleIsAsWideAsTheCards();
    void fragmentationIsJudged_data();
    void fragmentationIsJudged();
    void refusalsHaveACause();
    void trendsKeepGapsAndExtremes();
};

namespace {

const Tile *tileOf(const Console &console, Resource resource)
{
    for (const Tile *tile : console.window->findChildren<Tile *>())
        if (tile->accessibleName() == resourceTitle(resource))
            return tile;
    return nullptr;
}

QString said(const Console &console, Resource resource)
{
    const Tile *tile = tileOf(console, resource);
    return tile ? tile->accessibleDescription() : QString();
}

QString sidebarOf(const Console &console, const QString &page)
{
    const auto *sidebar = console.window->findChild<Sidebar *>();
    for (int row = 0; row < sidebar->count(); ++row)
        if (sidebar->item(row)->data(Qt::UserRole).toString() == page)
            return sidebar->item(row)->data(Qt::AccessibleTextRole).toString();
    return {};
}

} // namespace

void StandingTest::noticesCoverNoStatus_data()
{
    QTest::addColumn<QSize>("size");
    QTest::newRow("usual") << QSize(1180, 780);
    QTest::newRow("small") << QSize(640, 480);
}

void StandingTest::noticesCoverNoStatus()
{
    QFETCH(QSize, size);
    Console console({.situation = "redis-down"});
    console.window->resize(size);
    const auto *header = console.window->findChild<DeploymentHeader *>();
    const auto *notice = console.window->findChild<NoticeBar *>();
    for (const bool worked : {true, false}) {
        console.window->tell(QString("A sentence that takes more than one line. ").repeated(4), worked);
        Console::settle();
        const QRect status(header->mapTo(console.window.get(), header->standing().topLeft()),
                           header->standing().size());
        const QRect covered(notice->mapTo(console.window.get(), QPoint()), notice->size());
        QVERIFY(notice->isVisible() && status.isValid());
        QVERIFY(!covered.intersects(status));
        const QWidget *page = console.window->page();
        QVERIFY(!covered.intersects(QRect(page->mapTo(console.window.get(), QPoint()), page->size())));
    }
    QVERIFY(header->verdict().contains("Redis does not answer"));
}

/// Whether what a server said came with a stop or without.
void StandingTest::adviceIsSentences()
{
    for (const char *told : {"No answer within 2000 ms.", "No answer within 2000 ms", "Is it there?", ""}) {
        Snapshot snapshot;
        for (const char *name : {"redis", "database"}) {
            snapshot.links = {{name, false, {}, {}, "", "", told}};
            const QString advice = adviceText(snapshot);
            QVERIFY2(!advice.contains("..") && !advice.contains("?."), qPrintable(advice));
            QVERIFY2(advice.isEmpty() || advice.endsWith('.') || advice.endsWith('?'), qPrintable(advice));
            QVERIFY2(advice.startsWith(text(std::string(told).substr(0, 24))), qPrintable(advice));
        }
    }
}

void StandingTest::whatIsDownIsRedEverywhere()
{
    Console console({.situation = "redis-down"});
    for (const char *page : {"overview", "redis", "connections", "queue"})
        QVERIFY2(sidebarOf(console, page).endsWith(", red"), qPrintable(sidebarOf(console, page)));
    for (const Resource resource : {Resource::RedisMemory, Resource::RedisConnections, Resource::Queue,
                                    Resource::Workers, Resource::OldestTask, Resource::RedisOverhead}) {
        const QString words = said(console, resource);
        QVERIFY2(words.startsWith("red") && words.contains("Redis is down"), qPrintable(words));
    }
    const QString advice = console.window->findChild<DeploymentHeader *>()->advice();
    QVERIFY2(advice.contains("Check that redis-server runs"), qPrintable(advice));
    const QString verdict = console.window->findChild<DeploymentHeader *>()->verdict();
    QVERIFY2(verdict.endsWith("; besides: Error rate"), qPrintable(verdict)); // not "1 more" of the ten
    QVERIFY(Console().window->findChild<DeploymentHeader *>()->advice().isEmpty());
}

void StandingTest::whatIsNotKnownSaysWhy()
{
    Console console({.situation = "empty"});
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        Console::settle();
        for (const QWidget *row : console.window->page()->findChildren<QWidget *>()) {
            const QString words = row->accessibleDescription();
            QVERIFY2(!words.contains("no keys") && !words.contains("no connections"), qPrintable(words));
        }
    }
}

void StandingTest::aLostLinkIsRed()
{
    Console console({.situation = "stale"});
    const QString words = console.window->findChild<DeploymentHeader *>()->verdict();
    QVERIFY2(words.startsWith("Red:"), qPrintable(words));
    QVERIFY2(sidebarOf(console, "overview").endsWith(", red"), qPrintable(sidebarOf(console, "overview")));
}

void StandingTest::everyResourceHasATile()
{
    Console console;
    for (const auto &reading : console.stack.deployment().latest()->readings) {
        const QString words = said(console, reading.resource);
        QVERIFY2(words.startsWith(zoneWord(reading.zone)), qPrintable(resourceTitle(reading.resource) + ": " + words));
        QVERIFY2(!words.contains("no limit"), qPrintable(words));
        QVERIFY(!pageExplaining(reading.resource).isEmpty());
    }
}

/// One figure says the same wherever it stands on a page.
void StandingTest::theOldestTaskIsOneFigure_data()
{
    QTest::addColumn<QByteArray>("situation");
    for (const char *situation : {"all-green", "backlog", "no-workers"})
        QTest::newRow(situation) << QByteArray(situation);
}

void StandingTest::theOldestTaskIsOneFigure()
{
    QFETCH(QByteArray, situation);
    Console console({.situation = situation.toStdString()});
    console.tick();
    const auto &readings = console.stack.deployment().latest()->readings;
    const auto oldest = std::ranges::find(readings, Resource::OldestTask, &Reading::resource);
    const QString figure = inUnit(Resource::OldestTask, *oldest->value);
    QVERIFY2(said(console, Resource::OldestTask).contains(figure), qPrintable(said(console, Resource::OldestTask)));
    for (const QAbstractButton *button : console.window->page()->findChildren<QAbstractButton *>())
        if (button->accessibleName() == "Oldest task" && !qobject_cast<const Tile *>(button))
            QVERIFY2(button->accessibleDescription().contains(figure), qPrintable(button->accessibleDescription()));
    console.window->openPage("queue");
    QCOMPARE(console.find<QLabel>("Oldest waiting")->text(), figure);
}

void StandingTest::whatNobodyAskedForIsUnknown()
{
    Console console({.situation = "empty"});
    console.window->openPage("performance");
    console.tick();
    for (const QLabel *label : console.window->page()->findChildren<QLabel *>())
        QVERIFY2(!label->text().contains("0 refused"), qPrintable(label->text()));
}

void StandingTest::nobodyTakesTasks()
{
    Console console({.situation = "no-workers"});
    QVERIFY2(said(console, Resource::Workers).startsWith("red, 5 waiting, none is taken"),
             qPrintable(said(console, Resource::Workers)));
    QVERIFY(sidebarOf(console, "queue").endsWith(", red"));
    QVERIFY(console.window->findChild<DeploymentHeader *>()->verdict().contains("no worker takes tasks, 5 waiting"));
}

void StandingTest::overheadIsARowWithItsBudget()
{
    Console console;
    console.window->openPage("redis");
    console.tick();
    auto *view = console.find<TableView>("Key families");
    int found = -1;
    for (int row = 0; row < view->model()->rowCount(); ++row)
        if (view->model()->index(row, 0).data().toString() == "overhead")
            found = row;
    QVERIFY(found >= 0);
    QVERIFY2(view->model()->index(found, 1).data().toString().endsWith("of 5 MB"),
             qPrintable(view->model()->index(found, 1).data().toString()));
    view->selectRow(found);
    QVERIFY(!console.command("Clean up family")->isEnabled()); // there is nothing to delete
}

void StandingTest::budgetsAreNoZones_data()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<bool>("over");
    QTest::newRow("all within") << "all-green" << false;
    QTest::newRow("one over") << "memory-climbing" << true;
}

/// A family over its budget is marked, and in no colour that says more than the portal's own.
void StandingTest::budgetsAreNoZones()
{
    QFETCH(QString, situation);
    QFETCH(bool, over);
    Console console({.situation = situation.toStdString()});
    console.window->openPage("redis");
    console.tick();
    const Colours &colours = coloursOf(console.window->palette());
    const QImage families = console.find<TableView>("Key families")->viewport()->grab().toImage();
    bool yellow = false, red = false;
    for (int y = 0; y < families.height(); ++y) {
        for (int x = 0; x < families.width(); ++x) {
            yellow |= families.pixelColor(x, y) == colours.yellow;
            red |= families.pixelColor(x, y) == colours.red;
        }
    }
    QCOMPARE(yellow, over);
    QVERIFY(!red);
}

void StandingTest::theHitRatioSaysWhatItIs()
{
    Console console;
    console.window->openPage("redis");
    console.tick();
    const auto *value = console.find<QLabel>("Hit ratio, 1 min");
    QVERIFY2(value->text().endsWith("of users' reads"), qPrintable(value->text()));
}

void StandingTest::theMemoryHasOneLimit_data()
{
    QTest::addColumn<int>("limit");     // MB, of the traffic light
    QTest::addColumn<int>("maxmemory"); // MB, as Redis tells it
    QTest::addColumn<QString>("words");
    QTest::newRow("the same") << 30 << 30 << "of 30 MB";
    QTest::newRow("the plan's is smaller") << 30 << 40 << "of 30 MB (plan)";
    QTest::newRow("Redis has none") << 30 << 0 << "of 30 MB (plan)";
    QTest::newRow("Redis's own is smaller") << 10 << 10 << "of 10 MB";
}

/// On the page as on the overview and in its own chart.
void StandingTest::theMemoryHasOneLimit()
{
    QFETCH(int, limit);
    QFETCH(int, maxmemory);
    QFETCH(QString, words);
    Console console;
    console.window->openPage("redis");
    Snapshot snapshot = *console.stack.deployment().latest();
    snapshot.redis.maxmemory = std::uint64_t(maxmemory) * 1024 * 1024;
    for (Reading &reading : snapshot.readings)
        if (reading.resource == Resource::RedisMemory)
            reading.limit = limit * 1024.0 * 1024.0;
    console.window->page()->showSnapshot(snapshot);
    const QString shown = console.find<QLabel>("Memory")->text();
    QVERIFY2(shown.endsWith(words), qPrintable(shown));
}

void StandingTest::theCommandsAreOneFigure()
{
    Console console;
    console.window->openPage("redis");
    Snapshot snapshot = *console.stack.deployment().latest();
    snapshot.plan.commandsPerSecond = 60.2;
    snapshot.redis.commandsPerSecond = 24;
    snapshot.redis.ownCommandsPerSecond = 31;
    console.window->page()->showSnapshot(snapshot);
    QCOMPARE(console.find<QLabel>("Commands, 1 min")->text(), QString("60.2/s (31 own)"));
    snapshot.plan.commandsPerSecond.reset();
    snapshot.redis.ownCommandsPerSecond.reset();
    console.window->page()->showSnapshot(snapshot);
    QCOMPARE(console.find<QLabel>("Commands, 1 min")->text(), rateText(24.0));
}

void StandingTest::notesAreCutWithAnEllipsis()
{
    const QString note = "sampled just now  ·  Redis is asked every 1.3 s: somebody looks";
    Card card("Key families");
    card.setNote(note);
    QLabel *label = nullptr;
    for (QLabel *one : card.findChildren<QLabel *>())
        label = one->text() == note ? one : label;
    QVERIFY(label);
    for (const bool fits : {false, true}) {
        card.resize(fits ? 1500 : 300, 100);
        card.show();
        QCoreApplication::processEvents();
        QHelpEvent help(QEvent::ToolTip, QPoint(1, 1), label->mapToGlobal(QPoint(1, 1)));
        QCoreApplication::sendEvent(label, &help);
        QCOMPARE(label->toolTip(), fits ? QString() : note); // what was cut is to be had
    }
}

void StandingTest::theTitleIsAsWideAsTheCards_data()
{
    QTest::addColumn<QSize>("size");
    QTest::newRow("all of a page") << QSize(1180, 1500);
    QTest::newRow("scrolled") << QSize(1180, 500);
}

void StandingTest::theTitleIsAsWideAsTheCards()
{
    QFETCH(QSize, size);
    Console console;
    console.window->resize(size);
    const auto rightOf = [&console](const QWidget &widget) {
        return widget.mapTo(console.window.get(), QPoint(widget.width(), 0)).x();
    };
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        console.tick();
        int cards = 0;
        for (const Card *card : console.window->page()->findChildren<Card *>())
            cards = std::max(cards, card->isVisible() ? rightOf(*card) : 0);
        QCOMPARE(cards, rightOf(console.window->findChild<DeploymentHeader *>()->nameRow()));
    }
}

void StandingTest::fragmentationIsJudged_data()
{
    QTest::addColumn<double>("times");
    QTest::addColumn<int>("resident"); // MB
    QTest::addColumn<QString>("words");
    QTest::newRow("usual") << 1.18 << 20 << "× 1.18";
    QTest::newRow("of little") << 7.01 << 9 << "× 7.01, harmless";
    QTest::newRow("of much") << 2.5 << 400 << "× 2.50, high";
}

void StandingTest::fragmentationIsJudged()
{
    QFETCH(double, times);
    QFETCH(int, resident);
    QFETCH(QString, words);
    Console console;
    console.window->openPage("redis");
    Snapshot snapshot = *console.stack.deployment().latest();
    snapshot.redis.fragmentation = times;
    snapshot.redis.usedMemoryRss = std::uint64_t(resident) * 1024 * 1024;
    console.window->page()->showSnapshot(snapshot);
    QCOMPARE(console.find<QLabel>("Fragmentation")->text(), words);
}

void StandingTest::refusalsHaveACause()
{
    Console console({.situation = "refusals"});
    QVERIFY2(said(console, Resource::Refused).startsWith("red"), qPrintable(said(console, Resource::Refused)));
    QStringList all;
    for (const QAbstractButton *button : console.window->page()->findChildren<QAbstractButton *>())
        if (button->accessibleName() == "Most refused")
            all << button->accessibleDescription();
    QCOMPARE(all.size(), 1);
    QVERIFY2(all.first().contains(" in 60 s"), qPrintable(all.first()));
}

void StandingTest::trendsKeepGapsAndExtremes()
{
    const WallTime start{1000s};
    TileTrend trend;
    trend.from = start;
    trend.until = start + 100s;
    trend.least = 10;
    trend.series.step = 1s;
    const auto add = [&](int from, int to, double value) {
        for (int second = from; second < to; ++second)
            trend.series.points.push_back({start + std::chrono::seconds(second), value, value, value});
    };
    add(0, 10, 0);
    add(10, 15, 5); // five seconds of 5
    add(15, 20, 0);
    add(60, 100, 0); // and nothing between
    const QRectF rect(0, 0, 1000, 100);
    const auto lines = trendLines(trend, rect);
    QCOMPARE(lines.size(), std::size_t(2));
    QCOMPARE(lines[0].last().x(), 200.0);
    QCOMPARE(lines[1].first().x(), 600.0);
    double widest = 0;
    for (qsizetype i = 1; i < lines[0].size(); ++i)
        if (lines[0][i].y() == 50 && lines[0][i - 1].y() == 50)
            widest += lines[0][i].x() - lines[0][i - 1].x();
    QCOMPARE(widest, 50.0); // a plateau stays one
    // Merged points keep both extremes, and what was before a restart is a stretch of its own.
    trend.series = {metric::queueWaiting, 60s, {{start, 2, 2, 2}, {start + 60s, 0, 8, 1}}};
    trend.series.points[0].from = start + 10s;
    trend.series.points[0].until = start + 40s;
    const auto parts = trendLines(trend, rect);
    QCOMPARE(parts.size(), std::size_t(2));
    QCOMPARE(parts[0].first().x(), 100.0);
    QCOMPARE(parts[0].last().x(), 400.0);
    QCOMPARE(parts[1].first().x(), 600.0);
    QCOMPARE(parts[1].last().y(), 20.0);
    // Minutes among seconds, of before a restart, are as high as their means, and no teeth of a saw.
    trend.series = {metric::queueWaiting, 1s, {{start, 0, 8, 2}, {start + 40s, 0, 8, 4}, {start + 80s, 5, 5, 5}}};
    trend.series.points[0].until = start + 40s;
    trend.series.points[1].until = start + 70s;
    const auto minutes = trendLines(trend, rect);
    QCOMPARE(minutes.size(), std::size_t(2));
    QCOMPARE(minutes[0], QPolygonF({{0, 80}, {400, 80}, {400, 60}, {700, 60}}));
    QCOMPARE(minutes[1].first(), QPointF(800, 50));
}

QTEST_MAIN(StandingTest)
#include "standing_test.moc"
