// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/demo_stack.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/permits.h"

#include <QSignalSpy>
#include <QTest>

using namespace portolan;
using namespace portolan::demo;
using namespace std::chrono_literals;

/// Scripted portals are the same each time, and say what their situation is.
class DemoTest final : public QObject
{
    Q_OBJECT
private slots:
    void situationsLookAsTheyAreCalled_data();
    void situationsLookAsTheyAreCalled();
    void situationsAreConsistent_data();
    void situationsAreConsistent();
    void greenPortalsKeepTheirBudgets_data() { situationsAreConsistent_data(); }
    void greenPortalsKeepTheirBudgets();
    void sameSeedSamePortal();
    void historyAgreesWithNow();
    void partsHaveHistory();
    void historyKeepsItsBounds_data();
    void historyKeepsItsBounds();
    void unknownLeavesGaps();
    void usersArePagedWithoutLossOrRepetition();
    void whatIsAwayAnswersSo();
    void whatBeganBeforeIsAnEvent();
    void anActionTellsWhatItFound();
    void whatCannotBeDoneSaysWhy();
    void auditEntriesAreRecords();
};

void DemoTest::situationsLookAsTheyAreCalled_data()
{
    QTest::addColumn<QByteArray>("situation");
    QTest::addColumn<int>("verdict"); // -1: no sample at all
    QTest::addColumn<int>("link");
    QTest::newRow("all-green") << QByteArray("all-green") << int(Zone::Green) << int(LinkState::Live);
    QTest::newRow("memory-climbing") << QByteArray("memory-climbing") << int(Zone::Yellow) << int(LinkState::Live);
    QTest::newRow("redis-down") << QByteArray("redis-down") << int(Zone::Red) << int(LinkState::Live);
    QTest::newRow("leak") << QByteArray("leak") << int(Zone::Yellow) << int(LinkState::Live);
    QTest::newRow("backlog") << QByteArray("backlog") << int(Zone::Red) << int(LinkState::Live);
    QTest::newRow("no-workers") << QByteArray("no-workers") << int(Zone::Red) << int(LinkState::Live);
    QTest::newRow("refusals") << QByteArray("refusals") << int(Zone::Red) << int(LinkState::Live);
    QTest::newRow("one-instance-hangs") << QByteArray("one-instance-hangs") << int(Zone::Yellow)
                                        << int(LinkState::Live);
    QTest::newRow("empty") << QByteArray("empty") << int(Zone::Unknown) << int(LinkState::Live);
    QTest::newRow("stale") << QByteArray("stale") << int(Zone::Green) << int(LinkState::Lost);
    QTest::newRow("long-names") << QByteArray("long-names") << int(Zone::Green) << int(LinkState::Live);
    QTest::newRow("unheard of") << QByteArray("unheard-of") << int(Zone::Green) << int(LinkState::Live);
}

void DemoTest::situationsLookAsTheyAreCalled()
{
    QFETCH(QByteArray, situation);
    QFETCH(int, verdict);
    QFETCH(int, link);
    ManualClock clock;
    DemoDeployment demo({.situation = situation.toStdString()}, clock);
    demo.tick();
    QVERIFY(demo.latest());
    QCOMPARE(int(demo.latest()->verdict), verdict);
    QCOMPARE(int(demo.link()), link);
    QCOMPARE(demo.linkReason() == LinkReason::No, demo.link() == LinkState::Live);
}

void DemoTest::situationsAreConsistent_data()
{
    QTest::addColumn<QByteArray>("situation");
    for (const Situation &situation : situations())
        QTest::newRow(situation.name.data()) << QByteArray(situation.name.data());
}

namespace {

double valueOf(const Snapshot &snapshot, Resource resource)
{
    return *std::ranges::find(snapshot.readings, resource, &Reading::resource)->value;
}

void checkTraffic(const Snapshot &s)
{
    TrafficFigures routes;
    for (const RouteFigures &route : s.http.routes) {
        routes.requests += route.traffic.requests;
        routes.errors += route.traffic.errors;
        routes.refused += route.traffic.refused;
    }
    QCOMPARE(routes.requests, s.http.traffic.requests);
    QCOMPARE(routes.errors, s.http.traffic.errors);
    QCOMPARE(routes.refused, s.http.traffic.refused);
    QCOMPARE(*s.http.errorRate, double(routes.errors) / double(routes.requests));
    QCOMPARE(valueOf(s, Resource::ErrorRate), *s.http.errorRate);
    QCOMPARE(valueOf(s, Resource::Refused), double(routes.refused) / double(routes.requests));
}

void checkWorkers(DemoDeployment &demo, const Snapshot &s)
{
    std::uint64_t places = 0;
    std::uint64_t active = 0;
    std::uint64_t running = 0;
    for (const WorkerInfo &worker : *demo.ask(WorkersQuestion{}).result()) {
        QVERIFY(worker.active <= worker.concurrency);
        running += worker.active;
        if (std::ranges::find(worker.queues, "celery") == worker.queues.end())
            continue;
        places += worker.concurrency;
        active += worker.active;
    }
    QCOMPARE(*s.queue.running, running);
    QVERIFY2(*s.queue.waiting == 0 || active == places, "tasks wait, and somebody is idle");
    QCOMPARE(*s.queue.untaken, places == 0 ? *s.queue.waiting : 0);
}

void checkTasks(DemoDeployment &demo, const Snapshot &s)
{
    std::uint64_t waiting = 0;
    for (const QueueLine &line : s.queue.queues)
        waiting += line.waiting;
    QCOMPARE(*s.queue.waiting, waiting);
    QCOMPARE(valueOf(s, Resource::Queue), double(waiting + *s.queue.reserved + *s.queue.scheduled));
    QCOMPARE(*s.queue.unacked, *s.queue.running + *s.queue.reserved + *s.queue.scheduled);
    QCOMPARE(valueOf(s, Resource::OldestTask), double(s.queue.oldestWaiting->count()));
    QVERIFY(*s.queue.oldest >= *s.queue.oldestWaiting);
    if (demo.link() != LinkState::Live || !s.links[0].reason.empty())
        return;
    checkWorkers(demo, s);
    const TaskList tasks = *demo.ask(TasksQuestion{{{}, 500}}).result();
    if (!tasks.items.empty())
        QCOMPARE(std::uint64_t(std::ranges::count(tasks.items, TaskPlace::Waiting, &TaskInfo::place)), waiting);
    // Who comes first is taken first.
    std::optional<WallTime> firstWaits;
    for (const TaskInfo &task : tasks.items)
        if (task.place == TaskPlace::Waiting)
            firstWaits = std::min(firstWaits.value_or(WallTime::max()), *task.created);
    for (const TaskInfo &task : tasks.items) {
        QVERIFY(task.started.value_or(*task.created) >= *task.created);
        QVERIFY(task.place == TaskPlace::Waiting || !firstWaits || *task.created <= *firstWaits);
    }
}

/// Tasks wait untaken for as long as the oldest of them does, and nothing is taken of a Redis that is away.
void checkHistory(DemoDeployment &demo, const Snapshot &s, WallTime now)
{
    const auto lately =
        demo.ask(HistoryQuestion{
                     {{metric::untakenTasks, metric::queueTaken, metric::redisMemory}, now - 15min, now + 1s, 2000}})
            .result();
    QCOMPARE(lately.has_value(), demo.link() == LinkState::Live);
    if (!lately)
        return;
    const auto &untaken = (*lately)[0].points;
    const auto calm = std::find_if(untaken.rbegin(), untaken.rend(), [](const Point &p) { return p.high < 1; });
    if (*s.queue.untaken > 0 && s.links[0].up == true)
        QVERIFY(calm != untaken.rend() && now - calm->time <= *s.queue.oldestWaiting + 2s);
    QCOMPARE((*lately)[1].points.back().time, (*lately)[2].points.back().time);
}

void checkMemoryAndPeople(const Snapshot &s)
{
    QCOMPARE(valueOf(s, Resource::RedisConnections), double(*s.redis.connectedClients));
    QCOMPARE(*s.clients.total, *s.redis.connectedClients);
    double inKeys = 0;
    double keys = 0;
    for (const FamilyFigures &family : s.families.families) {
        inKeys += family.bytes->value;
        keys += family.keys->value;
        if (family.family == "sessions" && s.links[0].up == true)
            QCOMPARE(family.keys->value, double(*s.users.sessions));
    }
    QVERIFY(std::abs(inKeys + double(*s.families.unattributed) - double(*s.redis.usedMemory)) < 2);
    QVERIFY(std::abs(keys - double(*s.redis.keys)) <= 1);
    QVERIFY(*s.users.concurrent <= *s.users.today && *s.users.today <= *s.users.registered);
}

void checkInstances(const Snapshot &s)
{
    std::uint64_t requests = 0, threads = 0;
    for (const InstanceFigures &one : s.instances) {
        requests += one.share ? one.share->traffic.requests : 0;
        threads += one.share ? one.share->threads.value_or(0) : 0;
    }
    QCOMPARE(requests, s.http.traffic.requests);
    QCOMPARE(threads, *s.workers.threads);
}

} // namespace

/// A script must not say two things at once: what is shown apart adds up, and follows from the same figures.
void DemoTest::situationsAreConsistent()
{
    QFETCH(QByteArray, situation);
    ManualClock clock;
    DemoDeployment demo({.situation = situation.toStdString()}, clock);
    std::optional<std::uint64_t> firstWaiting;
    for (int second = 0; second < 60 && !QTest::currentTestFailed(); ++second, clock.advance(1s)) {
        demo.tick();
        const Snapshot &s = *demo.latest();
        if (!s.redis.age)
            continue; // nothing is known yet
        checkTraffic(s);
        checkTasks(demo, s);
        checkHistory(demo, s, clock.wall());
        checkMemoryAndPeople(s);
        checkInstances(s);
        // Tasks that come faster than they end are never said to drain, and the oldest of them gets older.
        if (!firstWaiting)
            firstWaiting = *s.queue.waiting;
        QVERIFY(*s.queue.waiting >= *firstWaiting || situation != "backlog");
        QVERIFY(situation != "backlog" || *s.queue.oldestWaiting >= 780s + std::chrono::seconds(second) / 4);
        // Later one may have come just now.
        QVERIFY(second > 0 || *s.queue.waiting == 0 || *s.queue.oldestWaiting > 0s);
    }
}

/// Whatever the hour: nothing is said to be over while the portal is said to be well.
void DemoTest::greenPortalsKeepTheirBudgets()
{
    QFETCH(QByteArray, situation);
    ManualClock clock;
    DemoDeployment demo({.situation = situation.toStdString()}, clock);
    for (int hour = 0; hour < 24; ++hour, clock.advance(1h)) {
        demo.tick();
        const Snapshot &s = *demo.latest();
        for (const FamilyFigures &family : s.families.families)
            QVERIFY2(s.verdict != Zone::Green || !family.budget || family.bytes->value < double(*family.budget),
                     family.family.c_str());
    }
}

void DemoTest::sameSeedSamePortal()
{
    ManualClock clock;
    DemoDeployment one({.situation = "backlog"}, clock), same({.situation = "backlog"}, clock);
    DemoDeployment other({.situation = "backlog", .seed = 2}, clock);
    for (int i = 0; i < 30; ++i) {
        clock.advance(1s);
        one.tick();
        same.tick();
        other.tick();
        QVERIFY(*one.latest() == *same.latest());
        QCOMPARE(one.latest()->sequence, std::uint64_t(i + 1));
    }
    QVERIFY(!(*one.latest() == *other.latest()));
    QVERIFY(one.ask(TasksQuestion{}).result()->items == same.ask(TasksQuestion{}).result()->items);
}

void DemoTest::historyAgreesWithNow()
{
    ManualClock clock;
    DemoDeployment demo({.situation = "memory-climbing"}, clock);
    clock.advance(10s);
    demo.tick();
    const WallTime now = clock.wall();
    const auto series = *demo.ask(HistoryQuestion{{{metric::redisMemory}, now - 5min, now + 1s, 600}}).result();
    QCOMPARE(series.size(), std::size_t(1));
    QCOMPARE(series[0].step, 1s);
    QCOMPARE(series[0].points.back().mean, *demo.latest()->readings[0].value);
}

/// What has labels too: its parts add up to what is said of the whole.
void DemoTest::partsHaveHistory()
{
    ManualClock clock;
    DemoDeployment demo({.situation = "memory-climbing"}, clock);
    clock.advance(10s);
    demo.tick();
    const WallTime now = clock.wall();
    const auto seriesOf = [&](std::string_view name) {
        return *demo.ask(HistoryQuestion{{{Metric(name)}, now - 5min, now + 1s, 600}}).result();
    };
    const auto lastOf = [](const Series &series) { return series.points.back().mean; };
    const Snapshot &s = *demo.latest();
    const auto families = seriesOf(metric::familyBytes);
    QCOMPARE(families.size(), s.families.families.size());
    double bytes = 0;
    for (const Series &family : families) {
        QCOMPARE(family.points.size(), std::size_t(301));
        bytes += lastOf(family);
    }
    QVERIFY(std::abs(bytes + double(*s.families.unattributed) - double(*s.redis.usedMemory)) < 2);
    const auto routes = seriesOf(metric::routeRequests);
    QCOMPARE(routes.size(), s.http.routes.size());
    double requests = 0;
    for (const Series &route : routes)
        requests += lastOf(route);
    QVERIFY(std::abs(requests - s.http.traffic.perSecond) < 1e-9);
    for (const MetricKind &kind : catalogue) {
        const auto series = seriesOf(kind.name);
        QVERIFY2(!series.empty(), kind.name.data());
        for (const Series &one : series)
            QVERIFY2(!one.points.empty() && one.metric.labels.empty() == kind.label.empty(), kind.name.data());
    }
    for (const Series &zone : seriesOf(metric::zone))
        if (zone.metric.labels.at("resource") == "redis_memory")
            QCOMPARE(lastOf(zone), double(s.readings[0].zone) - double(Zone::Green));
}

void DemoTest::historyKeepsItsBounds_data()
{
    QTest::addColumn<int>("hours");
    QTest::addColumn<int>("most");
    QTest::newRow("an hour") << 1 << 2000;
    QTest::newRow("a day") << 24 << 2000;
    QTest::newRow("a month") << 720 << 500;
    QTest::newRow("a year") << 8760 << 2000;
    QTest::newRow("two") << 24 << 2;
}

void DemoTest::historyKeepsItsBounds()
{
    QFETCH(int, hours);
    QFETCH(int, most);
    ManualClock clock;
    DemoDeployment demo({}, clock);
    const WallTime from = clock.wall() - std::chrono::hours(hours);
    const auto series =
        *demo.ask(HistoryQuestion{{{metric::requestRate}, from, clock.wall(), std::uint32_t(most)}}).result();
    const auto &points = series[0].points;
    QVERIFY(!points.empty() && points.size() <= std::size_t(most) + 1);
    for (std::size_t i = 0; i < points.size(); ++i) {
        QVERIFY(points[i].time >= from && points[i].time <= clock.wall());
        QVERIFY(points[i].low <= points[i].mean + 1e-9 && points[i].mean <= points[i].high + 1e-9);
        QVERIFY(i == 0 || points[i].time > points[i - 1].time);
    }
}

void DemoTest::unknownLeavesGaps()
{
    ManualClock clock;
    DemoDeployment demo({.situation = "redis-down"}, clock);
    const WallTime now = clock.wall();
    const auto series =
        *demo.ask(HistoryQuestion{{{metric::redisMemory, metric::requestRate}, now - 5min, now, 2000}}).result();
    QVERIFY(series[0].points.back().time <= now - 180s);
    QVERIFY(series[1].points.back().time > now - 3s);
    DemoDeployment empty({.situation = "empty"}, clock);
    // What went wrong with Redis was well before, and what does not come from there goes on.
    const auto errors =
        *demo.ask(HistoryQuestion{{{metric::errorRate, metric::failedTasks}, now - 15min, now, 2000}}).result();
    for (const Point &point : errors[0].points)
        QCOMPARE(point.mean > 0.05, point.time >= now - 180s);
    QVERIFY(errors[1].points.back().time > now - 3s);
    QVERIFY((*empty.ask(HistoryQuestion{{{metric::redisMemory}, now - 5min, now, 2000}}).result())[0].points.empty());
}

void DemoTest::usersArePagedWithoutLossOrRepetition()
{
    ManualClock clock;
    DemoDeployment demo({.users = 1003}, clock);
    std::set<Id> seen;
    UserQuery query;
    query.limit = 100;
    for (;;) {
        const UserPage page = *demo.ask(UsersQuestion{query}).result();
        for (const User &user : page.items) {
            QVERIFY(seen.insert(user.id).second);
            QVERIFY(user.created <= clock.wall() && user.lastSignIn.value_or(user.created) >= user.created);
        }
        if (!page.nextCursor)
            break;
        query.cursor = *page.nextCursor;
    }
    QCOMPARE(seen.size(), std::size_t(1003));
}

void DemoTest::whatIsAwayAnswersSo()
{
    ManualClock clock;
    DemoDeployment down({.situation = "redis-down"}, clock);
    clock.advance(1s);
    down.tick();
    QCOMPARE(down.ask(ClientsQuestion{}).result().error().kind, ErrorKind::Unavailable);
    QCOMPARE(down.ask(TasksQuestion{}).result().error().kind, ErrorKind::Unavailable);
    QVERIFY(down.ask(UsersQuestion{}).result().has_value());
    QCOMPARE(down.ask(LimitUseQuestion{1}).result().error().kind, ErrorKind::NotFound);

    const std::string hint = down.ask(TasksQuestion{}).result().error().hint;
    QVERIFY2(hint.find("redis-server") != std::string::npos, hint.c_str()); // as the console advises

    // No task is taken, so none is said to be.
    DemoStack silent({.situation = "redis-down"}, clock);
    std::size_t lines = 0;
    connect(&silent, &LocalStack::logged, &silent, [&lines](const std::vector<LogLine> &logged) {
        lines += logged.size();
        for (const LogLine &line : logged)
            QVERIFY2(!line.message.starts_with("task "), line.message.c_str());
    });
    for (int second = 0; second < 20; ++second, clock.advance(1s))
        silent.tick();
    QVERIFY(lines >= 20);

    DemoStack stack({}, clock);
    stack.tick();
    QSignalSpy samples(&stack.deployment(), &Deployment::sampled);
    QVERIFY(stack.perform(StopStack{}, permitted()).result().has_value());
    QCOMPARE(stack.deployment().link(), LinkState::Off);
    stack.tick();
    QCOMPARE(samples.size(), 0);
    QCOMPARE(stack.deployment().ask(UsersQuestion{}).result().error().kind, ErrorKind::Unavailable);
    QVERIFY(stack.start({}).result().has_value());
    QCOMPARE(samples.size(), 1);
    QCOMPARE(stack.start({}).result().error().kind, ErrorKind::Conflict);
}

void DemoTest::whatBeganBeforeIsAnEvent()
{
    ManualClock clock;
    const auto eventsOf = [&clock](const char *situation) {
        DemoDeployment demo({.situation = situation}, clock);
        return *demo.ask(EventsQuestion{clock.wall() - 24h, clock.wall() + 1s}).result();
    };
    const auto backlog = eventsOf("backlog");
    QVERIFY(backlog.front().kind == EventKind::Restart && backlog.front().name == "portal" &&
            backlog.front().up == true);
    QCOMPARE(std::ranges::count_if(backlog,
                                   [](const Event &e) {
                                       return e.resource == Resource::Queue &&
                                              (e.zone == Zone::Yellow || e.zone == Zone::Red);
                                   }),
             std::ptrdiff_t(2));
    const auto cleaned = std::ranges::find(backlog, EventKind::Action, &Event::kind);
    QVERIFY(cleaned != backlog.end() && !cleaned->actor.empty() && cleaned->facts.front().name == "results");
    const Event away = eventsOf("redis-down").back();
    QVERIFY(away.kind == EventKind::Link && away.name == "redis" && away.up == false);
    QVERIFY(eventsOf("empty").empty());
}

void DemoTest::anActionTellsWhatItFound()
{
    ManualClock clock;
    DemoDeployment demo({}, clock);
    demo.tick();
    const auto task = demo.ask(TasksQuestion{}).result()->items.front(); // one that runs
    const auto revoke = *demo.preview(RevokeTasks{{task.id}}).result();
    QVERIFY(revoke.facts == (std::vector<Fact>{{.kind = FactKind::RunningTasksEnded, .count = 1}}));
    const Touched &touched = revoke.sample.front();
    QVERIFY(touched.name == task.name && task.id.starts_with(touched.id) && touched.detail == task.arguments);
    QVERIFY2(touched.owner.find('@') != std::string::npos, touched.owner.c_str());

    const WorkerInfo worker = demo.ask(WorkersQuestion{}).result()->front();
    const Fact stop = demo.preview(ResizeWorker{0, {}}).result()->facts.front();
    QVERIFY(stop.kind == FactKind::WorkerStopped && stop.name == worker.node);
    QVERIFY((stop.amounts == std::vector<Amount>{{Counted::Waiting, 3}, {Counted::Running, worker.active}}));

    const auto idle = *demo.preview(CleanUpFamily{"results", 24h}).result();
    QCOMPARE(idle.facts[1].time, std::optional<std::chrono::seconds>(24h));
    QVERIFY(idle.facts[0].count == idle.count && idle.facts[2].kind == FactKind::FamilyLost);

    // Nobody is signed out who may sign in again.
    const Id user = demo.ask(UsersQuestion{}).result()->items.front().id;
    const auto enable = *demo.preview(ChangeUser{user, {}, false}).result();
    QVERIFY(enable.facts.size() == 1 && enable.facts.front().kind == FactKind::AccountEnabled);
    QVERIFY(demo.perform(ChangeUser{user, {}, false}, permitted()).result().has_value());
    QVERIFY(!demo.ask(SessionsQuestion{user}).result()->empty());
}

void DemoTest::whatCannotBeDoneSaysWhy()
{
    ManualClock clock;
    DemoDeployment demo({}, clock);
    demo.refuse("worker.resize", {.why = WhyNot::CommandRefused, .about = "CONFIG GET"});
    QCOMPARE(demo.capability(ResizeWorker{}).about, std::string("CONFIG GET"));
    QCOMPARE(demo.capability(CleanUpFamily{"queue", {}}).why, WhyNot::TasksWouldBeLost);
    QVERIFY(demo.capability(CleanUpFamily{"results", {}}).available());
    demo.setOn(false);
    QCOMPARE(demo.capability(CleanUpFamily{"results", {}}).why, WhyNot::NotRunning);
    QCOMPARE(demo.linkReason(), LinkReason::NotRunning);
}

void DemoTest::auditEntriesAreRecords()
{
    ManualClock clock;
    DemoStack stack({}, clock);
    stack.tick();
    const auto detailOf = [&stack](const auto &done) {
        const auto outcome = done.first.perform(done.second, permitted()).result();
        return outcome ? stack.deployment().audited().back().detail : outcome.error().message;
    };
    const auto action = [&](Action one) { return detailOf(std::pair<Deployment &, Action>(stack.deployment(), one)); };
    const auto command = [&](StackCommand one) { return detailOf(std::pair<LocalStack &, StackCommand>(stack, one)); };
    QCOMPARE(action(CreateUser{"ada@example.org", Role::Operator}),
             std::string("email: ada@example.org, role: operator"));
    QCOMPARE(action(ResizeWorker{3, {}}), std::string("concurrency: 3"));
    QCOMPARE(command(SeedStack{}), std::string("users: 40, sessions: 8, analyses: 12"));
    QCOMPARE(command(UnseedStack{}), std::string("users: 40"));
    QCOMPARE(command(RestartStack{}), std::string("tier: small, listen: 127.0.0.1:8080"));
    const std::string reset = command(ResetStack{});
    QVERIFY2(reset.starts_with("users: 1241, sessions: ") && reset.find("auditEntries: 5") != std::string::npos,
             reset.c_str());
}

QTEST_MAIN(DemoTest)
#include "demo_test.moc"
