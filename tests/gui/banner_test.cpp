// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/pages/banner_lines.h"
#include "ui/pages/page_stack.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/flat_button.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/zone_badge.h"

#include <QAbstractButton>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// How a deployment stands, in the header: what is said of each cause, and where its button leads.
class BannerTest final : public QObject
{
    Q_OBJECT
private slots:
    void bannerOfEachSituation_data();
    void bannerOfEachSituation();
    void bannersLeadToTheRemedy();
    void bannersCountWhatTheyLeaveOut();
    void bannersSayWhatIsDown();
    void bannersSayOnEveryPageWhoIsAway();
    void bannersSayTheTimeWithoutRoom();
    void aBannerIsNoNearerToTheNameThanThatToThePage();
    void aButtonKeepsItsPage();
};

void BannerTest::bannerOfEachSituation_data()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<QStringList>("words"); // of each line, from its beginning
    QTest::addColumn<QStringList>("pages");
    QTest::newRow("all-green") << "all-green" << QStringList{"Green: 15 of 15 watched"} << QStringList{""};
    QTest::newRow("long-names") << "long-names" << QStringList{"Green: 15 of 15 watched"} << QStringList{""};
    QTest::newRow("memory-climbing") << "memory-climbing" << QStringList{"Yellow: Redis memory "}
                                     << QStringList{"redis"};
    QTest::newRow("leak") << "leak" << QStringList{"Yellow: Redis connections "} << QStringList{"connections"};
    QTest::newRow("redis-down") << "redis-down"
                                << QStringList{"Red: Redis does not answer; besides: Error rate", "Error rate "}
                                << QStringList{"redis", "performance"};
    QTest::newRow("backlog") << "backlog" << QStringList{"Red: Queue ", "Oldest task ", "Response time p95 "}
                             << QStringList{"queue", "queue", "performance"};
    QTest::newRow("no-workers") << "no-workers" << QStringList{"Red: no worker takes tasks"} << QStringList{"queue"};
    QTest::newRow("refusals") << "refusals" << QStringList{"Red: Refused requests "} << QStringList{"performance"};
    QTest::newRow("stale") << "stale" << QStringList{"Red: "} << QStringList{""};
    QTest::newRow("empty") << "empty" << QStringList{"Unknown: nothing is known yet"} << QStringList{""};
}

void BannerTest::bannerOfEachSituation()
{
    QFETCH(QString, situation);
    QFETCH(QStringList, words);
    QFETCH(QStringList, pages);
    Console console({.situation = situation.toStdString()});
    console.window->openPage("overview");
    console.tick();
    const auto *header = console.window->findChild<DeploymentHeader *>();
    const std::vector<BannerLine> &lines = header->banner().lines();
    QStringList told, led;
    for (const BannerLine &line : lines) {
        told << line.words;
        led << line.page;
    }
    QVERIFY2(lines.size() >= std::size_t(words.size()), qPrintable(told.join("\n")));
    for (qsizetype i = 0; i < words.size(); ++i)
        QVERIFY2(told[i].startsWith(words[i]), qPrintable(told.join("\n")));
    QCOMPARE(led.first(pages.size()), pages);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0) // worst first
            QVERIFY(int(lines[i].zone) <= int(lines[i - 1].zone));
        if (console.stack.deployment().link() == LinkState::Live && lines[i].zone > Zone::Green)
            QVERIFY2(lines[i].since.startsWith("for ") && lines[i].since.contains(", since "),
                     qPrintable(lines[i].since));
    }
    // Elsewhere there is one line, and all that is not green is at the front there too.
    console.window->openPage("users");
    Console::settle();
    QCOMPARE(header->banner().lines().size(), std::size_t(1));
    QCOMPARE(header->banner().lines().front().words, told.front());
}

void BannerTest::bannersLeadToTheRemedy()
{
    Console console({.situation = "backlog"});
    const auto *banner = &console.window->findChild<DeploymentHeader *>()->banner();
    const auto buttons = [banner] {
        QList<FlatButton *> shown;
        for (FlatButton *button : banner->findChildren<FlatButton *>())
            if (button->isVisible())
                shown << button;
        return shown;
    };
    QStringList reached;
    const qsizetype count = buttons().size();
    QVERIFY(count >= 3);
    for (qsizetype i = 0; i < count; ++i) {
        console.window->openPage("overview");
        Console::settle();
        buttons()[i]->setFocus();
        console.press(Qt::Key_Space);
        reached << console.window->currentPage();
        QVERIFY(!qobject_cast<QAbstractButton *>(QApplication::focusWidget())); // Space again fires nothing
    }
    QCOMPARE(reached.first(3), QStringList({"queue", "queue", "performance"}));
    console.window->openPage("queue"); // where one is no button leads
    Console::settle();
    QVERIFY(buttons().isEmpty());
    QVERIFY(banner->advice().startsWith("for ") && banner->advice().contains("Give a worker slots"));
    // Nor does a notice cover one.
    console.window->openPage("overview");
    console.window->tell("Done.", true);
    Console::settle();
    const auto *notice = console.window->findChild<NoticeBar *>();
    const auto place = [&](const QWidget *widget) {
        return QRect(widget->mapTo(console.window.get(), QPoint()), widget->size());
    };
    for (const FlatButton *button : buttons())
        QVERIFY(!place(notice).intersects(place(button)));
}

void BannerTest::bannersCountWhatTheyLeaveOut()
{
    Snapshot snapshot;
    snapshot.verdict = Zone::Red;
    for (const Resource resource : {Resource::Queue, Resource::ErrorRate, Resource::Refused, Resource::Disk,
                                    Resource::FailedTasks, Resource::OldestTask}) {
        Reading reading;
        reading.resource = resource;
        reading.zone = resource == Resource::Disk ? Zone::Yellow : Zone::Red;
        reading.unknown = Unknown::No;
        reading.value = 0.99;
        reading.inZone = 90s;
        snapshot.readings.push_back(reading);
    }
    const WallTime now{std::chrono::hours(480'000)};
    const auto lines = bannerLines(snapshot, now, "overview");
    QCOMPARE(lines.size(), std::size_t(4));
    QVERIFY2(lines[3].words.startsWith("3 more"), qPrintable(lines[3].words));
    QVERIFY(lines[3].page.isEmpty() && lines[0].pageTitle == "Queue");
    QVERIFY2(lines[0].since.startsWith("for 2 min, since "), qPrintable(lines[0].since));
    snapshot.verdict = Zone::Green;
    QCOMPARE(bannerLines(snapshot, now, "overview").size(), std::size_t(1));
}

/// Each of what is down is said as the verdict would say it alone.
void BannerTest::bannersSayWhatIsDown()
{
    const auto down = [](const char *name, const char *reason) {
        return LinkStatus{name, false, std::nullopt, std::nullopt, reason};
    };
    const std::pair<std::pair<const char *, const char *>, QString> links[]{
        {{"redis", ""}, "Redis does not answer"},
        {{"queue", ""}, "Tasks cannot be queued or run"},
        {{"sessions", ""}, "Sessions cannot be kept in Redis"},
        {{"data_dir", ""}, "The data directory cannot be used"},
        {{"database", "disk-full"}, "The database cannot be written"},
        {{"database", "database-lost"}, "The database does not answer"},
    };
    const WallTime now{std::chrono::hours(480'000)};
    for (const auto &[link, words] : links) {
        Snapshot snapshot;
        snapshot.verdict = Zone::Red;
        snapshot.links = {down(link.first, link.second)};
        const auto alone = bannerLines(snapshot, now, "overview");
        QCOMPARE(alone.size(), std::size_t(1));
        QVERIFY2(alone[0].words.compare("Red: " + words, Qt::CaseInsensitive) == 0, qPrintable(alone[0].words));
        snapshot.links.insert(snapshot.links.begin(), down("disk", ""));
        const auto besides = bannerLines(snapshot, now, "overview");
        QCOMPARE(besides.size(), std::size_t(2));
        QCOMPARE(besides[1].words, words);
    }
    // What Redis refuses takes both: one cause, one line.
    Snapshot snapshot;
    snapshot.verdict = Zone::Red;
    snapshot.links = {down("queue", "redis-rights"), down("sessions", "redis-rights")};
    const auto refused = bannerLines(snapshot, now, "overview");
    QCOMPARE(refused.size(), std::size_t(1));
    QCOMPARE(refused[0].words, QString("Red: tasks cannot be queued or run; besides: Sessions"));
    snapshot.links = {down("queue", "redis-evicts"), down("sessions", "redis-rights")};
    QCOMPARE(bannerLines(snapshot, now, "overview").size(), std::size_t(2));
}

/// Nothing else tells of it while the rest is green.
void BannerTest::bannersSayOnEveryPageWhoIsAway()
{
    Snapshot snapshot;
    snapshot.verdict = Zone::Green;
    InstanceFigures away;
    away.name = "portal-2";
    away.why = Absence::Gone;
    snapshot.instances = {away};
    const WallTime now{std::chrono::hours(480'000)};
    for (const char *page : {"overview", "users"}) {
        const auto lines = bannerLines(snapshot, now, page);
        QCOMPARE(lines.size(), std::size_t(2));
        QVERIFY2(lines[1].zone == Zone::Yellow && lines[1].words.contains("portal-2"), qPrintable(lines[1].words));
        QCOMPARE(lines[1].page, QString("performance"));
    }
    // Beside what is yellow too: of who is away the verdict says nothing.
    Reading queue;
    queue.resource = Resource::Queue;
    queue.zone = Zone::Yellow;
    queue.unknown = Unknown::No;
    queue.value = 120;
    snapshot.readings = {queue, queue};
    snapshot.verdict = Zone::Yellow;
    for (const char *page : {"performance", "users"}) {
        const auto lines = bannerLines(snapshot, now, page);
        QCOMPARE(lines.size(), std::size_t(2));
        QVERIFY2(lines[0].words.startsWith("Yellow: Queue"), qPrintable(lines[0].words));
        QVERIFY2(lines[1].words.contains("portal-2"), qPrintable(lines[1].words));
        QCOMPARE(lines[1].page.isEmpty(), page == QString("performance"));
    }
    snapshot.readings.clear();
    // The verdict leads to the overview where it is not, and that one tells it.
    snapshot.verdict = Zone::Red;
    QCOMPARE(bannerLines(snapshot, now, "users").size(), std::size_t(1));
    QCOMPARE(bannerLines(snapshot, now, "overview").size(), std::size_t(2));
}

namespace {

std::vector<BannerLine> twoCauses()
{
    return {{Zone::Red, "Red: Redis does not answer", "for 9 min, since 14:01", "redis", "Redis"},
            {Zone::Red, "Queue is long", "for 7 min, since 14:03", "queue", "Queue"}};
}

} // namespace

void BannerTest::bannersSayTheTimeWithoutRoom()
{
    Banner banner;
    banner.resize(300, 100);
    banner.setLines(twoCauses(), {});
    banner.show();
    Console::settle();
    QStringList heard, tips;
    for (const ZoneBadge *badge : banner.findChildren<ZoneBadge *>()) {
        heard << badge->accessibleName();
        tips << badge->toolTip();
    }
    QCOMPARE(heard, QStringList({"Red: Redis does not answer", "red: Queue is long, for 7 min, since 14:03"}));
    QCOMPARE(tips, QStringList({"Red: Redis does not answer", "Queue is long, for 7 min, since 14:03"}));
    banner.setLines({twoCauses().front(), {Zone::Red, "Queue is long", {}, "queue", "Queue"}}, {});
    QCOMPARE(banner.findChildren<ZoneBadge *>().back()->toolTip(), QString("Queue is long"));
}

/// The causes are sorted anew with every sample, also between a look at a button and its press.
void BannerTest::aBannerIsNoNearerToTheNameThanThatToThePage()
{
    Console console({.situation = "one-instance-hangs"});
    console.window->openPage("performance");
    const auto *header = console.window->findChild<DeploymentHeader *>();
    const auto *pages = console.window->findChild<PageStack *>();
    QVERIFY(pages);
    for (const QSize size : {QSize(1180, 780), QSize(600, 700)}) {
        console.window->resize(size);
        console.tick();
        Console::settle();
        const int above = header->nameRow().y() - header->standing().bottom();
        const int below = pages->mapTo(console.window.get(), QPoint()).y() -
                          header->nameRow().mapTo(console.window.get(), QPoint(0, header->nameRow().height() - 1)).y();
        QVERIFY2(above > 1 && above == below, qPrintable(QString("%1 and %2").arg(above).arg(below)));
    }
}

void BannerTest::aButtonKeepsItsPage()
{
    Banner banner;
    QStringList wanted;
    connect(&banner, &Banner::pageWanted, &banner, [&wanted](const QString &page) { wanted << page; });
    auto lines = twoCauses();
    banner.setLines(lines, {});
    banner.show();
    banner.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&banner));
    const auto buttons = banner.findChildren<FlatButton *>();
    QCOMPARE(buttons.size(), 2);
    buttons[0]->setFocus();
    std::swap(lines[0], lines[1]);
    banner.setLines(lines, {});
    QCOMPARE(QApplication::focusWidget(), static_cast<QWidget *>(buttons[1]));
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Space);
    QCOMPARE(wanted, QStringList{"redis"});
    // By mouse: pressed before, let go after.
    QTest::mousePress(buttons[1], Qt::LeftButton);
    std::swap(lines[0], lines[1]);
    banner.setLines(lines, {});
    QTest::mouseRelease(buttons[1], Qt::LeftButton);
    QCOMPARE(wanted, QStringList({"redis", "redis"}));
    // Once it is none of the causes any more, nothing has the focus.
    buttons[0]->setFocus();
    banner.setLines({lines[1]}, {});
    QVERIFY(!qobject_cast<QAbstractButton *>(QApplication::focusWidget()));
}

QTEST_MAIN(BannerTest)
#include "banner_test.moc"
