// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/models/log_model.h"
#include "ui/models/table_model.h"
#include "ui/models/user_model.h"
#include "ui/pages/page_table.h"
#include "ui/support/colours.h"
#include "ui/widgets/table_view.h"

#include <QAbstractItemModelTester>
#include <QElapsedTimer>
#include <QScrollBar>

using namespace portolan;
using namespace portolan::ui;

/// Tables: every model keeps Qt's rules while the portal lives, and updates disturb nobody.
class ModelsTest final : public QObject
{
    Q_OBJECT
private slots:
    void everyModelKeepsTheRules_data();
    void everyModelKeepsTheRules();
    void rowsAreReplacedByKey();
    void rowsComeInTheirOrder();
    void updatesKeepSelectionAndPlace();
    void barsHaveTheColourOfWhatTheyShow_data();
    void barsHaveTheColourOfWhatTheyShow();
    void theRowOfAReadingHasItsZone();
    void aLimitThatIsNearlyUsedUpIsSeen();
    void hoverAndFocusAreOfRows();
    void theLogIsBounded();
    void usersComePageByPage();
    void aMillionUsersStayQuick();
};

namespace {

struct Item
{
    int key = 0;
    int value = 0;
    bool operator==(const Item &) const = default;
};

const std::array itemColumns{
    Column<Item>{"Key", 5, [](const Item &i) { return QString::number(i.key); },
                 [](const Item &i) { return QVariant(i.key); }},
    Column<Item>{"Value", 5, [](const Item &i) { return QString::number(i.value); }},
};

int itemKey(const Item &item) { return item.key; }

struct Share
{
    double fraction = 0;
    std::optional<Zone> zone;
    bool operator==(const Share &) const = default;
};

const std::array shareColumns{
    Column<Share>{"Share", 20, [](const Share &) { return QString(); }, nullptr,
                  [](const Share &s) { return std::optional(s.fraction); }, true, nullptr, false,
                  [](const Share &s) { return s.zone; }},
};

int shareKey(const Share &) { return 0; }

/// The model behind all proxies.
QAbstractItemModel *sourceOf(QAbstractItemModel *model)
{
    while (auto *proxy = qobject_cast<QAbstractProxyModel *>(model))
        model = proxy->sourceModel();
    return model;
}

} // namespace

void ModelsTest::everyModelKeepsTheRules_data()
{
    QTest::addColumn<QString>("situation");
    for (const auto &situation : demo::situations())
        QTest::newRow(situation.name.data()) << QString::fromUtf8(situation.name.data());
}

void ModelsTest::everyModelKeepsTheRules()
{
    QFETCH(QString, situation);
    Console console({.situation = situation.toStdString()});
    std::vector<std::unique_ptr<QAbstractItemModelTester>> testers;
    for (TableView *view : console.window->findChildren<TableView *>()) {
        for (QAbstractItemModel *model : {view->model(), sourceOf(view->model())})
            testers.push_back(std::make_unique<QAbstractItemModelTester>(
                model, QAbstractItemModelTester::FailureReportingMode::QtTest));
    }
    QVERIFY(testers.size() >= 18);
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        for (int i = 0; i < 5; ++i)
            console.tick(std::chrono::seconds(20));
    }
    console.stack.deployment().setOn(false);
    Console::settle();
    console.stack.deployment().setOn(true);
    Console::settle();
}

void ModelsTest::rowsAreReplacedByKey()
{
    TableModel<Item, int> model(itemColumns, itemKey);
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    model.setRows({{1, 10}, {2, 20}, {3, 30}, {4, 40}});
    const QPersistentModelIndex three = model.index(2, 1);
    int changes = 0;
    connect(&model, &QAbstractItemModel::dataChanged, this, [&] { ++changes; });
    model.setRows({{3, 31}, {4, 40}, {5, 50}, {5, 51}});
    QCOMPARE(model.rowCount(), 3);
    QCOMPARE(three.data().toString(), QString("31"));
    QCOMPARE(changes, 1); // 4 is as it was
    model.setRows({});
    QCOMPARE(model.rowCount(), 0);
    QVERIFY(!three.isValid());
}

void ModelsTest::rowsComeInTheirOrder()
{
    TableModel<Item, int> model(itemColumns, itemKey);
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    const auto keys = [&model] {
        std::vector<int> all;
        for (const Item &item : model.rows())
            all.push_back(item.key);
        return all;
    };
    model.setRows({{1, 0}, {2, 0}, {3, 0}});
    const QPersistentModelIndex second(model.index(1, 0));
    for (const std::vector<int> &wanted :
         {std::vector{9, 1, 2, 3}, {3, 9, 8, 2, 7}, {2, 3}, {4, 5, 2, 6, 3}, {3, 2}, {2}}) {
        std::vector<Item> rows;
        for (const int key : wanted)
            rows.push_back({key, key * 10});
        rows.push_back({2, 99}); // a second one with this key does not count
        model.setRows(rows);
        QCOMPARE(keys(), wanted);
        QCOMPARE(model.row(second.row()), (Item{2, 20}));
    }
}

void ModelsTest::updatesKeepSelectionAndPlace()
{
    TableModel<Item, int> model(itemColumns, itemKey);
    TableView view(model, "Items", "None");
    view.resize(300, 200);
    view.show();
    std::vector<Item> items;
    for (int i = 0; i < 200; ++i)
        items.push_back({i, i});
    model.setRows(items);
    view.sortBy(0, Qt::DescendingOrder);
    view.selectRow(50);
    view.verticalScrollBar()->setValue(400);
    const int place = view.verticalScrollBar()->value();
    const int chosen = model.row(view.currentSourceRow()).key;
    QCOMPARE(chosen, 149);
    items.erase(items.begin() + 10, items.begin() + 20); // below what is shown
    for (Item &item : items)
        ++item.value;
    model.setRows(items);
    Console::settle();
    QCOMPARE(view.verticalScrollBar()->value(), place);
    QCOMPARE(model.row(view.currentSourceRow()).key, chosen);
    QCOMPARE(view.selectedSourceRows().size(), 1);
}

void ModelsTest::barsHaveTheColourOfWhatTheyShow_data()
{
    QTest::addColumn<double>("fraction");
    QTest::addColumn<std::optional<Zone>>("zone");
    QTest::addColumn<bool>("stale");
    QTest::addColumn<QColor Colours::*>("colour");
    const auto row = [](const char *name, double fraction, std::optional<Zone> zone, bool stale,
                        QColor Colours::*colour) { QTest::newRow(name) << fraction << zone << stale << colour; };
    row("a share", 0.9, {}, false, &Colours::accent);
    row("a share that is used up", 1.6, {}, false, &Colours::yellow);
    row("green", 0.9, Zone::Green, false, &Colours::accent);
    row("green, though over its limit", 1.2, Zone::Green, false, &Colours::accent);
    row("yellow", 0.9, Zone::Yellow, false, &Colours::yellow);
    row("red", 1.6, Zone::Red, false, &Colours::red);
    row("unknown", 1.6, Zone::Unknown, false, &Colours::accent);
    row("stale share", 1.6, {}, true, &Colours::muted);
    row("stale and red", 1.6, Zone::Red, true, &Colours::muted);
}

void ModelsTest::barsHaveTheColourOfWhatTheyShow()
{
    QFETCH(double, fraction);
    QFETCH(std::optional<Zone>, zone);
    QFETCH(bool, stale);
    QFETCH(QColor Colours::*, colour);
    TableModel<Share, int> model(shareColumns, shareKey);
    TableView view(model, "Shares", "None");
    model.setRows({{fraction, zone}});
    view.setStale(stale);
    view.resize(300, 100);
    view.show();
    Console::settle();
    const QImage picture = view.viewport()->grab().toImage();
    const QRect cell = view.visualRect(view.model()->index(0, 0));
    int painted = 0;
    for (int y = cell.top(); y <= cell.bottom(); ++y)
        painted += picture.pixelColor(cell.left() + 40, y) == coloursOf(view.palette()).*colour ? 1 : 0;
    QVERIFY2(painted >= 2, qPrintable(QString::number(painted)));
}

/// Its tile and its row are of one figure, so they are of one colour.
void ModelsTest::theRowOfAReadingHasItsZone()
{
    Console console;
    console.window->openPage("redis");
    Snapshot snapshot = *console.stack.deployment().latest();
    const auto reading = std::ranges::find(snapshot.readings, Resource::RedisOverhead, &Reading::resource);
    const QAbstractItemModel *model = console.find<TableView>("Key families")->model();
    for (const Zone zone : {Zone::Red, Zone::Yellow, Zone::Green}) {
        reading->zone = zone;
        console.window->page()->showSnapshot(snapshot);
        int found = 0;
        for (int row = 0; row < model->rowCount(); ++row) {
            const QVariant shown = model->index(row, 1).data(BarZoneRole);
            if (model->index(row, 0).data() == "overhead") {
                ++found;
                QCOMPARE(shown, QVariant(int(zone)));
            } else {
                QVERIFY(!shown.isValid()); // no light of the portal is of one family
            }
        }
        QCOMPARE(found, 1);
    }
}

void ModelsTest::aLimitThatIsNearlyUsedUpIsSeen()
{
    Console console({.users = 20});
    console.window->openPage("users");
    Console::settle();
    auto *accounts = console.find<TableView>("Accounts");
    const QAbstractItemModel *limits = console.find<TableView>("Use of limits")->model();
    std::map<Zone, int> seen;
    for (int account = 0; account < accounts->model()->rowCount(); ++account) {
        accounts->selectRow(account);
        Console::settle();
        for (int row = 0; row < limits->rowCount(); ++row) {
            const QModelIndex used = limits->index(row, 1);
            const Zone zone = Zone(used.data(BarZoneRole).toInt());
            QCOMPARE(zone, used.data(BarRole).toDouble() >= 0.8 ? Zone::Yellow : Zone::Green);
            ++seen[zone];
        }
    }
    QVERIFY(seen[Zone::Yellow] > 0 && seen[Zone::Green] > 0);
}

void ModelsTest::hoverAndFocusAreOfRows()
{
    TableModel<Item, int> model(itemColumns, itemKey);
    TableView view(model, "Items", "nothing");
    view.resize(400, 200);
    view.show();
    const Colours &colours = coloursOf(view.palette());
    const auto cellAt = [&view](int row, int column) { return view.visualRect(view.model()->index(row, column)); };
    const auto colourAt = [&view](QPoint at) { return view.viewport()->grab().toImage().pixelColor(at); };
    view.setFocus();
    QVERIFY(QTest::qWaitForWindowActive(&view));
    QVERIFY(colourAt({view.viewport()->width() / 2, 0}) == colours.accent); // also where there is no row
    model.setRows({{1, 10}, {2, 20}, {3, 30}});
    Console::settle();
    view.setCurrentIndex(view.model()->index(1, 0));
    for (const int column : {0, 1}) {
        QCOMPARE(colourAt(cellAt(1, column).bottomRight() - QPoint(3, 0)), colours.accent);
        QVERIFY(colourAt(cellAt(0, column).bottomRight() - QPoint(3, 0)) != colours.accent);
    }
    view.setCurrentIndex(view.model()->index(2, 1)); // and goes with it
    QVERIFY(colourAt(cellAt(1, 0).bottomRight() - QPoint(3, 0)) != colours.accent);
    QCOMPARE(colourAt(cellAt(2, 0).bottomRight() - QPoint(3, 0)), colours.accent);
    const QColor before = colourAt(cellAt(0, 1).topRight() + QPoint(-3, 3));
    QTest::mouseMove(view.viewport(), cellAt(0, 0).center());
    QVERIFY(colourAt(cellAt(0, 1).topRight() + QPoint(-3, 3)) != before);
    QCOMPARE(colourAt(cellAt(0, 1).topRight() + QPoint(-3, 3)), colourAt(cellAt(0, 0).topRight() + QPoint(-3, 3)));
}

void ModelsTest::theLogIsBounded()
{
    LogModel model;
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    std::vector<LogLine> lines(6'000);
    for (std::size_t i = 0; i < lines.size(); ++i)
        lines[i].message = std::to_string(i);
    model.append(lines);
    model.append(lines);
    QCOMPARE(model.rowCount(), 10'000);
    QCOMPARE(model.index(0, LogModel::Message).data().toString(), QString("2000"));
    model.append(std::vector<LogLine>(25'000, LogLine{{}, LogLine::Level::Error, "flood"}));
    QCOMPARE(model.rowCount(), 10'000);
    QCOMPARE(model.index(0, LogModel::Message).data().toString(), QString("flood"));
}

void ModelsTest::usersComePageByPage()
{
    Console console({.users = 950});
    console.window->openPage("users");
    Console::settle();
    auto *view = console.find<TableView>("Accounts");
    QVERIFY(view);
    const int first = view->model()->rowCount();
    QVERIFY(first >= 100 && first < 950);
    for (int i = 0; i < 20; ++i) {
        view->scrollToBottom();
        Console::settle();
    }
    QCOMPARE(view->model()->rowCount(), 950);
}

void ModelsTest::aMillionUsersStayQuick()
{
    Console console({.users = 1'000'000});
    QElapsedTimer timer;
    timer.start();
    console.window->openPage("users");
    Console::settle();
    QVERIFY2(timer.elapsed() < 200, qPrintable(QString::number(timer.elapsed())));
    auto *view = console.find<TableView>("Accounts");
    QVERIFY(view->model()->rowCount() >= 100);
    QVERIFY(view->model()->rowCount() < 10'000);
}

QTEST_MAIN(ModelsTest)
#include "models_test.moc"
