// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/verdict.h"
#include "tests/gui/console_fixture.h"
#include "ui/pages/banner_lines.h"
#include "ui/support/zones.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/tile.h"
#include "ui/words/instance_words.h"

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// A portal of several processes: who is away, what each does, and whose the worst figure is.
class InstancesTest final : public QObject
{
    Q_OBJECT
private slots:
    void eachIsListedWithItsShare();
    void oneAloneIsNotListed();
    void whoIsAwayIsSaidFirst_data();
    void whoIsAwayIsSaidFirst();
    void itIsSaidAlsoWhereAllIsGreen();
    void theWorstIsNamed();
    void whatBecameOfThemIsAmongTheEvents();
    void states_data();
    void states();
};

void InstancesTest::eachIsListedWithItsShare()
{
    Console console({.situation = "one-instance-hangs"});
    console.window->openPage("performance");
    console.tick();
    const auto *view = console.find<TableView>("Instances");
    QVERIFY(view);
    const QAbstractItemModel &model = *view->model();
    QCOMPARE(model.rowCount(), 3);
    const auto column = [&](const QString &title) {
        for (int at = 0; at < model.columnCount(); ++at)
            if (model.headerData(at, Qt::Horizontal).toString() == title)
                return at;
        return -1;
    };
    QStringList states, versions;
    int percent = 0;
    for (int row = 0; row < model.rowCount(); ++row) {
        states << model.index(row, column("State")).data().toString();
        versions << model.index(row, column("Version")).data().toString();
        percent += model.index(row, column("Share")).data().toString().section(' ', 0, 0).toInt();
    }
    QCOMPARE(states.filter("up ").size(), 2);
    QCOMPARE(states.filter("✕ hangs for ").size(), 1);
    QCOMPARE(versions.filter("others differ").size(), 1);
    QVERIFY2(std::abs(percent - 100) <= 2, qPrintable(QString::number(percent))); // each is rounded
}

void InstancesTest::oneAloneIsNotListed()
{
    Console console;
    console.window->openPage("performance");
    console.tick();
    QVERIFY(!console.find<TableView>("Instances"));
}

void InstancesTest::whoIsAwayIsSaidFirst_data()
{
    QTest::addColumn<QString>("page");
    QTest::addColumn<int>("lines");
    QTest::newRow("overview") << "overview" << 1;
    QTest::newRow("where they are listed") << "performance" << 1;
    QTest::newRow("elsewhere") << "redis" << 1;
}

void InstancesTest::whoIsAwayIsSaidFirst()
{
    QFETCH(QString, page);
    Console console({.situation = "one-instance-hangs"});
    console.window->openPage(page);
    console.tick();
    QStringList said;
    for (const BannerLine &line : console.window->findChild<DeploymentHeader *>()->banner().lines())
        if (line.words.contains("hangs; 2 of 3 answer")) {
            said << line.words;
            QCOMPARE(line.page, page == "performance" ? QString() : QString("performance"));
            QVERIFY(line.since.startsWith("for "));
        }
    QTEST(int(said.size()), "lines");
}

void InstancesTest::itIsSaidAlsoWhereAllIsGreen()
{
    Console console({.situation = "one-instance-hangs"});
    Snapshot snapshot = *console.stack.deployment().latest();
    for (Reading &reading : snapshot.readings)
        reading.zone = Zone::Green;
    snapshot.verdict = verdict(snapshot.readings, snapshot.links);
    QCOMPARE(snapshot.verdict, Zone::Green);
    const auto lines = bannerLines(snapshot, console.clock.wall(), "overview");
    QCOMPARE(lines.size(), std::size_t(2));
    QVERIFY(lines[0].words.startsWith("Green: ") && lines[0].zone == Zone::Green);
    QVERIFY(lines[1].words.contains("hangs; 2 of 3 answer") && lines[1].zone == Zone::Yellow);
    // One that said that it stops is missed by nobody.
    for (InstanceFigures &one : snapshot.instances)
        one.why = one.why == Absence::Hangs ? Absence::Stopped : one.why;
    QCOMPARE(bannerLines(snapshot, console.clock.wall(), "overview").size(), std::size_t(1));
}

void InstancesTest::theWorstIsNamed()
{
    Console console({.situation = "one-instance-hangs"});
    console.window->openPage("overview");
    console.tick();
    const auto snapshot = console.stack.deployment().latest();
    const auto disk = std::ranges::find(snapshot->readings, Resource::Disk, &Reading::resource);
    QVERIFY(disk->zone == Zone::Yellow && !disk->instance.empty());
    const QString whose = "at " + QString::fromStdString(disk->instance);
    QVERIFY2(verdictText(*snapshot).contains(whose), qPrintable(verdictText(*snapshot)));
    const auto pool = std::ranges::find(snapshot->readings, Resource::DbPool, &Reading::resource);
    QVERIFY(pool->zone == Zone::Green && !pool->instance.empty());
    const QString told = console.find<Tile>("Database pool")->accessibleDescription();
    QVERIFY2(told.contains("at " + QString::fromStdString(pool->instance)), qPrintable(told));
}

void InstancesTest::whatBecameOfThemIsAmongTheEvents()
{
    Console console({.situation = "one-instance-hangs"});
    console.window->openPage("overview");
    console.tick();
    Console::settle();
    const QAbstractItemModel &events = *console.find<TableView>("Recent events")->model();
    QStringList words;
    for (int row = 0; row < events.rowCount(); ++row)
        words << events.index(row, 2).data().toString();
    for (const char *what : {"Hangs, and no longer says what it does: ", "Another version, 0.2.0: ", "Started: "})
        QVERIFY2(!words.filter(what).isEmpty(), qPrintable(words.join('\n')));
}

void InstancesTest::states_data()
{
    QTest::addColumn<int>("why");
    QTest::addColumn<QString>("words");
    QTest::addColumn<QString>("untimed");
    const auto row = [](Absence why, const char *words, const char *untimed) {
        QTest::newRow(words) << int(why) << QString(words) << QString(untimed);
    };
    row(Absence::No, "up 2 h", "up");
    row(Absence::Hangs, "hangs for 25 s", "hangs");
    row(Absence::Gone, "gone for 25 s", "gone");
    row(Absence::Stopped, "stopped 25 s ago", "stopped");
}

void InstancesTest::states()
{
    QFETCH(int, why);
    InstanceFigures instance;
    instance.why = Absence(why);
    QTEST(instanceState(instance), "untimed");
    instance.since = 25s;
    instance.uptime = 2h;
    QTEST(instanceState(instance), "words");
}

QTEST_MAIN(InstancesTest)
#include "instances_test.moc"
