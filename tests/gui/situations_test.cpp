#include "tests/gui/console_fixture.h"
#include "ui/pages/page_table.h"
#include "ui/pages/queue_page.h"
#include "ui/widgets/table_view.h"

using namespace portolan;
using namespace portolan::ui;

/// What takes a script: failures, roles, and situations that no portal is brought into quickly. What holds on every
/// portal is in page_actions_test.cpp.
class SituationsTest final : public QObject
{
    Q_OBJECT
private slots:
    void cleaningUpShowsInTheFigures();
    void closingAGroupShowsInTheFigures();
    void operatorsDoNotManageUsers();
    void failuresAreShown();
    void drain_data();
    void drain();
    void aBacklogsPace();
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
    console.press(Qt::Key_Delete);
    const auto &performed = console.stack.deployment().performed();
    QCOMPARE(performed.size(), std::size_t(1));
    QCOMPARE(std::get<CleanUpFamily>(performed[0]).family, std::string("sessions"));
    QVERIFY(*console.stack.deployment().latest()->readings.front().value < before / 1.5);
    console.press(Qt::Key_Delete, Qt::ShiftModifier);
    QVERIFY(std::get<CleanUpFamily>(performed[1]).idle);
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
    console.command("Grow the worker")->trigger();
    Console::settle();
    QCOMPARE(console.notice(), QString("The worker did not answer. Look at its log."));
}

void SituationsTest::drain_data()
{
    QTest::addColumn<QueueFigures>("queue");
    QTest::addColumn<QString>("expected");
    const auto figures = [](std::optional<std::uint64_t> waiting, std::optional<double> ended) {
        QueueFigures queue;
        queue.waiting = waiting;
        queue.unacked = 0;
        queue.takenPerSecond = ended;
        queue.endedPerSecond = ended;
        return queue;
    };
    QTest::newRow("unknown") << figures({}, 1.0) << "unknown";
    QTest::newRow("no rate") << figures(5, {}) << "unknown";
    QTest::newRow("empty") << figures(0, 1.0) << "empty";
    QTest::newRow("a while") << figures(120, 2.0) << "1 min";
    QTest::newRow("standing still") << figures(5, 0.0) << "never at this pace";
}

void SituationsTest::aBacklogsPace()
{
    BacklogPace pace;
    QueueFigures queue;
    queue.waiting = 100;
    queue.unacked = 0;
    queue.takenPerSecond = queue.endedPerSecond = 5.0;
    WallTime now{std::chrono::seconds(1000)};
    const auto add = [&](std::uint64_t waiting) {
        queue.waiting = waiting;
        pace.add(now, queue);
        now += std::chrono::seconds(1);
    };
    add(100);
    QVERIFY(!pace.growth() && !pace.arrivals());
    for (std::uint64_t i = 1; i <= 10; ++i)
        add(100 + 5 * i);
    QCOMPARE(*pace.growth(), 5.0); // ten come in a second, five end
    QCOMPARE(*pace.arrivals(), 10.0);
    QCOMPARE(drainText(queue, pace.growth()), QString("never at this pace"));
    for (std::uint64_t i = 0; i <= 40; ++i)
        add(150 - 2 * i);
    QCOMPARE(*pace.growth(), -2.0);
    QCOMPARE(*pace.arrivals(), 3.0);
    QCOMPARE(drainText(queue, pace.growth()), QString("35 s"));
    queue.waiting.reset();
    pace.add(now, queue);
    QVERIFY(!pace.growth());
}

void SituationsTest::drain()
{
    QFETCH(QueueFigures, queue);
    QFETCH(QString, expected);
    QCOMPARE(drainText(queue), expected);
}

void SituationsTest::everySituationOnEveryPage_data()
{
    QTest::addColumn<QString>("situation");
    for (const auto &situation : demo::situations())
        QTest::newRow(situation.name.data()) << QString::fromUtf8(situation.name.data());
}

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
            QVERIFY2(console.window->width() <= size.width(), qPrintable(entry.id));
        }
    }
}

QTEST_MAIN(SituationsTest)
#include "situations_test.moc"
