// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/table_view.h"

#include <algorithm>
#include <deque>
#include <memory>

using namespace portolan;
using namespace portolan::ui;

namespace {

/// Questions of one kind that somebody answers later.
template <class Q> class Held
{
public:
    using Reply = std::shared_ptr<Promised<typename Q::Answer>>;
    void hold(Reply reply)
    {
        ++asked;
        m_open.push_back(std::move(reply));
        most = std::max(most, m_open.size());
    }
    void answer(typename Q::Answer value)
    {
        const Reply reply = std::move(m_open.front());
        m_open.pop_front();
        reply->finish(std::move(value));
        ConsoleWindow::settle();
    }

    int asked = 0;
    std::size_t most = 0; ///< outstanding at once

private:
    std::deque<Reply> m_open;
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
    QFuture<Result<ActionPreview>> preview(Action action) override { return m_behind.preview(std::move(action)); }
    QFuture<Result<ActionOutcome>> perform(Action, Permit) override
    {
        return answered<ActionOutcome>(failure(ErrorKind::Unsupported, "Not here."));
    }

    Held<HistoryQuestion> series;
    Held<EventsQuestion> happened;
    Held<ClientsQuestion> connections;
    Held<TasksQuestion> taskLists;
    Held<WorkersQuestion> pools;

protected:
    void answer(AnyAsked asked) override
    {
        std::visit([this](auto &one) { take(one); }, asked);
    }

private:
    void take(Asked<HistoryQuestion> &one) { series.hold(std::move(one.reply)); }
    void take(Asked<EventsQuestion> &one) { happened.hold(std::move(one.reply)); }
    void take(Asked<ClientsQuestion> &one) { connections.hold(std::move(one.reply)); }
    void take(Asked<TasksQuestion> &one) { taskLists.hold(std::move(one.reply)); }
    void take(Asked<WorkersQuestion> &one) { pools.hold(std::move(one.reply)); }
    /// All others at once.
    template <class Q> void take(Asked<Q> &one) { one.reply->finish(m_behind.ask(std::move(one.question)).result()); }

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
    void whatHappenedInOneMomentIsAllShown();
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
            QCOMPARE(console.slow.series.most, std::size_t(2)); // the trends, and the zones of a day
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

/// An instance that comes with another version is two events of the same thing and time.
void SlowTest::whatHappenedInOneMomentIsAllShown()
{
    SlowConsole console;
    console.window.openPage("overview");
    ConsoleWindow::settle();
    Event came{.time = console.clock.wall(), .kind = EventKind::Instance, .name = "web-2"};
    came.reason = instance_event::started;
    Event differs = came;
    differs.reason = instance_event::version;
    differs.detail = "0.9.1";
    Event again = differs;
    again.detail = "0.9.2";
    console.slow.happened.answer({came, differs, again});
    ConsoleWindow::settle();
    TableView *view = nullptr;
    for (TableView *table : console.window.page()->findChildren<TableView *>()) {
        if (table->accessibleName() == "Recent events")
            view = table;
    }
    QVERIFY(view);
    QCOMPARE(view->model()->rowCount(), 3);
}

QTEST_MAIN(SlowTest)
#include "slow_test.moc"
