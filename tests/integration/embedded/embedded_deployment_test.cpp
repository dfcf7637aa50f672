// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/access.h"
#include "core/api/result.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/console/snapshot_feed.h"
#include "core/embedded/embedded_deployment.h"
#include "core/portal/user_admin_service.h"
#include "core/server/portal_server.h"
#include "tests/fakes/await.h"
#include "tests/fakes/permits.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <future>

using namespace portolan;
using namespace portolan::embedded;
using namespace std::chrono_literals;

namespace {

/// A portal on a Redis of the test's own, and a deployment that uses it.
struct Attached
{
    explicit Attached(std::chrono::milliseconds lostAfter = 5s) : deployment(lostAfter)
    {
        SettingSources sources;
        sources.commandLine = {
            {"data_dir", directory.path().toStdString()}, {"listen", "127.0.0.1:0"}, {"redis.url", redis.url()}};
        auto started = server::PortalServer::start(Settings::load(sources).value(), clock, logger);
        if (!started)
            throw std::runtime_error(started.error().message);
        portal = std::move(*started);
        deployment.attach(*portal);
    }
    ~Attached()
    {
        deployment.detach(LinkReason::Stopping);
        redis.resume();
        portal.reset();
    }
    template <class T> T onPortal(std::function<awaitable<T>()> work)
    {
        return runSync<T>(portal->services().executor, std::move(work));
    }
    std::vector<AuditEntry> audit()
    {
        return onPortal<Result<AuditPage>>([this] { return portal->services().users.audit({}); }).value().items;
    }
    Id addUser()
    {
        return onPortal<Result<User>>([this] {
                   portal::UserAdminService::NewUser wanted;
                   wanted.email = "somebody@example.com";
                   return portal->services().users.create({}, std::move(wanted));
               })
            .value()
            .id;
    }

    RedisServerFixture redis;
    QTemporaryDir directory;
    SystemClock clock;
    Logger logger{clock, LogOptions{LogFormat::Json, LogLevel::Error, 8192, [](std::string_view) {}}};
    std::unique_ptr<server::PortalServer> portal;
    EmbeddedDeployment deployment;
};

} // namespace

class EmbeddedDeploymentTest final : public QObject
{
    Q_OBJECT

private slots:
    void writesOneAuditEntryForEachAction()
    {
        Attached portal;
        const Id user = portal.addUser();
        const auto before = portal.audit().size();
        std::vector<std::string> actions;
        for (const Action &action :
             {Action(CloseClients{{999'999}}), Action(CleanUpFamily{"results", {}}), Action(ResizeWorker{1, {}}),
              Action(RevokeTasks{{"nobody"}}), Action(RerunTasks{{"nobody"}}),
              Action(ChangeUser{user, Role::Operator, true}), Action(SignOutUser{user})}) {
            (void)await(portal.deployment.perform(action, permitted("because")));
            actions.emplace_back(traitsOf(action).name);
        }
        QTRY_COMPARE_WITH_TIMEOUT(portal.audit().size(), before + actions.size(), 5'000);
        auto entries = portal.audit(); // newest first
        for (std::size_t i = 0; i < actions.size(); ++i) {
            const auto &entry = entries[actions.size() - 1 - i];
            QCOMPARE(entry.actor, std::string("system"));
            QCOMPARE(entry.role, Role::Admin);
            QCOMPARE(entry.reason, std::string("because"));
            QVERIFY2(entry.action.starts_with(actions[i].substr(0, actions[i].find('.'))), entry.action.c_str());
        }
        QCOMPARE(entries[actions.size() - 1].outcome, std::string("not-found"));
        QCOMPARE(entries.front().outcome, std::string("done"));
    }

    void isLostWithoutSamples()
    {
        std::vector<LinkState> states;
        Attached portal(100ms); // shorter than the time between two samples
        connect(&portal.deployment, &Deployment::changed, &portal.deployment,
                [&] { states.push_back(portal.deployment.link()); });
        QTRY_VERIFY_WITH_TIMEOUT(std::ranges::count(states, LinkState::Lost) >= 2, 10'000);
        QVERIFY(std::ranges::count(states, LinkState::Live) >= 1);
        QTRY_COMPARE_WITH_TIMEOUT(portal.deployment.link(), LinkState::Lost, 10'000);
        QCOMPARE(portal.deployment.linkReason(), LinkReason::Silent);
    }

    void neverMakesTheCallerWait()
    {
        Attached portal;
        QTRY_COMPARE_WITH_TIMEOUT(portal.deployment.link(), LinkState::Live, 10'000);
        portal.redis.pause();
        QElapsedTimer watch;
        watch.start();
        auto tasks = portal.deployment.ask(TasksQuestion{});
        auto workers = portal.deployment.ask(WorkersQuestion{});
        auto closing = portal.deployment.perform(CloseClients{{1}}, permitted());
        auto users = portal.deployment.ask(UsersQuestion{});
        QVERIFY2(watch.elapsed() < 500, qPrintable(QString::number(watch.elapsed())));
        QVERIFY(await(users).has_value());
        QVERIFY(await(workers).has_value()); // this process's own is known without
        QVERIFY(await(tasks).has_error() && await(closing).has_error());
        QTRY_COMPARE_WITH_TIMEOUT(await(portal.deployment.ask(ClientsQuestion{})).has_error(), true, 10'000);
        portal.redis.resume();
        QTRY_COMPARE_WITH_TIMEOUT(await(portal.deployment.ask(ClientsQuestion{})).has_value(), true, 10'000);
    }

    void handsOverTheNewestSampleOnly()
    {
        Attached portal;
        QSignalSpy samples(&portal.deployment, &Deployment::sampled);
        QTRY_VERIFY_WITH_TIMEOUT(!samples.isEmpty(), 10'000);
        samples.clear();
        auto feed = &portal.portal->services().snapshots;
        std::thread([feed] { // while this thread does not look, as a GUI that draws
            for (std::uint64_t i = 1; i <= 1000; ++i) {
                auto sample = std::make_shared<Snapshot>();
                sample->sequence = 1'000'000 + i;
                feed->publish(sample);
            }
        })
            .join();
        QTRY_COMPARE_WITH_TIMEOUT(portal.deployment.latest()->sequence >= 1'000'999, true, 10'000);
        QVERIFY(samples.size() <= 3);
    }

    void givesUpWhatItIsToldTo()
    {
        Attached portal;
        portal.redis.pause();
        auto tasks = portal.deployment.ask(TasksQuestion{});
        portal.deployment.cancelCalls();
        QVERIFY(tasks.isFinished());
        QCOMPARE(tasks.result().error().kind, ErrorKind::Cancelled);
        auto again = portal.deployment.ask(TasksQuestion{});
        portal.deployment.detach(LinkReason::Stopping);
        QCOMPARE(portal.deployment.linkReason(), LinkReason::Stopping);
        QCOMPARE(portal.deployment.capability(CloseClients{}).why, WhyNot::NotRunning);
        QCOMPARE(await(portal.deployment.ask(TasksQuestion{})).error().kind, ErrorKind::Unavailable);
        QVERIFY(await(again).has_error());
    }
};

QTEST_GUILESS_MAIN(EmbeddedDeploymentTest)
#include "embedded_deployment_test.moc"
