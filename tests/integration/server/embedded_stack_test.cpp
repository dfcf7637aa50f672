#include "core/base/data_directory.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/redis/client.h"
#include "core/server/embedded_stack.h"
#include "core/server/log_collector.h"
#include "tests/fakes/action_gate.h"
#include "tests/fakes/audit_file.h"
#include "tests/fakes/await.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QRegularExpression>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QThread>

using namespace portolan;
using namespace portolan::server;
using namespace std::chrono_literals;

namespace {

using State = LocalStack::State;

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

struct Stack
{
    /// `key` and `value`: one more setting of the process.
    explicit Stack(std::string key = "app_env", std::string value = "development")
        : sources(told(std::move(key), std::move(value)))
    {}

    SettingSources told(std::string key, std::string value) const
    {
        SettingSources all;
        all.commandLine = {{"data_dir", directory.path().toStdString()},
                           {"listen", "127.0.0.1:0"},
                           {std::move(key), std::move(value)}};
        return all;
    }
    Result<void> start() { return await(stack.start(stack.settings())); }
    QFuture<Result<ActionOutcome>> begin(StackCommand command)
    {
        return ui::ActionGate::perform(stack, std::move(command), "because");
    }
    Result<ActionOutcome> perform(StackCommand command) { return await(begin(std::move(command))); }
    std::vector<AuditEntry> audit() const { return auditOf(directory.filePath("portal.db")); }
    /// Keys in the private Redis that match, asked by a client of its own.
    std::vector<std::string> keys(const std::string &pattern) const
    {
        const auto socket = readFile(directory.filePath("redis.socket").toStdString()).value();
        const auto endpoint = redis::Endpoint::parse("unix:" + socket).value();
        Runtime runtime(1);
        redis::Client client(runtime.at(0), endpoint);
        client.start();
        const auto reply = runSync<Result<redis::Reply>>(runtime.at(0), [&]() -> awaitable<Result<redis::Reply>> {
            auto ready = co_await client.waitReady(5s);
            if (!ready)
                co_return ready.error();
            co_return co_await client.run(redis::Command("KEYS", pattern));
        });
        client.stop();
        std::vector<std::string> found;
        for (const auto &element : reply.value().elements)
            found.push_back(element.text);
        return found;
    }
    /// Rows in the SQLite file.
    int rows(const QString &table) const
    {
        int count = -1;
        {
            auto database = QSqlDatabase::addDatabase("QSQLITE", "rows");
            database.setConnectOptions("QSQLITE_OPEN_READONLY;QSQLITE_BUSY_TIMEOUT=10000");
            database.setDatabaseName(directory.filePath("portal.db"));
            QSqlQuery query(database);
            if (database.open() && query.exec("SELECT count(*) FROM " + table) && query.next())
                count = query.value(0).toInt();
        }
        QSqlDatabase::removeDatabase("rows");
        return count;
    }
    std::size_t users()
    {
        UserQuery query;
        query.limit = 500;
        return await(stack.deployment().users(query)).value().items.size();
    }

    QTemporaryDir directory;
    SystemClock clock;
    SettingSources sources;
    EmbeddedStack stack{sources, clock};
};

template <class T> std::string words(const Result<T> &result)
{
    return result ? std::string() : result.error().message;
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
        QVERIFY(await(made.stack.deployment().users({})).has_value());
        const auto audit = made.audit();
        QCOMPARE(audit.size(), std::size_t(1));
        QVERIFY(audit[0].action == "stack.restart" && audit[0].outcome != "done");
    }

    /// What cannot be seen beforehand: the port is taken when the portal that had it has stopped for it.
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
        QVERIFY(await(made.stack.deployment().users({})).has_value());
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

    void everyStopLeavesALine()
    {
        Stack made;
        QVERIFY(made.start().has_value());
        QVERIFY(made.perform(StopStack{}).has_value());
        QVERIFY(made.start().has_value());
        const auto events = await(made.stack.deployment().events(WallTime{}, made.clock.wall() + 24h)).value();
        const auto has = [&](const char *text) {
            return std::ranges::any_of(events, [&](const Event &e) { return e.text.find(text) != std::string::npos; });
        };
        QVERIFY(has("This console: Stopped the portal"));
        QVERIFY(has("The portal stopped"));
    }

    void takesItsSettingsFromTheProcess()
    {
        Stack made("tier", "watchlist");
        QCOMPARE(made.stack.settings().tier, std::string("watchlist"));
        QCOMPARE(made.stack.settings().listen, std::string("127.0.0.1:0"));
        QCOMPARE(made.stack.dataDirectory(), made.directory.path().toStdString());
        QVERIFY(made.stack.tiers().size() == 5 && made.stack.tiers().front().name == "small" &&
                !made.stack.tiers().front().title.empty());
        QCOMPARE(made.stack.tiers().front().figures, std::string("30 MB of Redis, 2 tasks at once"));
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
        QVERIFY(await(ui::ActionGate::perform(stack, StopStack{}, {})).has_value());
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
            QVERIFY(deployment.latest() && deployment.info().url.empty());
            QVERIFY(made.perform(StopStack{}).has_value()); // twice is harmless
        }
        QCOMPARE(states.size(), 8);
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
        QCOMPARE(made.stack.deployment().linkDetail(), std::string("The portal is not running."));
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

        const auto mended = made.perform(MendStack{empty});
        QVERIFY2(mended.has_value(), words(mended).c_str());
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
        QVERIFY(!deployment.capability(CloseClients{}).available);
        QVERIFY(deployment.capability(SignOutUser{}).available);
        QCOMPARE(await(deployment.clients()).error().kind, ErrorKind::Unavailable);
        QCOMPARE(await(deployment.limitUse(1)).error().kind, ErrorKind::NotFound);
        const auto seeded = made.perform(SeedStack{});
        QVERIFY2(seeded.has_value(), words(seeded).c_str());
        QCOMPARE(made.users(), std::size_t{40});
    }

    void seedsAndResets()
    {
        Stack made;
        QCOMPARE(made.perform(SeedStack{}).error().kind, ErrorKind::Unavailable);
        QVERIFY(made.start().has_value());
        const auto seeded = made.perform(SeedStack{});
        QVERIFY(seeded.has_value());
        // It says what there is: how much it gets done depends on the machine.
        const QRegularExpression form(R"(^Added (\d+) users, (\d+) sessions? and (\d+) finished analys[ei]s\.$)");
        const auto said = form.match(QString::fromStdString(seeded->summary));
        QVERIFY2(said.hasMatch(), seeded->summary.c_str());
        QCOMPARE(said.captured(1).toInt(), made.rows("users"));
        QCOMPARE(said.captured(2).toInt(), made.rows("user_sessions"));
        QCOMPARE(said.captured(2).toInt(), int(std::ranges::count_if(made.keys("s:*"), [](const auto &key) {
                     return !key.starts_with("s:!"); // whose sessions were ended
                 })));
        QVERIFY(said.captured(3).toInt() > 0);
        QVERIFY(said.captured(3).toInt() <= int(made.keys("celery-task-meta-*").size()));
        const auto ended = await(made.stack.deployment().tasks({})).value().items;
        QVERIFY(said.captured(3).toInt() <= int(std::ranges::count(ended, TaskPlace::Ended, &TaskInfo::place)));
        QCOMPARE(made.audit().back().action, std::string("stack.seed"));
        QCOMPARE(made.audit().back().detail, seeded->summary);
        const auto nobodyNew = await(made.stack.preview(SeedStack{}));
        QVERIFY2(nobodyNew && nobodyNew->count == std::uint64_t(0), nobodyNew ? nobodyNew->summary.c_str() : "");
        const auto again = made.perform(SeedStack{});
        QVERIFY2(again && again->summary.find("users") == std::string::npos &&
                     again->summary.find("finished anal") != std::string::npos,
                 again ? again->summary.c_str() : "");
        QCOMPARE(made.users(), std::size_t(made.rows("users")));

        QFile other(QDir(made.directory.path()).filePath("somebody.txt"));
        QVERIFY(other.open(QIODevice::WriteOnly));
        const auto preview = await(made.stack.preview(ResetStack{}));
        QVERIFY2(preview.has_value(), words(preview).c_str());
        QCOMPARE(preview->count, std::optional<std::uint64_t>(made.rows("users")));
        for (const auto &[table, what] : {std::pair("users", " users"), std::pair("user_sessions", " sessions"),
                                          std::pair("audit", " audit entries")})
            QVERIFY2(preview->summary.find(std::to_string(made.rows(table)) + what) != std::string::npos,
                     preview->summary.c_str());
        QVERIFY2(preview->summary.find(std::to_string(made.keys("celery-task-meta-*").size()) + " results") !=
                     std::string::npos,
                 preview->summary.c_str());
        QVERIFY(preview->bytes >= std::uint64_t(QFileInfo(made.directory.filePath("portal.db")).size()));
        const auto users = made.rows("users");
        const auto reset = made.perform(ResetStack{});
        QVERIFY2(reset.has_value(), words(reset).c_str());
        QCOMPARE(made.stack.state(), State::Running);
        QCOMPARE(made.users(), std::size_t{0});
        QVERIFY(await(made.stack.deployment().tasks({}))->items.empty());
        QVERIFY(other.exists());
        const auto left = made.audit();
        QCOMPARE(left.size(), std::size_t{1});
        QCOMPARE(left[0].action, std::string("stack.reset"));
        QCOMPARE(left[0].actor, std::string("system"));
        QVERIFY2(left[0].detail.starts_with("deleted " + std::to_string(users) + " users"), left[0].detail.c_str());
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
        auto users = made->stack.deployment().users({});
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
        auto workers = made->stack.deployment().workers();
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
};

QTEST_GUILESS_MAIN(EmbeddedStackTest)
#include "embedded_stack_test.moc"
