// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/pages/overview_board.h"
#include "ui/pages/overview_layout.h"
#include "ui/pages/page_table.h"
#include "ui/support/colours.h"
#include "ui/widgets/card.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/tile.h"

#include <QAbstractButton>
#include <QRegion>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// The first page: where its parts stand, and what tiles and events show of a day.
class OverviewTest final : public QObject
{
    Q_OBJECT
private slots:
    void rowsOfTiles_data();
    void rowsOfTiles();
    void cellsHaveNoHoles_data();
    void cellsHaveNoHoles();
    void trendsGrowWithTheWindow();
    void theBoardHasNoHoles_data();
    void theBoardHasNoHoles();
    void noCardIsMoreThanHalfEmpty_data();
    void noCardIsMoreThanHalfEmpty();
    void eventsThatCouldNotBeRead();
    void spansOfADay_data();
    void spansOfADay();
    void everyTileHasItsDay();
    void trendsAreReadByKeyboard();
    void zonesAreWhereTheyBegin_data();
    void zonesAreWhereTheyBegin();
    void redIsSeenWithoutColour();
};

namespace {

const OverviewNeeds usualNeeds{
    .tiles = 15, .tile = {226, 160}, .cards = 230, .cardsMost = 340, .cardWidth = 430, .spacing = 12};

} // namespace

void OverviewTest::rowsOfTiles_data()
{
    QTest::addColumn<int>("tiles");
    QTest::addColumn<int>("width");
    QTest::addColumn<std::vector<int>>("rows");
    const auto fives = std::vector<int>{5, 5, 5};
    QTest::newRow("fifteen, 2560") << 15 << 2320 << fives;
    QTest::newRow("fifteen, 1600") << 15 << 1340 << fives;
    QTest::newRow("fifteen, 1180: not four and three") << 15 << 960 << std::vector<int>{3, 3, 3, 3, 3};
    QTest::newRow("fifteen, 800") << 15 << 716 << std::vector<int>{3, 3, 3, 3, 3};
    QTest::newRow("fifteen, two fit") << 15 << 480 << std::vector<int>{2, 2, 2, 2, 2, 2, 2, 1};
    QTest::newRow("fifteen, one fits") << 15 << 300 << std::vector<int>(15, 1);
    QTest::newRow("narrower than one") << 3 << 50 << std::vector<int>{1, 1, 1};
    QTest::newRow("sixteen") << 16 << 1340 << std::vector<int>{4, 4, 4, 4};
    QTest::newRow("a prime number") << 17 << 1340 << std::vector<int>{5, 4, 4, 4};
    QTest::newRow("seven") << 7 << 1340 << std::vector<int>{4, 3};
    QTest::newRow("one") << 1 << 1340 << std::vector<int>{1};
    QTest::newRow("none") << 0 << 1340 << std::vector<int>{};
}

void OverviewTest::rowsOfTiles()
{
    QFETCH(int, tiles);
    QFETCH(int, width);
    QFETCH(std::vector<int>, rows);
    QCOMPARE(tileRows(tiles, width, usualNeeds.tile.width(), usualNeeds.spacing), rows);
}

void OverviewTest::cellsHaveNoHoles_data()
{
    QTest::addColumn<QSize>("room");
    QTest::addColumn<int>("tiles");
    for (const QSize room : {QSize(300, 200), QSize(716, 400), QSize(960, 600), QSize(1066, 700), QSize(1340, 820),
                             QSize(1800, 1000), QSize(2320, 1280), QSize(900, 2600)})
        for (const int tiles : {0, 1, 2, 7, 11, 13, 15, 16, 24})
            QTest::addRow("%d tiles on %d x %d", tiles, room.width(), room.height()) << room << tiles;
}

/// Grown by the space around them, the cells are all of the rectangle, and none lies on another.
void OverviewTest::cellsHaveNoHoles()
{
    QFETCH(QSize, room);
    QFETCH(int, tiles);
    OverviewNeeds needs = usualNeeds;
    needs.tiles = tiles;
    const OverviewCells cells = overviewCells(room, needs);
    QCOMPARE(int(cells.tiles.size()), tiles);
    std::vector<QRect> all = cells.tiles;
    all.push_back(cells.left);
    all.push_back(cells.right);
    const QRect whole(0, 0, room.width() + needs.spacing, cells.height + needs.spacing);
    QRegion covered;
    for (const QRect &cell : all) {
        const QRect grown = cell.adjusted(0, 0, needs.spacing, needs.spacing);
        QVERIFY2(whole.contains(grown), qPrintable(QString::number(cell.right())));
        QVERIFY(covered.intersected(grown).isEmpty());
        covered += grown;
    }
    QCOMPARE(covered, QRegion(whole));
    QVERIFY(cells.left.height() >= needs.cards && cells.right.height() == cells.left.height());
    for (const QRect &tile : cells.tiles) {
        QVERIFY(tile.height() >= needs.tile.height());
        QVERIFY(room.width() < needs.tile.width() || tile.width() >= needs.tile.width());
    }
    // All of the height, where tiles can take it; and never less than what is needed.
    if (tiles > 0)
        QCOMPARE(cells.height, std::max(room.height(), overviewCells({room.width(), 0}, needs).height));
}

void OverviewTest::trendsGrowWithTheWindow()
{
    int before = 0;
    for (const int height : {600, 900, 1280, 1800}) {
        const OverviewCells cells = overviewCells({1340, height}, usualNeeds);
        QVERIFY(cells.tiles.front().height() > before || height == 600);
        before = cells.tiles.front().height();
        QVERIFY(cells.left.height() <= usualNeeds.cardsMost);
    }
}

void OverviewTest::theBoardHasNoHoles_data()
{
    QTest::addColumn<QSize>("size");
    for (const QSize size : {QSize(800, 600), QSize(1180, 780), QSize(1600, 1000), QSize(2560, 1440)})
        QTest::addRow("%d x %d", size.width(), size.height()) << size;
}

void OverviewTest::theBoardHasNoHoles()
{
    QFETCH(QSize, size);
    Console console({.situation = "backlog"});
    console.window->resize(size);
    console.tick();
    const auto *board = console.window->findChild<OverviewBoard *>();
    QVERIFY(board->isVisible());
    QRegion covered;
    QSize first;
    for (const QObject *child : board->children()) {
        const auto *part = qobject_cast<const QWidget *>(child);
        const QRect grown = part->geometry().adjusted(0, 0, 12, 12);
        QVERIFY2(covered.intersected(grown).isEmpty(), qPrintable(part->accessibleName()));
        covered += grown;
        if (!qobject_cast<const Tile *>(part))
            continue;
        if (first.isEmpty())
            first = part->size();
        QVERIFY(std::abs(part->width() - first.width()) <= 1); // none looks more important
        QVERIFY(part->width() >= part->minimumSizeHint().width());
        QVERIFY(part->height() >= part->minimumSizeHint().height());
    }
    QCOMPARE(covered, QRegion(board->rect().adjusted(0, 0, 12, 12)));
    // It fills the page, and is not wider than it.
    QVERIFY(board->height() + 1 >= board->parentWidget()->height());
    QVERIFY(board->width() <= console.window->page()->width());
}

void OverviewTest::noCardIsMoreThanHalfEmpty_data()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<QSize>("size");
    for (const QSize size : {QSize(800, 600), QSize(1600, 1000), QSize(2560, 1440)})
        for (const char *situation : {"all-green", "backlog", "long-names", "redis-down"})
            QTest::addRow("%s, %d x %d", situation, size.width(), size.height()) << QString(situation) << size;
}

/// By its rows: one in which nothing stands but its own edges is empty.
void OverviewTest::noCardIsMoreThanHalfEmpty()
{
    QFETCH(QString, situation);
    QFETCH(QSize, size);
    Console console({.situation = situation.toStdString()});
    console.window->resize(size);
    for (int i = 0; i < 3; ++i)
        console.tick();
    for (QObject *child : console.window->findChild<OverviewBoard *>()->children()) {
        auto *card = qobject_cast<QWidget *>(child);
        const QImage image = card->grab().toImage().convertToFormat(QImage::Format_RGB32);
        constexpr int edge = 8, near = 6; // a line of text is higher than what is between two
        std::vector<bool> used(std::size_t(image.height()), false);
        for (int y = edge; y < image.height() - edge; ++y) {
            const auto *pixels = reinterpret_cast<const QRgb *>(image.constScanLine(y));
            for (int x = edge; x < image.width() - edge; ++x) {
                if (pixels[x] == pixels[edge])
                    continue;
                for (int row = std::max(0, y - near); row < std::min(image.height(), y + near); ++row)
                    used[std::size_t(row)] = true;
                break;
            }
        }
        const auto full = std::ranges::count(used, true);
        QVERIFY2(full * 2 >= image.height(),
                 qPrintable(QString("%1 %2: %3 of %4")
                                .arg(card->metaObject()->className(), card->accessibleName())
                                .arg(full)
                                .arg(image.height())));
    }
}

void OverviewTest::eventsThatCouldNotBeRead()
{
    Console console({.situation = "backlog"});
    console.window->openPage("overview");
    console.tick();
    const auto *events = console.find<TableView>("Recent events");
    const int rows = events->model()->rowCount();
    QVERIFY(rows > 0);
    QCOMPARE(events->closing(), QString("Nothing else happened in that time."));
    console.stack.switchOff();
    console.press(Qt::Key_F5);
    QCOMPARE(events->model()->rowCount(), rows);
    QVERIFY2(events->closing().contains("not running"), qPrintable(events->closing()));
    QVERIFY(console.stack.start({}).result().has_value());
    console.tick();
    console.press(Qt::Key_F5);
    QCOMPARE(events->closing(), QString("Nothing else happened in that time."));
}

namespace {

const WallTime morning{std::chrono::hours(480'000)};

Point minute(int at, double worst) { return {morning + std::chrono::minutes(at), 0, worst, worst / 2}; }

} // namespace

void OverviewTest::spansOfADay_data()
{
    QTest::addColumn<std::vector<Point>>("points");
    QTest::addColumn<std::vector<ZoneSpan>>("spans");
    QTest::addColumn<QString>("words");
    const auto at = [](int minutes) { return morning + std::chrono::minutes(minutes); };
    using Points = std::vector<Point>;
    using Spans = std::vector<ZoneSpan>;
    QTest::newRow("nothing is known") << Points{} << Spans{} << "";
    QTest::newRow("one zone is one stretch") << Points{minute(0, 0), minute(1, 0), minute(2, 0)}
                                             << Spans{{Zone::Green, at(0), at(3)}} << "unknown about 57 min";
    QTest::newRow("the worst counts") << Points{minute(0, 0), minute(1, 2), minute(2, 1)}
                                      << Spans{{Zone::Green, at(0), at(1)},
                                               {Zone::Red, at(1), at(2)},
                                               {Zone::Yellow, at(2), at(3)}}
                                      << "red up to 1 min, yellow up to 1 min, unknown about 57 min";
    QTest::newRow("unknown is a gap") << Points{minute(0, 0), minute(30, 0)}
                                      << Spans{{Zone::Green, at(0), at(1)}, {Zone::Green, at(30), at(31)}}
                                      << "unknown about 58 min";
    QTest::newRow("cut at the edges") << Points{minute(-1, 2), minute(59, 1), minute(60, 2)}
                                      << Spans{{Zone::Yellow, at(59), at(60)}}
                                      << "yellow up to 1 min, unknown about 59 min";
    Points all;
    for (int i = 0; i < 60; ++i)
        all.push_back(minute(i, 0));
    QTest::newRow("all of it") << all << Spans{{Zone::Green, at(0), at(60)}} << "green";
}

void OverviewTest::spansOfADay()
{
    QFETCH(std::vector<Point>, points);
    QFETCH(std::vector<ZoneSpan>, spans);
    QFETCH(QString, words);
    const WallTime until = morning + 60min;
    QCOMPARE(zoneSpans({{metric::zone}, 60s, points}, morning, until), spans);
    QCOMPARE(zoneSpansText(spans, morning, until), words);
    // Painted, each zone has its height, and what is not known has none.
    QImage image(60, 12, QImage::Format_RGB32);
    image.fill(Qt::white);
    {
        QPainter painter(&image);
        paintZoneSpans(painter, QRectF(0, 0, 60, 12), spans, morning, until, lightColours);
    }
    const QColor ground(Qt::white);
    for (int x = 0; x < image.width(); ++x) {
        const WallTime at = morning + std::chrono::minutes(x) + 30s; // the middle of what this column stands for
        const auto within = [at](const ZoneSpan &span) { return span.from <= at && at < span.until; };
        const auto beside = [at](const ZoneSpan &span) { return span.from <= at + 3min && at - 3min < span.until; };
        const auto painted = [&image, x, ground](int y) { return image.pixelColor(x, y) != ground; };
        const auto here = std::ranges::find_if(spans, within);
        const QByteArray column = QByteArray::number(x);
        if (here != spans.end()) {
            const int top = here->zone == Zone::Red ? 0 : here->zone == Zone::Yellow ? 4 : 8;
            QVERIFY2(painted(top), column);
            // What is worse is as wide as can be seen, and may cover what is beside it.
            const bool alone = std::ranges::none_of(
                spans, [&](const ZoneSpan &span) { return span.zone > here->zone && beside(span); });
            QVERIFY2(top == 0 || !alone || !painted(top - 1), column);
        } else if (std::ranges::none_of(spans, beside)) {
            QVERIFY2(!painted(10), column); // the line at the foot is below
        }
    }
}

void OverviewTest::everyTileHasItsDay()
{
    Console console({.situation = "redis-down"});
    console.window->openPage("overview");
    console.tick();
    const auto tiles = console.window->findChildren<Tile *>();
    QCOMPARE(tiles.size(), 15);
    for (const Tile *tile : tiles) {
        QVERIFY2(!tile->day().spans.empty(), qPrintable(tile->accessibleName()));
        QVERIFY(tile->day().until - tile->day().from == 24h);
        QVERIFY2(tile->accessibleDescription().contains("last 24 h: "), qPrintable(tile->accessibleDescription()));
        if (tile->content().zone == Zone::Red)
            QCOMPARE(tile->day().spans.back().zone, Zone::Red);
    }
    const std::size_t known = tiles.front()->day().spans.size();
    console.stack.switchOff();
    console.press(Qt::Key_F5); // what is known stays
    QCOMPARE(tiles.front()->day().spans.size(), known);
}

void OverviewTest::trendsAreReadByKeyboard()
{
    Console console;
    console.window->openPage("overview");
    console.tick();
    auto *tile = console.find<Tile>("Redis memory");
    QCOMPARE(tile->foot(), QString("last 15 min"));
    const QString described = tile->accessibleDescription();
    tile->setFocus();
    for (int i = 0; i < 3; ++i)
        console.press(Qt::Key_Left);
    QVERIFY2(tile->foot().endsWith(" MB") && tile->foot().contains(": "), qPrintable(tile->foot()));
    QCOMPARE(tile->accessibleDescription(), tile->foot());
    const QString there = tile->foot();
    console.tick(); // the trend goes on below the cursor
    QCOMPARE(tile->accessibleDescription(), tile->foot());
    console.press(Qt::Key_Right);
    QVERIFY(tile->foot() != there);
    console.press(Qt::Key_Escape);
    QCOMPARE(tile->foot(), QString("last 15 min"));
    QCOMPARE(tile->accessibleDescription(), described);
    console.press(Qt::Key_Left);
    console.press(Qt::Key_Tab); // nobody looks any more
    QCOMPARE(tile->foot(), QString("last 15 min"));
    // The pointer reads it too.
    QTest::mouseMove(tile, QPoint(tile->width() / 2, tile->height() / 2 + 4));
    QVERIFY2(tile->foot().endsWith(" MB"), qPrintable(tile->foot()));
    QTest::mouseMove(tile, QPoint(tile->width() / 2, 14));
    QCOMPARE(tile->foot(), QString("last 15 min"));
}

void OverviewTest::redIsSeenWithoutColour()
{
    const auto greyOf = [](Zone zone) {
        Tile tile;
        tile.resize(240, 180);
        tile.setContent({.title = "Queue", .zone = zone, .value = "5", .limit = "red above 9", .known = true});
        return tile.grab().toImage().convertToFormat(QImage::Format_Grayscale8);
    };
    const QImage green = greyOf(Zone::Green), yellow = greyOf(Zone::Yellow), red = greyOf(Zone::Red);
    const auto differing = [](const QImage &one, const QImage &other) {
        int count = 0;
        for (int y = 0; y < one.height(); ++y)
            for (int x = 0; x < one.width(); ++x)
                count += std::abs(qGray(one.pixel(x, y)) - qGray(other.pixel(x, y))) > 40;
        return count;
    };
    const int around = 2 * (240 + 180);
    QVERIFY2(differing(red, green) > 2 * around, qPrintable(QString::number(differing(red, green))));
    QVERIFY(differing(yellow, green) > around / 2);
    QVERIFY(differing(red, yellow) > around);
}

void OverviewTest::zonesAreWhereTheyBegin_data()
{
    QTest::addColumn<double>("limit");
    QTest::addColumn<double>("yellow");
    QTest::addColumn<double>("red");
    QTest::newRow("within the limit") << 30. << 20. << 25.;
    QTest::newRow("a budget that ends where yellow begins") << 5. << 5. << 7.5;
    QTest::newRow("at the limit") << 30. << 20. << 30.;
}

/// Each has a place of its own in the gauge and in the trend, and red is not shown where yellow is.
void OverviewTest::zonesAreWhereTheyBegin()
{
    QFETCH(double, limit);
    QFETCH(double, yellow);
    QFETCH(double, red);
    Reading reading;
    reading.resource = Resource::RedisOverhead;
    reading.value = 2;
    reading.limit = limit;
    reading.yellow = yellow;
    reading.red = red;
    const auto gauge = gaugeOf(reading);
    QVERIFY(gauge && gauge->yellow && gauge->red);
    QVERIFY(*gauge->yellow < *gauge->red && *gauge->red <= 1);
    QVERIFY(qFuzzyCompare(*gauge->red / *gauge->yellow, red / yellow));
    QVERIFY(qFuzzyCompare(*gauge->yellow / gauge->filled, yellow / 2));
    TileTrend trend;
    trend.limit = limit;
    trend.red = red;
    QVERIFY(trend.top() >= red);
}

QTEST_MAIN(OverviewTest)
#include "overview_test.moc"
