// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/limits/limits_table.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::limits;
using namespace std::chrono_literals;

namespace {

LimitsPlan plan(const std::string &api) { return *LimitsPlan::make({{Category::Api, api}}, {}); }

/// One instance's table; all instances read from the same "database".
struct Instance
{
    redis::Client client;
    redis::Subscriber subscriber;
    LimitsTable table;
    std::atomic<int> loads{0};
    Executor executor;

    Instance(Executor where, const redis::Endpoint &endpoint, const Clock &clock, const std::string &override)
        : client(where, endpoint), subscriber(where, endpoint), table(clock, plan("1 per day"), 3), executor(where)
    {
        table.onLoadUser([this, &override](Id) -> awaitable<Result<std::vector<LimitOverride>>> {
            ++loads;
            std::vector<LimitOverride> overrides;
            if (!override.empty())
                overrides.push_back({Category::Api, override});
            co_return overrides;
        });
        table.connect(client, subscriber);
        client.start();
        subscriber.start();
        QTRY_VERIFY_WITH_TIMEOUT(client.state() == redis::Client::State::Ready, 10'000);
        QTRY_VERIFY_WITH_TIMEOUT(subscriber.state() == redis::Client::State::Ready, 10'000);
    }
    ~Instance()
    {
        subscriber.stop();
        client.stop();
    }

    /// The user's own windows of `api`, or "plan's".
    QString of(Id user)
    {
        using Loaded = Result<std::shared_ptr<const UserLimits>>;
        const auto limits =
            *runSync<Loaded>(executor, [&]() -> awaitable<Loaded> { co_return co_await table.load(user); });
        const auto &own = limits->own[std::size_t(Category::Api)];
        return own ? QString::fromStdString(format(own->windows())) : QString("plan's");
    }
};

} // namespace

class LimitsTableTest final : public QObject
{
    Q_OBJECT
private slots:
    void namesTheBadEntry();
    void tellsOtherInstances();
    void remembersSoManyForSoLong();
    void leavesOutWhatItCannotRead();
};

void LimitsTableTest::namesTheBadEntry()
{
    const auto bad = LimitsPlan::make({{Category::Api, "8 per minute"}, {Category::Upload, "8 per"}}, {});
    QCOMPARE(bad.error().fields.at(0).pointer, std::string("/limits/upload"));
    QVERIFY(bad.error().message.find("limits/upload") != std::string::npos);
    const auto address = LimitsPlan::make({}, {{Category::Auth, ""}});
    QCOMPARE(address.error().fields.at(0).pointer, std::string("/limits_address/auth"));
    QVERIFY(LimitsPlan::make({{Category::Admin, "8 per minute"}}, {}).has_error());
    QVERIFY(LimitsPlan::make({{Category::Unlimited, "8 per minute"}}, {}).has_error());
}

void LimitsTableTest::tellsOtherInstances()
{
    RedisServerFixture server;
    Runtime runtime(2);
    ManualClock clock;
    std::string override = "5 per minute";
    Instance here(runtime.at(0), server.endpoint(), clock, override);
    Instance there(runtime.at(1), server.endpoint(), clock, override);
    QCOMPARE(here.of(7), "5 per minute");
    QCOMPARE(there.of(7), "5 per minute");
    override = "6 per minute";
    here.table.forget(7);
    QCOMPARE(here.of(7), "6 per minute");
    QTRY_COMPARE(there.of(7), "6 per minute");
}

void LimitsTableTest::remembersSoManyForSoLong()
{
    RedisServerFixture server;
    Runtime runtime(1);
    ManualClock clock;
    const std::string override;
    Instance here(runtime.at(0), server.endpoint(), clock, override);
    for (int round = 0; round < 3; ++round)
        for (const Id user : {1, 2, 3})
            QCOMPARE(here.of(user), "plan's"); // that there are none is remembered too
    QCOMPARE(here.loads.load(), 3);
    here.of(4); // the bound is 3: the one not used for longest goes
    QVERIFY(!here.table.known(1));
    QVERIFY(here.table.known(3));
    clock.advance(5min);
    QVERIFY(!here.table.known(3));
}

void LimitsTableTest::leavesOutWhatItCannotRead()
{
    RedisServerFixture server;
    Runtime runtime(1);
    ManualClock clock;
    const std::string override = "five per fortnight";
    Instance here(runtime.at(0), server.endpoint(), clock, override);
    QCOMPARE(here.of(1), "plan's");
}

QTEST_GUILESS_MAIN(LimitsTableTest)
#include "limits_table_test.moc"
