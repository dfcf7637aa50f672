// SPDX-License-Identifier: GPL-3.0-or-later
// Instances on one Redis: what one missed of the history, another tells it.

#include "core/base/json.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/monitor/history.h"
#include "core/monitor/instances/backfill.h"
#include "core/monitor/instances/history_teller.h"
#include "core/monitor/instances/roll.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTemporaryDir>
#include <QTest>
#include <atomic>
#include <memory>
#include <optional>

using namespace portolan;
using namespace portolan::monitor;
using namespace portolan::monitor::instances;
using namespace std::chrono_literals;

namespace {

redis::ClientOptions subscribing()
{
    redis::ClientOptions options;
    options.name = redis::eventsName;
    return options;
}

enum class Does { Answers, Not };

/// An instance with a history: of Redis' memory and of a queue, one value each second that it is told.
class Recording final
{
public:
    Recording(redis::Endpoint endpoint, std::string name, const QTemporaryDir &directory, bool plan = false,
              Does does = Does::Answers)
        : client(m_runtime.at(0), endpoint),
          subscriber(m_runtime.at(0), endpoint, subscribing()),
          history((directory.path() + "/history.db").toStdString(), m_clock, m_logger),
          roll(m_runtime.at(0), client, subscriber, m_clock, {name, "1.2.0", endpoint.database, 500ms, 400ms, {}},
               [](Identity who) {
                   Share share;
                   share.who = std::move(who);
                   return share;
               })
    {
        if (does == Does::Answers)
            backfill.emplace(
                m_runtime.at(0), client, subscriber, m_clock, m_logger, history, [this] { return roll.members(); },
                BackfillOptions{std::move(name), endpoint.database, plan, 100ms, 800ms, 2000ms, 300ms,
                                [this](std::uint64_t bytes) { paid += bytes; }});
        client.start();
        subscriber.start();
        roll.start();
        if (backfill)
            backfill->start();
    }
    ~Recording()
    {
        if (backfill)
            backfill->stop();
        roll.stop();
        history.stop();
        subscriber.stop();
        client.stop();
        m_runtime.stop();
    }

    void record(WallTime from, WallTime to, double value)
    {
        for (WallTime time = from; time < to; time += 1s) {
            Snapshot snapshot;
            snapshot.time = time;
            snapshot.redis.age = 0ms;
            snapshot.redis.usedMemory = std::uint64_t(value);
            snapshot.queue.age = 0ms;
            snapshot.queue.queues.push_back({.queue = "celery", .waiting = std::uint64_t(value)});
            history.record(snapshot);
        }
    }
    Series series(const Metric &metric, WallTime from, WallTime to, std::chrono::seconds step)
    {
        HistoryQuery query{{metric}, from, to};
        query.step = step;
        auto found = runSync<Result<std::vector<Series>>>(
            m_runtime.at(0), [&]() -> awaitable<Result<std::vector<Series>>> { return history.query(query); });
        return found && found->size() == 1 ? std::move(found->front()) : Series{};
    }
    Backfill::Counters counters() const { return backfill->counters(); }

private:
    SystemClock m_clock;
    Logger m_logger{m_clock, LogOptions{LogFormat::Json, LogLevel::Error}};
    Runtime m_runtime{1};

public:
    redis::Client client;
    redis::Subscriber subscriber;
    History history;
    Roll roll;
    std::optional<Backfill> backfill;
    std::atomic<std::uint64_t> paid{0};
};

const Metric memory{metric::redisMemory};
const Metric celery{metric::queueDepth, {{"queue", "celery"}}};

/// Whether all of a time is told, but for a beginning and an end of `slack`.
bool isWhole(const Series &series, WallTime from, WallTime to, std::chrono::seconds slack = 60s)
{
    if (series.points.empty() || beginOf(series.points.front()) > from + slack ||
        endOf(series.points.back(), series.step) < to - slack)
        return false;
    for (std::size_t i = 1; i < series.points.size(); ++i)
        if (isGap(series.points[i - 1], series.points[i], series.step))
            return false;
    return true;
}

WallTime now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

} // namespace

class BackfillTest final : public QObject
{
    Q_OBJECT

private slots:
    void oneWithoutADataDirectoryShowsThePointsOfBefore()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime begin = now() - 3h;
        Recording a(server.endpoint(), "a", ofA);
        a.record(begin, now(), 5000);
        Recording c(server.endpoint(), "c", ofC);
        c.record(now() - 2s, now(), 7000);
        for (const Metric &metric : {memory, celery}) {
            QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(metric, begin, now(), 60s), begin, now()), 20'000);
            QCOMPARE(c.series(metric, begin, now(), 60s).points[30].mean, 5000.0);
            QVERIFY(isWhole(c.series(metric, begin, now(), 3600s), begin, now(), 3600s));
        }
        QCOMPARE(server.command("EXISTS i:h:c"), std::string(":0\r\n"));
        QVERIFY(c.counters().taken > 1 && c.counters().refused == 0);
        QCOMPARE(a.counters().answered, c.counters().asked);
    }

    void aRestartLeavesNoGapAndChangesNothing()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime begin = now() - 40min, stopped = begin + 20min, back = now() - 10s;
        Recording a(server.endpoint(), "a", ofA);
        a.record(begin, now(), 5000);
        {
            Recording c(server.endpoint(), "c", ofC);
            c.record(begin, stopped, 7000);
        }
        Recording c(server.endpoint(), "c", ofC);
        c.record(back, now(), 7000);
        for (const std::chrono::seconds step : {60s, 1s})
            QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, now(), step), begin, now()), 20'000);
        for (const Point &point : c.series(memory, begin, now(), 60s).points) {
            if (endOf(point, 60s) <= stopped - 60s)
                QCOMPARE(point.mean, 7000.0);
            if (beginOf(point) >= stopped + 60s && endOf(point, 60s) <= back - 60s)
                QCOMPARE(point.mean, 5000.0);
        }
    }

    void oneThatStoodStillHasNoGapEither()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime begin = now() - 20min, hung = begin + 15min, back = now() - 10s;
        Recording a(server.endpoint(), "a", ofA);
        a.record(begin, now(), 5000);
        Recording c(server.endpoint(), "c", ofC);
        c.record(begin, hung, 7000);
        c.record(back, now(), 7000);
        for (const std::chrono::seconds step : {1s, 60s})
            QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, now(), step), begin, now()), 20'000);
        QCOMPARE(c.series(memory, begin, now(), 60s).points[5].mean, 7000.0);
    }

    void whereOneDoesNotAnswerTheNextDoes()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofB, ofC;
        const WallTime begin = now() - 30min;
        Recording a(server.endpoint(), "a", ofA, false, Does::Not);
        Recording b(server.endpoint(), "b", ofB);
        b.record(begin, now(), 5000);
        Recording c(server.endpoint(), "c", ofC);
        QTRY_COMPARE_WITH_TIMEOUT(c.roll.members().size(), std::size_t{2}, 10'000);
        c.record(now() - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, now(), 60s), begin, now()), 20'000);
        QVERIFY(c.counters().asked >= 2);
    }

    void whatCannotBeReadIsRefusedAndCounted()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofB, ofC;
        const WallTime begin = now() - 30min;
        Recording a(server.endpoint(), "a", ofA, false, Does::Not);
        const auto spoils = a.subscriber.subscribe("p:i:ask", [&](std::string_view, std::string_view payload) {
            const auto ask = decodeAsk(payload);
            if (ask && ask->peer == "a")
                a.client.post(redis::Command("LPUSH", "i:h:c", std::string(300'000, 'P')));
        });
        Recording b(server.endpoint(), "b", ofB);
        b.record(begin, now(), 5000);
        Recording c(server.endpoint(), "c", ofC);
        QTRY_COMPARE_WITH_TIMEOUT(c.roll.members().size(), std::size_t{2}, 10'000);
        c.record(now() - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, now(), 60s), begin, now()), 20'000);
        QCOMPARE(c.counters().refused, std::uint64_t{1});
    }

    void underAPlanHoursAreToldOfALongTime()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime begin = now() - 5h;
        Recording a(server.endpoint(), "a", ofA, true);
        a.record(begin, now(), 5000);
        Recording c(server.endpoint(), "c", ofC, true);
        c.record(now() - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, now(), 3600s), begin, now(), 3600s), 20'000);
        const Series minutes = c.series(memory, begin, now() - 5min, 60s);
        QVERIFY2(minutes.points.empty(), std::to_string(minutes.points.size()).c_str());
        QVERIFY(c.series(celery, begin, now() - 1h, 3600s).points.empty());
        QVERIFY(c.paid > 0 && c.paid < 256 * 1024);
    }

    void underAPlanMinutesAreToldOfAShortOne()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime begin = now() - 40min, stopped = begin + 20min;
        Recording a(server.endpoint(), "a", ofA, true);
        a.record(begin, now(), 5000);
        {
            Recording c(server.endpoint(), "c", ofC, true);
            c.record(begin, stopped, 7000);
        }
        Recording c(server.endpoint(), "c", ofC, true);
        c.record(now() - 10s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, now(), 60s), begin, now()), 20'000);
        QVERIFY(c.paid > 0 && c.paid < 32 * 1024);
    }

    /// Whoever may publish may ask in anybody's name.
    void whoIsNoInstanceIsNotAnswered()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        Recording a(server.endpoint(), "a", ofA);
        a.record(now() - 10min, now(), 5000);
        HistoryAsk ask;
        ask.asker = "nobody";
        ask.peer = "a";
        ask.from = now() - 1h;
        ask.to = now();
        QTRY_VERIFY_WITH_TIMEOUT(server.command("PUBSUB NUMSUB p:i:ask").find(":1") != std::string::npos, 10'000);
        a.client.post(redis::Command("PUBLISH", "p:i:ask", encodeAsk(ask)));
        // What is asked after it has been answered: so it was passed over.
        Recording c(server.endpoint(), "c", ofC);
        c.record(now() - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(a.counters().answered >= 1, 20'000);
        QCOMPARE(server.command("EXISTS i:h:nobody"), std::string(":0\r\n"));
        QCOMPARE(a.counters().answered, c.counters().asked);
    }

    void stopsInTimeWithoutRedis()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        Recording a(server.endpoint(), "a", ofA);
        Recording c(server.endpoint(), "c", ofC);
        QTRY_COMPARE_WITH_TIMEOUT(c.roll.members().size(), std::size_t{1}, 10'000);
        c.record(now() - 2s, now(), 7000);
        server.pause();
        const auto begin = std::chrono::steady_clock::now();
        c.backfill->stop();
        c.backfill->stop();
        QVERIFY(std::chrono::steady_clock::now() - begin < 5s);
        server.resume();
    }
};

QTEST_GUILESS_MAIN(BackfillTest)
#include "backfill_test.moc"
