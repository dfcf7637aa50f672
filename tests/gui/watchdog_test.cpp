// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_window.h"
#include "tests/gui/embedded_portal.h"
#include "tests/gui/filled_history.h"
#include "tests/gui/loopback_load.h"
#include "tests/gui/watchdog.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/tile.h"

#include <QAbstractButton>
#include <QElapsedTimer>
#include <QLabel>
#include <QScopeGuard>
#include <QThread>
#include <csignal>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// The console's event loop turns whatever becomes of the portal inside it: while Redis does not answer, is killed, or
/// the portal is asked as much as it can bear, every page is opened in turn and none of it takes over 50 ms (watchdog.h
/// says what is measured). What is old says so meanwhile, and is live again by itself afterwards. So it is with all of
/// the history that a portal keeps.
class WatchdogTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase();
    void cleanupTestCase();
    void noticesAStall();
    void atRest();
    void chartsAreSaved();
    void redisDoesNotAnswer();
    void redisIsKilled();
    void underLoad();
    void aMonthOfHistory();

private:
    void openEveryPage(std::chrono::milliseconds each);
    QString tile(const QString &title) const;
    QString verdict() const { return m_console->window->findChild<DeploymentHeader *>()->verdict(); }
    bool isLive() const;
    QString chart() const; ///< what that of the page says of itself

    std::unique_ptr<EmbeddedPortal> m_portal;
    std::unique_ptr<ConsoleWindow> m_console;
    std::unique_ptr<Watchdog> m_watchdog;
};

namespace {

/// What a sanitizer makes of 50 ms: the address sanitizer slows code down about fourfold with its checks of undefined
/// behaviour, the thread sanitizer ten- to fifteenfold.
#if defined(__SANITIZE_THREAD__)
constexpr double mostStall = 50 * 15;
#elif defined(__SANITIZE_ADDRESS__)
constexpr double mostStall = 50 * 4;
#else
constexpr double mostStall = 50;
#endif

constexpr int patience = 60'000; // ms: for what comes by itself, on a busy machine

} // namespace

#define NO_STALL()                                                                                                     \
    do {                                                                                                               \
        qInfo("%s", qPrintable(m_watchdog->report().words()));                                                         \
        QVERIFY2(m_watchdog->report().stall < mostStall, qPrintable(m_watchdog->report().words()));                    \
    } while (false)

void WatchdogTest::initTestCase()
{
    m_portal = std::make_unique<EmbeddedPortal>();
    m_console = std::make_unique<ConsoleWindow>(m_portal->stack(), m_portal->clock());
    m_watchdog = std::make_unique<Watchdog>();
    static_cast<WatchedApplication *>(qApp)->setWatchdog(m_watchdog.get());
    openEveryPage(200ms); // fonts, icons and styles are loaded once, by the first that shows
}

void WatchdogTest::cleanupTestCase()
{
    static_cast<WatchedApplication *>(qApp)->setWatchdog(nullptr);
    m_watchdog.reset();
    m_console.reset();
    m_portal.reset();
}

void WatchdogTest::openEveryPage(std::chrono::milliseconds each)
{
    int number = 0;
    for (const PageEntry &entry : pageTable()) {
        m_console->press(Qt::Key(Qt::Key_1 + number++), Qt::ControlModifier);
        QCOMPARE(m_console->window->currentPage(), entry.id);
        QEventLoop loop; // live, as somebody looks at it
        QTimer::singleShot(each, &loop, &QEventLoop::quit);
        loop.exec();
    }
}

QString WatchdogTest::tile(const QString &title) const
{
    for (const Tile *tile : m_console->window->findChildren<Tile *>()) {
        if (tile->accessibleName() == title)
            return tile->accessibleDescription();
    }
    return {};
}

QString WatchdogTest::chart() const
{
    return m_console->window->page()->findChild<HistoryPanel *>()->charts().front()->standing().words;
}

bool WatchdogTest::isLive() const
{
    const auto &deployment = m_portal->stack().deployment();
    const auto latest = deployment.latest();
    return deployment.link() == LinkState::Live && latest && latest->redis.age && *latest->redis.age < 3s &&
           latest->verdict != Zone::Unknown && tile("Redis memory").startsWith("green") &&
           tile("Redis memory").endsWith("just now") && !verdict().contains("does not answer");
}

void WatchdogTest::noticesAStall()
{
    m_watchdog->begin();
    QTimer::singleShot(0, this, [] { QThread::msleep(80); }); // what it is there to find
    QTRY_VERIFY(m_watchdog->report().slowest >= 79);
    QTRY_VERIFY(m_watchdog->report().stall >= 70);
    QVERIFY2(m_watchdog->report().slowestName.contains("WatchdogTest"), qPrintable(m_watchdog->report().words()));
}

void WatchdogTest::atRest()
{
    m_console->press(Qt::Key_1, Qt::ControlModifier);
    QTRY_VERIFY_WITH_TIMEOUT(isLive(), patience);
    m_watchdog->begin();
    openEveryPage(400ms);
    NO_STALL();
}

void WatchdogTest::chartsAreSaved()
{
    m_console->window->openPage("performance");
    const auto exports = m_console->window->page()->exports();
    QTRY_VERIFY_WITH_TIMEOUT(exports.first()->isEnabled(), patience);
    for (QAction *action : exports) {
        m_watchdog->begin();
        action->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(m_console->notice().startsWith("Saved as "), patience);
        QTRY_VERIFY_WITH_TIMEOUT(action->isEnabled(), patience);
        m_console->window->findChild<NoticeBar *>()->hide();
        NO_STALL();
    }
}

void WatchdogTest::redisDoesNotAnswer()
{
    const pid_t redis = m_portal->redis();
    QVERIFY(redis > 0);
    m_watchdog->begin();
    ::kill(redis, SIGSTOP);
    const auto goesOn = qScopeGuard([redis] { ::kill(redis, SIGCONT); });
    QElapsedTimer stopped;
    stopped.start();
    openEveryPage(400ms);
    m_console->press(Qt::Key_1, Qt::ControlModifier);
    // What Redis knows is old after 5 s; it keeps its figure, and says how old it is. That it is down is known.
    QTRY_VERIFY2_WITH_TIMEOUT(tile("Redis memory").startsWith("red"), qPrintable(tile("Redis memory")), patience);
    QTRY_VERIFY2_WITH_TIMEOUT(tile("Redis memory").endsWith(" s ago"), qPrintable(tile("Redis memory")), patience);
    QTRY_VERIFY2_WITH_TIMEOUT(tile("Redis memory").contains("Redis is down"), qPrintable(tile("Redis memory")),
                              patience);
    QTRY_VERIFY2_WITH_TIMEOUT(verdict().contains("Redis does not answer"), qPrintable(verdict()), patience);
    m_console->press(Qt::Key_2, Qt::ControlModifier);
    QVERIFY(m_console->find<QLabel>("Age")->text().endsWith(" s ago"));
    QTRY_VERIFY2_WITH_TIMEOUT(chart().startsWith("No new figures for "), qPrintable(chart()), patience);
    QVERIFY2(chart().endsWith(" s: not answering"), qPrintable(chart()));
    openEveryPage(200ms);
    NO_STALL();
    QVERIFY(stopped.elapsed() > 5'000);

    m_watchdog->begin();
    ::kill(redis, SIGCONT);
    m_console->press(Qt::Key_1, Qt::ControlModifier);
    QTRY_VERIFY2_WITH_TIMEOUT(isLive(), qPrintable(tile("Redis memory") + "; " + verdict()), patience);
    m_console->press(Qt::Key_2, Qt::ControlModifier);
    QTRY_VERIFY2_WITH_TIMEOUT(chart().isEmpty(), qPrintable(chart()), patience);
    openEveryPage(200ms);
    NO_STALL();
}

void WatchdogTest::redisIsKilled()
{
    const pid_t redis = m_portal->redis();
    QVERIFY(redis > 0);
    m_watchdog->begin();
    ::kill(redis, SIGKILL);
    openEveryPage(300ms);
    m_console->press(Qt::Key_1, Qt::ControlModifier);
    QTRY_VERIFY2_WITH_TIMEOUT(isLive(), qPrintable(tile("Redis memory") + "; " + verdict()), patience);
    openEveryPage(200ms);
    NO_STALL();
    const pid_t another = m_portal->redis();
    QVERIFY(another > 0 && another != redis);
}

void WatchdogTest::underLoad()
{
    const QUrl url(QString::fromStdString(m_portal->stack().deployment().info().url));
    auto ended = m_portal->stack().deployment().ask(TasksQuestion{});
    QTRY_VERIFY_WITH_TIMEOUT(ended.isFinished(), patience);
    QVERIFY(ended.result() && !ended.result()->items.empty());
    AnsweringConfirmer yes;
    const Shown shown(m_portal->stack().deployment(), &m_portal->stack());
    ActionGate gate(shown, yes, {});
    int enqueued = 0;
    connect(&gate, &ActionGate::reported, this, [&enqueued](const QString &, bool worked) { enqueued += worked; });

    m_watchdog->begin();
    const LoopbackLoad load(url, 6, 60s);
    for (int i = 0; i < 100; ++i) {
        gate.run(Action(RerunTasks{{ended.result()->items[std::size_t(i) % ended.result()->items.size()].id}}));
        if (i % 10 == 0)
            QTest::qWait(1);
    }
    openEveryPage(600ms);
    openEveryPage(300ms);
    NO_STALL();
    QVERIFY2(load.answers() > 1'000, qPrintable(QString::number(load.answers())));
    QTRY_COMPARE_WITH_TIMEOUT(enqueued, 100, patience);
    m_console->press(Qt::Key_1, Qt::ControlModifier);
    QTRY_VERIFY2_WITH_TIMEOUT(isLive(), qPrintable(tile("Redis memory") + "; " + verdict()), patience);
    qInfo("%llu answers to 6 clients, %d tasks enqueued", static_cast<unsigned long long>(load.answers()), enqueued);
}

void WatchdogTest::aMonthOfHistory()
{
    m_console.reset();
    m_portal.reset();
    m_portal = std::make_unique<EmbeddedPortal>(std::vector<std::pair<std::string, std::string>>{}, writeAMonth);
    m_console = std::make_unique<ConsoleWindow>(m_portal->stack(), m_portal->clock());
    openEveryPage(200ms);
    const auto shows = [](const TimeChart *chart, std::chrono::hours span) {
        return chart->hasData() && chart->to() - chart->from() >= span &&
               !chart->standing().words.startsWith("The history"); // could not be read
    };
    m_watchdog->begin();
    for (const char *page : {"redis", "connections", "queue", "performance"}) {
        m_console->window->openPage(page);
        auto *chart = m_console->window->page()->findChild<HistoryPanel *>()->charts().front();
        for (const auto &[span, hours] : {std::pair("1 day", 24h), std::pair("1 month", 24h * 30)}) {
            m_console->find<QAbstractButton>(QString("Show the last ") + span)->click();
            QTRY_VERIFY2_WITH_TIMEOUT(shows(chart, hours), page, patience);
        }
        chart->setFocus();
        m_console->press(Qt::Key_Minus); // beyond what there is
        QTRY_VERIFY2_WITH_TIMEOUT(shows(chart, 24h * 45), page, patience);
        for (int i = 0; i < 12; ++i) { // and back, to where single minutes are
            m_console->press(Qt::Key_Home);
            m_console->press(Qt::Key_Plus);
        }
        m_console->press(Qt::Key_0);
    }
    NO_STALL();
    // All that is kept of it, as figures.
    QTRY_VERIFY_WITH_TIMEOUT(m_console->window->page()->exports().first()->isEnabled(), patience);
    chartsAreSaved();
}

int main(int argc, char **argv)
{
    WatchedApplication application(argc, argv);
    WatchdogTest test;
    return QTest::qExec(&test, argc, argv);
}
#include "watchdog_test.moc"
