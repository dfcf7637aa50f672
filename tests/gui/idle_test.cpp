// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/pages/page_table.h"

#include <QEvent>

using namespace portolan;
using namespace portolan::ui;

/// What a console costs that nothing happens to: a sample that changes nothing paints nothing.
class IdleTest final : public QObject
{
    Q_OBJECT
private slots:
    void sameSamplePaintsNothing_data();
    void sameSamplePaintsNothing();
    void minimisedDoesNothing();
};

namespace {

/// Counts what is painted.
class PaintCounter final : public QObject
{
public:
    PaintCounter() { qApp->installEventFilter(this); }
    bool eventFilter(QObject *watched, QEvent *event) override
    {
        if (event->type() == QEvent::Paint && watched->isWidgetType())
            painted << QString("%1 %2").arg(watched->metaObject()->className(),
                                            static_cast<QWidget *>(watched)->accessibleName());
        return false;
    }
    QStringList painted;
};

} // namespace

void IdleTest::sameSamplePaintsNothing_data()
{
    QTest::addColumn<QString>("page");
    for (const PageEntry &entry : pageTable()) {
        // Tasks go on with each sample, and log lines come.
        if (entry.id != "queue" && entry.id != "local")
            QTest::newRow(qPrintable(entry.id)) << entry.id;
    }
}

void IdleTest::sameSamplePaintsNothing()
{
    QFETCH(QString, page);
    Console console;
    console.window->openPage(page);
    for (int i = 0; i < 3; ++i)
        console.tick(std::chrono::seconds(0));
    const PaintCounter counter;
    for (int i = 0; i < 3; ++i)
        console.tick(std::chrono::seconds(0));
    QVERIFY2(counter.painted.isEmpty(), qPrintable(counter.painted.join(", ")));
}

void IdleTest::minimisedDoesNothing()
{
    Console console({.situation = "memory-climbing"});
    console.window->openPage("redis");
    console.window->showMinimized();
    Console::settle();
    const PaintCounter counter;
    for (int i = 0; i < 20; ++i)
        console.tick();
    QVERIFY2(counter.painted.isEmpty(), qPrintable(counter.painted.join(", ")));
    console.window->showNormal();
    Console::settle();
    QVERIFY(!counter.painted.isEmpty());
}

QTEST_MAIN(IdleTest)
#include "idle_test.moc"
