#include "tests/gui/console_fixture.h"
#include "ui/models/log_model.h"
#include "ui/models/table_model.h"
#include "ui/models/user_model.h"
#include "ui/pages/page_table.h"
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
