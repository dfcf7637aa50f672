// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/acl_command.h"
#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "core/redis/rights.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QDirIterator>
#include <QFile>
#include <QRegularExpression>
#include <QTest>
#include <algorithm>
#include <array>
#include <atomic>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

struct Asked
{
    explicit Asked(Endpoint endpoint) : client(runtime.at(0), std::move(endpoint)) { client.start(); }
    ~Asked()
    {
        client.stop();
        runtime.stop();
    }
    Rights rights()
    {
        const auto ready = runSync<Result<void>>(runtime.at(0), [&] { return client.waitReady(10s); });
        if (!ready)
            qFatal("%s", ready.error().message.c_str());
        return runSync<Result<Rights>>(runtime.at(0), [&] { return probeRights(client, {"celery", "mail"}); }).value();
    }
    Result<void> write()
    {
        return runSync<Result<void>>(runtime.at(0), [&] { return probeWrite(client, script, "test"); });
    }

    Runtime runtime{1};
    Client client;
    Script script = writeProbe();
};

/// A Redis and a user of these rules on it.
Endpoint endpointOf(const RedisServerFixture &redis, const char *rules)
{
    redis.command(std::string("ACL SETUSER portal on >pw ") + rules);
    Endpoint endpoint = redis.endpoint();
    endpoint.user = "portal";
    endpoint.password = "pw";
    return endpoint;
}

std::vector<std::string> names(const Rights &rights)
{
    std::vector<std::string> names;
    for (const auto &right : rights.missing)
        names.push_back(right.what);
    return names;
}

struct Call
{
    std::string command;
    std::string file;
};

/// What the files of a folder call; `call` captures the command. Nothing where one of them cannot be read.
std::vector<Call> callsIn(const QString &folder, const QString &files, const QRegularExpression &call)
{
    std::vector<Call> calls;
    for (QDirIterator found(folder, {files}, QDir::Files, QDirIterator::Subdirectories); found.hasNext();) {
        QFile file(found.next());
        if (!file.open(QIODevice::ReadOnly))
            return {};
        const QString text = QString::fromUtf8(file.readAll());
        for (auto match = call.globalMatch(text); match.hasNext();)
            calls.push_back({match.next().captured(1).toStdString(), file.fileName().toStdString()});
    }
    return calls;
}

bool lists(const Rights &rights, std::string_view what) { return std::ranges::count(names(rights), what) == 1; }

} // namespace

class RightsTest final : public QObject
{
    Q_OBJECT

private slots:
    void aRedisOfOnesOwnAllowsEverything()
    {
        RedisServerFixture redis;
        Asked asked(redis.endpoint());
        redis.command("RPUSH celery task");
        redis.command("HSET unacked a b");
        const Rights rights = asked.rights();
        QVERIFY2(rights.missing.empty(), rights.inWords().c_str());
        QCOMPARE(rights.inWords(), std::string());
        QCOMPARE(rights.aclLine(), std::string());
        QVERIFY(!rights.unusable());
        // Nothing was touched, and nothing stays.
        QVERIFY(redis.command("LRANGE celery 0 -1").find("task") != std::string::npos);
        QVERIFY(redis.command("HGETALL unacked").find('b') != std::string::npos);
        QCOMPARE(redis.command("DBSIZE"), std::string(":2\r\n"));
        QVERIFY(redis.command("CLIENT LIST").find("name=portolan ") != std::string::npos);
        QVERIFY(asked.write().has_value());
    }

    void findsWhatIsMissing_data()
    {
        QTest::addColumn<QByteArray>("rules");
        QTest::addColumn<QByteArray>("missing");
        QTest::addColumn<bool>("unusable");
        const auto row = [](const char *rules, const char *missing, bool unusable) {
            QTest::newRow(rules) << QByteArray(rules) << QByteArray(missing) << unusable;
        };
        row("~* &* +@all -@dangerous", "INFO|CLIENT LIST|CLIENT KILL", false);
        row("~* &* +@all -memory -scan", "MEMORY USAGE|SCAN", false);
        row("~* resetchannels +@all", "channels p:*|channels celery-task-meta-*", false);
        row("~* &* +@all -publish", "PUBLISH", false);
        row("~* &* +@all -evalsha", "EVALSHA", true);
        row("~* &* +@all -@scripting", "EVALSHA|SCRIPT LOAD", true);
        row("~* &* +@all -hset -zadd", "ZADD|HSET", true);
        row("~portal:* &* +@all",
            "keys s:*|keys l:*|keys i:*|keys unacked|keys unacked_index|keys _kombu.binding.*|keys q:*|"
            "keys celery-task-meta-*|keys celery|keys celery*|keys mail|keys mail*",
            true);
        row("%R~* &* +@all", "keys s:*|keys l:*|keys celery", true);
        row("~s:* ~l:* ~q:* ~unacked* ~_kombu* ~celery* &* +@all", "keys mail|keys mail*", true);
        row("~* &* +@all -zcard -zcount", "ZCARD|ZCOUNT", true);
        row("~* &* +@all -pfadd -pfcount", "PFADD|PFCOUNT", false);
        row("~* &* +@all -hdel -get", "HDEL|GET", true);
        row("~s:* ~l:* resetchannels +@all -hdel -get -publish", "HDEL|GET|PUBLISH", true);
        row("~s:* ~l:* &x:* +@all -hdel -get -publish -spublish", "HDEL|GET|PUBLISH", true);
        row("%R~* &* -@all +@read +acl|whoami", "HDEL|SET|PUBLISH", true);
        row("~* &* -@all +acl|whoami", "GET|HDEL|EVALSHA|PUBLISH", true);
        row("resetkeys resetchannels -@all +acl|whoami", "GET|HDEL|EVALSHA|PUBLISH|PING|EXEC", true);
        row("~nothing &nothing -@all +hdel +acl|whoami", "GET|keys s:*|keys celery|PUBLISH", true);
    }
    void findsWhatIsMissing()
    {
        QFETCH(QByteArray, rules);
        QFETCH(QByteArray, missing);
        QFETCH(bool, unusable);
        RedisServerFixture redis;
        const Endpoint endpoint = endpointOf(redis, rules.constData());
        const Rights rights = Asked(endpoint).rights();
        for (const QByteArray &one : missing.split('|'))
            QVERIFY2(lists(rights, one.toStdString()), (one.toStdString() + " in " + rights.inWords()).c_str());
        QCOMPARE(rights.unusable(), unusable);
        QCOMPARE(rights.user, std::string("portal"));
        QVERIFY(std::ranges::none_of(rights.missing, &MissingRight::unknown));
        // The line it gives is one that mends it.
        const std::string line = rights.aclLine();
        QVERIFY(line.starts_with("ACL SETUSER portal "));
        QCOMPARE(redis.command(line), std::string("+OK\r\n"));
        const Rights mended = Asked(endpoint).rights();
        QVERIFY2(mended.missing.empty(), mended.inWords().c_str());
    }

    void saysWhatTheLineTakesFromTheUser_data()
    {
        QTest::addColumn<QByteArray>("rules");
        QTest::addColumn<QByteArray>("drops"); // "keys and channels"; empty: all that was allowed stays
        const auto row = [](const char *rules, const char *drops) {
            QTest::newRow(rules) << QByteArray(rules) << QByteArray(drops);
        };
        row("~shop:* &shop:* -@all +acl|whoami", "keys and channels");
        row("~* &* -@all +acl|whoami", "keys and channels");
        row("~shop:* &shop:* +@all -publish -spublish", "channels");
        row("~shop:* &shop:* +@all", "");
        row("~shop:* &shop:* -@all +get +publish +acl|whoami", "");
    }
    void saysWhatTheLineTakesFromTheUser()
    {
        QFETCH(QByteArray, rules);
        QFETCH(QByteArray, drops);
        RedisServerFixture redis;
        const Endpoint endpoint = endpointOf(redis, rules.constData());
        const Rights rights = Asked(endpoint).rights();
        const std::string said = rights.aclDrops();
        QCOMPARE(said.empty(), drops.isEmpty());
        QVERIFY2(said.find("all patterns of " + drops.toStdString() + " ") != said.npos || drops.isEmpty(),
                 said.c_str());
        const Error problem = rights.problem(Use::Queue);
        QVERIFY2(problem.hint.ends_with(said), problem.hint.c_str());
        if (rights.lacks(Use::Queue))
            QCOMPARE(problem.code, std::string("redis-rights"));
        const auto told = aclCommandOf(problem.mend);
        QVERIFY2(told && told->user == "portal", problem.mend.c_str());
        QCOMPARE(told->dropsKeys, drops.contains("keys"));
        QCOMPARE(told->dropsChannels, drops.contains("channels"));
        // Neither more nor less than it says, as Redis does it.
        QCOMPARE(redis.command(rights.aclLine()), std::string("+OK\r\n"));
        redis.command("ACL SETUSER portal +get +publish");
        const auto allowed = [&](const char *command) {
            return redis.command(std::string("ACL DRYRUN portal ") + command) == "+OK\r\n";
        };
        QCOMPARE(allowed("GET shop:1"), !drops.contains("keys"));
        QCOMPARE(allowed("PUBLISH shop:1 x"), !drops.contains("channels"));
    }

    void saysWhatACommandIsRefusedFor()
    {
        RedisServerFixture redis;
        const Rights rights = Asked(endpointOf(redis, "~* &* +@all -client|kill")).rights();
        QCOMPARE(rights.refusal({"CLIENT LIST", "CLIENT KILL"}),
                 (Refusal{"CLIENT KILL", "ACL SETUSER portal +client|kill"}));
        QVERIFY(!rights.refusal({"SCAN", "UNLINK"}));
        const MissingRight renamed{"SCAN", {Use::Figures}, true, "+scan"};
        QCOMPARE((Rights{"default", {renamed}}).refusal({"SCAN"}), (Refusal{"SCAN", {}}));
    }

    void tellsBlockedCommandsFromMissingRights()
    {
        RedisServerFixture redis({"--rename-command", "CLIENT", "", "--rename-command", "EVALSHA", ""});
        const Rights rights = Asked(redis.endpoint()).rights();
        for (const char *what : {"CLIENT LIST", "CLIENT KILL", "CLIENT SETNAME", "EVALSHA"})
            QVERIFY2(lists(rights, what), rights.inWords().c_str());
        QVERIFY(std::ranges::all_of(rights.missing, &MissingRight::unknown));
        QCOMPARE(rights.aclLine(), std::string());
        QVERIFY(rights.unusable());
        const Error problem = rights.problem(Use::Queue);
        QVERIFY(problem.hint.find("rename-command") != std::string::npos);
        QVERIFY(problem.code == "redis-renamed" && problem.mend.empty());
        QVERIFY(rights.inWords().find("EVALSHA (sessions, limits and the queue; the server does not know it)") !=
                std::string::npos);
    }

    void tellsWhatAnybodyWasRefused()
    {
        const RedisServerFixture redis;
        Asked asked(endpointOf(redis, "~q:* &* +@all -lpush -client|list"));
        asked.rights();
        asked.client.takeRefusals();
        const auto run = [&](Command command) {
            return runSync<Result<Reply>>(asked.runtime.at(0), [&] { return asked.client.run(std::move(command)); });
        };
        const auto refused = [&] {
            std::vector<std::string> names = asked.client.takeRefusals();
            std::ranges::sort(names);
            return names;
        };
        QVERIFY(run(Command("SET", "q:1", "1")));
        QVERIFY(!run(Command("HGET", "q:1", "f"))); // WRONGTYPE is no refusal
        QCOMPARE(refused(), std::vector<std::string>{});
        asked.client.post(Command("LPUSH", "q:2", "v"));
        QVERIFY(!run(Command("LPUSH", "q:2", "v")));
        QVERIFY(!run(Command("CLIENT", "LIST")));
        QVERIFY(!run(Command("GET", "other")));
        QCOMPARE(refused(), (std::vector<std::string>{"", "CLIENT LIST", "LPUSH"}));
        QCOMPARE(refused(), std::vector<std::string>{});
        const Script script("push", "return redis.call('LPUSH', KEYS[1], 'v')");
        const std::array<std::string_view, 1> keys{"q:2"};
        QVERIFY(!runSync<Result<Reply>>(asked.runtime.at(0), [&] { return asked.client.eval(script, keys, {}); }));
        QCOMPARE(refused().size(), std::size_t(1));
    }

    void saysWhyAWriteFails()
    {
        RedisServerFixture redis;
        Asked asked(redis.endpoint());
        asked.rights();
        redis.command("CONFIG SET maxmemory 1");
        QCOMPARE(asked.write().error().code, std::string("redis-full"));
        redis.command("CONFIG SET maxmemory 0");
        QVERIFY(asked.write().has_value());
        redis.command("REPLICAOF 127.0.0.1 1");
        QCOMPARE(asked.write().error().code, std::string("redis-read-only"));
        redis.command("REPLICAOF NO ONE");
        QVERIFY(asked.write().has_value());
    }

    /// Whoever gives a script a new command gives it a line in the table too.
    void everyCommandOfTheScriptsIsTried()
    {
        const auto tried = probedCommands();
        const auto calls = callsIn(SCRIPTS, "*.lua", QRegularExpression(R"(redis\.p?call\('([A-Z]+)')"));
        for (const auto &[name, file] : calls)
            QVERIFY2(std::ranges::count(tried, std::string_view(name)) == 1, (name + " of " + file).c_str());
        QVERIFY(calls.size() > 50);
    }

    /// So does whoever sends one.
    void everyCommandThatIsSentIsTried()
    {
        // To get there, with EXEC, which is tried, three that only help to find out and may be refused, and one that
        // nobody can be refused.
        constexpr std::array<std::string_view, 7> untried{"AUTH",     "SELECT", "MULTI", "ACL",
                                                          "SPUBLISH", "ROLE",   "HELLO"};
        const auto tried = probedCommands();
        const auto calls = callsIn(QString(SCRIPTS) + "/../../core", "*.cpp",
                                   QRegularExpression(R"re((?:Command(?: \w+)?\(|\.add\()"([A-Z]{3,})")re"));
        // What a watch of somebody else's stack sends, it tries itself (core/stack/redis/watch_rights.h).
        const auto isOfWatches = [](const std::string &file) {
            return file.find("core/stack/") != std::string::npos || file.ends_with("core/redis/sentinel.cpp") ||
                   file.ends_with("core/redis/cluster_nodes.cpp");
        };
        for (const auto &[name, file] : calls) {
            if (isOfWatches(file))
                continue;
            const bool isTried = std::ranges::any_of(
                tried, [&name](std::string_view one) { return one.substr(0, one.find(' ')) == name; });
            QVERIFY2(isTried || std::ranges::count(untried, std::string_view(name)) == 1,
                     (name + " of " + file).c_str());
        }
        QVERIFY(calls.size() > 50);
    }

    /// One channel the user may not hear must not take the others with it.
    void oneRefusedChannelDoesNotSilenceTheOthers()
    {
        RedisServerFixture redis;
        Runtime runtime(1);
        Subscriber subscriber(runtime.at(0), endpointOf(redis, "~* resetchannels &p:* +@all"));
        std::atomic<int> heard{0};
        std::atomic<int> unheard{0};
        const auto one = subscriber.subscribe("p:one", [&](std::string_view, std::string_view) { ++heard; });
        const auto other = subscriber.subscribe("/0.celery.pidbox", [&](auto, auto) { ++unheard; });
        const auto two = subscriber.subscribe("p:two", [&](std::string_view, std::string_view) { ++heard; });
        subscriber.start();
        QTRY_VERIFY_WITH_TIMEOUT(subscriber.state() == Client::State::Ready, 10'000);
        QCOMPARE(subscriber.refused(), (std::vector<Subscriber::Refused>{{"/0.celery.pidbox", false, false}}));
        redis.command("PUBLISH p:one x");
        redis.command("PUBLISH p:two x");
        QTRY_COMPARE_WITH_TIMEOUT(heard.load(), 2, 10'000);
        // The right is given: asked for again within seconds.
        redis.command("ACL SETUSER portal allchannels");
        QTRY_VERIFY_WITH_TIMEOUT(subscriber.refused().empty(), 20'000);
        redis.command("PUBLISH /0.celery.pidbox x");
        QTRY_COMPARE_WITH_TIMEOUT(unheard.load(), 1, 10'000);
        subscriber.stop();
    }

    void isReadyWithoutAnyChannel()
    {
        RedisServerFixture redis({"--rename-command", "SUBSCRIBE", ""});
        Runtime runtime(1);
        Subscriber subscriber(runtime.at(0), redis.endpoint());
        const auto one = subscriber.subscribe("p:one", [](auto, auto) {});
        const auto two = subscriber.subscribe("p:two", [](auto, auto) {});
        subscriber.start();
        QTRY_VERIFY_WITH_TIMEOUT(subscriber.state() == Client::State::Ready, 10'000);
        QCOMPARE(subscriber.refused(),
                 (std::vector<Subscriber::Refused>{{"p:one", false, true}, {"p:two", false, true}}));
        subscriber.stop();
    }
};

QTEST_GUILESS_MAIN(RightsTest)
#include "rights_test.moc"
