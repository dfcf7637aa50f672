// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/log_collector.h"
#include "tests/integration/embedded/embedded_stack_fixture.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QSignalSpy>
#include <QTest>
#include <QThread>

using namespace portolan;
using namespace portolan::embedded;

namespace {

/// How many of them a fact counts; 0: it does not name them.
int countOf(const Fact &fact, Counted of)
{
    const auto amount = std::ranges::find(fact.amounts, of, &Amount::of);
    return amount == fact.amounts.end() ? 0 : int(amount->count);
}

} // namespace

class EmbeddedStackTest final : public QObject
{
    Q_OBJECT

private slots:
    void resetsNothingWhileItWasToldWrong()
    {
        // What the process was told may have named another folder, or a database; what is left of it is the built-in.
        Stack made("http.idle_timeout", "soon");
        QVERIFY(made.start().has_error());
        const QString theirs = made.directory.filePath("portal.db");
        QVERIFY(QFile(theirs).open(QIODevice::WriteOnly));
        const auto preview = await(made.stack.preview(ResetStack{}));
        QVERIFY(preview.has_error());
        QVERIFY2(words(preview).find("http.idle_timeout") != std::string::npos, words(preview).c_str());
        QVERIFY(made.perform(ResetStack{}).has_error());
        QVERIFY(QFile::exists(theirs));
    }

    void everyStopLeavesALine()
    {
        Stack made;
        QVERIFY(made.start().has_value());
        QVERIFY(made.perform(StopStack{}).has_value());
        QVERIFY(made.start().has_value());
        const auto events =
            await(made.stack.deployment().ask(EventsQuestion{WallTime{}, made.clock.wall() + 24h})).value();
        const auto has = [&](auto fits) { return std::ranges::any_of(events, fits); };
        QVERIFY(has([](const Event &e) {
            return e.name == "stack.stop" && e.kind == EventKind::Action && e.actor.empty() && e.reason.empty() &&
                   e.facts == std::vector<Fact>{{.kind = FactKind::PortalStopped}};
        }));
        QVERIFY(
            has([](const Event &e) { return e.kind == EventKind::Restart && e.name == "portal" && e.up == false; }));
    }

    void aRefusedRestartIsOnTheTimeLine()
    {
        Stack made;
        QVERIFY(made.start().has_value());
        LocalStackSettings bad = made.stack.settings();
        bad.listen = "abc";
        QVERIFY(made.perform(RestartStack{bad}).has_error());
        const auto events =
            await(made.stack.deployment().ask(EventsQuestion{WallTime{}, made.clock.wall() + 24h})).value();
        const auto refused = std::ranges::find(events, std::string("stack.restart"), &Event::name);
        QVERIFY(refused != events.end() && refused->facts.empty());
        QCOMPARE(refused->reason, made.audit().back().outcome);
    }

    /// Its line is written before the portal goes down, when nobody knows whether it comes up again.
    void aRestartIsNotSaidToHaveWorkedBefore()
    {
        Stack made;
        QVERIFY(made.start().has_value());
        QVERIFY(made.perform(RestartStack{made.stack.settings()}).has_value());
        const auto events =
            await(made.stack.deployment().ask(EventsQuestion{WallTime{}, made.clock.wall() + 24h})).value();
        const auto restart = std::ranges::find(events, std::string("stack.restart"), &Event::name);
        QVERIFY(restart != events.end() && restart->facts.empty() && restart->reason.empty());
        QVERIFY2(restart->detail.starts_with("tier: small"), restart->detail.c_str());
    }

    void takesItsSettingsFromTheProcess()
    {
        Stack made("tier", "watchlist");
        QCOMPARE(made.stack.settings().tier, std::string("watchlist"));
        QCOMPARE(made.stack.settings().listen, std::string("127.0.0.1:0"));
        QCOMPARE(made.stack.dataDirectory(), made.directory.path().toStdString());
        QVERIFY(made.stack.tiers().size() == 5 && made.stack.tiers().front().name == "small" &&
                !made.stack.tiers().front().title.empty());
        QCOMPARE(made.stack.tiers().front().redisMemory, std::uint64_t{30} * 1024 * 1024);
        QCOMPARE(made.stack.tiers().front().concurrency, std::uint32_t{2});
    }

    void aDemonstrationMoves()
    {
        Stack made;
        EmbeddedStack stack(made.sources, made.clock, {.demonstration = true});
        QVERIFY(await(stack.start(stack.settings())).has_value());
        const auto &deployment = stack.deployment();
        const auto moves = [&deployment] {
            const auto sample = deployment.latest();
            return sample && sample->http.traffic.requests > 0 && sample->users.concurrent.value_or(0) > 0;
        };
        QTRY_VERIFY_WITH_TIMEOUT(moves(), 60'000);
        QVERIFY(await(stack.perform(StopStack{}, permitted())).has_value());
        QVERIFY(await(stack.start(stack.settings())).has_value()); // those who were there come again
        const auto before = deployment.latest();
        QTRY_VERIFY_WITH_TIMEOUT(deployment.latest() != before && moves(), 60'000);
    }

    void startsStopsAndStartsAgain()
    {
        Stack made;
        auto &deployment = made.stack.deployment();
        QSignalSpy states(&made.stack, &LocalStack::stateChanged);
        QCOMPARE(made.stack.state(), State::Stopped);
        for (int round = 0; round < 2; ++round) {
            auto starting = made.stack.start(made.stack.settings());
            QCOMPARE(made.stack.state(), State::Starting);
            QCOMPARE(deployment.link(), LinkState::Connecting);
            QCOMPARE(await(deployment.ask(UsersQuestion{})).error().message, std::string("The portal is starting."));
            QCOMPARE(await(made.stack.start({})).error().kind, ErrorKind::Conflict);
            for (const StackCommand &other :
                 {StackCommand(StartStack{}), StackCommand(RestartStack{}), StackCommand(ResetStack{}),
                  StackCommand(SeedStack{}), StackCommand(UnseedStack{})})
                QCOMPARE(made.perform(other).error().kind, ErrorKind::Conflict);
            const auto started = await(starting);
            QVERIFY2(started.has_value(), words(started).c_str());
            QCOMPARE(made.stack.state(), State::Running);
            QVERIFY(deployment.info().url.starts_with("http://127.0.0.1:"));
            QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
            QCOMPARE(&made.stack.deployment(), &deployment);
            QCOMPARE(await(made.stack.start({})).error().kind, ErrorKind::Conflict);

            QVERIFY(made.perform(StopStack{}).has_value());
            QCOMPARE(made.stack.state(), State::Stopped);
            QCOMPARE(deployment.link(), LinkState::Off);
            QCOMPARE(deployment.linkReason(), LinkReason::NotRunning);
            QVERIFY(deployment.latest() && deployment.info().url.empty());
            QVERIFY(made.perform(StopStack{}).has_value()); // twice is harmless
        }
        QCOMPARE(states.size(), 8);
    }

    void seeds()
    {
        Stack made;
        QCOMPARE(made.perform(SeedStack{}).error().kind, ErrorKind::Unavailable);
        QVERIFY(made.start().has_value());
        const auto seeded = made.perform(SeedStack{});
        QVERIFY(seeded.has_value());
        // It says what there is: how much it gets done depends on the machine.
        QCOMPARE(seeded->facts.size(), std::size_t{1});
        const Fact &said = seeded->facts.front();
        QCOMPARE(said.kind, FactKind::Added);
        QCOMPARE(countOf(said, Counted::Users), made.rows("users"));
        QCOMPARE(countOf(said, Counted::Sessions), made.rows("user_sessions"));
        QCOMPARE(countOf(said, Counted::Sessions), int(std::ranges::count_if(made.keys("s:*"), [](const auto &key) {
                     return !key.starts_with("s:!"); // whose sessions were ended
                 })));
        const int analyses = countOf(said, Counted::Analyses);
        QVERIFY(analyses > 0);
        QVERIFY(analyses <= int(made.keys("celery-task-meta-*").size()));
        const auto ended = await(made.stack.deployment().ask(TasksQuestion{})).value().items;
        QVERIFY(analyses <= int(std::ranges::count(ended, TaskPlace::Ended, &TaskInfo::place)));
        QCOMPARE(made.audit().back().action, std::string("stack.seed"));
        QCOMPARE(made.audit().back().detail, "users: " + std::to_string(made.rows("users")) +
                                                 ", sessions: " + std::to_string(made.rows("user_sessions")) +
                                                 ", analyses: " + std::to_string(analyses));
        const auto nobodyNew = await(made.stack.preview(SeedStack{}));
        QVERIFY(nobodyNew && nobodyNew->count == std::uint64_t(0) && !nobodyNew->nothing);
        QCOMPARE(nobodyNew->facts, (std::vector<Fact>{{.kind = FactKind::MadeUpUsersThere, .count = 40},
                                                      {.kind = FactKind::AnalysesAdded}}));
        const auto again = made.perform(SeedStack{});
        QVERIFY2(again.has_value(), words(again).c_str());
        QCOMPARE(countOf(again->facts.front(), Counted::Users), 0);
        QVERIFY(countOf(again->facts.front(), Counted::Analyses) > 0);
        QCOMPARE(made.users(), std::size_t(made.rows("users")));
        const auto events =
            await(made.stack.deployment().ask(EventsQuestion{WallTime{}, made.clock.wall() + 24h})).value();
        const auto noted = std::ranges::find(events, std::string("stack.seed"), &Event::name);
        QVERIFY(noted != events.end() && noted->actor.empty());
        QCOMPARE(noted->facts, seeded->facts);
    }

    void resetsWhatWasSeeded()
    {
        Stack made;
        QVERIFY(made.start().has_value());
        QVERIFY(made.perform(SeedStack{}).has_value());
        QFile other(QDir(made.directory.path()).filePath("somebody.txt"));
        QVERIFY(other.open(QIODevice::WriteOnly));
        const auto preview = await(made.stack.preview(ResetStack{}));
        QVERIFY2(preview.has_value(), words(preview).c_str());
        QCOMPARE(preview->count, std::optional<std::uint64_t>(made.rows("users")));
        QCOMPARE(preview->facts.size(), std::size_t{3});
        const Fact &deleted = preview->facts[0];
        QCOMPARE(deleted.kind, FactKind::ContentsDeleted);
        QCOMPARE(countOf(deleted, Counted::Users), made.rows("users"));
        QCOMPARE(countOf(deleted, Counted::Sessions), made.rows("user_sessions"));
        QCOMPARE(countOf(deleted, Counted::AuditEntries), made.rows("audit"));
        QCOMPARE(countOf(deleted, Counted::Results), int(made.keys("celery-task-meta-*").size()));
        QCOMPARE(preview->facts[1].kind, FactKind::StartedEmpty);
        QCOMPARE(preview->facts[2].kind, FactKind::WhereAuditIs);
        QCOMPARE(preview->sample.front().name, made.directory.path().toStdString());
        QVERIFY(preview->bytes >= std::uint64_t(QFileInfo(made.directory.filePath("portal.db")).size()));
        const auto users = made.rows("users");
        const auto reset = made.perform(ResetStack{});
        QVERIFY2(reset.has_value(), words(reset).c_str());
        QCOMPARE(reset->facts, (std::vector<Fact>{{.kind = FactKind::StartedEmpty}}));
        QCOMPARE(made.stack.state(), State::Running);
        QCOMPARE(made.users(), std::size_t{0});
        QVERIFY(await(made.stack.deployment().ask(TasksQuestion{}))->items.empty());
        QVERIFY(other.exists());
        const auto left = made.audit();
        QCOMPARE(left.size(), std::size_t{1});
        QCOMPARE(left[0].action, std::string("stack.reset"));
        QCOMPARE(left[0].actor, std::string("system"));
        QVERIFY2(left[0].detail.starts_with("users: " + std::to_string(users) + ", "), left[0].detail.c_str());
        QVERIFY2(left[0].detail.ends_with(made.directory.path().toStdString()), left[0].detail.c_str());
    }

    void aResetThatFailsIsWrittenDown()
    {
        Stack made;
        QVERIFY(made.start().has_value());
        QVERIFY(made.perform(StopStack{}).has_value());
        const auto other = DataDirectory::open(made.directory.path().toStdString()); // as another portal has it
        QVERIFY(other.has_value());
        QCOMPARE(made.perform(ResetStack{}).error().kind, ErrorKind::Conflict);
        QCOMPARE(made.stack.state(), State::Stopped);
        QCOMPARE(made.audit().back().action, std::string("stack.reset"));
        QCOMPARE(made.audit().back().outcome, std::string("data-dir-locked"));
        QCOMPARE(made.audit().back().reason, std::string("because"));
    }

    void resetsNothingThatIsNotItsOwn()
    {
        Stack made;
        LocalStackSettings settings = made.stack.settings();
        settings.databaseUrl = "sqlite:" + made.directory.filePath("mine.db").toStdString();
        QVERIFY(await(made.stack.start(settings)).has_value());
        QCOMPARE(await(made.stack.preview(ResetStack{})).error().kind, ErrorKind::Unsupported);
        QCOMPARE(made.perform(ResetStack{}).error().kind, ErrorKind::Unsupported);
        QCOMPARE(made.stack.state(), State::Running);
        QVERIFY(QFile::exists(made.directory.filePath("mine.db")));
    }

    void handsOverTheLog()
    {
        Stack made;
        std::vector<LogLine> all;
        QObject::connect(&made.stack, &LocalStack::logged, &made.stack, [&](const std::vector<LogLine> &lines) {
            QCOMPARE(QThread::currentThread(), made.stack.thread());
            all.insert(all.end(), lines.begin(), lines.end());
        });
        QVERIFY(made.start().has_value());
        const auto has = [&](const char *start) {
            return std::ranges::any_of(all, [&](const LogLine &line) {
                return line.level == LogLine::Level::Info && line.time > WallTime{} && line.message.starts_with(start);
            });
        };
        QTRY_VERIFY_WITH_TIMEOUT(has("the portal is serving url=http://127.0.0.1:"), 10'000);
        QVERIFY(made.perform(StopStack{}).has_value());
        QTRY_VERIFY_WITH_TIMEOUT(has("the portal has stopped"), 10'000);
    }

    void finishesEveryCallWhenDestroyed_data()
    {
        QTest::addColumn<int>("delay");
        for (const int delay : {0, 1, 20, 100, 200})
            QTest::addRow("after %d ms", delay) << delay;
    }
    void finishesEveryCallWhenDestroyed()
    {
        QFETCH(int, delay);
        auto made = std::make_unique<Stack>();
        auto starting = made->stack.start(made->stack.settings());
        if (delay > 0)
            QTest::qWait(delay); // somewhere into the start: every place must do
        auto users = made->stack.deployment().ask(UsersQuestion{});
        auto seeding = made->begin(SeedStack{});
        made.reset();
        const auto started = await(starting);
        QVERIFY(started.has_value() || started.error().kind == ErrorKind::Cancelled);
        (void)await(users);
        (void)await(seeding);
    }

    void finishesEveryCallWhileStopping()
    {
        auto made = std::make_unique<Stack>();
        QVERIFY(made->start().has_value());
        auto workers = made->stack.deployment().ask(WorkersQuestion{});
        auto counting = made->stack.preview(ResetStack{});
        auto stopping = made->begin(StopStack{});
        made.reset();
        (void)await(workers);
        (void)await(counting);
        const auto stopped = await(stopping);
        QVERIFY(stopped.has_value() || stopped.error().kind == ErrorKind::Cancelled);
    }

    void keepsALogOfBoundedSize()
    {
        int woken = 0;
        LogCollector log([&] { ++woken; });
        for (std::size_t i = 0; i < LogCollector::most + 10; ++i)
            log.add(R"({"time":"2026-01-01T00:00:00.000Z","level":"warning","message":"m","n":)" + std::to_string(i) +
                    R"(,"text":"two words","word":"one"})");
        QCOMPARE(woken, 1);
        const auto lines = log.take();
        QCOMPARE(lines.size(), LogCollector::most + 1);
        QVERIFY(lines[0].message.find("10") != std::string::npos);
        QCOMPARE(lines[1].message, std::string(R"(m n=10 text="two words" word=one)"));
        QCOMPARE(lines[1].level, LogLine::Level::Warning);
        QVERIFY(log.take().empty());
        log.add("no JSON");
        QCOMPARE(log.take().front().message, std::string("no JSON"));
        QCOMPARE(woken, 2);
    }

    void writesLogFiguresAsPeopleDo_data()
    {
        QTest::addColumn<QByteArray>("number");
        QTest::addColumn<QByteArray>("expected");
        QTest::newRow("below one") << QByteArray("4.65084E-1") << QByteArray("0.465");
        QTest::newRow("well below one") << QByteArray("4.65084E-4") << QByteArray("0.000465");
        QTest::newRow("above one") << QByteArray("1.134E1") << QByteArray("11.34");
        QTest::newRow("whole") << QByteArray("3E0") << QByteArray("3");
        QTest::newRow("nothing") << QByteArray("0E0") << QByteArray("0");
        QTest::newRow("large") << QByteArray("1.5E9") << QByteArray("1500000000");
        QTest::newRow("integer") << QByteArray("465") << QByteArray("465");
    }
    void writesLogFiguresAsPeopleDo()
    {
        QFETCH(QByteArray, number);
        QFETCH(QByteArray, expected);
        LogCollector log([] {});
        log.add(R"({"level":"info","message":"m","milliseconds":)" + number.toStdString() + "}");
        QCOMPARE(log.take().front().message, "m milliseconds=" + expected.toStdString());
    }
};

QTEST_GUILESS_MAIN(EmbeddedStackTest)
#include "embedded_stack_test.moc"
