// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/system_clock.h"
#include "core/embedded/embedded_stack.h"
#include "tests/gui/console_fixture.h"
#include "ui/pages/page_table.h"
#include "ui/screenshots.h"

#include <QImage>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// Pictures of the pages, of a scripted and of a real portal.
class PicturesTest final : public QObject
{
    Q_OBJECT
private slots:
    void namesAndSizes();
    void whatIsMissingIsNamed();
    void ofARealPortal();
};

void PicturesTest::namesAndSizes()
{
    Console console;
    ScreenshotRequest request;
    request.folder = QDir(console.folder.path());
    request.themes = {Theme::Mode::Light, Theme::Mode::Dark};
    request.pages = {"redis"};
    request.scalePercent = 150;
    request.source = "demo";
    request.size = QSize(900, 600);
    const auto before = console.theme.mode();
    const QStringList files = takeScreenshots(*console.window, console.theme, console.stack.deployment(), request);
    QCOMPARE(files, QStringList({console.folder.filePath("redis-light-150-demo.png"),
                                 console.folder.filePath("redis-dark-150-demo.png")}));
    const QImage light(files[0]), dark(files[1]);
    QCOMPARE(light.size(), QSize(900, 600));
    QVERIFY(light.pixelColor(5, 300).lightness() > dark.pixelColor(5, 300).lightness());
    QCOMPARE(console.theme.mode(), before);
}

void PicturesTest::whatIsMissingIsNamed()
{
    Console console({.situation = "empty"});
    QTimer ticks;
    connect(&ticks, &QTimer::timeout, &console.stack, &demo::DemoStack::tick);
    ticks.start(10);
    const QStringList missing = waitForData(console.stack.deployment(), DataWanted::OfEverything, 10, 200ms);
    QCOMPARE(missing, QStringList({"accounts", "connections", "history", "key families", "requests", "tasks"}));
    QCOMPARE(waitForData(console.stack.deployment(), DataWanted::WhatThereIs, 10, 90s), QStringList()); // nor is more
}

void PicturesTest::ofARealPortal()
{
    const QTemporaryDir folder;
    SettingSources sources;
    sources.commandLine = {{"data_dir", folder.filePath("portal").toStdString()}, {"listen", "127.0.0.1:0"}};
    const SystemClock clock;
    QSettings settings(folder.filePath("settings.ini"), QSettings::IniFormat);
    embedded::EmbeddedStack stack(sources, clock, {.demonstration = true});
    AnsweringConfirmer confirmer;
    Theme theme(*qApp, settings);
    MainWindow window(
        {stack.deployment(), &stack, confirmer, clock, settings, theme, [](const QUrl &) { return true; }}, {});
    window.show();
    stack.start(stack.settings());
    const QStringList missing = waitForData(stack.deployment(), DataWanted::OfEverything, 5, 90s);
    QVERIFY2(missing.isEmpty(), qPrintable(missing.join(", ")));
    ScreenshotRequest request;
    request.folder = QDir(folder.path());
    request.themes = {Theme::Mode::Light};
    request.source = "embedded";
    request.samples = 1;
    QCOMPARE(takeScreenshots(window, theme, stack.deployment(), request).size(), qsizetype(pageTable().size()));
}

QTEST_MAIN(PicturesTest)
#include "pictures_test.moc"
