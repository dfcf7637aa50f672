// SPDX-License-Identifier: GPL-3.0-or-later
// Scripts that answer many calls at once: Client::evalTogether().

#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <array>
#include <future>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

/// Each call adds its ARGV to its second KEYS and answers both; "wrong" is refused, each for itself.
const Script &counting()
{
    static const Script script("counting", R"(
        redis.call('INCR', 'scripts')
        local replies = {}
        for i = 1, #ARGV do
            if ARGV[i] == 'wrong' then
                replies[i] = redis.error_reply('WRONGTYPE of ' .. KEYS[2 * i - 1])
            else
                replies[i] = KEYS[2 * i - 1] .. '=' .. redis.call('INCRBY', KEYS[2 * i], ARGV[i])
            end
        end
        return replies)");
    return script;
}

struct Started
{
    explicit Started(const RedisServerFixture &redis, ClientOptions options = {}, unsigned threads = 1)
        : runtime(threads), client(runtime.at(0), redis.endpoint(), std::move(options))
    {
        client.start();
        const auto ready = runSync<Result<void>>(runtime.at(0), [this] { return client.waitReady(5s); });
        if (!ready)
            qFatal("%s", ready.error().message.c_str());
    }

    std::future<Result<Reply>> call(std::size_t thread, std::string name, std::string argument,
                                    std::chrono::milliseconds deadline = 5s)
    {
        return asio::co_spawn(runtime.at(thread), ask(std::move(name), std::move(argument), deadline),
                              asio::use_future);
    }

    awaitable<Result<Reply>> ask(std::string name, std::string argument, std::chrono::milliseconds deadline)
    {
        const std::string counter = "n:" + name;
        const std::array<std::string_view, 2> keys{name, counter};
        co_return co_await client.evalTogether(counting(), keys, argument, deadline);
    }

    /// So many in one turn of the event loop of `thread`.
    std::vector<std::future<Result<Reply>>> inOneTurn(std::size_t thread, int calls, const std::string &argument = "1",
                                                      std::chrono::milliseconds deadline = 5s)
    {
        std::promise<std::vector<std::future<Result<Reply>>>> made;
        asio::post(runtime.at(thread), [&] {
            std::vector<std::future<Result<Reply>>> all;
            for (int i = 0; i < calls; ++i)
                all.push_back(call(thread, std::to_string(i), argument, deadline));
            made.set_value(std::move(all));
        });
        return made.get_future().get();
    }

    Runtime runtime;
    Client client;
};

int scripts(RedisServerFixture &redis)
{
    const auto text = redis.command("GET scripts"); // "$1\r\n7\r\n"
    const auto at = text.find('\n');
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + 1);
}

} // namespace

class TogetherTest final : public QObject
{
    Q_OBJECT
private slots:
    void answersEachWhatItAsked_data();
    void answersEachWhatItAsked();
    void gathersWhatManyThreadsAsk();
    void anErrorIsOfItsCallOnly();
    void anErrorOfTheScriptIsEverybodys();
    void loadsTheScriptWhenRedisForgotIt();
    void eachKeepsItsDeadline();
    void endsWhatWaitsWhenTheConnectionBreaks();
    void boundsWhatIsInFlight();
};

void TogetherTest::answersEachWhatItAsked_data()
{
    QTest::addColumn<int>("calls");
    QTest::addColumn<int>("most");
    QTest::newRow("one") << 1 << 1;
    QTest::newRow("a full one") << 16 << 1;
    QTest::newRow("one more") << 17 << 2;
    QTest::newRow("many") << 200 << 13;
}

void TogetherTest::answersEachWhatItAsked()
{
    QFETCH(int, calls);
    QFETCH(int, most);
    RedisServerFixture redis;
    Started started(redis);
    QCOMPARE(started.call(0, "first", "3").get().value().text, std::string("first=3")); // loads it
    const int before = scripts(redis);
    auto replies = started.inOneTurn(0, calls, "7");
    for (int i = 0; i < calls; ++i)
        QCOMPARE(replies[static_cast<std::size_t>(i)].get().value().text, std::to_string(i) + "=7");
    QCOMPARE(scripts(redis) - before, most);
}

void TogetherTest::gathersWhatManyThreadsAsk()
{
    RedisServerFixture redis;
    Started started(redis, {}, 4);
    std::vector<std::future<Result<Reply>>> replies;
    for (int i = 0; i < 4000; ++i)
        replies.push_back(started.call(static_cast<std::size_t>(i % 4), std::to_string(i), std::to_string(i)));
    for (int i = 0; i < 4000; ++i) {
        const auto number = std::to_string(i);
        QCOMPARE(replies[static_cast<std::size_t>(i)].get().value().text, number + "=" + number);
    }
}

void TogetherTest::anErrorIsOfItsCallOnly()
{
    RedisServerFixture redis;
    Started started(redis);
    QVERIFY(started.call(0, "first", "1").get().has_value());
    std::promise<std::array<std::future<Result<Reply>>, 3>> made;
    asio::post(started.runtime.at(0), [&] {
        made.set_value({started.call(0, "a", "1"), started.call(0, "b", "wrong"), started.call(0, "c", "1")});
    });
    auto replies = made.get_future().get();
    QCOMPARE(replies[0].get().value().text, std::string("a=1"));
    const auto wrong = replies[1].get();
    QCOMPARE(wrong.error().kind, ErrorKind::Internal);
    QVERIFY(wrong.error().message.find("WRONGTYPE of b") != std::string::npos);
    QCOMPARE(replies[2].get().value().text, std::string("c=1"));
}

void TogetherTest::anErrorOfTheScriptIsEverybodys()
{
    RedisServerFixture redis;
    Started started(redis);
    QVERIFY(started.call(0, "first", "1").get().has_value());
    redis.command("LPUSH n:1 x"); // INCRBY raises in the middle, and the script ends
    auto replies = started.inOneTurn(0, 3);
    for (auto &reply : replies)
        QVERIFY(reply.get().error().message.find("WRONGTYPE") != std::string::npos);
}

void TogetherTest::loadsTheScriptWhenRedisForgotIt()
{
    RedisServerFixture redis;
    Started started(redis);
    for (int round = 1; round <= 2; ++round) {
        auto replies = started.inOneTurn(0, 20);
        for (int i = 0; i < 20; ++i)
            QCOMPARE(replies[static_cast<std::size_t>(i)].get().value().text,
                     std::to_string(i) + "=" + std::to_string(round));
        redis.command("SCRIPT FLUSH");
    }
}

void TogetherTest::eachKeepsItsDeadline()
{
    RedisServerFixture redis;
    Started started(redis);
    QVERIFY(started.call(0, "first", "1").get().has_value());
    redis.pause();
    auto soon = started.inOneTurn(0, 20, "1", 50ms);
    auto later = started.inOneTurn(0, 20, "1", 60s);
    for (auto &reply : soon)
        QCOMPARE(reply.get().error().code, std::string("redis-timeout"));
    QCOMPARE(started.client.counters().timeouts, std::uint64_t{20});
    QVERIFY(later.front().wait_for(0s) == std::future_status::timeout);
    redis.resume();
    for (auto &reply : later)
        QVERIFY(reply.get().has_value()); // and the late answers of the others were counted off
    QVERIFY(started.call(0, "last", "1").get().value().text == "last=1");
}

void TogetherTest::endsWhatWaitsWhenTheConnectionBreaks()
{
    RedisServerFixture redis;
    Started started(redis);
    QVERIFY(started.call(0, "first", "1").get().has_value());
    redis.pause();
    auto replies = started.inOneTurn(0, 40, "1", 60s);
    runSync<void>(started.runtime.at(0), []() -> awaitable<void> { co_return; });
    redis.kill();
    for (auto &reply : replies)
        QCOMPARE(reply.get().error().code, std::string("redis-lost"));
}

void TogetherTest::boundsWhatIsInFlight()
{
    RedisServerFixture redis;
    Started started(redis, {.maxPending = 10});
    QVERIFY(started.call(0, "first", "1").get().has_value());
    auto replies = started.inOneTurn(0, 12);
    int refused = 0;
    for (auto &reply : replies) {
        const auto answer = reply.get();
        refused += !answer && answer.error().code == "redis-busy";
    }
    QCOMPARE(refused, 2);
}

QTEST_GUILESS_MAIN(TogetherTest)
#include "together_test.moc"
