// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "tests/gui/held_deployment.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/deployment_header.h"

#include <QLabel>
#include <QStatusBar>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// A portal that is not of this machine: its clock may be another, and something may stand in the way to it.
class FarTest final : public QObject
{
    Q_OBJECT
private slots:
    void agesGoByTheClockThere_data();
    void agesGoByTheClockThere();
    void whatStandsInTheWayIsSaid();
    void itHasNoPageOfThisMachine();
};

namespace {

/// The age of the last sample, as the status bar has it.
QString ageOf(const Console &console)
{
    for (const QLabel *label : console.window->statusBar()->findChildren<QLabel *>())
        if (label->text().startsWith("sample "))
            return label->text();
    return {};
}

MainWindow::Parts farParts(Console &console, Deployment &deployment, const Clock &clock)
{
    MainWindow::Parts own = console.parts();
    return {deployment, nullptr,     own.confirmer,      clock, own.settings,
            own.theme,  own.openUrl, own.askWhereToSave, false, own.askToQuit};
}

} // namespace

void FarTest::agesGoByTheClockThere_data()
{
    QTest::addColumn<int>("hours");
    QTest::newRow("an hour ahead") << 1;
    QTest::newRow("an hour behind") << -1;
    QTest::newRow("a day ahead") << 24;
}

void FarTest::agesGoByTheClockThere()
{
    QFETCH(int, hours);
    Console console;
    HeldDeployment far(console.DemoBehind::stack.deployment());
    const auto closed = qScopeGuard([&] { console.window.reset(); }); // before what it shows
    ManualClock here;
    here.jump(-std::chrono::hours(hours));
    const auto both = [&] {
        here.advance(1s);
        console.tick();
    };
    console.open(farParts(console, far, here));
    far.setAhead(std::chrono::hours(hours));
    both();
    QCOMPARE(ageOf(console), QString("sample just now"));
    for (const PageEntry &entry : pageTable()) {
        if (entry.needsStack)
            continue;
        QVERIFY(console.window->openPage(entry.id));
        both();
        QCOMPARE(ageOf(console), QString("sample just now"));
    }
    here.advance(30s); // nothing comes, and both clocks go on
    console.clock.advance(30s);
    QTRY_COMPARE_WITH_TIMEOUT(ageOf(console), QString("sample 30 s ago"), 5'000);
}

void FarTest::whatStandsInTheWayIsSaid()
{
    Console console;
    HeldDeployment far(console.DemoBehind::stack.deployment());
    const auto closed = qScopeGuard([&] { console.window.reset(); }); // before what it shows
    console.open(farParts(console, far, console.clock));
    const auto *header = console.window->findChild<DeploymentHeader *>();
    QVERIFY(header->verdict().startsWith("Green"));
    Error error = failure(ErrorKind::Unavailable,
                          "The certificate of shop.example:443 (CN=shop.example) ended 2026-11-02.", "Renew it.");
    error.code = "tls-expired";
    far.lose(LinkReason::NotTrusted, error);
    Console::settle();
    QCOMPARE(header->verdict(), QString("Red: It shows no certificate that is trusted here."));
    QVERIFY2(header->advice().contains("CN=shop.example") && header->advice().contains("Renew it."),
             qPrintable(header->advice()));
}

void FarTest::itHasNoPageOfThisMachine()
{
    Console console;
    HeldDeployment far(console.DemoBehind::stack.deployment());
    const auto closed = qScopeGuard([&] { console.window.reset(); }); // before what it shows
    console.open(farParts(console, far, console.clock));
    QVERIFY(!console.window->openPage("local"));
    QVERIFY(console.window->openPage("performance"));
}

QTEST_MAIN(FarTest)
#include "far_test.moc"
