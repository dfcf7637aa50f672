// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/card.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/link_row.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/tile.h"

#include <QAbstractButton>
#include <QFuture>
#include <QMouseEvent>
#include <QRegularExpression>
#include <QSignalSpy>
#include <QTime>
#include <QToolTip>
#include <QWheelEvent>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// The time a chart shows, moved by keys; and the overview's way to what is behind its tiles.
class RangeTest final : public QObject
{
    Q_OBJECT
private slots:
    void zoomAndPan();
    void thePanelStaysWhereOneLooks();
    void draggingZooms();
    void zoomedOutItEndsWithNow();
    void zoomedInThereIsSomethingToSee_data();
    void zoomedInThereIsSomethingToSee();
    void chartsShareTheCursor();
    void eventsAreReached();
    void trendsHaveTheScaleOfTheirLimit_data();
    void trendsHaveTheScaleOfTheirLimit();
    void trendsSayWhatIsMissing();
    void trendsTellTheirValues();
    void causesLeadToTheirPages();
    void eventsAreListed();
};

namespace {

const WallTime start{1767225600s};

std::vector<TimeChart::Line> line()
{
    Series flat{metric::redisMemory, 1s, {}};
    for (int i = 0; i < 400; ++i)
        flat.points.push_back({start + i * 1s, 5, 5, 5});
    return {{"memory", flat}};
}

} // namespace

void RangeTest::zoomAndPan()
{
    TimeChart chart("Memory", [](double v) { return QString::number(v); });
    chart.resize(600, 200);
    chart.setLines(line(), start, start + 400s);
    chart.show();
    std::vector<std::pair<WallTime, WallTime>> wanted;
    connect(&chart, &TimeChart::rangeWanted, this, [&](WallTime from, WallTime to) { wanted.emplace_back(from, to); });
    QSignalSpy now(&chart, &TimeChart::nowWanted);
    QTest::keyClick(&chart, Qt::Key_Left, Qt::ShiftModifier);
    QVERIFY(wanted.back() == std::pair(start - 100s, start + 300s));
    QTest::keyClick(&chart, Qt::Key_Right, Qt::ShiftModifier);
    QVERIFY(wanted.back() == std::pair(start + 100s, start + 500s));
    QTest::keyClick(&chart, Qt::Key_Home);
    QTest::keyClick(&chart, Qt::Key_Plus);
    QVERIFY(wanted.back() == std::pair(start, start + 200s)); // what is at the cursor stays
    QTest::keyClick(&chart, Qt::Key_Minus);
    QVERIFY(wanted.back() == std::pair(start, start + 800s));
    QTest::keyClick(&chart, Qt::Key_0);
    QCOMPARE(now.size(), 1);
}

void RangeTest::thePanelStaysWhereOneLooks()
{
    Console console;
    console.window->openPage("redis");
    Console::settle();
    auto *panel = console.window->page()->findChild<HistoryPanel *>();
    TimeChart *chart = panel->charts().front();
    chart->setFocus();
    console.press(Qt::Key_Left, Qt::ShiftModifier);
    console.press(Qt::Key_Home);
    const QString before = chart->readOut();
    QVERIFY(!before.isEmpty());
    console.tick(60s);
    console.press(Qt::Key_Home);
    QCOMPARE(chart->readOut(), before); // it does not go on
    console.press(Qt::Key_0);
    console.press(Qt::Key_Home);
    QVERIFY(chart->readOut() != before);
}

void RangeTest::draggingZooms()
{
    Console console;
    console.window->openPage("queue");
    Console::settle();
    const auto charts = console.window->page()->findChild<HistoryPanel *>()->charts();
    TimeChart *chart = charts.front();
    const auto shown = [chart] { return chart->to() - chart->from(); };
    const auto usual = shown();
    const int middle = chart->height() / 2;
    const auto xOf = [chart](double part) {
        const auto time =
            chart->from() + WallTime::duration(std::int64_t(double((chart->to() - chart->from()).count()) * part));
        return int(chart->placeOf(time, 0).x());
    };
    const auto drag = [&](int from, int to) {
        QTest::mousePress(chart, Qt::LeftButton, {}, {from, middle});
        QTest::mouseMove(chart, {(from + to) / 2, middle});
        QTest::mouseMove(chart, {to, middle});
        QVERIFY(!chart->grab().isNull()); // with what is covered so far
        QTest::mouseRelease(chart, Qt::LeftButton, {}, {to, middle});
        Console::settle();
    };
    const WallTime begin = chart->from();
    drag(xOf(0.75), xOf(0.25)); // whichever way
    QVERIFY2(std::abs(double(shown().count()) / double(usual.count()) - 0.5) < 0.02, "half of it");
    QVERIFY(chart->from() > begin);
    for (const TimeChart *other : charts)
        QVERIFY(other->from() == chart->from() && other->to() == chart->to());
    // A click is no drag; a double click returns, and so does Escape once the cursor is gone.
    const auto zoomed = shown();
    drag(xOf(0.5), xOf(0.5) + 2);
    QVERIFY(shown() == zoomed);
    QTest::mouseDClick(chart, Qt::LeftButton, {}, {xOf(0.5), middle});
    Console::settle();
    QVERIFY(shown() == usual && chart->to() == console.clock.wall());
    drag(xOf(0.2), xOf(0.6));
    QVERIFY(shown() < usual);
    chart->setFocus();
    console.press(Qt::Key_Home);
    console.press(Qt::Key_Escape);
    QVERIFY(shown() < usual && chart->readOut().isEmpty());
    console.press(Qt::Key_Escape);
    QVERIFY(shown() == usual);
    // Escape during a drag calls it off.
    QTest::mousePress(chart, Qt::LeftButton, {}, {xOf(0.2), middle});
    QTest::mouseMove(chart, {xOf(0.6), middle});
    QTest::keyClick(chart, Qt::Key_Escape);
    QTest::mouseRelease(chart, Qt::LeftButton, {}, {xOf(0.6), middle});
    QVERIFY(shown() == usual);
    // So does letting go where the chart does not hear of it.
    QTest::mousePress(chart, Qt::LeftButton, {}, {xOf(0.2), middle});
    const QPointF back(xOf(0.6), middle);
    QMouseEvent move(QEvent::MouseMove, back, chart->mapToGlobal(back), Qt::NoButton, Qt::NoButton, {});
    QCoreApplication::sendEvent(chart, &move);
    QTest::mouseRelease(chart, Qt::LeftButton, {}, back.toPoint());
    QVERIFY(shown() == usual);
}

void RangeTest::zoomedOutItEndsWithNow()
{
    Console console;
    console.window->openPage("redis");
    Console::settle();
    TimeChart *chart = console.window->page()->findChild<HistoryPanel *>()->charts().front();
    chart->setFocus();
    for (int i = 0; i < 40; ++i)
        console.press(Qt::Key_Minus);
    QVERIFY2(chart->to() == console.clock.wall(),
             qPrintable(QString::number((console.clock.wall() - chart->to()) / 1ms)));
    QVERIFY(chart->to() - chart->from() > 24h * 300 && chart->to() - chart->from() < 24h * 500);
    QVERIFY(chart->hasData());
}

void RangeTest::chartsShareTheCursor()
{
    Console console;
    console.window->openPage("performance");
    Console::settle();
    const auto charts = console.window->page()->findChild<HistoryPanel *>()->charts();
    QVERIFY(charts.size() >= 3);
    charts[0]->setFocus();
    console.press(Qt::Key_End);
    for (int i = 0; i < 30; ++i)
        console.press(Qt::Key_Left);
    const auto timeOf = [](const TimeChart *chart) { return QTime::fromString(chart->readOut().left(8), "HH:mm:ss"); };
    QVERIFY2(timeOf(charts[0]).isValid(), qPrintable(charts[0]->readOut()));
    const auto column = (charts[0]->to() - charts[0]->from()) / 100; // the others are narrower
    for (const TimeChart *chart : charts)
        QVERIFY2(std::abs(timeOf(chart).secsTo(timeOf(charts[0]))) * 1s <= column, qPrintable(chart->readOut()));
    console.press(Qt::Key_Escape);
    QVERIFY(charts[0]->readOut().isEmpty() && charts[1]->readOut().isEmpty());
}

void RangeTest::zoomedInThereIsSomethingToSee_data()
{
    QTest::addColumn<QString>("span");
    QTest::addColumn<int>("cursor"); // key
    QTest::addColumn<int>("seconds");
    QTest::newRow("seconds, now") << "1 h" << int(Qt::Key_End) << 10;
    QTest::newRow("seconds, earlier") << "5 min" << int(Qt::Key_Home) << 10;
    QTest::newRow("minutes, a day ago") << "1 day" << int(Qt::Key_Home) << 600;
    QTest::newRow("minutes, a month ago") << "1 month" << int(Qt::Key_Home) << 600;
}

void RangeTest::zoomedInThereIsSomethingToSee()
{
    QFETCH(QString, span);
    QFETCH(int, cursor);
    QFETCH(int, seconds);
    Console console;
    console.window->openPage("redis");
    console.find<QAbstractButton>("Show the last " + span)->click();
    TimeChart *chart = console.window->page()->findChild<HistoryPanel *>()->charts().front();
    chart->setFocus();
    for (int i = 0; i < 25; ++i) {
        console.press(Qt::Key(cursor));
        console.press(Qt::Key_Plus);
        QVERIFY2(chart->hasData(), qPrintable(QString("zoomed in %1 times").arg(i + 1)));
    }
    QCOMPARE(std::chrono::round<std::chrono::seconds>(chart->to() - chart->from()).count(), seconds);
    for (const Qt::Key place : {Qt::Key_Home, Qt::Key_End}) { // it is known up to the edges
        console.press(place);
        QVERIFY2(chart->readOut().contains("MB"), qPrintable(chart->readOut()));
    }
}

void RangeTest::eventsAreReached()
{
    Console console({.situation = "memory-climbing"});
    console.window->openPage("redis");
    Console::settle();
    TimeChart *chart = console.window->page()->findChild<HistoryPanel *>()->charts().front();
    chart->setFocus();
    console.press(Qt::Key_PageUp);
    QVERIFY2(chart->readOut().contains("Redis memory turned yellow"), qPrintable(chart->readOut()));
    // With its time, to who sees it and to who does not; also before somebody walks there.
    static const QRegularExpression words("\\b\\d\\d:\\d\\d Redis memory turned yellow");
    QVERIFY2(chart->readOut().contains(words), qPrintable(chart->readOut()));
    QCOMPARE(chart->accessibleDescription(), chart->readOut());
    const QString walkedTo = chart->readOut();
    console.press(Qt::Key_Escape);
    QVERIFY2(chart->accessibleDescription().contains(words), qPrintable(chart->accessibleDescription()));
    // By mouse too: somewhere along the chart the pointer is on the mark.
    bool hovered = false;
    for (int x = 0; x < chart->width() && !hovered; x += 4) {
        const QPointF at(x, chart->height() / 2.0);
        QMouseEvent move(QEvent::MouseMove, at, chart->mapToGlobal(at), Qt::NoButton, Qt::NoButton, {});
        QCoreApplication::sendEvent(chart, &move);
        hovered = chart->readOut().contains(words);
    }
    QVERIFY2(hovered, qPrintable(walkedTo));
}

void RangeTest::trendsHaveTheScaleOfTheirLimit_data()
{
    using Number = std::optional<double>;
    QTest::addColumn<std::optional<double>>("red");
    QTest::addColumn<std::optional<double>>("limit");
    QTest::addColumn<double>("least");
    QTest::addColumn<double>("most"); // of the figures
    QTest::addColumn<double>("top");
    QTest::newRow("up to the limit") << Number(25) << Number(30) << 1.0 << 14.0 << 30.0;
    QTest::newRow("a share: up to red and a little") << Number(0.05) << Number(1) << 0.01 << 0.002 << 0.06;
    QTest::newRow("no limit: up to red and a little") << Number(200) << Number() << 10.0 << 3.0 << 240.0;
    QTest::newRow("a limit alone") << Number() << Number(30) << 1.0 << 2.0 << 30.0;
    QTest::newRow("beyond it") << Number(200) << Number() << 10.0 << 500.0 << 550.0;
    QTest::newRow("noise without a limit") << Number() << Number() << 10.0 << 2.0 << 10.0;
    QTest::newRow("something without a limit") << Number() << Number() << 10.0 << 40.0 << 50.0;
    QTest::newRow("nothing") << Number() << Number() << 10.0 << 0.0 << 10.0;
}

void RangeTest::trendsHaveTheScaleOfTheirLimit()
{
    QFETCH(std::optional<double>, red);
    QFETCH(std::optional<double>, limit);
    QFETCH(double, least);
    QFETCH(double, most);
    QFETCH(double, top);
    TileTrend trend;
    trend.series.points = {{start, 0, 0, 0}, {start + 1s, most, most, most}};
    trend.red = red;
    trend.limit = limit;
    trend.least = least;
    QCOMPARE(trend.top(), top);
}

void RangeTest::trendsSayWhatIsMissing()
{
    Console console;
    console.window->openPage("overview");
    Console::settle();
    const auto *tile = console.find<Tile>("Redis memory");
    QVERIFY(tile && !tile->trend().series.points.empty() && !tile->trend().stale);
    QCOMPARE(tile->trend().top(), 30.0 * 1024 * 1024);
    const TileTrend before = tile->trend();
    console.stack.switchOff();
    console.clock.advance(25s);
    console.press(Qt::Key_F5);
    QVERIFY(tile->trend().stale && tile->trend().series == before.series);
    QVERIFY(tile->trend().until == console.clock.wall());
    QVERIFY(console.stack.start({}).result().has_value());
    console.press(Qt::Key_F5);
    QVERIFY(!tile->trend().stale);
}

void RangeTest::trendsTellTheirValues()
{
    Tile tile;
    tile.resize(240, 180);
    tile.setFormat([](double value) { return QString::number(value) + " MB"; });
    tile.setContent({.title = "Redis memory", .value = "5 MB", .limit = "of 30 MB", .age = "just now", .known = true});
    tile.setTrend({.series = line().front().series, .from = start, .until = start + 400s});
    tile.show();
    const auto told = [&tile](QPoint at) {
        QHelpEvent help(QEvent::ToolTip, at, tile.mapToGlobal(at));
        QCoreApplication::sendEvent(&tile, &help);
        return QToolTip::text();
    };
    const QString inside = told({120, 90});
    QVERIFY2(inside.endsWith(": 5 MB"), qPrintable(inside));
    QVERIFY2(told({120, 10}).startsWith("Redis memory: "), qPrintable(QToolTip::text()));
    QVERIFY2(QToolTip::text().contains("5 MB of 30 MB"), qPrintable(QToolTip::text()));
}

void RangeTest::causesLeadToTheirPages()
{
    Console console({.situation = "backlog"});
    Console::settle();
    QStringList pages;
    for (LinkRow *row : console.window->findChildren<LinkRow *>()) {
        console.window->openPage("overview");
        row->setFocus();
        QVERIFY(!row->accessibleDescription().isEmpty());
        console.press(Qt::Key_Return);
        pages << console.window->currentPage();
    }
    QCOMPARE(pages, QStringList({"redis", "connections", "queue", "performance", "performance", "performance"}));

    Console empty({.situation = "empty"});
    for (const LinkRow *row : empty.window->findChildren<LinkRow *>())
        QVERIFY(!row->accessibleDescription().isEmpty()); // says that there is nothing
}

void RangeTest::eventsAreListed()
{
    Console console({.situation = "memory-climbing"});
    Console::settle();
    auto *view = console.find<TableView>("Recent events");
    QVERIFY(view && view->model()->rowCount() >= 3);
    QCOMPARE(view->model()->index(0, 2).data().toString(), QString("Redis memory turned yellow")); // the latest first
}

QTEST_MAIN(RangeTest)
#include "range_test.moc"
