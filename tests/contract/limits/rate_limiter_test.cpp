// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/limits/keys.h"
#include "core/limits/memory_rate_limiter.h"
#include "core/redis/client.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/redis_rate_limiter.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <atomic>
#include <future>
#include <optional>

using namespace portolan;
using namespace portolan::limits;
using namespace std::chrono_literals;

namespace {

class InThisProcess final : public RateLimiter
{
public:
    explicit InThisProcess(const Clock &clock) : m_counts(clock) {}
    awaitable<Result<Decision>> hit(std::span<const Check> checks) override { co_return m_counts.count(checks); }

private:
    MemoryRateLimiter m_counts;
};

/// Several limiters that share what they count, as several instances do. All work on one ManualClock.
struct Bench
{
    ManualClock clock;
    Runtime runtime{2};
    std::optional<RedisServerFixture> server;
    std::vector<std::unique_ptr<redis::Client>> clients;
    std::vector<std::unique_ptr<RateLimiter>> limiters;

    explicit Bench(const QString &kind)
    {
        if (kind == "memory") {
            limiters.push_back(std::make_unique<InThisProcess>(clock));
            return;
        }
        server.emplace();
        for (std::size_t i = 0; i < 2; ++i) {
            clients.push_back(std::make_unique<redis::Client>(runtime.at(i), server->endpoint()));
            auto limiter = std::make_unique<RedisRateLimiter>(*clients.back(), &clock);
            clients.back()->preload(limiter->script());
            clients.back()->start();
            limiters.push_back(std::move(limiter));
        }
        for (const auto &client : clients)
            while (client->state() != redis::Client::State::Ready)
                std::this_thread::yield();
    }

    ~Bench()
    {
        for (const auto &client : clients)
            client->stop();
    }

    Result<Decision> hit(std::vector<Check> checks, std::size_t instance = 0)
    {
        auto &limiter = *limiters[instance % limiters.size()];
        return runSync<Result<Decision>>(
            runtime.at(0), [&]() -> awaitable<Result<Decision>> { co_return co_await limiter.hit(checks); });
    }

    /// "3" for each admitted with 3 remaining, "x" for each refused.
    QString hits(const WindowSpec &spec, int times, const std::string &key = "l:test")
    {
        QStringList all;
        for (int i = 0; i < times; ++i) {
            const auto decision = hit({{key, Category::Api, false, &spec}}, std::size_t(i));
            if (!decision)
                return QString::fromStdString(decision.error().message);
            all << (decision->allowed ? QString::number(decision->remaining) : QString("x"));
        }
        return all.join(' ');
    }
};

WindowSpec spec(std::string_view text) { return WindowSpec(*parse(text)); }

std::chrono::milliseconds since2026(WallTime time)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time - WallTime(1767225600s));
}

} // namespace

class RateLimiterTest final : public QObject
{
    Q_OBJECT
    static void implementations()
    {
        QTest::addColumn<QString>("kind");
        QTest::newRow("redis") << "redis";
        QTest::newRow("memory") << "memory";
    }

private slots:
    void startsAFixedWindowWithItsFirstRequest_data() { implementations(); }
    void startsAFixedWindowWithItsFirstRequest();
    void saysTheTightestWindow_data() { implementations(); }
    void saysTheTightestWindow();
    void usesNothingUpWhenItRefuses_data() { implementations(); }
    void usesNothingUpWhenItRefuses();
    void refusesForAnyOfSeveralCallers_data() { implementations(); }
    void refusesForAnyOfSeveralCallers();
    void countsTwiceInOneKey_data() { implementations(); }
    void countsTwiceInOneKey();
    void keepsCategoriesApart_data() { implementations(); }
    void keepsCategoriesApart();
    void followsChangedLimits_data() { implementations(); }
    void followsChangedLimits();
    void movesWindows_data() { implementations(); }
    void movesWindows();
    void mixesFixedAndMoving_data() { implementations(); }
    void mixesFixedAndMoving();
    void neverExceedsALargeMovingWindow_data() { implementations(); }
    void neverExceedsALargeMovingWindow();
    void letsExactlyTheCountThrough_data();
    void letsExactlyTheCountThrough();
    void refusesEverythingAtZero_data() { implementations(); }
    void refusesEverythingAtZero();
    void doesNotAskWithoutWindows_data() { implementations(); }
    void doesNotAskWithoutWindows();
    void beginsAnewAfterAClockThatWasAhead_data();
    void beginsAnewAfterAClockThatWasAhead();
    void isNotMovedByASmallStepOfTheClock_data() { implementations(); }
    void isNotMovedByASmallStepOfTheClock();
    void forgetsKeysWhenTheLastWindowEnds();
    void readsRedisClock();
    void boundsItsMemory();
};

void RateLimiterTest::startsAFixedWindowWithItsFirstRequest()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const auto three = spec("3 per minute");
    bench.clock.advance(45s + 250ms); // not at a full minute
    QCOMPARE(bench.hits(three, 1), "2");
    bench.clock.advance(59s + 999ms);
    QCOMPARE(bench.hits(three, 3), "1 0 x");
    const auto refused = bench.hit({{"l:test", Category::Api, false, &three}});
    QCOMPARE(since2026(refused->reset), 105s + 250ms);
    QCOMPARE(refused->retryAfter(), 1ms);
    bench.clock.advance(1ms); // exactly what the reset said
    QCOMPARE(bench.hits(three, 4), "2 1 0 x");
}

void RateLimiterTest::saysTheTightestWindow()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const auto windows = spec("50 per day; 4 per hour; 3 per minute");
    const auto ask = [&] { return *bench.hit({{"l:test", Category::Api, false, &windows}}); };
    auto decision = ask();
    QCOMPARE(decision.limit, 3u);
    QCOMPARE(decision.remaining, 2u);
    QCOMPARE(since2026(decision.reset), 60s);
    bench.clock.advance(61s);
    ask();
    decision = ask(); // 1 left in the hour, 1 in the minute: the later reset counts
    QCOMPARE(decision.limit, 4u);
    QCOMPARE(decision.remaining, 1u);
    QCOMPARE(since2026(decision.reset), 3600s);
    decision = ask();
    QVERIFY(decision.allowed);
    QCOMPARE(decision.remaining, 0u);
    decision = ask(); // both are used up
    QVERIFY(!decision.allowed);
    QCOMPARE(decision.limit, 4u);
    QCOMPARE(since2026(decision.reset), 3600s);
    QCOMPARE(decision.retryAfter(), 3539s);
}

void RateLimiterTest::usesNothingUpWhenItRefuses()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const auto windows = spec("5 per hour; 2 per minute");
    QCOMPARE(bench.hits(windows, 12), "1 0 x x x x x x x x x x");
    bench.clock.advance(60s);
    QCOMPARE(bench.hits(windows, 3), "1 0 x"); // the ten refused ones did not count in the hour
    bench.clock.advance(60s);
    QCOMPARE(bench.hits(windows, 2), "0 x");
}

void RateLimiterTest::refusesForAnyOfSeveralCallers()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const auto user = spec("10 per minute");
    const auto address = spec("3 per minute");
    const auto ask = [&](const std::string &who) {
        const auto decision =
            *bench.hit({{who, Category::Api, false, &user}, {"l:address", Category::Api, true, &address}});
        return decision.allowed;
    };
    QVERIFY(ask("l:a1") && ask("l:a2") && ask("l:a1"));
    for (int i = 0; i < 20; ++i)
        QVERIFY(!ask("l:a1"));
    // Refused for the address, so nothing of the user's own is gone: 2 used.
    QCOMPARE(bench.hits(user, 1, "l:a1"), "7");
    // And the other way round: a full user window leaves the address alone.
    const auto one = spec("1 per minute");
    QCOMPARE(bench.hits(one, 1, "l:full"), "0");
    for (int i = 0; i < 5; ++i)
        QVERIFY(
            !bench.hit({{"l:full", Category::Api, false, &one}, {"l:other", Category::Api, true, &address}})->allowed);
    QCOMPARE(bench.hit({{"l:other", Category::Api, true, &address}})->remaining, 2u);
}

void RateLimiterTest::countsTwiceInOneKey()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const auto anonymous = spec("5 per minute; 2 per second moving");
    const auto additional = spec("3 per minute");
    QString seen;
    for (int i = 0; i < 5; ++i) {
        const auto decision =
            *bench.hit({{"l:aXXXX", Category::Api, false, &anonymous}, {"l:aXXXX", Category::Api, true, &additional}});
        seen += decision.allowed ? QString::number(decision.remaining) : QString("x");
        bench.clock.advance(600ms);
    }
    QCOMPARE(seen, "100xx");
}

void RateLimiterTest::keepsCategoriesApart()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const auto windows = spec("2 per day; 1 per minute");
    for (const auto category : {Category::Default, Category::Api, Category::Auth, Category::Upload, Category::Analysis,
                                Category::Automation}) {
        QVERIFY(bench.hit({{"l:one", category, false, &windows}})->allowed);
        QVERIFY(!bench.hit({{"l:one", category, false, &windows}})->allowed);
        QVERIFY(bench.hit({{"l:two", category, false, &windows}})->allowed);
    }
    bench.clock.advance(60s);
    for (const auto category : {Category::Automation, Category::Default, Category::Upload})
        QCOMPARE(bench.hit({{"l:one", category, false, &windows}})->remaining, 0u);
    bench.clock.advance(60s);
    QVERIFY(!bench.hit({{"l:one", Category::Upload, false, &windows}})->allowed);
    QVERIFY(bench.hit({{"l:one", Category::Api, false, &windows}})->allowed);
}

void RateLimiterTest::followsChangedLimits()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    QCOMPARE(bench.hits(spec("10 per hour; 4 per minute"), 3), "3 2 1");
    QCOMPARE(bench.hits(spec("5 per hour; 9 per minute"), 1), "1");   // the same windows, other counts: goes on
    QCOMPARE(bench.hits(spec("9 per minute; 5 per hour"), 2), "0 x"); // in another order
    QCOMPARE(bench.hits(spec("9 per day; 20 per minute"), 1), "8");   // the day begins, the minute goes on
    QCOMPARE(bench.hits(spec("3 per minute moving"), 4), "2 1 0 x");  // other windows altogether
    QCOMPARE(bench.hits(spec("7 per second"), 1), "6");
}

void RateLimiterTest::movesWindows()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const auto windows = spec("3 per minute moving");
    QCOMPARE(bench.hits(windows, 1), "2");
    bench.clock.advance(20s);
    QCOMPARE(bench.hits(windows, 1), "1");
    bench.clock.advance(20s);
    QCOMPARE(bench.hits(windows, 3), "0 x x");
    const auto refused = *bench.hit({{"l:test", Category::Api, false, &windows}});
    QCOMPARE(refused.limit, 3u);
    QCOMPARE(refused.retryAfter(), 20s); // then the first one leaves
    bench.clock.advance(20s - 1ms);
    QCOMPARE(bench.hits(windows, 1), "x");
    bench.clock.advance(1ms);
    QCOMPARE(bench.hits(windows, 2), "0 x"); // one place, exactly then
    bench.clock.advance(20s);
    QCOMPARE(bench.hits(windows, 2), "0 x");
    bench.clock.advance(10min);
    QCOMPARE(bench.hits(windows, 4), "2 1 0 x");
}

void RateLimiterTest::mixesFixedAndMoving()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const auto windows = spec("4 per second moving; 6 per minute; 5 per 10 seconds moving");
    QCOMPARE(bench.hits(windows, 5), "3 2 1 0 x");
    bench.clock.advance(1s);
    QCOMPARE(bench.hits(windows, 2), "0 x");
    bench.clock.advance(10s);
    QCOMPARE(bench.hits(windows, 2), "0 x"); // the sixth of the minute
    bench.clock.advance(49s);
    QCOMPARE(bench.hits(windows, 1), "3");
}

void RateLimiterTest::neverExceedsALargeMovingWindow()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    // More than 256: requests share entries. Whatever they do, no minute may hold more than 300.
    const auto windows = spec("300 per minute moving");
    std::vector<std::int64_t> passed;
    std::int64_t now = 0;
    const auto step = [&](std::int64_t milliseconds) {
        bench.clock.advance(std::chrono::milliseconds(milliseconds));
        now += milliseconds;
        if (bench.hit({{"l:test", Category::Api, false, &windows}})->allowed)
            passed.push_back(now);
    };
    for (int i = 0; i < 320; ++i)
        step(i % 3);
    QCOMPARE(passed.size(), std::size_t(300));
    for (int i = 0; i < 500; ++i)
        step(i % 7 == 0 ? 1300 : 31);
    std::size_t oldest = 0;
    for (std::size_t i = 0; i < passed.size(); ++i) {
        while (passed[oldest] <= passed[i] - 60'000)
            ++oldest;
        QVERIFY(i - oldest + 1 <= 300);
    }
    bench.clock.advance(60s + 235ms); // a window and its 256th
    QCOMPARE(bench.hits(windows, 1), "299");
}

void RateLimiterTest::letsExactlyTheCountThrough_data()
{
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("windows");
    QTest::addColumn<int>("most");
    for (const char *kind : {"redis", "memory"}) {
        QTest::addRow("%s fixed", kind) << kind << "100 per minute; 37 per second" << 37;
        QTest::addRow("%s moving", kind) << kind << "41 per second moving" << 41;
        QTest::addRow("%s both, large", kind) << kind << "1000 per second; 500 per minute moving" << 500;
    }
}

void RateLimiterTest::letsExactlyTheCountThrough()
{
    QFETCH(QString, kind);
    QFETCH(QString, windows);
    QFETCH(int, most);
    Bench bench(kind);
    const auto limit = spec(windows.toStdString());
    std::atomic<int> passed{0};
    std::atomic<int> failed{0};
    std::vector<std::future<void>> running;
    for (std::size_t i = 0; i < 64; ++i) {
        auto &limiter = *bench.limiters[i % bench.limiters.size()];
        running.push_back(asio::co_spawn(
            bench.runtime.at(i % 2),
            [](RateLimiter &counts, const WindowSpec &which, std::atomic<int> &yes,
               std::atomic<int> &bad) -> awaitable<void> {
                const std::array<Check, 1> checks{Check{"l:crowd", Category::Api, false, &which}};
                for (int k = 0; k < 20; ++k) {
                    const auto decision = co_await counts.hit(checks);
                    if (!decision)
                        ++bad;
                    else if (decision->allowed)
                        ++yes;
                }
            }(limiter, limit, passed, failed),
            asio::use_future));
    }
    for (auto &one : running)
        one.get();
    QCOMPARE(failed.load(), 0);
    QCOMPARE(passed.load(), most);
}

void RateLimiterTest::refusesEverythingAtZero()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    for (const char *text : {"0 per minute", "0 per minute moving"}) {
        const auto none = spec(text);
        const auto decision = *bench.hit({{"l:test", Category::Api, false, &none}});
        QVERIFY(!decision.allowed);
        QCOMPARE(decision.limit, 0u);
        QCOMPARE(decision.retryAfter(), 60s);
    }
}

void RateLimiterTest::doesNotAskWithoutWindows()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    const WindowSpec none;
    const auto decision = *bench.hit({{"l:test", Category::Api, false, &none}});
    QVERIFY(decision.allowed);
    QVERIFY(!decision.limited);
    if (bench.server)
        QCOMPARE(QString::fromStdString(bench.server->command("DBSIZE")), ":0\r\n");
}

void RateLimiterTest::beginsAnewAfterAClockThatWasAhead_data()
{
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("limit");
    for (const char *kind : {"redis", "memory"})
        for (const char *limit :
             {"3 per minute", "3 per minute moving", "3 per day", "3 per day moving", "5 per day; 3 per minute moving"})
            QTest::addRow("%s %s", kind, limit) << kind << limit;
}

void RateLimiterTest::beginsAnewAfterAClockThatWasAhead()
{
    QFETCH(QString, kind);
    QFETCH(QString, limit);
    Bench bench(kind);
    const auto windows = spec(limit.toStdString());
    bench.clock.jump(10 * 24h);
    QCOMPARE(bench.hits(windows, 4), "2 1 0 x");
    bench.clock.jump(-10 * 24h);
    QCOMPARE(bench.hits(windows, 3), "2 1 0");
    const auto refused = bench.hit({{"l:test", Category::Api, false, &windows}});
    QVERIFY(refused && !refused->allowed);
    QVERIFY2(refused->retryAfter() <= 24h, qPrintable(QString::number(refused->retryAfter().count())));
    if (limit.contains("minute"))
        QVERIFY(refused->retryAfter() <= 1min);
    bench.clock.advance(24h + 1s);
    QCOMPARE(bench.hits(windows, 4), "2 1 0 x");
    if (bench.server) { // and what is kept of it is not kept for ten days
        const auto ttl = QString::fromStdString(bench.server->command("TTL l:test")).mid(1).toLongLong();
        QVERIFY2(ttl <= 2 * 86400 + 2, qPrintable(QString::number(ttl)));
    }
}

void RateLimiterTest::isNotMovedByASmallStepOfTheClock()
{
    QFETCH(QString, kind);
    Bench bench(kind);
    for (const auto &windows : {spec("3 per minute"), spec("3 per minute moving")}) {
        const std::string key = windows.fixed() ? "l:fixed" : "l:moving";
        QCOMPARE(bench.hits(windows, 2, key), "2 1");
        bench.clock.jump(-500ms); // as a time server does it
        QCOMPARE(bench.hits(windows, 2, key), "0 x");
        const auto refused = bench.hit({{key, Category::Api, false, &windows}});
        QVERIFY(refused && refused->retryAfter() <= 1min);
    }
}

void RateLimiterTest::forgetsKeysWhenTheLastWindowEnds()
{
    Bench bench("redis");
    bench.hits(spec("50 per day; 3 per minute"), 2, "l:ttl");
    const auto ttl = QString::fromStdString(bench.server->command("PTTL l:ttl")).mid(1).trimmed().toLongLong();
    QVERIFY2(ttl > 86'000'000 && ttl <= 86'400'000, qPrintable(QString::number(ttl)));
    bench.hits(spec("2 per minute moving"), 2, "l:moving");
    const auto moving = QString::fromStdString(bench.server->command("PTTL l:moving")).mid(1).trimmed().toLongLong();
    QVERIFY2(moving > 0 && moving <= 60'000, qPrintable(QString::number(moving)));
}

void RateLimiterTest::readsRedisClock()
{
    Bench bench("redis");
    RedisRateLimiter limiter(*bench.clients[0]);
    const auto windows = spec("3 per minute");
    const std::vector<Check> checks{{"l:now", Category::Api, false, &windows}};
    const auto decision = runSync<Result<Decision>>(
        bench.runtime.at(0), [&]() -> awaitable<Result<Decision>> { co_return co_await limiter.hit(checks); });
    const auto now = std::chrono::system_clock::now();
    QVERIFY(decision->now > now - 1min && decision->now < now + 1min);
    QCOMPARE(decision->reset - decision->now, WallTime::duration(60s));
}

void RateLimiterTest::boundsItsMemory()
{
    ManualClock clock;
    MemoryRateLimiter limiter(clock, 100);
    const auto windows = spec("3 per minute");
    for (int i = 0; i < 1000; ++i) {
        const std::string key = "l:" + std::to_string(i);
        const std::array<Check, 2> checks{Check{key, Category::Api, false, &windows},
                                          Check{"l:busy", Category::Auth, false, &windows}};
        limiter.count(checks);
    }
    QCOMPARE(limiter.size(), std::size_t(100));
    const std::array<Check, 1> busy{Check{"l:busy", Category::Auth, false, &windows}};
    QVERIFY(!limiter.count(busy).allowed); // who is busy is not forgotten
}

QTEST_GUILESS_MAIN(RateLimiterTest)
#include "rate_limiter_test.moc"
