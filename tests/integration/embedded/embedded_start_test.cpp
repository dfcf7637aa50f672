// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/integration/embedded/embedded_stack_fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <QFile>
#include <QTest>

using namespace portolan;
using namespace portolan::embedded;

namespace {

/// Somebody else who listens on a loopback port.
class Squatter
{
public:
    Squatter() : m_socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(m_socket, reinterpret_cast<sockaddr *>(&address), size) != 0 || ::listen(m_socket, 1) != 0 ||
            ::getsockname(m_socket, reinterpret_cast<sockaddr *>(&address), &size) != 0)
            throw std::runtime_error("no loopback port to be had");
        m_port = ntohs(address.sin_port);
    }
    ~Squatter() { ::close(m_socket); }
    std::string listen() const { return "127.0.0.1:" + std::to_string(m_port); }

private:
    int m_socket;
    std::uint16_t m_port = 0;
};

} // namespace

/// Starts and restarts that fail, or go on without what they do not find: what is said, and what runs afterwards.
class EmbeddedStartTest final : public QObject
{
    Q_OBJECT

private slots:
    void aRestartWithBadSettingsStopsNothing_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("named");
        QTest::newRow("no such tier") << "tier"
                                      << "gigantic"
                                      << "gigantic";
        QTest::newRow("no address") << "listen"
                                    << "abc"
                                    << "abc";
        QTest::newRow("no port") << "listen"
                                 << "127.0.0.1:70000"
                                 << "70000";
        QTest::newRow("somebody else's port") << "listen"
                                              << "squatter"
                                              << "in use";
        QTest::newRow("an address that is not here") << "listen"
                                                     << "192.0.2.1:8080"
                                                     << "192.0.2.1";
        QTest::newRow("no Redis there") << "redis"
                                        << "unix:/nonexistent/redis.sock"
                                        << "/nonexistent/redis.sock";
        QTest::newRow("no Redis that answers") << "redis"
                                               << "redis://127.0.0.1:1/0"
                                               << "127.0.0.1:1";
        QTest::newRow("no URL") << "redis"
                                << "http://127.0.0.1/"
                                << "http";
        QTest::newRow("no database that answers") << "database"
                                                  << "postgresql://nobody@127.0.0.1:1/none"
                                                  << "";
        QTest::newRow("a folder in use") << "directory"
                                         << "locked"
                                         << "process";
        QTest::newRow("a folder that cannot be made") << "directory"
                                                      << "/proc/nowhere/data"
                                                      << "/proc/nowhere/data";
        QTest::newRow("a database that cannot be made") << "database"
                                                        << "sqlite:/proc/nowhere/x.db"
                                                        << "/proc/nowhere";
    }
    void aRestartWithBadSettingsStopsNothing()
    {
        QFETCH(QString, key);
        QFETCH(QString, value);
        QFETCH(QString, named);
        Stack made;
        const Squatter squatter;
        const QTemporaryDir folder;
        const auto lock = DataDirectory::open(folder.path().toStdString());
        QVERIFY2(made.start().has_value(), "start");
        const LocalStackSettings before = made.stack.settings();
        const std::string url = made.stack.deployment().info().url;
        QTRY_COMPARE_WITH_TIMEOUT(made.stack.deployment().link(), LinkState::Live, 10'000);
        LocalStackSettings bad = before;
        (key == "tier"       ? bad.tier
         : key == "listen"   ? bad.listen
         : key == "redis"    ? bad.redisUrl
         : key == "database" ? bad.databaseUrl
                             : bad.dataDirectory) = value == "squatter" ? squatter.listen()
                                                    : value == "locked" ? folder.path().toStdString()
                                                                        : value.toStdString();
        std::vector<State> states;
        connect(&made.stack, &LocalStack::stateChanged, &made.stack, [&] { states.push_back(made.stack.state()); });
        std::string logged;
        connect(&made.stack, &LocalStack::logged, &made.stack, [&](const std::vector<LogLine> &lines) {
            for (const LogLine &line : lines)
                logged += line.message + '\n';
        });
        const auto restarted = made.perform(RestartStack{bad});
        QVERIFY(restarted.has_error());
        QTRY_VERIFY_WITH_TIMEOUT(logged.find("the restart was refused") != std::string::npos, 10'000);
        QVERIFY2(restarted.error().message.find(named.toStdString()) != std::string::npos, words(restarted).c_str());
        QVERIFY(states.empty()); // never left off serving
        QCOMPARE(made.stack.settings(), before);
        QCOMPARE(made.stack.deployment().info().url, url);
        QCOMPARE(made.stack.deployment().link(), LinkState::Live);
        QVERIFY(await(made.stack.deployment().ask(UsersQuestion{})).has_value());
        const auto audit = made.audit();
        QCOMPARE(audit.size(), std::size_t(1));
        QVERIFY(audit[0].action == "stack.restart" && audit[0].outcome != "done");
    }

    void aRestartThatFailsGoesBack()
    {
        Stack made;
        QVERIFY2(made.start().has_value(), "start");
        const LocalStackSettings before = made.stack.settings();
        LocalStackSettings other = before;
        const QTemporaryDir folder;
        // A database file that is none is only found out by opening it for good.
        other.dataDirectory = folder.path().toStdString();
        QFile broken(folder.filePath("secret.key"));
        QVERIFY(broken.open(QIODevice::WriteOnly) && broken.write("x") == 1);
        broken.close();
        const auto restarted = made.perform(RestartStack{other});
        QVERIFY(restarted.has_error());
        QVERIFY2(restarted.error().message.find("runs again as it did before") != std::string::npos,
                 words(restarted).c_str());
        QCOMPARE(made.stack.state(), State::Running);
        QCOMPARE(made.stack.settings(), before);
        QVERIFY(await(made.stack.deployment().ask(UsersQuestion{})).has_value());
        QTRY_COMPARE_WITH_TIMEOUT(made.stack.deployment().link(), LinkState::Live, 10'000);
        const auto audit = made.audit();
        QCOMPARE(audit.size(), std::size_t(2)); // that it stops, and what became of the start
        QCOMPARE(audit[0].outcome, std::string("done"));
        QVERIFY(audit[1].action == "stack.restart" && audit[1].outcome != "done");
    }

    void aRestartIsCalledOff()
    {
        Stack made;
        QVERIFY(made.start().has_value());
        LocalStackSettings away = made.stack.settings();
        away.redisUrl = "redis://127.0.0.1:1/0"; // looked for until it is given up
        auto restarting = made.begin(RestartStack{away});
        QCOMPARE(made.stack.state(), State::Running);
        const auto stopped = made.perform(StopStack{});
        QVERIFY2(stopped.has_value(), words(stopped).c_str());
        QVERIFY(await(restarting).has_error());
        QCOMPARE(made.stack.state(), State::Stopped);
        auto starting = made.stack.start(made.stack.settings());
        QVERIFY(made.perform(StopStack{}).has_value());
        const auto started = await(starting);
        QVERIFY(started.has_error() && started.error().kind == ErrorKind::Cancelled);
        QCOMPARE(made.stack.state(), State::Stopped);
        QVERIFY(!made.stack.problem());
    }

    void whatFailedIsInTheLog()
    {
        Stack made;
        std::vector<LogLine> all;
        connect(&made.stack, &LocalStack::logged, &made.stack,
                [&](const std::vector<LogLine> &lines) { all.insert(all.end(), lines.begin(), lines.end()); });
        LocalStackSettings bad = made.stack.settings();
        bad.listen = "abc";
        QVERIFY(await(made.stack.start(bad)).has_error());
        QTRY_VERIFY_WITH_TIMEOUT(std::ranges::any_of(all,
                                                     [](const LogLine &line) {
                                                         return line.level == LogLine::Level::Error &&
                                                                line.message.find("did not start") !=
                                                                    std::string::npos &&
                                                                line.message.find("abc") != std::string::npos;
                                                     }),
                                 10'000);
    }

    void keepsTheWordsOfWhatWentWrong_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("named");
        QTest::newRow("no such tier") << "tier"
                                      << "gigantic"
                                      << "gigantic";
        QTest::newRow("no address") << "listen"
                                    << "nowhere"
                                    << "nowhere";
        QTest::newRow("no database there") << "database"
                                           << "sqlite:/proc/nonexistent/portal.db"
                                           << "/proc/nonexistent";
    }
    void keepsTheWordsOfWhatWentWrong()
    {
        QFETCH(QString, key);
        QFETCH(QString, value);
        QFETCH(QString, named);
        Stack made;
        LocalStackSettings settings = made.stack.settings();
        (key == "tier"     ? settings.tier
         : key == "listen" ? settings.listen
         : key == "redis"  ? settings.redisUrl
                           : settings.databaseUrl) = value.toStdString();
        const auto started = await(made.stack.start(settings));
        QVERIFY(!started);
        QVERIFY2(started.error().message.find(named.toStdString()) != std::string::npos, words(started).c_str());
        QVERIFY2(!started.error().hint.empty(), words(started).c_str());
        QCOMPARE(made.stack.state(), State::Stopped);
        QCOMPARE(made.stack.problem(), std::optional<Error>(started.error()));
        QCOMPARE(made.stack.deployment().linkReason(), LinkReason::NotRunning);
        QCOMPARE(made.stack.settings(), settings);
    }

    void servesWhileTheNamedRedisIsAway()
    {
        Stack made;
        LocalStackSettings settings = made.stack.settings();
        settings.redisUrl = "unix:/nonexistent/redis.sock";
        const auto started = await(made.stack.start(settings));
        QVERIFY2(started.has_value(), words(started).c_str());
        QVERIFY(!made.stack.problem());
    }

    void mendsWhatItDoesNotStartOn_data()
    {
        QTest::addColumn<bool>("empty");
        QTest::newRow("keeps what can be read") << false;
        QTest::newRow("starts empty") << true;
    }
    void mendsWhatItDoesNotStartOn()
    {
        QFETCH(bool, empty);
        Stack made;
        QCOMPARE(made.perform(MendStack{empty}).error().kind, ErrorKind::Conflict);
        QVERIFY(made.start().has_value());
        QVERIFY(made.perform(SeedStack{}).has_value());
        const bool sessions = !made.keys("s:*").empty();
        QCOMPARE(made.perform(MendStack{empty}).error().kind, ErrorKind::Conflict);
        QVERIFY(made.perform(StopStack{}).has_value());
        const std::filesystem::path redis = made.directory.filePath("redis").toStdString();
        std::filesystem::remove(redis / "appendonlydir" / "appendonly.aof.manifest");
        const auto refused = made.start();
        QCOMPARE(refused.error().code, std::string("redis-corrupt"));
        QVERIFY2(refused.error().hint.find("portoland mend") != std::string::npos, words(refused).c_str());
        QCOMPARE(made.stack.state(), State::Stopped);

        const auto preview = await(made.stack.preview(MendStack{empty}));
        QCOMPARE(preview.value().facts,
                 std::vector<Fact>{{.kind = empty ? FactKind::RedisSetAside : FactKind::RedisMended}});
        const auto mended = made.perform(MendStack{empty});
        QVERIFY2(mended.has_value(), words(mended).c_str());
        QCOMPARE(mended->facts, (std::vector<Fact>{{.kind = FactKind::PortalStarted}, {.kind = FactKind::CopyKept}}));
        QCOMPARE(made.stack.state(), State::Running);
        QCOMPARE(!made.keys("s:*").empty(), sessions && !empty);
        QCOMPARE(made.users(), std::size_t{40}); // accounts are in the database
        QCOMPARE(made.audit().back().action, std::string("stack.mend"));
        QVERIFY(made.audit().back().detail.find("appendonlydir.kept-") != std::string::npos);
    }

    void saysWhichPortIsInUse()
    {
        Stack made;
        const Squatter squatter;
        LocalStackSettings settings = made.stack.settings();
        settings.listen = squatter.listen();
        const auto started = await(made.stack.start(settings));
        QVERIFY(!started && !started.error().hint.empty());
        QVERIFY2(started.error().message.find(squatter.listen()) != std::string::npos, words(started).c_str());
        settings.listen = "127.0.0.1:0";
        const auto again = await(made.stack.start(settings));
        QVERIFY2(again.has_value(), words(again).c_str());
        QVERIFY(!made.stack.problem());
    }

    void servesFromMemoryWithoutRedis()
    {
        Stack made("redis.program", "/nonexistent/redis-server");
        const auto started = made.start();
        QVERIFY2(started.has_value(), words(started).c_str());
        auto &deployment = made.stack.deployment();
        QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
        QCOMPARE(deployment.capability(CloseClients{}).why, WhyNot::NoRedis);
        QVERIFY(deployment.capability(SignOutUser{}).available());
        QCOMPARE(await(deployment.ask(ClientsQuestion{})).error().kind, ErrorKind::Unavailable);
        QCOMPARE(await(deployment.ask(LimitUseQuestion{1})).error().kind, ErrorKind::NotFound);
        const auto seeded = made.perform(SeedStack{});
        QVERIFY2(seeded.has_value(), words(seeded).c_str());
        QCOMPARE(made.users(), std::size_t{40});
        const auto preview = await(made.stack.preview(SeedStack{}));
        QVERIFY(preview.value().nothing); // no analyses without Redis
        QCOMPARE(preview.value().facts,
                 (std::vector<Fact>{{.kind = FactKind::MadeUpUsersThere, .count = 40}, {.kind = FactKind::Added}}));
    }
};

QTEST_GUILESS_MAIN(EmbeddedStartTest)
#include "embedded_start_test.moc"
