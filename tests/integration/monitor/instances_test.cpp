// SPDX-License-Identifier: GPL-3.0-or-later
// Three instances on one Redis, two of them here and one a process that is killed, frozen, stopped and started anew.

#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/monitor/instance_in_test.h"

#include <QProcess>
#include <QTest>
#include <atomic>
#include <csignal>
#include <list>
#include <memory>

using namespace portolan;
using namespace portolan::monitor::instances;
using namespace std::chrono_literals;

namespace {

struct KillFirst
{
    void operator()(QProcess *process) const
    {
        process->kill();
        process->waitForFinished(5'000);
        delete process;
    }
};
using ProcessOfC = std::unique_ptr<QProcess, KillFirst>;

ProcessOfC startC(const RedisServerFixture &server)
{
    ProcessOfC process(new QProcess);
    process->setProcessChannelMode(QProcess::ForwardedErrorChannel);
    process->start(INSTANCE_PROCESS, {QString::fromStdString(server.url()), "c", "70", "1000"});
    if (!process->waitForReadyRead(20'000) || !process->readAllStandardOutput().startsWith("ready"))
        throw std::runtime_error("the instance did not start");
    return process;
}

/// Two here and one beside, all of which know of each other.
struct Three
{
    Three() : c(startC(server))
    {
        const auto met = [&] {
            return a.changes("b") == "joined" && a.changes("c") == "joined" && b.changes("a") == "joined" &&
                   b.changes("c") == "joined" && both(Presence::Up);
        };
        if (!QTest::qWaitFor(met, 20'000))
            qFatal("they do not hear of each other");
        a.forgetChanges();
        b.forgetChanges();
    }
    bool both(Presence presence) const { return a.presenceOf("c") == presence && b.presenceOf("c") == presence; }

    RedisServerFixture server;
    InstanceInTest a{server.endpoint(), "a", 10, 1ms};
    InstanceInTest b{server.endpoint(), "b", 20, 10ms};
    ProcessOfC c;
};

} // namespace

class InstancesTest final : public QObject
{
    Q_OBJECT

private slots:
    void allSayTheSame()
    {
        Three three;
        for (const InstanceInTest *here : {&three.a, &three.b}) {
            const Merged merged = here->merged();
            QCOMPARE(merged.traffic.count, std::uint64_t{100});
            QCOMPARE(merged.answered, std::uint64_t{100});
            QCOMPARE(*merged.connections.connections, std::uint64_t{6});
            QCOMPARE(*merged.traffic.p50, telemetry::latency::middleOf(telemetry::latency::bucketOf(1s)));
            QCOMPARE(merged.instances.size(), std::size_t{3});
            QCOMPARE(merged.routes.size(), std::size_t{1});
        }
        QVERIFY(three.a.merged().instances[1].who.name == "c" && three.a.merged().instances[1].fraction == 0.7);
        QVERIFY(!three.a.roll.problem() && !three.a.together().ownNameTaken);
        const std::string sign = three.server.command("GET i:c");
        QVERIFY2(sign.find(R"("version":"1.2.0")") != std::string::npos, sign.c_str());
        const int left = QByteArray::fromStdString(three.server.command("PTTL i:c")).mid(1).trimmed().toInt();
        QVERIFY(left > 0 && left <= 10'000);
    }

    void oneThatIsKilledIsSaidWithinFiveSeconds()
    {
        Three three;
        three.c->kill();
        QTRY_VERIFY_WITH_TIMEOUT(three.both(Presence::Hangs), 5'000);
        QTRY_VERIFY_WITH_TIMEOUT(three.both(Presence::Gone), 15'000);
        for (InstanceInTest *here : {&three.a, &three.b}) {
            QTRY_COMPARE(here->changes("c"), std::string("hangs gone"));
            const Merged merged = here->merged();
            QCOMPARE(merged.answered, std::uint64_t{30});
            QCOMPARE(*merged.connections.connections, std::uint64_t{4});
            QCOMPARE(merged.traffic.count, std::uint64_t{100});    // it answered these within the last minute
            QCOMPARE(here->roll.members().size(), std::size_t{2}); // and is listed still
        }
    }

    void oneThatIsFrozenComesBackAndBlamesNobody()
    {
        Three three;
        ::kill(pid_t(three.c->processId()), SIGSTOP);
        QTRY_VERIFY_WITH_TIMEOUT(three.both(Presence::Hangs), 5'000);
        QTRY_VERIFY_WITH_TIMEOUT(three.both(Presence::Gone), 15'000);
        ::kill(pid_t(three.c->processId()), SIGCONT);
        QTRY_VERIFY_WITH_TIMEOUT(three.both(Presence::Up), 5'000);
        QTRY_COMPARE(three.a.changes("c"), std::string("hangs gone back"));
        QCOMPARE(three.a.merged().answered, std::uint64_t{100});
        // It has told of itself again several times, and so has looked around as often.
        const auto sequence = [&] {
            for (const Member &member : three.a.roll.members())
                if (member.who.name == "c")
                    return member.who.sequence;
            return std::uint64_t{0};
        };
        const std::uint64_t before = sequence();
        QTRY_VERIFY_WITH_TIMEOUT(sequence() >= before + 5, 20'000);
        const QByteArray said = three.c->readAllStandardOutput();
        QVERIFY2(!said.contains("hangs") && !said.contains("gone"), said.constData());
    }

    void oneThatIsStartedAnewIsOneOfTheThree()
    {
        Three three;
        three.c->kill();
        three.c->waitForFinished(5'000);
        three.c = startC(three.server);
        QTRY_COMPARE_WITH_TIMEOUT(three.a.changes("c"), std::string("restarted"), 5'000);
        QTRY_COMPARE_WITH_TIMEOUT(three.b.changes("c"), std::string("restarted"), 5'000);
        const Merged merged = three.b.merged();
        QCOMPARE(merged.answered, std::uint64_t{100});
        QCOMPARE(*merged.connections.connections, std::uint64_t{6});
        QCOMPARE(merged.traffic.count, std::uint64_t{170}); // its former life answered within the last minute too
        QCOMPARE(three.a.roll.members().size(), std::size_t{2});
    }

    void oneThatStopsSaysSo()
    {
        Three three;
        three.c->terminate();
        QTRY_VERIFY_WITH_TIMEOUT(three.both(Presence::Gone), 5'000);
        QTRY_COMPARE(three.a.changes("c"), std::string("stopped"));
        QTRY_COMPARE(three.c->state(), QProcess::NotRunning);
        QVERIFY(three.c->exitStatus() == QProcess::NormalExit && three.c->exitCode() == 0);
        QCOMPARE(three.server.command("EXISTS i:c"), std::string(":0\r\n"));
        QCOMPARE(three.server.command("EXISTS i:a"), std::string(":1\r\n"));
    }

    void aRedisThatIsAwayIsNobodysSilence()
    {
        Three three;
        three.server.kill();
        QTRY_VERIFY_WITH_TIMEOUT(three.a.roll.problem().has_value(), 5'000);
        // Longer than it takes to be called gone.
        const auto until = std::chrono::steady_clock::now() + 11s;
        while (std::chrono::steady_clock::now() < until) {
            QVERIFY(three.both(Presence::Up));
            QTest::qWait(50);
        }
        three.server.start();
        QTRY_VERIFY_WITH_TIMEOUT(!three.a.roll.problem(), 10'000);
        const auto silent = [&] {
            std::chrono::milliseconds most{0};
            for (const Member &member : three.a.roll.members())
                most = std::max(most, member.silent);
            return most;
        };
        QTRY_VERIFY_WITH_TIMEOUT(three.a.merged().instances.size() == 3 && silent() < 600ms, 10'000);
        QCOMPARE(three.a.changes("c"), std::string());
        QCOMPARE(three.b.changes("c"), std::string());
    }

    void whatIsNoMessageIsPassedOver()
    {
        Three three;
        QVERIFY(three.server.command("PUBLISH p:i hello").starts_with(":3"));
        QVERIFY(three.server.command("PUBLISH p:i Pi").starts_with(":3"));
        QTRY_COMPARE_WITH_TIMEOUT(three.a.merged().answered, std::uint64_t{100}, 5'000);
        QCOMPARE(three.a.roll.members().size(), std::size_t{2});
    }

    void anotherDatabaseIsAnotherDeployment()
    {
        RedisServerFixture server;
        InstanceInTest here(server.endpoint(), "here", 1, 1ms);
        redis::Endpoint other = server.endpoint();
        other.database = 1;
        InstanceInTest there(other, "there", 1, 1ms);
        InstanceInTest beside(other, "beside", 1, 1ms);
        QTRY_VERIFY_WITH_TIMEOUT(there.presenceOf("beside") == Presence::Up, 10'000);
        QTRY_VERIFY_WITH_TIMEOUT(beside.presenceOf("there") == Presence::Up, 10'000);
        QVERIFY(here.roll.members().empty());
        QCOMPARE(there.roll.members().size(), std::size_t{1});
    }

    void withManyEachTellsMoreRarely()
    {
        RedisServerFixture server;
        std::list<InstanceInTest> all;
        for (int i = 0; i < 9; ++i)
            all.emplace_back(server.endpoint(), "web-" + std::to_string(i), 5, 1ms);
        const auto settled = [&] {
            for (const InstanceInTest &one : all) {
                const auto members = one.roll.members();
                const bool rarely = std::ranges::all_of(members, [](const Member &m) { return m.who.every == 1000ms; });
                if (members.size() != 8 || !rarely || one.merged().answered != 45)
                    return false;
            }
            return true;
        };
        QTRY_VERIFY_WITH_TIMEOUT(settled(), 20'000);
    }

    void whereAPlanBoundsItOneTellsRarelyButAtOnceToWhoJoins()
    {
        RedisServerFixture server;
        std::atomic<std::uint64_t> commands{0};
        std::atomic<std::uint64_t> bytes{0};
        InstanceInTest slow(server.endpoint(), "slow", 1, 1ms, 500ms, [&](std::uint64_t more, std::uint64_t sent) {
            commands += more;
            bytes += sent;
            return std::chrono::milliseconds(1min);
        });
        QTRY_COMPARE_WITH_TIMEOUT(commands.load(), std::uint64_t{2}, 10'000);
        const std::uint64_t alone = bytes;
        InstanceInTest late(server.endpoint(), "late", 1, 1ms);
        QTRY_COMPARE_WITH_TIMEOUT(late.presenceOf("slow"), Presence::Up, 10'000);
        QTRY_COMPARE_WITH_TIMEOUT(commands.load(), std::uint64_t{4}, 10'000);
        QVERIFY(bytes - alone > alone); // it went to both
        const auto silent = [&] { return late.roll.members().front().silent; };
        QTRY_VERIFY_WITH_TIMEOUT(silent() > 4s, 15'000); // it said how long it would be
        QCOMPARE(late.changes("slow"), std::string("joined"));
        QCOMPARE(late.presenceOf("slow"), Presence::Up);
        QCOMPARE(commands.load(), std::uint64_t{4});
    }

    /// What is not answered in time may have been done: it counts.
    void aSlowRedisIsNotAskedForNothing()
    {
        RedisServerFixture server;
        std::atomic<std::uint64_t> commands{0};
        InstanceInTest one(server.endpoint(), "one", 1, 1ms, 500ms, [&](std::uint64_t more, std::uint64_t) {
            commands += more;
            return std::chrono::milliseconds(500);
        });
        QTRY_VERIFY_WITH_TIMEOUT(commands.load() >= 2, 10'000);
        server.pause();
        const std::uint64_t before = commands;
        QTRY_VERIFY_WITH_TIMEOUT(commands.load() >= before + 6, 10'000); // of one that was under way, and of two more
        const auto problem = one.roll.problem();
        server.resume();
        QVERIFY(problem && problem->kind == ErrorKind::Timeout);
        QTRY_VERIFY_WITH_TIMEOUT(!one.roll.problem(), 10'000);
    }

    /// Those who are there already answer once, and rarely after that: what they answer is heard.
    void whoJoinsOneWhoTellsRarelyHearsItsOneAnswer()
    {
        RedisServerFixture server;
        const auto rarely = [](std::uint64_t, std::uint64_t) { return std::chrono::milliseconds(10min); };
        InstanceInTest there(server.endpoint(), "there", 1, 1ms, 500ms, rarely);
        QTRY_COMPARE_WITH_TIMEOUT(server.command("EXISTS i:there"), std::string(":1\r\n"), 10'000);
        InstanceInTest late(server.endpoint(), "late", 1, 1ms, 500ms, rarely);
        QTRY_COMPARE_WITH_TIMEOUT(there.presenceOf("late"), Presence::Up, 10'000);
        QTRY_COMPARE_WITH_TIMEOUT(late.presenceOf("there"), Presence::Up, 5'000);
    }

    void saysWhyNobodyHearsOfIt()
    {
        RedisServerFixture server;
        QCOMPARE(server.command("ACL SETUSER quiet on >word ~* +@all resetchannels"), std::string("+OK\r\n"));
        redis::Endpoint endpoint = server.endpoint();
        endpoint.user = "quiet";
        endpoint.password = "word";
        InstanceInTest one(endpoint, "one", 1, 1ms);
        const auto refused = [&] {
            const auto problem = one.roll.problem();
            return problem && problem->code == "redis-rights";
        };
        QTRY_VERIFY_WITH_TIMEOUT(refused(), 10'000);
        QCOMPARE(server.command("EXISTS i:one"), std::string(":1\r\n")); // whoever looks finds it all the same
        QCOMPARE(server.command("ACL SETUSER quiet &p:i"), std::string("+OK\r\n"));
        QTRY_VERIFY_WITH_TIMEOUT(!one.roll.problem(), 10'000);
    }

    void stopsInTimeWithoutRedis()
    {
        RedisServerFixture server;
        InstanceInTest one(server.endpoint(), "one", 1, 1ms);
        QTRY_COMPARE_WITH_TIMEOUT(server.command("EXISTS i:one"), std::string(":1\r\n"), 10'000);
        server.pause();
        const auto begin = std::chrono::steady_clock::now();
        one.roll.stop();
        one.roll.stop();
        QVERIFY(std::chrono::steady_clock::now() - begin < 3s);
        server.resume();
    }
};

QTEST_GUILESS_MAIN(InstancesTest)
#include "instances_test.moc"
