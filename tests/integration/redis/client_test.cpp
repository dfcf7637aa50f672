// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "tests/fakes/redis_server_fixture.h"

#include <boost/asio/redirect_error.hpp>

#include <QTest>
#include <array>
#include <numeric>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

template <class T> std::future<T> launch(Executor executor, std::function<awaitable<T>()> work)
{
    return asio::co_spawn(executor, std::move(work), asio::use_future);
}

awaitable<void> sleep(std::chrono::milliseconds duration)
{
    Timer timer(co_await asio::this_coro::executor, duration);
    error_code ignored;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
}

/// A started client on its own I/O threads; the client's is the first.
struct Started
{
    explicit Started(Endpoint endpoint, ClientOptions options = {}, unsigned threads = 1)
        : runtime(threads), client(runtime.at(0), std::move(endpoint), std::move(options))
    {}
    Result<void> start()
    {
        client.start();
        return runSync<Result<void>>(runtime.at(0), [this] { return client.waitReady(5s); });
    }
    Result<Reply> run(Command command)
    {
        return runSync<Result<Reply>>(runtime.at(0), [&] { return client.run(std::move(command)); });
    }
    Result<Reply> run(Command command, std::chrono::milliseconds deadline)
    {
        return runSync<Result<Reply>>(runtime.at(0), [&] { return client.run(std::move(command), deadline); });
    }
    Result<Reply> eval(const Script &script, std::vector<std::string_view> keys,
                       std::vector<std::string_view> arguments)
    {
        return runSync<Result<Reply>>(runtime.at(0), [&] { return client.eval(script, keys, arguments); });
    }
    Result<std::vector<Reply>> pipeline(Command commands)
    {
        return runSync<Result<std::vector<Reply>>>(runtime.at(0), [&] { return client.pipeline(std::move(commands)); });
    }

    Runtime runtime;
    Client client;
};

/// How long until a PING is answered again, at most `limit`.
std::chrono::milliseconds untilBack(Started &started, std::chrono::milliseconds limit)
{
    const auto from = Clock::now();
    while (Clock::now() - from < limit) {
        if (started.run(Command("PING")))
            break;
        std::this_thread::sleep_for(5ms);
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - from);
}

} // namespace

class ClientTest final : public QObject
{
    Q_OBJECT
private slots:
    void answersEveryTypeOfReply();
    void keepsTheOrderOfManyThreads_data();
    void keepsTheOrderOfManyThreads();
    void resumesEachCallerOnItsOwnThread();
    void pipelinesSeveralCommandsWithTheirErrors();
    void runsScriptsAlsoAfterTheyWereFlushed();
    void postsWithoutWaiting();
    void answersUnavailableAtOnceWhileAway();
    void keepsDeadlinesWhileRedisIsStopped();
    void comesBackAfterALongStop();
    void comesBackAfterKill();
    void failsWhatIsInFlightWhenTheConnectionBreaks();
    void cancelsEverythingAtStop();
    void boundsWhatIsInFlight();
};

void ClientTest::answersEveryTypeOfReply()
{
    RedisServerFixture redis;
    Started started(redis.endpoint());
    QVERIFY(started.start().has_value());
    QCOMPARE(started.client.state(), Client::State::Ready);
    const std::string bytes("a\0\r\n\xff", 5);
    const auto set = started.run(Command("SET", "k", bytes, "EX", 900));
    QCOMPARE(set.value().type, Reply::Type::Status);
    QCOMPARE(set.value().text, std::string("OK"));
    QCOMPARE(started.run(Command("GET", "k")).value().text, bytes);
    QVERIFY(started.run(Command("GET", "none")).value().isNil());
    QCOMPARE(started.run(Command("INCRBY", "n", std::int64_t{-9'000'000'000})).value().integer, -9'000'000'000LL);
    const auto nested = started.run(Command("EVAL", "return {1,{'two',{3}},false}", 0)).value();
    QCOMPARE(nested.elements.size(), std::size_t{3});
    QCOMPARE(nested.elements[1].elements[1].elements[0].integer, 3LL);
    QVERIFY(nested.elements[2].isNil());
    const auto wrong = started.run(Command("LPUSH", "k", 1));
    QCOMPARE(wrong.error().kind, ErrorKind::Internal);
    QVERIFY(wrong.error().message.find("WRONGTYPE") != std::string::npos);
    const std::string large(3'000'000, 'x');
    QVERIFY(started.run(Command("SET", "large", large)).has_value());
    QVERIFY(started.run(Command("GET", "large")).value().text == large);
    QCOMPARE(started.run(Command()).error().kind, ErrorKind::Internal);
}

void ClientTest::keepsTheOrderOfManyThreads_data()
{
    QTest::addColumn<bool>("tcp");
    QTest::newRow("unix") << false;
    QTest::newRow("tcp") << true;
}

void ClientTest::keepsTheOrderOfManyThreads()
{
    QFETCH(bool, tcp);
    RedisServerFixture redis({}, tcp ? RedisServerFixture::Listen::Tcp : RedisServerFixture::Listen::Unix);
    Started started(redis.endpoint(), {}, 4);
    QVERIFY(started.start().has_value());
    constexpr int calls = 3000;
    // Each coroutine counts its own key and must see every number once, in order, and its own echo.
    auto count = [&](int id) -> awaitable<int> {
        int right = 0;
        for (int i = 1; i <= calls; ++i) {
            const auto reply = co_await started.client.run(Command("INCR", "n" + std::to_string(id)), 20s);
            Command both("ECHO", i);
            both.add("ECHO", id);
            const auto echo = co_await started.client.pipeline(std::move(both), 20s);
            right += reply && reply->integer == i && echo && (*echo)[0].text == std::to_string(i) &&
                     (*echo)[1].text == std::to_string(id);
        }
        co_return right;
    };
    std::vector<std::future<int>> futures;
    for (int id = 0; id < 16; ++id)
        futures.push_back(
            launch<int>(started.runtime.at(static_cast<std::size_t>(id) % 4), [&, id] { return count(id); }));
    for (auto &future : futures)
        QCOMPARE(future.get(), calls);
    QCOMPARE(started.client.counters().commands, std::uint64_t{16 * calls * 3});
    QCOMPARE(started.client.counters().timeouts, std::uint64_t{0});
}

void ClientTest::resumesEachCallerOnItsOwnThread()
{
    RedisServerFixture redis;
    Started started(redis.endpoint(), {}, 3);
    QVERIFY(started.start().has_value());
    auto check = [&]() -> awaitable<bool> {
        const auto before = std::this_thread::get_id();
        const auto reply = co_await started.client.run(Command("PING"));
        co_return reply &&std::this_thread::get_id() == before;
    };
    for (std::size_t i = 0; i < 3; ++i)
        QVERIFY(runSync<bool>(started.runtime.at(i), check));
}

void ClientTest::pipelinesSeveralCommandsWithTheirErrors()
{
    RedisServerFixture redis;
    Started started(redis.endpoint());
    QVERIFY(started.start().has_value());
    Command commands("SET", "a", 1);
    commands.add("LPUSH", "a", 2).add("GET", "a");
    const auto replies = started.pipeline(std::move(commands)).value();
    QCOMPARE(replies.size(), std::size_t{3});
    QVERIFY(replies[1].isError());
    QCOMPARE(replies[1].errorCode(), std::string_view("WRONGTYPE"));
    QCOMPARE(replies[2].text, std::string("1"));
    QVERIFY(started.pipeline(Command()).value().empty());
}

void ClientTest::runsScriptsAlsoAfterTheyWereFlushed()
{
    RedisServerFixture redis;
    Started started(redis.endpoint());
    const Script known("known", "return {KEYS[1], ARGV[1], 'known'}");
    const Script late("late", "return redis.call('INCRBY', KEYS[1], ARGV[1])");
    const Script broken("broken", "return {");
    started.client.preload(known);
    QVERIFY(started.start().has_value());
    QVERIFY(redis.command("SCRIPT EXISTS " + known.sha()).find(":1") != std::string::npos);
    QCOMPARE(started.eval(known, {"k"}, {"v"}).value().elements[2].text, std::string("known"));
    QCOMPARE(started.eval(late, {"n"}, {"5"}).value().integer, 5LL);
    redis.command("SCRIPT FLUSH");
    QCOMPARE(started.eval(known, {"k"}, {"v"}).value().elements[0].text, std::string("k"));
    QCOMPARE(started.eval(late, {"n"}, {"5"}).value().integer, 10LL);
    QCOMPARE(started.eval(broken, {}, {}).error().kind, ErrorKind::Internal);
}

void ClientTest::postsWithoutWaiting()
{
    RedisServerFixture redis;
    Started started(redis.endpoint());
    started.client.post(Command("SET", "early", 1));
    QCOMPARE(started.client.counters().dropped, std::uint64_t{1});
    QVERIFY(started.start().has_value());
    Command two("SET", "a", 1);
    two.add("SET", "b", 2);
    started.client.post(std::move(two));
    QCOMPARE(started.run(Command("EXISTS", "a", "b", "early")).value().integer, 2LL);
}

void ClientTest::answersUnavailableAtOnceWhileAway()
{
    Endpoint endpoint;
    endpoint.transport = Endpoint::Transport::Unix;
    endpoint.path = "/tmp/portolan-nobody-listens-here.sock";
    Started started(endpoint);
    const auto ready = runSync<Result<void>>(started.runtime.at(0), [&] {
        started.client.start();
        return started.client.waitReady(300ms);
    });
    QCOMPARE(ready.error().kind, ErrorKind::Unavailable);
    QVERIFY(ready.error().message.find(endpoint.path) != std::string::npos);
    const auto from = Clock::now();
    for (int i = 0; i < 100; ++i)
        QCOMPARE(started.run(Command("PING")).error().kind, ErrorKind::Unavailable);
    QVERIFY(Clock::now() - from < 500ms);
}

void ClientTest::keepsDeadlinesWhileRedisIsStopped()
{
    RedisServerFixture redis;
    Started started(redis.endpoint(), {.commandTimeout = 300ms}, 2);
    QVERIFY(started.start().has_value());
    redis.pause();
    // 200 callers, one call after another for 3 s: none may wait longer than its deadline and a tick (and slack for
    // a busy machine).
    std::atomic<int> timeouts{0};
    std::atomic<int> refused{0};
    auto insist = [&](std::chrono::milliseconds deadline) -> awaitable<std::chrono::nanoseconds> {
        std::chrono::nanoseconds worst{0};
        const auto end = Clock::now() + 3s;
        while (Clock::now() < end) {
            const auto from = Clock::now();
            const auto reply = co_await started.client.run(Command("INCR", "n"), deadline);
            worst = std::max<std::chrono::nanoseconds>(worst, Clock::now() - from - deadline);
            if (reply)
                co_return 1h;
            ++(reply.error().kind == ErrorKind::Timeout ? timeouts : refused);
            co_await sleep(10ms);
        }
        co_return worst;
    };
    std::vector<std::future<std::chrono::nanoseconds>> futures;
    for (int i = 0; i < 200; ++i) {
        futures.push_back(launch<std::chrono::nanoseconds>(started.runtime.at(static_cast<std::size_t>(i) % 2),
                                                           [&, i] { return insist((50 + i % 5 * 100) * 1ms); }));
    }
    for (auto &future : futures)
        QVERIFY(future.get() < 150ms);
    QVERIFY(timeouts >= 200);
    QVERIFY2(refused > timeouts, "a stuck Redis must be answered for at once");
    QCOMPARE(started.client.state(), Client::State::Connecting);
    redis.resume();
    QVERIFY(untilBack(started, 5s) < 2s);
    QCOMPARE(started.client.counters().reconnects, std::uint64_t{0}); // the same connection, late replies discarded
    QCOMPARE(started.run(Command("ECHO", "in step")).value().text, std::string("in step"));
}

void ClientTest::comesBackAfterALongStop()
{
    RedisServerFixture redis;
    Started started(redis.endpoint(), {.connectTimeout = 500ms, .commandTimeout = 200ms, .stuckTimeout = 800ms});
    QVERIFY(started.start().has_value());
    redis.pause();
    QCOMPARE(started.run(Command("PING")).error().kind, ErrorKind::Timeout);
    std::this_thread::sleep_for(2500ms); // it has given the connection up and tries new ones
    const auto from = Clock::now();
    QCOMPARE(started.run(Command("PING")).error().kind, ErrorKind::Unavailable);
    QVERIFY(Clock::now() - from < 100ms);
    redis.resume();
    QVERIFY(untilBack(started, 5s) < 2s);
    QCOMPARE(started.client.counters().reconnects, std::uint64_t{1});
}

void ClientTest::comesBackAfterKill()
{
    RedisServerFixture redis;
    Started started(redis.endpoint());
    const Script script("s", "return 7");
    started.client.preload(script);
    QVERIFY(started.start().has_value());
    QCOMPARE(started.client.state(), Client::State::Ready);
    for (int round = 0; round < 3; ++round) {
        redis.kill();
        QVERIFY(!started.run(Command("PING")));
        QTRY_COMPARE(started.client.state(), Client::State::Connecting);
        std::this_thread::sleep_for(700ms);
        redis.start();
        QVERIFY(untilBack(started, 5s) < 2s);
        QCOMPARE(started.client.state(), Client::State::Ready);
        QVERIFY(redis.command("SCRIPT EXISTS " + script.sha()).find(":1") != std::string::npos);
    }
    QCOMPARE(started.client.counters().reconnects, std::uint64_t{3});
    started.client.stop();
    QCOMPARE(started.client.state(), Client::State::Stopped);
}

void ClientTest::failsWhatIsInFlightWhenTheConnectionBreaks()
{
    RedisServerFixture redis;
    Started started(redis.endpoint());
    QVERIFY(started.start().has_value());
    auto blocked =
        launch<Result<Reply>>(started.runtime.at(0), [&] { return started.client.run(Command("BLPOP", "k", 0), 30s); });
    while (redis.command("INFO clients").find("blocked_clients:1") == std::string::npos)
        std::this_thread::sleep_for(5ms);
    redis.kill();
    QCOMPARE(blocked.wait_for(2s), std::future_status::ready);
    const auto reply = blocked.get();
    QCOMPARE(reply.error().kind, ErrorKind::Timeout);
    QCOMPARE(reply.error().code, std::string("redis-lost"));
}

void ClientTest::cancelsEverythingAtStop()
{
    RedisServerFixture redis;
    Started started(redis.endpoint(), {}, 2);
    QVERIFY(started.start().has_value());
    redis.pause();
    std::vector<std::future<Result<Reply>>> calls;
    for (std::size_t i = 0; i < 20; ++i) {
        calls.push_back(
            launch<Result<Reply>>(started.runtime.at(i % 2), [&] { return started.client.run(Command("PING"), 60s); }));
    }
    for (std::size_t i = 0; i < 2; ++i)
        runSync<void>(started.runtime.at(i), []() -> awaitable<void> { co_return; });
    started.client.stop();
    started.client.stop();
    QCOMPARE(started.client.state(), Client::State::Stopped);
    for (auto &call : calls) {
        QCOMPARE(call.wait_for(2s), std::future_status::ready);
        QCOMPARE(call.get().error().kind, ErrorKind::Cancelled);
    }
    QCOMPARE(started.run(Command("PING")).error().kind, ErrorKind::Cancelled);
}

void ClientTest::boundsWhatIsInFlight()
{
    RedisServerFixture redis;
    Started started(redis.endpoint(), {.maxPending = 10, .maxPendingBytes = 1000});
    QVERIFY(started.start().has_value());
    QCOMPARE(started.run(Command("SET", "k", std::string(2000, 'x'))).error().code, std::string("redis-busy"));
    redis.pause();
    std::vector<std::future<Result<Reply>>> calls;
    for (int i = 0; i < 12; ++i)
        calls.push_back(
            launch<Result<Reply>>(started.runtime.at(0), [&] { return started.client.run(Command("PING"), 5s); }));
    for (int i = 10; i < 12; ++i)
        QCOMPARE(calls[static_cast<std::size_t>(i)].get().error().code, std::string("redis-busy"));
    redis.resume();
    for (int i = 0; i < 10; ++i)
        QVERIFY(calls[static_cast<std::size_t>(i)].get().has_value());
}

QTEST_GUILESS_MAIN(ClientTest)
#include "client_test.moc"
