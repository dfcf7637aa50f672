// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/limits/keys.h"
#include "core/limits/limit_use.h"
#include "core/limits/limits_table.h"
#include "core/redis/client.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/redis_rate_limiter.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>

using namespace portolan;
using namespace portolan::limits;
using namespace std::chrono_literals;

namespace {

constexpr Id somebody = 4711;

/// Counts as the portal does, and reads what was counted.
struct Bench
{
    explicit Bench(std::map<Category, std::string> limits)
        : client(runtime.at(0), server.endpoint()),
          plan(*LimitsPlan::make(limits, {})),
          table(clock, plan),
          limiter(client, &clock),
          reader(client, table, clock)
    {
        table.onLoadUser([](Id) -> awaitable<Result<std::vector<LimitOverride>>> {
            co_return std::vector<LimitOverride>{{Category::Upload, "9 per hour"}};
        });
        client.start();
        QTRY_VERIFY_WITH_TIMEOUT(client.state() == redis::Client::State::Ready, 10'000);
    }
    ~Bench() { client.stop(); }

    void hit(Category category, int times)
    {
        const std::string key = keys::user(somebody);
        const std::vector<Check> checks{{key, category, false, &plan.caller[static_cast<std::size_t>(category)]}};
        for (int i = 0; i < times; ++i) {
            const auto done = runSync<Result<Decision>>(
                runtime.at(0), [&]() -> awaitable<Result<Decision>> { co_return co_await limiter.hit(checks); });
            QVERIFY2(done.has_value(), done ? "" : done.error().message.c_str());
        }
    }
    Result<std::vector<LimitUse>> use(Id user = somebody)
    {
        return runSync<Result<std::vector<LimitUse>>>(
            runtime.at(0), [&]() -> awaitable<Result<std::vector<LimitUse>>> { return reader.of(user); });
    }
    /// "3/10" of each window of a category.
    QString used(Category category)
    {
        QStringList all;
        for (const auto &limit : use().value())
            if (limit.category == category)
                all << QString("%1/%2").arg(limit.used).arg(limit.limit);
        return all.join(' ');
    }

    RedisServerFixture server;
    ManualClock clock;
    Runtime runtime{1};
    redis::Client client;
    LimitsPlan plan;
    LimitsTable table;
    RedisRateLimiter limiter;
    LimitUseReader reader;
};

} // namespace

class LimitUseTest final : public QObject
{
    Q_OBJECT

private slots:
    void readsWhatWasCounted()
    {
        Bench bench(
            {{Category::Api, "10 per hour; 5 per minute moving; 100 per day"}, {Category::Auth, "3 per minute"}});
        QCOMPARE(bench.used(Category::Api), "0/10 0/5 0/100");
        bench.hit(Category::Api, 3);
        bench.hit(Category::Auth, 2);
        QCOMPARE(bench.used(Category::Api), "3/10 3/5 3/100");
        QCOMPARE(bench.used(Category::Auth), "2/3");
        QCOMPARE(bench.used(Category::Upload), "0/9");         // the user's own
        QCOMPARE(bench.used(Category::Api), "3/10 3/5 3/100"); // looking uses nothing up
        for (const auto &limit : bench.use().value())
            QVERIFY(limit.reset.has_value() == (limit.used > 0) && !limit.window.empty());
        for (const auto &limit : bench.use(1).value())
            QVERIFY(limit.used == 0 && !limit.reset);
    }

    void forgetsWithTime()
    {
        Bench bench({{Category::Api, "10 per hour; 5 per minute moving"}});
        const auto begin = bench.clock.wall();
        bench.hit(Category::Api, 2);
        bench.clock.advance(40s);
        bench.hit(Category::Api, 1);
        QCOMPARE(bench.used(Category::Api), "3/10 3/5");
        bench.clock.advance(30s); // the first two leave the moving window
        QCOMPARE(bench.used(Category::Api), "3/10 1/5");
        const auto use = bench.use().value();
        for (const auto &limit : use) {
            if (limit.window == "10 per hour")
                QCOMPARE(*limit.reset, begin + 1h);
            if (limit.window == "5 per minute moving")
                QCOMPARE(*limit.reset, begin + 100s);
        }
        bench.clock.advance(1h);
        QCOMPARE(bench.used(Category::Api), "0/10 0/5");
    }

    void knowsNothingWhileRedisIsAway()
    {
        Bench bench({{Category::Api, "10 per hour"}});
        bench.server.kill();
        QTRY_COMPARE_WITH_TIMEOUT(bench.use().has_error(), true, 10'000);
        QCOMPARE(bench.use().error().kind, ErrorKind::Unavailable);
    }

    void takesAnyBytes_data()
    {
        QTest::addColumn<QByteArray>("value");
        QTest::newRow("nothing") << QByteArray();
        QTest::newRow("cut short") << QByteArray("\1\2\3", 3);
        QTest::newRow("a block longer than the value") << QByteArray("\0\0\0\0\1\xff\xff\1", 8);
        QTest::newRow("only its head") << QByteArray("\0\0\0\0\x41\0\0", 7);
        QTest::newRow("noise") << QByteArray(1000, '\xa5');
    }
    void takesAnyBytes()
    {
        QFETCH(QByteArray, value);
        const WindowSpec spec(*parse("10 per hour; 5 per minute moving"));
        const ManualClock clock;
        const auto use = windowUse({value.constData(), static_cast<std::size_t>(value.size())}, 1, spec, clock.wall());
        QCOMPARE(use.size(), std::size_t{2});
        QVERIFY(use[0].used == 0 && use[1].used == 0);
    }
};

QTEST_GUILESS_MAIN(LimitUseTest)
#include "limit_use_test.moc"
