// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/support/axis.h"
#include "ui/support/format.h"
#include "ui/support/reduce.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/time_chart.h"

#include <QAbstractButton>
#include <QElapsedTimer>
#include <QPixmap>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// Charts: what is drawn of many points, where there are none, and what the keyboard reads out.
class ChartTest final : public QObject
{
    Q_OBJECT
private slots:
    void extremesAreKept();
    void gapsAreKept();
    void minutesShowWhatTheyCover();
    void pointsHoldForTheirStep_data();
    void pointsHoldForTheirStep();
    void oddInputIsHarmless();
    void roundSteps_data();
    void roundSteps();
    void valuesAreLabelledOnce();
    void sizesShareAUnit();
    void zonesAreReadable_data();
    void zonesAreReadable();
    void timeTicksAreInside();
    void aMillionPoints();
    void readOutByKeyboard();
    void noDataSaysSo();
    void whatIsStaleSaysSo();
    void spansAreChosenByKeyboard();
};

namespace {

const WallTime start{1767225600s};

Series series(std::size_t count, std::chrono::seconds step = 1s)
{
    Series made{metric::redisMemory, step, {}};
    made.points.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const double value = double((i * 7919) % 1000) / 100;
        made.points.push_back({start + step * i, value, value, value});
    }
    return made;
}

} // namespace

void ChartTest::extremesAreKept()
{
    Series many = series(10'000);
    many.points[4321].high = 500;
    many.points[8765].low = -3;
    const auto columns = reduce(many, start, start + 10'000s, 300);
    QCOMPARE(columns.size(), std::size_t(300));
    double high = 0, low = 0;
    for (const PixelColumn &column : columns) {
        QVERIFY(column.any && !column.gap);
        high = std::max(high, column.high);
        low = std::min(low, column.low);
    }
    QCOMPARE(high, 500.0);
    QCOMPARE(low, -3.0);
    QCOMPARE(columns[std::size_t(4321 * 300 / 10'000)].high, 500.0);
}

void ChartTest::gapsAreKept()
{
    Series holed = series(100);
    holed.points.erase(holed.points.begin() + 40, holed.points.begin() + 60);
    const auto columns = reduce(holed, start, start + 100s, 100);
    for (std::size_t i = 0; i < 100; ++i)
        QCOMPARE(columns[i].any, i < 40 || i >= 60);
    QVERIFY(columns[60].gap);
    QVERIFY(!columns[39].gap && !columns[61].gap);
}

/// Nothing is drawn where nothing was measured, although the minutes themselves follow each other.
void ChartTest::minutesShowWhatTheyCover()
{
    Series minutes{metric::redisMemory, 60s, {{start, 1, 1, 1}, {start + 60s, 2, 2, 2}, {start + 120s, 3, 3, 3}}};
    minutes.points[0].from = start + 30s;  // the portal started
    minutes.points[1].until = start + 80s; // stopped, started again
    minutes.points[2].from = start + 160s;
    QString known;
    for (const PixelColumn &column : reduce(minutes, start, start + 180s, 18))
        known += !column.any ? '.' : QChar('0' + int(column.mean)), known += column.gap ? "|" : "";
    QCOMPARE(known, QString("...11122........3|3"));
    // Among seconds a minute is as wide as it is, and no way to the next point.
    Series mixed{metric::queueEnded, 1s, {{start, 0, 5, 1}, {start + 60s, 2, 2, 2}, {start + 61s, 2, 2, 2}}};
    mixed.points[0].until = start + 60s;
    const auto columns = reduce(mixed, start, start + 62s, 124);
    for (std::size_t i = 1; i < 120; ++i)
        QVERIFY(columns[i].held && columns[i].flat);
    QVERIFY(columns[121].held && !columns[121].flat);
}

void ChartTest::pointsHoldForTheirStep_data()
{
    QTest::addColumn<QList<int>>("points"); // seconds since the start, a minute each
    QTest::addColumn<int>("from");
    QTest::addColumn<int>("to");
    QTest::addColumn<QString>("known"); // per sixth of the time: the point's value, held or begun (') there
    QTest::newRow("inside of one minute") << QList<int>{0} << 20 << 50 << "000000";
    QTest::newRow("the one before the left edge") << QList<int>{0, 60} << 30 << 90 << "0001'11";
    QTest::newRow("none after the last one's minute") << QList<int>{0, 60} << 60 << 180 << "1'11...";
    QTest::newRow("one after the right edge bridges") << QList<int>{0, 90} << 30 << 90 << "000000";
    QTest::newRow("a gap stays one") << QList<int>{0, 180} << 0 << 240 << "0'0..3'3";
    QTest::newRow("too old for the left edge") << QList<int>{0} << 60 << 120 << "......";
    QTest::newRow("ahead of it") << QList<int>{120} << 0 << 120 << "......";
    QTest::newRow("as many as columns") << QList<int>{0, 60, 120, 180, 240, 300} << 0 << 360 << "0'1'2'3'4'5'";
}

void ChartTest::pointsHoldForTheirStep()
{
    QFETCH(QList<int>, points);
    QFETCH(int, from);
    QFETCH(int, to);
    QFETCH(QString, known);
    Series sparse{metric::redisMemory, 60s, {}};
    for (const int second : points) {
        const double value = std::floor(second / 60.0);
        sparse.points.push_back({start + std::chrono::seconds(second), value, value, value});
    }
    QString found;
    for (const PixelColumn &column :
         reduce(sparse, start + std::chrono::seconds(from), start + std::chrono::seconds(to), 6)) {
        found += column.any ? QString::number(int(column.mean)) : QStringLiteral(".");
        if (column.any && !column.held)
            found += '\'';
    }
    QCOMPARE(found, known);
}

void ChartTest::oddInputIsHarmless()
{
    QVERIFY(reduce(series(10), start, start + 10s, 0).empty());
    QVERIFY(!reduce(series(10), start, start, 5)[0].any);
    QVERIFY(!reduce(series(0), start, start + 10s, 5)[0].any);
    const auto outside = reduce(series(10), start + 100s, start + 200s, 5);
    QVERIFY(std::ranges::none_of(outside, &PixelColumn::any));
    const auto partly = reduce(series(10), start + 5s, start + 15s, 10);
    QVERIFY(partly[0].any && partly[4].any && !partly[5].any);
}

void ChartTest::roundSteps_data()
{
    QTest::addColumn<double>("top");
    QTest::addColumn<bool>("binary");
    QTest::addColumn<double>("step");
    constexpr double mb = 1024.0 * 1024.0;
    QTest::newRow("tens") << 30.0 << false << 10.0;
    QTest::newRow("fractions") << 0.45 << false << 0.2;
    QTest::newRow("megabytes") << 30.6 * mb << true << 10 * mb;
    QTest::newRow("one") << 1.15 << false << 0.5;
}

void ChartTest::roundSteps()
{
    QFETCH(double, top);
    QFETCH(bool, binary);
    QFETCH(double, step);
    const auto steps = portolan::ui::roundSteps(top, 4, binary);
    QVERIFY(steps.size() >= 2 && steps.size() <= 6);
    QCOMPARE(steps[1], step);
    QCOMPARE(portolan::ui::roundSteps(0, 4, binary), std::vector<double>{0});
}

void ChartTest::valuesAreLabelledOnce()
{
    const auto labels = [](double most, bool whole, TimeChart::Bands bands = {}) {
        TimeChart chart("Connections", [whole](double v) { return QString::number(v, 'f', whole ? 0 : 1); });
        chart.resize(600, 300);
        chart.setBands(bands);
        chart.setLines({{"all", Series{metric::redisConnections, 1s, {{start, most, most, most}}}}}, start,
                       start + 60s);
        return chart.valueLabels();
    };
    QCOMPARE(labels(2, true), QStringList({"0", "1", "2"}));
    QCOMPARE(labels(1, true), QStringList({"0", "1"}));
    QCOMPARE(labels(2, false), QStringList({"0", "0.5", "1", "1.5", "2"}));
    // How far it is to the first zone stays in sight, however little there is.
    for (const double most : {2.0, 0.1, 0.0001, 0.0})
        QCOMPARE(labels(most, true, {.yellow = 20, .red = 25, .limit = 30}).last(), QString("20"));
    QCOMPARE(labels(0, false, {.yellow = 10, .red = 20, .limit = {}}).last(), QString("10"));
    QCOMPARE(labels(0, false).last(), QString("1"));
}

void ChartTest::sizesShareAUnit()
{
    constexpr double mb = 1024.0 * 1024.0;
    TimeChart chart(
        "Memory", [](double v) { return sizeText(v); }, AxisUnit::Bytes);
    chart.resize(600, 300);
    chart.setLines({{"memory", Series{metric::redisMemory, 1s, {{start, 2.4 * mb, 2.4 * mb, 2.4 * mb}}}}}, start,
                   start + 60s);
    QCOMPARE(chart.valueLabels(), QStringList({"0", "0.5 MB", "1 MB", "1.5 MB", "2 MB", "2.5 MB"}));
}

void ChartTest::zonesAreReadable_data()
{
    QTest::addColumn<QSize>("size");
    QTest::addColumn<double>("most");
    for (const QSize size : {QSize(900, 300), QSize(420, 130), QSize(300, 80)}) {
        for (const double most : {0.01, 2.0, 12.0, 19.0, 24.0, 29.0})
            QTest::addRow("%d x %d, %.0f", size.width(), size.height(), most) << size << most;
    }
}

/// Where each zone begins is said once, in the picture where nothing runs through it, or else beside the title.
void ChartTest::zonesAreReadable()
{
    QFETCH(QSize, size);
    QFETCH(double, most);
    TimeChart chart("Connections", [](double v) { return QString::number(v, 'f', 0); });
    chart.resize(size);
    chart.setBands({.yellow = 20, .red = 25, .limit = 30});
    Series jagged{metric::redisConnections, 1s, {}};
    for (int i = 0; i < 300; ++i) {
        const double value = most * (0.5 + 0.5 * ((i * 7919) % 100) / 100.0);
        jagged.points.push_back({start + std::chrono::seconds(i), value, value, value});
    }
    chart.setLines({{"all", jagged}}, start, start + 300s);
    chart.setEvents({{.time = start + 20s, .resource = Resource::RedisMemory, .zone = Zone::Yellow}});
    QStringList told;
    for (const TimeChart::PlacedLabel &label : chart.labels()) {
        told << label.words;
        QVERIFY(QRectF(chart.rect()).contains(label.rect));
        for (const TimeChart::PlacedLabel &other : chart.labels())
            QVERIFY(&other == &label || !other.rect.intersects(label.rect));
        // No column of the line comes near it.
        for (const Point &point : jagged.points) {
            const QPointF at = chart.placeOf(point.time, point.mean);
            QVERIFY2(!label.rect.contains(at), qPrintable(label.words));
        }
        const double event = chart.placeOf(start + 20s, 0).x();
        QVERIFY(event < label.rect.left() || event > label.rect.right());
    }
    for (const char *words : {"yellow above 20", "red above 25", "limit 30"}) {
        QCOMPARE(int(told.count(words)) + int(chart.heading().count(words)), 1);
        QVERIFY(chart.toolTip().contains(words));
    }
}

void ChartTest::timeTicksAreInside()
{
    for (const std::chrono::seconds span : {10s, 60s, 300s, 3600s, 86400s, 86400s * 30}) {
        const auto ticks = timeTicks(start + 17s, start + 17s + span, 8);
        QVERIFY(ticks.size() >= 2 && ticks.size() <= 10);
        for (const Tick &tick : ticks)
            QVERIFY2(tick.value >= 0 && tick.value < double(span.count()) &&
                         QRegularExpression("^(\\d\\d:\\d\\d(:\\d\\d)?|\\d\\d-\\d\\d)$").match(tick.label).hasMatch(),
                     qPrintable(tick.label));
    }
}

void ChartTest::aMillionPoints()
{
    TimeChart chart("Memory", [](double v) { return QString::number(v); });
    chart.resize(1000, 300);
    chart.show();
    std::vector<TimeChart::Line> lines{{"memory", series(1'000'000)}};
    chart.setLines(std::move(lines), start, start + 1'000'000s);
    QPixmap picture(chart.size());
    qint64 best = 1'000'000;
    for (int i = 0; i < 5; ++i) {
        QElapsedTimer timer;
        timer.start();
        chart.resize(1000 - i, 300); // computes all of it anew
        chart.render(&picture);
        best = std::min(best, timer.nsecsElapsed() / 1000);
    }
    qInfo("1,000,000 points: %.1f ms a frame", double(best) / 1000);
#ifdef NDEBUG
    QVERIFY(best < 16'000);
#else
    QVERIFY(best < 160'000); // not optimised, perhaps sanitized
#endif
}

void ChartTest::readOutByKeyboard()
{
    TimeChart chart("Memory", [](double v) { return QString::number(v) + " MB"; });
    chart.resize(600, 200);
    Series flat{metric::redisMemory, 1s, {}};
    for (int i = 0; i < 300; ++i)
        flat.points.push_back({start + std::chrono::seconds(i), 5, 5, 5});
    chart.setLines({{"memory", flat}}, start, start + 300s);
    chart.setEvents({{.time = start + 299s, .resource = Resource::RedisMemory, .zone = Zone::Yellow}});
    chart.show();
    QVERIFY(chart.readOut().isEmpty());
    QTest::keyClick(&chart, Qt::Key_Home);
    QVERIFY2(chart.readOut().endsWith("5 MB"), qPrintable(chart.readOut()));
    QCOMPARE(chart.accessibleDescription(), chart.readOut());
    const QString first = chart.readOut();
    QTest::keyClick(&chart, Qt::Key_Right);
    QVERIFY(chart.readOut() != first);
    QTest::keyClick(&chart, Qt::Key_End);
    QVERIFY2(chart.readOut().endsWith("Redis memory turned yellow"), qPrintable(chart.readOut()));
    QTest::keyClick(&chart, Qt::Key_Escape);
    QVERIFY(chart.readOut().isEmpty());
}

void ChartTest::noDataSaysSo()
{
    TimeChart chart("Memory", [](double v) { return QString::number(v); });
    chart.resize(600, 200);
    chart.setLines({{"memory", Series{}}}, start, start + 300s);
    QVERIFY(!chart.hasData());
    QPixmap picture(chart.size());
    chart.render(&picture);
    QTest::keyClick(&chart, Qt::Key_Home);
    QVERIFY(chart.readOut().isEmpty());
}

void ChartTest::whatIsStaleSaysSo()
{
    const QString words = "No new figures for 25 s";
    TimeChart chart("Memory", [](double v) { return QString::number(v); });
    chart.resize(600, 200);
    Series flat{metric::redisMemory, 1s, {}};
    for (int i = 0; i < 200; ++i)
        flat.points.push_back({start + std::chrono::seconds(i), 5, 5, 5});
    chart.setLines({{"memory", flat}}, start, start + 300s);
    QVERIFY(*chart.knownUntil() == start + 200s);
    const auto picture = [](TimeChart &of) {
        QImage image(of.size(), QImage::Format_RGB32);
        of.render(&image);
        return image;
    };
    const QImage live = picture(chart);
    const QSize hint = chart.sizeHint(), least = chart.minimumSizeHint();
    chart.setStanding({words, true});
    QCOMPARE(chart.accessibleDescription(), words);
    QCOMPARE(chart.toolTip(), words);
    QVERIFY(chart.sizeHint() == hint && chart.minimumSizeHint() == least);
    const QImage stale = picture(chart);
    // The line is muted where it is known, and what is missing is no line but not plain either.
    const auto columnsDiffer = [&](int from, int to, int top) {
        int differ = 0;
        for (int x = from; x < to; ++x) {
            for (int y = top; y < stale.height(); ++y) {
                if (stale.pixel(x, y) != live.pixel(x, y)) {
                    ++differ;
                    break;
                }
            }
        }
        return differ;
    };
    const int under = chart.fontMetrics().height() * 2; // of the title's line
    QVERIFY(columnsDiffer(200, 300, under) > 90);
    QVERIFY(columnsDiffer(500, 580, under) > 70);
    QVERIFY(columnsDiffer(0, 600, 0) > columnsDiffer(0, 600, under)); // the words
    const auto copy = chart.copy();
    copy->resize(chart.size());
    QCOMPARE(copy->standing().words, words);
    QCOMPARE(picture(*copy), stale);
    QTest::keyClick(&chart, Qt::Key_Home);
    QVERIFY2(chart.readOut().endsWith(words), qPrintable(chart.readOut()));
    QCOMPARE(chart.accessibleDescription(), chart.readOut());
    QTest::keyClick(&chart, Qt::Key_Escape);
    chart.setRange(start + 300s, start + 600s); // what was known is out of sight
    QVERIFY(!chart.hasData());
    QCOMPARE(chart.accessibleDescription(), words);
    chart.setRange(start, start + 300s);
    chart.setStanding({});
    QVERIFY(chart.accessibleDescription().isEmpty());
    QCOMPARE(picture(chart), live);
}

void ChartTest::spansAreChosenByKeyboard()
{
    Console console;
    console.window->openPage("redis");
    for (const char *span : {"5 min", "1 h", "1 day", "1 month"}) {
        auto *button = console.find<QAbstractButton>(QString("Show the last ") + span);
        QVERIFY(button);
        button->setFocus();
        console.press(Qt::Key_Space);
        QVERIFY(button->isChecked());
        const auto *panel = console.window->page()->findChild<HistoryPanel *>();
        QVERIFY(panel->charts().front()->hasData());
    }
    Console empty({.situation = "empty"});
    empty.window->openPage("redis");
    Console::settle();
    QVERIFY(!empty.window->page()->findChild<HistoryPanel *>()->charts().front()->hasData());
}

QTEST_MAIN(ChartTest)
#include "chart_test.moc"
