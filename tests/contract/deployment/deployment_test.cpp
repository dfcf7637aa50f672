// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/contract/deployment/deployments.h"
#include "tests/contract/deployment/pages.h"
#include "tests/contract/deployment/samples.h"
#include "tests/fakes/permits.h"

#include <QSignalSpy>
#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace std::chrono_literals;

namespace {

/// The name of a question's route, for whoever reads that a test failed.
template <class Q> std::string nameOf() { return std::string(routeOf(Tag<Q>{}).path); }

/// What is there, for samples of it.
About aboutWhatIsThere(Deployment &deployment)
{
    About about;
    about.now = deployment.latest()->time + 1s;
    about.user = await(deployment.ask(UsersQuestion{})).value().items.front().id;
    about.task = await(deployment.ask(TasksQuestion{})).value().items.front().id;
    about.client = await(deployment.ask(ClientsQuestion{})).value().items.front().id;
    about.token = await(deployment.ask(TokensQuestion{})).value().front().name;
    return about;
}

/// Of what several things have: all of them by their name, or one of them.
void remembersByLabel(Deployment &deployment, WallTime from, WallTime to)
{
    const Metric memory(metric::zone, {{"resource", "redis_memory"}});
    const Metric nobody(metric::routeP95, {{"route", "GET /nobody-asks-for-this"}});
    const HistoryQuery query{{metric::zone, memory, nobody, metric::redisMemory}, from, to};
    const auto series = await(deployment.ask(HistoryQuestion{query}));
    QVERIFY2(series.has_value(), series ? "" : series.error().message.c_str());
    QVERIFY(series->size() >= 6);
    const std::size_t zones = series->size() - 3;
    for (std::size_t i = 0; i < zones; ++i) {
        const Metric &metric = (*series)[i].metric;
        QVERIFY(metric.name == metric::zone && metric.labels.size() == 1 && metric.labels.contains("resource"));
        QVERIFY(i == 0 || (*series)[i - 1].metric < metric);
        for (const Point &point : (*series)[i].points)
            QVERIFY(point.low >= 0 && point.high <= 2);
    }
    QVERIFY((*series)[zones].metric == memory && !(*series)[zones].points.empty());
    QVERIFY((*series)[zones + 1].metric == nobody && (*series)[zones + 1].points.empty());
    QVERIFY((*series)[zones + 2].metric == Metric(metric::redisMemory));
    for (const Metric &none :
         {Metric("no_metric"), Metric(metric::sessions, {{"user", "x"}}), Metric(metric::zone, {{"route", "x"}})})
        QCOMPARE(await(deployment.ask(HistoryQuestion{{{none}, from, to}})).error().kind, ErrorKind::Invalid);
}

User someUser(Deployment &deployment, Role role)
{
    UserQuery query;
    query.role = role;
    const auto page = await(deployment.ask(UsersQuestion{query}));
    if (!page || page->items.empty())
        throw std::runtime_error("there is no such user");
    return page->items.front();
}

/// Which facts are told: the same of every implementation.
std::vector<FactKind> kindsOf(const std::vector<Fact> &facts)
{
    std::vector<FactKind> kinds;
    for (const Fact &fact : facts)
        kinds.push_back(fact.kind);
    return kinds;
}

using Kinds = std::vector<FactKind>;

std::ptrdiff_t endedIn(const TaskList &tasks)
{
    return std::ranges::count(tasks.items, TaskPlace::Ended, &TaskInfo::place);
}

} // namespace

class DeploymentTest final : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        QFETCH_GLOBAL(int, kind);
        m_under = deployments()[static_cast<std::size_t>(kind)].make();
    }
    void cleanup() { m_under.reset(); }

    void initTestCase_data()
    {
        QTest::addColumn<int>("kind");
        int index = 0;
        for (const auto &kind : deployments())
            QTest::newRow(kind.name) << index++;
    }

    void answersWhileItIsOff()
    {
        auto &deployment = m_under->deployment();
        QCOMPARE(deployment.link(), LinkState::Off);
        QVERIFY(deployment.linkReason() != LinkReason::No);
        QVERIFY(!deployment.latest());
        QVERIFY(!deployment.info().name.empty());
        forEveryQuestion({}, [&]<class Q>(Q question) {
            const auto answer = await(deployment.ask(std::move(question)));
            QVERIFY2(answer.has_error() && answer.error().kind == ErrorKind::Unavailable, nameOf<Q>().c_str());
        });
        for (const auto &action : everyAction()) {
            QVERIFY(!deployment.capability(action).available());
            QCOMPARE(await(deployment.preview(action)).error().kind, ErrorKind::Unavailable);
            QCOMPARE(await(deployment.perform(action, permitted("why not"))).error().kind, ErrorKind::Unavailable);
        }
    }

    void answersEveryQuestion()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
        QTRY_VERIFY_WITH_TIMEOUT(await(deployment.ask(ClientsQuestion{})).has_value(), 10'000);
        const About about = aboutWhatIsThere(deployment);
        forEveryQuestion(about, [&]<class Q>(Q question) {
            const auto answer = await(deployment.ask(std::move(question)));
            QVERIFY2(answer.has_value(), (nameOf<Q>() + (answer ? "" : ": " + answer.error().message)).c_str());
        });
        for (const auto &action : everyAction(about)) {
            const auto preview = await(deployment.preview(action));
            const std::string name(traitsOf(action).name);
            QVERIFY2(preview.has_value(), (name + (preview ? "" : ": " + preview.error().message)).c_str());
            QVERIFY2(!preview->facts.empty(), name.c_str());
        }
    }

    void bringsSamples()
    {
        auto &deployment = m_under->deployment();
        QSignalSpy samples(&deployment, &Deployment::sampled);
        QSignalSpy changes(&deployment, &Deployment::changed);
        m_under->bringUp();
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
        QVERIFY(deployment.linkReason() == LinkReason::No && !changes.isEmpty());
        const auto before = samples.size();
        QTRY_VERIFY_WITH_TIMEOUT(samples.size() >= before + 2, 10'000);
        std::uint64_t last = 0;
        for (const auto &signal : samples) {
            const auto sample = signal.front().value<std::shared_ptr<const Snapshot>>();
            QVERIFY(sample && sample->sequence > last);
            last = sample->sequence;
        }
        QCOMPARE(deployment.latest()->sequence, last);
        QCOMPARE(deployment.info().tier, deployment.latest()->tier);
        for (const auto &action : everyAction())
            QVERIFY2(deployment.capability(action).available(), std::string(traitsOf(action).name).c_str());
    }

    void listsWhatThereIs()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
        const auto clients = await(deployment.ask(ClientsQuestion{}));
        QVERIFY(clients && !clients->items.empty() && clients->total == clients->items.size());
        QVERIFY(std::ranges::is_sorted(clients->items, std::greater(), &ClientInfo::age));
        QVERIFY(clients->age && *clients->age >= 0s && *clients->age < 60s);
        pagesClients(deployment, *clients);
        tellsWhatItDoes(deployment);
        logs(deployment);
        const auto workers = await(deployment.ask(WorkersQuestion{}));
        QVERIFY(workers && !workers->empty() && workers->front().own && workers->front().concurrency > 0);
        const auto instances = await(deployment.ask(InstancesQuestion{}));
        QVERIFY(instances && instances->size() == 1 && instances->front().own && instances->front().up);
        QVERIFY(instances->front().share && instances->front().name == deployment.latest()->instance);

        UserQuery few;
        few.limit = 3;
        const auto first = await(deployment.ask(UsersQuestion{few}));
        QVERIFY(first && first->items.size() == 3 && first->nextCursor);
        few.cursor = *first->nextCursor;
        const auto second = await(deployment.ask(UsersQuestion{few}));
        QVERIFY(second && !second->items.empty() && second->items.front().id != first->items.front().id);
        few.limit = 0;
        QCOMPARE(await(deployment.ask(UsersQuestion{few})).error().kind, ErrorKind::Invalid);

        const auto use = await(deployment.ask(LimitUseQuestion{first->items.front().id}));
        QVERIFY(use && !use->empty());
        for (const auto &limit : *use)
            QVERIFY(!limit.window.empty() && limit.used <= limit.limit && limit.reset.has_value() == (limit.used > 0));
        QCOMPARE(await(deployment.ask(LimitUseQuestion{999})).error().kind, ErrorKind::NotFound);
    }

    void listsTasksWithWhatBecameOfThem()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        const auto tasks = await(deployment.ask(TasksQuestion{}));
        QVERIFY2(tasks.has_value(), tasks ? "" : tasks.error().message.c_str());
        QVERIFY(tasks->complete && endedIn(*tasks) >= 2);
        for (const auto &task : tasks->items) {
            QVERIFY(!task.id.empty() && !task.name.empty() && !task.queue.empty() && task.owner != 0 && task.created);
            if (task.place != TaskPlace::Ended)
                continue;
            QVERIFY(task.ended && (task.state != "SUCCESS" || !task.result.empty()));
            QVERIFY2(!task.arguments.empty(), task.id.c_str());
        }
        TaskQuery query;
        query.limit = 1;
        const auto few = await(deployment.ask(TasksQuestion{query}));
        QVERIFY(few && endedIn(*few) == 1 && !few->complete && few->nextCursor);
        for (const std::uint32_t limit : {1u, 3u})
            pagesTasks(deployment, *tasks, limit);
        query.queue = "nobody-has-this-queue";
        QVERIFY(await(deployment.ask(TasksQuestion{query}))->items.empty());
        query.limit = 501;
        QCOMPARE(await(deployment.ask(TasksQuestion{query})).error().kind, ErrorKind::Invalid);
    }

    void remembers()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        QSignalSpy samples(&deployment, &Deployment::sampled);
        QTRY_VERIFY_WITH_TIMEOUT(samples.size() >= 3, 10'000);
        const auto now = deployment.latest()->time;
        HistoryQuery query;
        query.metrics = {metric::httpConnections, metric::redisMemory};
        query.from = now - 2min;
        query.to = now + 1s;
        const auto series = await(deployment.ask(HistoryQuestion{query}));
        QVERIFY2(series.has_value(), series ? "" : series.error().message.c_str());
        QCOMPARE(series->size(), std::size_t{2});
        for (std::size_t i = 0; i < 2; ++i) {
            const auto &one = (*series)[i];
            QVERIFY(one.metric == query.metrics[i] && one.points.size() >= 2 && one.step >= 1s);
            for (std::size_t at = 0; at < one.points.size(); ++at) {
                const auto &point = one.points[at];
                QVERIFY(point.low <= point.mean && point.mean <= point.high);
                QVERIFY(point.time < query.to && (at == 0 || point.time > one.points[at - 1].time));
            }
        }
        query.step = 10s;
        const auto ofStep = await(deployment.ask(HistoryQuestion{query}));
        QVERIFY2(ofStep.has_value(), ofStep ? "" : ofStep.error().message.c_str());
        for (const Series &one : *ofStep)
            QVERIFY(one.step == 10s && !one.points.empty());
        query.step.reset();
        query.most = 1;
        QCOMPARE(await(deployment.ask(HistoryQuestion{query})).error().kind, ErrorKind::Invalid);
        remembersByLabel(deployment, query.from, query.to);

        const auto user = someUser(deployment, Role::User);
        QVERIFY(await(deployment.perform(SignOutUser{user.id}, permitted("test"))).has_value());
        const auto events = await(deployment.ask(EventsQuestion{now - 1h, now + 1h}));
        QVERIFY(events && events->size() >= 2);
        QVERIFY(std::ranges::is_sorted(*events, {}, &Event::time));
        QCOMPARE(events->back().kind, EventKind::Action);
        QCOMPARE(events->back().name, std::string("user.sign-out"));
        // Whose console it is not is told who did it, and to whom, as the audit log has it.
        QVERIFY(events->back().actor.empty() ? kindsOf(events->back().facts) == Kinds{FactKind::SignedOut}
                                             : events->back().subject == "user:" + std::to_string(user.id));
        QVERIFY(events->back().told.empty());
    }

    void previewsWithoutTouching()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
        const auto user = someUser(deployment, Role::Operator);
        const auto tasks = await(deployment.ask(TasksQuestion{}));
        QTRY_VERIFY_WITH_TIMEOUT(await(deployment.ask(ClientsQuestion{})).has_value(), 10'000);
        const auto clients = await(deployment.ask(ClientsQuestion{}));
        const bool signedIn = !await(deployment.ask(SessionsQuestion{user.id}))->empty();
        const auto ends = [&](FactKind kind) { return signedIn ? Kinds{kind, FactKind::SessionsEnded} : Kinds{kind}; };
        const std::vector<std::pair<Action, Kinds>> actions{
            {CloseClients{{clients->items.front().id}}, {FactKind::ConnectionsClosed}},
            {CleanUpFamily{"results", {}}, {FactKind::KeysDeleted, FactKind::FamilyLost}},
            {ResizeWorker{7, {}}, {FactKind::WorkerResized}},
            {RevokeTasks{{tasks->items.back().id}}, {}},
            {RerunTasks{{tasks->items.front().id, tasks->items.back().id}}, {FactKind::TasksEnqueued}},
            {CreateUser{"somebody.new@example.org", Role::User}, {FactKind::AccountMade}},
            {ChangeUser{user.id, Role::User, {}}, ends(FactKind::RoleGiven)},
            {ChangeUser{user.id, {}, true}, ends(FactKind::AccountDisabled)},
            {ResetPassword{user.id}, ends(FactKind::PasswordMade)},
            {SignOutUser{user.id}, {signedIn ? FactKind::SessionsEnded : FactKind::NoSession}},
            {DeleteUser{user.id}, {FactKind::AccountDeleted}},
            {RevokeToken{aboutWhatIsThere(deployment).token}, {FactKind::TokenRevoked}}};
        for (const auto &[action, kinds] : actions) {
            const auto preview = await(deployment.preview(action));
            const std::string name(traitsOf(action).name);
            QVERIFY2(preview.has_value(), (name + (preview ? "" : ": " + preview.error().message)).c_str());
            QVERIFY2(!preview->facts.empty() && preview->count && preview->sample.size() <= 20, name.c_str());
            QVERIFY2(kinds.empty() || kindsOf(preview->facts) == kinds, name.c_str());
        }
        const auto stop = await(deployment.preview(ResizeWorker{0, {}}));
        QVERIFY(kindsOf(stop->facts) == Kinds{FactKind::WorkerStopped});
        std::uint64_t load = 0;
        for (const Amount &amount : stop->facts.front().amounts)
            load += amount.count;
        QCOMPARE(stop->count, std::optional<std::uint64_t>(load));
        QCOMPARE(someUser(deployment, Role::Operator), user);
        QVERIFY(await(deployment.ask(WorkersQuestion{}))->front().concurrency != 7);
        QCOMPARE(await(deployment.ask(TasksQuestion{}))->items.size(), tasks->items.size());
        for (const Action &action :
             {Action(CloseClients{{999'999'999}}), Action(RerunTasks{{"nobody"}}), Action(DeleteUser{999}),
              Action(ResetPassword{999}), Action(ChangeUser{999, Role::User, {}}), Action(SignOutUser{999}),
              Action(RevokeToken{"nobody"}), Action(RevokeToken{"no name, nor a token's"}),
              Action(ResizeWorker{1, "nobody@nowhere"})})
            QCOMPARE(await(deployment.preview(action)).error().kind, ErrorKind::NotFound);
    }

    void revokesATokenOnce()
    {
        m_under->bringUp();
        QTRY_COMPARE_WITH_TIMEOUT(m_under->deployment().link(), LinkState::Live, 10'000);
        portolan::revokesATokenOnce(m_under->deployment());
    }

    void keepsWhatIsNotToBeCleanedUp()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        for (const char *family : {"queue", "instances", "other"}) {
            const auto allowed = deployment.capability(CleanUpFamily{family, {}});
            QVERIFY2(!allowed.available() && allowed.why == whyNotCleanedUp(family), family);
            QVERIFY2(await(deployment.preview(CleanUpFamily{family, {}})).has_error(), family);
        }
        for (const char *family : {"sessions", "results", "cache"})
            QVERIFY2(deployment.capability(CleanUpFamily{family, {}}).available(), family);
    }

    void sortsUsersByWhatIsAsked_data()
    {
        QTest::addColumn<int>("order");
        for (const auto &[order, name] :
             {std::pair(UserOrder::Created, "created"), std::pair(UserOrder::Address, "address"),
              std::pair(UserOrder::Role, "role"), std::pair(UserOrder::State, "state"),
              std::pair(UserOrder::LastSignIn, "last sign-in")})
            QTest::newRow(name) << int(order);
    }
    /// Both ways, and page by page as in one.
    void sortsUsersByWhatIsAsked()
    {
        QFETCH(int, order);
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        const auto keyOf = [&](const User &user) {
            switch (UserOrder(order)) {
            case UserOrder::Address:
                return user.email;
            case UserOrder::Role:
                return std::to_string(int(user.role));
            case UserOrder::State:
                return std::to_string(int(user.disabled));
            case UserOrder::LastSignIn:
            case UserOrder::Created:
                break;
            }
            const auto time = UserOrder(order) == UserOrder::Created ? std::optional(user.created) : user.lastSignIn;
            const auto text = std::to_string(time.value_or(WallTime{}).time_since_epoch().count());
            return std::string(24 - text.size(), '0') + text;
        };
        std::vector<Id> ways[2];
        for (const bool ascending : {false, true}) {
            UserQuery query;
            query.order = UserOrder(order);
            query.ascending = ascending;
            query.limit = 7;
            std::vector<std::string> keys;
            for (int pages = 0; pages < 12; ++pages) {
                const auto page = await(deployment.ask(UsersQuestion{query}));
                QVERIFY2(page.has_value(), page ? "" : page.error().message.c_str());
                for (const User &user : page->items) {
                    keys.push_back(keyOf(user));
                    ways[ascending].push_back(user.id);
                }
                if (!page->nextCursor)
                    break;
                query.cursor = *page->nextCursor;
            }
            QVERIFY(keys.size() > 7);
            QVERIFY(ascending ? std::ranges::is_sorted(keys) : std::ranges::is_sorted(keys, std::greater{}));
            std::vector<Id> once = ways[ascending];
            std::ranges::sort(once);
            QVERIFY(std::ranges::adjacent_find(once) == once.end());
        }
        QVERIFY(ways[0] != ways[1]);
        UserQuery stranger;
        stranger.order = UserOrder(order);
        stranger.cursor = "made-up";
        (void)await(deployment.ask(UsersQuestion{stranger})); // whatever it answers, it does answer
    }

    void doesWhatIsAsked()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        const auto perform = [&](Action action) { return await(deployment.perform(action, permitted("test"))); };
        const auto user = someUser(deployment, Role::User);
        const auto changed = perform(ChangeUser{user.id, Role::Operator, true});
        QVERIFY2(changed.has_value(), changed ? "" : changed.error().message.c_str());
        QVERIFY((kindsOf(changed->facts) == Kinds{FactKind::RoleGiven, FactKind::AccountDisabled}));
        QCOMPARE(changed->facts.front().name, user.email);
        UserQuery query;
        query.search = user.email;
        const auto now = await(deployment.ask(UsersQuestion{query}));
        QVERIFY(now->items.front().role == Role::Operator && now->items.front().disabled);
        QVERIFY(perform(SignOutUser{user.id}).has_value());
        // Who is not signed in is not signed out again.
        QVERIFY(await(deployment.preview(SignOutUser{user.id}))->nothing);
        QVERIFY(await(deployment.ask(SessionsQuestion{user.id}))->empty());

        const auto stopped = perform(ResizeWorker{0, {}});
        QVERIFY(stopped && kindsOf(stopped->facts) == Kinds{FactKind::WorkerStopped});
        const auto resized = perform(ResizeWorker{3, {}});
        QVERIFY(resized && kindsOf(resized->facts) == Kinds{FactKind::WorkerResized});
        QCOMPARE(await(deployment.ask(WorkersQuestion{}))->front().concurrency, std::uint64_t{3});
        QCOMPARE(perform(ResizeWorker{5000, {}}).error().kind, ErrorKind::Invalid);

        const auto cleaned = perform(CleanUpFamily{"results", {}});
        QVERIFY2(cleaned.has_value(), cleaned ? "" : cleaned.error().message.c_str());
        QVERIFY(kindsOf(cleaned->facts) == Kinds{FactKind::KeysDeleted});
        QVERIFY(cleaned->facts.front().name == "results" && cleaned->facts.front().count.value_or(0) > 0);
        QCOMPARE(endedIn(*await(deployment.ask(TasksQuestion{}))), std::ptrdiff_t{0});
        QCOMPARE(perform(CloseClients{{999'999'999}}).error().kind, ErrorKind::NotFound);
        QCOMPARE(perform(CloseClients{}).error().kind, ErrorKind::Invalid);

        const auto created = perform(CreateUser{"somebody.new@example.org", Role::User});
        QVERIFY2(created.has_value(), created ? "" : created.error().message.c_str());
        QVERIFY(created->secret.size() >= 12);
        QVERIFY(created->facts == (std::vector<Fact>{{.kind = FactKind::AccountMade,
                                                      .name = "somebody.new@example.org",
                                                      .role = Role::User}})); // without the password
        QCOMPARE(perform(CreateUser{"somebody.new@example.org", Role::User}).error().kind, ErrorKind::Conflict);
        query.search = "somebody.new@";
        const auto made = await(deployment.ask(UsersQuestion{query}))->items;
        QCOMPARE(made.size(), std::size_t{1});
        const auto reset = perform(ResetPassword{made.front().id});
        QVERIFY(reset.has_value() && reset->secret.size() >= 12 && reset->secret != created->secret);
        QVERIFY(perform(DeleteUser{made.front().id}).has_value());
        QVERIFY(await(deployment.ask(UsersQuestion{query}))->items.empty());
        QCOMPARE(perform(DeleteUser{made.front().id}).error().kind, ErrorKind::NotFound);
        AuditQuery done;
        done.subject = "user:" + std::to_string(user.id);
        const auto activity = await(deployment.ask(AuditQuestion{done}));
        QVERIFY(activity.has_value() && !activity->items.empty());
        for (const auto &entry : activity->items)
            QCOMPARE(entry.subject, done.subject);
    }

    void finishesEveryCallWhenItGoes()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
        std::vector<QFuture<Result<std::vector<WorkerInfo>>>> slow; // each waits a second for other workers to answer
        for (int i = 0; i < 50; ++i)
            slow.push_back(deployment.ask(WorkersQuestion{}));
        auto preview = deployment.preview(CleanUpFamily{"results", {}});
        const auto last = deployment.latest();
        m_under->takeAway();
        QVERIFY(deployment.link() != LinkState::Live);
        QCOMPARE(await(deployment.ask(WorkersQuestion{})).error().kind, ErrorKind::Unavailable);
        for (auto &call : slow) {
            const auto answer = await(call);
            QVERIFY(answer.has_value() || answer.error().kind == ErrorKind::Cancelled ||
                    answer.error().kind == ErrorKind::Unavailable);
        }
        (void)await(preview);
        QCOMPARE(deployment.latest(), last);
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Off, 30'000);
    }

    void finishesEveryCallWhenItIsDestroyed()
    {
        auto &deployment = m_under->deployment();
        m_under->bringUp();
        auto workers = deployment.ask(WorkersQuestion{});
        auto users = deployment.ask(UsersQuestion{});
        m_under.reset();
        (void)await(workers);
        (void)await(users);
    }

private:
    std::unique_ptr<DeploymentUnderTest> m_under;
};

QTEST_GUILESS_MAIN(DeploymentTest)
#include "deployment_test.moc"
