// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/table_view.h"

#include <QPromise>
#include <deque>

using namespace portolan;
using namespace portolan::ui;

namespace {

/// Questions of one kind that somebody answers later.
template <class T> class Held
{
public:
    QFuture<Result<T>> ask()
    {
        ++asked;
        m_open.emplace_back();
        m_open.back().start();
        most = std::max(most, m_open.size());
        return m_open.back().future();
    }
    void answer(T value)
    {
        QPromise<Result<T>> promise = std::move(m_open.front());
        m_open.pop_front();
        promise.addResult(Result<T>(std::move(value)));
        promise.finish();
        ConsoleWindow::settle();
    }
    std::size_t open() const { return m_open.size(); }

    int asked = 0;
    std::size_t most = 0; ///< outstanding at once

private:
    std::deque<QPromise<Result<T>>> m_open;
};

/// A demo whose lists come when they are let come.
class SlowDeployment final : public Deployment
{
public:
    explicit SlowDeployment(Deployment &behind) : m_behind(behind)
    {
        connect(&behind, &Deployment::sampled, this, &Deployment::sampled);
    }
    DeploymentInfo info() const override { return m_behind.info(); }
    LinkState link() const override { return m_behind.link(); }
    LinkReason linkReason() const override { return m_behind.linkReason(); }
    std::shared_ptr<const Snapshot> latest() const override { return m_behind.latest(); }
    Capability capability(const Action &action) const override { return m_behind.capability(action); }
    QFuture<Result<std::vector<Series>>> history(HistoryQuery) override { return series.ask(); }
    QFuture<Result<std::vector<Event>>> events(WallTime, WallTime) override { return happened.ask(); }
    QFuture<Result<std::vector<ClientInfo>>> clients() override { return connections.ask(); }
    QFuture<Result<TaskList>> tasks(TaskQuery) override { return taskLists.ask(); }
    QFuture<Result<std::vector<WorkerInfo>>> workers() override { return pools.ask(); }
    QFuture<Result<UserPage>> users(UserQuery query) override { return m_behind.users(std::move(query)); }
    QFuture<Result<std::vector<LimitUse>>> limitUse(Id user) override { return m_behind.limitUse(user); }
    QFuture<Result<std::vector<SessionEntry>>> sessions(Id user) override { return m_behind.sessions(user); }
    QFuture<Result<AuditPage>> audit(AuditQuery query) override { return m_behind.audit(std::move(query)); }
    QFuture<Result<ActionPreview>> preview(Action action) override { return m_behind.preview(std::move(action)); }
    QFuture<Result<ActionOutcome>> perform(Action, Permit) override
    {
        return QtFuture::makeReadyFuture(Result<ActionOutcome>(failure(ErrorKind::Unsupported, "Not here.")));
    }

    Held<std::vector<Series>> series;
    Held<std::vector<Event>> happened;
    Held<std::vector<ClientInfo>> connections;
    Held<TaskList> taskLists;
    Held<std::vector<WorkerInfo>> pools;

private:
    Deployment &m_behind;
};

struct SlowConsole : DemoBehind
{
    SlowConsole()
        : DemoBehind({}),
          slow(stack.deployment()),
          settings(folder.filePath("settings.ini"), QSettings::IniFormat),
          theme(*qApp, settings),
          window({slow, nullptr, confirmer, clock, settings, theme, [](const QUrl &) { return true; }}, {})
    {
        window.show();
        ConsoleWindow::settle();
    }
    void tick()
    {
        clock.advance(std::chrono::seconds(1));
        stack.tick();
        ConsoleWindow::settle();
    }

    QTemporaryDir folder;
    SlowDeployment slow;
    QSettings settings;
    AnsweringConfirmer confirmer;
    Theme theme;
    MainWindow window;
};

TaskInfo named(const std::string &id)
{
    TaskInfo task;
    task.id = id;
    task.name = id;
    return task;
}

} // namespace

/// A portal that answers more slowly than it is asked.
class SlowTest final : public QObject
{
    Q_OBJECT
private slots:
    void neverAsksTwiceAtOnce();
    void theNewestIsShown();
};

void SlowTest::neverAsksTwiceAtOnce()
{
    SlowConsole console;
    for (const PageEntry &entry : pageTable()) {
        console.window.openPage(entry.id);
        for (int i = 0; i < 5; ++i) {
            console.tick();
            if (entry.id == "queue" || entry.id == "connections" || entry.id == "overview")
                console.window.page()->refresh();
        }
        if (entry.id == "overview") { // the charts of other pages ask for the same, of other times
            QCOMPARE(console.slow.series.most, std::size_t(1));
            QCOMPARE(console.slow.happened.most, std::size_t(1));
        }
    }
    const SlowDeployment &slow = console.slow;
    QCOMPARE(slow.connections.most, std::size_t(1));
    QCOMPARE(slow.taskLists.most, std::size_t(1));
    QCOMPARE(slow.pools.most, std::size_t(1));
}

void SlowTest::theNewestIsShown()
{
    SlowConsole console;
    console.window.openPage("queue");
    for (int i = 0; i < 5; ++i)
        console.tick();
    QCOMPARE(console.slow.taskLists.asked, 1);
    console.slow.taskLists.answer({{named("first")}, true});
    // What came is shown, and one more is asked for what was wanted meanwhile.
    TableView *view = nullptr;
    for (TableView *table : console.window.page()->findChildren<TableView *>()) {
        if (table->accessibleName() == "Tasks")
            view = table;
    }
    QVERIFY(view);
    QCOMPARE(view->model()->rowCount(), 1);
    QCOMPARE(console.slow.taskLists.asked, 2);
    console.slow.taskLists.answer({{named("second"), named("third")}, true});
    QCOMPARE(view->model()->rowCount(), 2);
    QCOMPARE(console.slow.taskLists.asked, 2); // nobody has wanted another
    console.tick();
    QCOMPARE(console.slow.taskLists.asked, 3);
}

QTEST_MAIN(SlowTest)
#include "slow_test.moc"
