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
#include "tests/fakes/sqlite_file.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

/// Another version than the asker's: the last that is asked.
constexpr auto lastAsked = "1.3.0";

/// ms; of a machine that does much else.
constexpr int patience = 60'000;

enum class Does { Answers, Not };

/// An instance with a history: of Redis' memory and of a queue, one value each second that it is told.
class Recording final
{
public:
    Recording(redis::Endpoint endpoint, std::string name, const QTemporaryDir &directory, bool plan = false,
              Does does = Does::Answers, std::string version = "1.2.0")
        : client(m_runtime.at(0), endpoint),
          subscriber(m_runtime.at(0), endpoint, subscribing()),
          history((directory.path() + "/history.db").toStdString(), m_clock, m_logger),
          roll(m_runtime.at(0), client, subscriber, m_clock,
               {name, std::move(version), endpoint.database, 500ms, 400ms, {}}, [](Identity who) {
                   Share share;
                   share.who = std::move(who);
                   return share;
               })
    {
        options.name = std::move(name);
        options.database = endpoint.database;
        options.plan = plan;
        options.interval = 100ms;
        options.patience = 2000ms;
        options.settle = 300ms;
        options.paid = [this](std::uint64_t commands, std::uint64_t bytes) {
            paidCommands += commands;
            paid += bytes;
        };
        client.start();
        subscriber.start();
        roll.start();
        if (does == Does::Answers)
            answer();
    }
    void answer()
    {
        backfill.emplace(
            m_runtime.at(0), client, subscriber, m_clock, m_logger, history, [this] { return roll.members(); },
            options);
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
    BackfillOptions options;

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
    std::atomic<std::uint64_t> paid{0}, paidCommands{0};
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
        const WallTime end = now(), begin = end - 3h;
        Recording a(server.endpoint(), "a", ofA);
        a.record(begin, end, 5000);
        Recording c(server.endpoint(), "c", ofC);
        c.record(end - 2s, now(), 7000);
        // Of one with a label an hour waits to be written, where that is slow.
        for (const auto &[metric, from] : {std::pair(memory, begin), std::pair(celery, end - 50min)}) {
            QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(metric, from, end, 60s), from, end), patience);
            QCOMPARE(c.series(metric, from, end, 60s).points[30].mean, 5000.0);
            QVERIFY(isWhole(c.series(metric, from, end, 3600s), from, end, 3600s));
        }
        QTRY_COMPARE(server.command("KEYS i:h:*"), std::string("*0\r\n"));
        QVERIFY(c.counters().taken > 1 && c.counters().refused == 0);
        QCOMPARE(a.counters().answered, c.counters().asked);
    }

    void aRestartLeavesNoGapAndChangesNothing()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime end = now(), begin = end - 40min, stopped = begin + 20min, back = end - 10s;
        Recording a(server.endpoint(), "a", ofA);
        a.record(begin, end, 5000);
        {
            Recording c(server.endpoint(), "c", ofC);
            c.record(begin, stopped, 7000);
        }
        Recording c(server.endpoint(), "c", ofC);
        c.record(back, now(), 7000);
        for (const std::chrono::seconds step : {60s, 1s})
            QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, step), begin, end), patience);
        for (const Point &point : c.series(memory, begin, end, 60s).points) {
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
        const WallTime end = now(), begin = end - 20min, hung = begin + 15min, back = end - 10s;
        Recording a(server.endpoint(), "a", ofA);
        Recording c(server.endpoint(), "c", ofC);
        c.record(begin, begin + 2s, 7000);
        QTRY_VERIFY_WITH_TIMEOUT(a.counters().answered >= 1 && c.counters().open == 0, patience); // of before
        a.record(begin, end, 5000);
        c.record(begin + 2s, hung, 7000);
        c.record(back, now(), 7000);
        for (const std::chrono::seconds step : {1s, 60s})
            QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, step), begin, end), patience);
        QCOMPARE(c.series(memory, begin, end, 60s).points[5].mean, 7000.0);
        // Minutes stand between the seconds.
        const Series seconds = c.series(memory, begin, end, 1s);
        QVERIFY2(seconds.points.size() > 15 * 60, std::to_string(seconds.points.size()).c_str());
        QVERIFY(std::ranges::any_of(seconds.points, [](const Point &one) { return one.mean == 5000; }));
    }

    void whereOneDoesNotAnswerTheNextDoes()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofB, ofC;
        const WallTime end = now(), begin = end - 30min;
        Recording a(server.endpoint(), "a", ofA, false, Does::Not);
        // It answers late, when the other one is asked.
        std::string late;
        const auto answers = a.subscriber.subscribe("p:i:ask", [&](std::string_view, std::string_view payload) {
            const auto ask = decodeAsk(payload);
            if (!ask || ask->asker != "c")
                return;
            if (ask->peer == "a")
                late = historyKey(ask->asker, ask->request);
            else if (!late.empty())
                a.client.post(redis::Command("LPUSH", late, "late"));
        });
        Recording b(server.endpoint(), "b", ofB, false, Does::Answers, lastAsked);
        b.record(begin, end, 5000);
        Recording c(server.endpoint(), "c", ofC);
        QTRY_COMPARE_WITH_TIMEOUT(c.roll.members().size(), std::size_t{2}, patience);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
        QVERIFY(c.counters().asked >= 2);
        QCOMPARE(c.counters().refused, std::uint64_t{0});
        QTRY_VERIFY(server.command("KEYS i:h:*").starts_with("*1"));
    }

    /// What another one says that has nothing does not end it.
    void oneThatWasBusyIsAskedAgain()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofB, ofC;
        const WallTime end = now(), begin = end - 30min;
        Recording a(server.endpoint(), "a", ofA, false, Does::Not);
        a.record(begin, end, 5000);
        Recording b(server.endpoint(), "b", ofB);
        Recording c(server.endpoint(), "c", ofC);
        QTRY_COMPARE_WITH_TIMEOUT(c.roll.members().size(), std::size_t{2}, patience);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(c.counters().asked == 2 && b.counters().answered == 1, patience);
        QVERIFY(c.series(memory, begin, end - 5min, 60s).points.empty());
        a.answer();
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
    }

    /// Some were away at the same time, others have just come.
    void whoeverHasItIsFound()
    {
        RedisServerFixture server;
        const QTemporaryDir of[6];
        const WallTime end = now(), begin = end - 40min, down = begin + 20min, back = begin + 24min;
        std::vector<std::unique_ptr<Recording>> others;
        for (const char *name : {"a", "b", "d", "e"})
            others.push_back(std::make_unique<Recording>(server.endpoint(), name, of[others.size()]));
        for (std::size_t i : {0u, 1u}) {
            others[i]->record(begin, down, 5000);
            others[i]->record(back, end, 5000);
        }
        Recording all(server.endpoint(), "f", of[4], false, Does::Answers, lastAsked);
        all.record(begin, end, 5000);
        {
            Recording c(server.endpoint(), "c", of[5]);
            c.record(begin, down, 5000);
        }
        Recording c(server.endpoint(), "c", of[5]);
        QTRY_COMPARE_WITH_TIMEOUT(c.roll.members().size(), std::size_t{5}, patience);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
    }

    /// It is restarted before anybody has answered.
    void aRestartDoesNotForgetAGap()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime end = now(), begin = end - 40min;
        {
            Recording c(server.endpoint(), "c", ofC);
            c.record(begin, begin + 10min, 7000);
            QTRY_COMPARE_WITH_TIMEOUT(c.counters().open, std::uint64_t{1}, patience); // all before it began
        }
        {
            Recording c(server.endpoint(), "c", ofC);
            c.record(begin + 20min, begin + 30min, 7000);
            QTRY_COMPARE_WITH_TIMEOUT(c.counters().open, std::uint64_t{2}, patience);
        }
        Recording a(server.endpoint(), "a", ofA);
        a.record(begin, end, 5000);
        Recording c(server.endpoint(), "c", ofC);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
        QTRY_COMPARE_WITH_TIMEOUT(c.counters().open, std::uint64_t{0}, patience);
    }

    /// A user that may use what an earlier version used, and no more.
    void aUserOfAnEarlierVersionIsEnough()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime end = now(), begin = end - 30min;
        server.command("ACL SETUSER default -rpop -lpop -getdel -lmove -copy -rename");
        Recording a(server.endpoint(), "a", ofA);
        a.record(begin, end, 5000);
        Recording c(server.endpoint(), "c", ofC);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
    }

    void whatWouldStayIsTakenBack()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime end = now();
        server.command("ACL SETUSER default -expire");
        Recording a(server.endpoint(), "a", ofA);
        a.record(end - 30min, end, 5000);
        Recording c(server.endpoint(), "c", ofC);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(a.counters().answered >= 1, patience);
        QTRY_COMPARE_WITH_TIMEOUT(server.command("KEYS i:h:*"), std::string("*0\r\n"), patience);
    }

    void secondsStayAfterABriefGap()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime end = now(), begin = end - 20min, hung = end - 30s, back = hung + 10s;
        Recording a(server.endpoint(), "a", ofA);
        Recording c(server.endpoint(), "c", ofC);
        c.record(begin, begin + 2s, 7000);
        QTRY_VERIFY_WITH_TIMEOUT(a.counters().answered >= 1 && c.counters().open == 0, patience); // of before
        a.record(begin, end, 5000);
        c.record(begin + 2s, hung, 7000);
        c.record(back, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
        QTRY_VERIFY_WITH_TIMEOUT(c.counters().open == 0, patience);
        QCOMPARE(c.series(memory, hung - 2min, hung, 1s).points.size(), std::size_t{120});
        QVERIFY(isWhole(c.series(memory, hung - 2min, end, 1s), hung - 2min, end, 5s));
    }

    /// It began after what another has of its first minute, who has nothing of what lies between either.
    void whatNobodyMeasuredStaysUnknown()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime minute = std::chrono::floor<std::chrono::minutes>(now()) - 10min, begin = minute - 10min;
        Recording a(server.endpoint(), "a", ofA);
        a.record(begin, minute + 10s, 5000);
        Recording c(server.endpoint(), "c", ofC);
        c.record(minute + 40s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, minute, 60s), begin, minute), patience);
        const auto first = [&] { return c.series(memory, minute, minute + 60s, 60s); };
        QTRY_COMPARE_WITH_TIMEOUT(first().points.size(), std::size_t{2}, patience);
        QCOMPARE(endOf(first().points[0], 60s), minute + 10s);
        QCOMPARE(beginOf(first().points[1]), minute + 40s);
    }

    void aFileThatIsSetAsideIsFilledAgain()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime end = now(), begin = end - 3h;
        Recording a(server.endpoint(), "a", ofA);
        Recording c(server.endpoint(), "c", ofC);
        c.record(begin, begin + 2s, 7000);
        QTRY_VERIFY_WITH_TIMEOUT(a.counters().answered >= 1 && c.counters().open == 0, patience); // of before
        a.record(begin, end, 5000);
        c.record(begin + 2s, end, 7000);
        QVERIFY(isWhole(c.series(memory, begin, end, 60s), begin, end));
        QTRY_VERIFY(damage(ofC.path() + "/history.db"));
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
        QVERIFY(!QDir(ofC.path()).entryList({"history.db.set-aside-*"}).isEmpty());
        QCOMPARE(c.series(memory, begin, end, 60s).points[30].mean, 5000.0);
        QTRY_COMPARE_WITH_TIMEOUT(c.counters().open, std::uint64_t{0}, patience);
        QCOMPARE(c.series(memory, end - 2min, end, 1s).points.size(), std::size_t{120}); // its own, as before
    }

    void whatCannotBeReadIsRefusedAndCounted()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofB, ofC;
        const WallTime end = now(), begin = end - 30min;
        Recording a(server.endpoint(), "a", ofA, false, Does::Not);
        const auto spoils = a.subscriber.subscribe("p:i:ask", [&](std::string_view, std::string_view payload) {
            const auto ask = decodeAsk(payload);
            if (ask && ask->peer == "a")
                a.client.post(redis::Command("LPUSH", historyKey("c", ask->request), std::string(300'000, 'P')));
        });
        Recording b(server.endpoint(), "b", ofB);
        b.record(begin, end, 5000);
        Recording c(server.endpoint(), "c", ofC);
        QTRY_COMPARE_WITH_TIMEOUT(c.roll.members().size(), std::size_t{2}, patience);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
        QTRY_COMPARE_WITH_TIMEOUT(c.counters().refused, std::uint64_t{1}, patience);
    }

    void underAPlanHoursAreToldOfALongTime()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime end = now(), begin = end - 5h;
        Recording a(server.endpoint(), "a", ofA, true);
        a.record(begin, end, 5000);
        Recording c(server.endpoint(), "c", ofC, true);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 3600s), begin, end, 3600s), patience);
        const Series minutes = c.series(memory, begin, end - 5min, 60s);
        QVERIFY2(minutes.points.empty(), std::to_string(minutes.points.size()).c_str());
        QVERIFY(c.series(celery, begin, end - 1h, 3600s).points.empty());
        QVERIFY(c.paid > 0 && c.paid < 256 * 1024);
    }

    void underAPlanMinutesAreToldOfAShortOne()
    {
        RedisServerFixture server;
        const QTemporaryDir ofA, ofC;
        const WallTime end = now(), begin = end - 40min, stopped = begin + 20min;
        Recording a(server.endpoint(), "a", ofA, true);
        a.record(begin, end, 5000);
        {
            Recording c(server.endpoint(), "c", ofC, true);
            c.record(begin, stopped, 7000);
        }
        Recording c(server.endpoint(), "c", ofC, true);
        c.record(end - 10s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(isWhole(c.series(memory, begin, end, 60s), begin, end), patience);
        QVERIFY(c.paid > 0 && c.paid < 32 * 1024);
    }

    /// Whoever may publish may ask in anybody's name.
    void whoIsNoInstanceIsNotAnswered()
    {
        RedisServerFixture server;
        const WallTime end = now();
        const QTemporaryDir ofA, ofC;
        Recording a(server.endpoint(), "a", ofA);
        a.record(end - 10min, end, 5000);
        HistoryAsk ask;
        ask.asker = "nobody";
        ask.peer = "a";
        ask.from = end - 1h;
        ask.to = end;
        QTRY_VERIFY_WITH_TIMEOUT(server.command("PUBSUB NUMSUB p:i:ask").find(":1") != std::string::npos, patience);
        a.client.post(redis::Command("PUBLISH", "p:i:ask", encodeAsk(ask)));
        // What is asked after it has been answered: so it was passed over.
        Recording c(server.endpoint(), "c", ofC);
        c.record(end - 2s, now(), 7000);
        QTRY_VERIFY_WITH_TIMEOUT(a.counters().answered >= 1, patience);
        QCOMPARE(server.command("KEYS i:h:nobody*"), std::string("*0\r\n"));
        QCOMPARE(a.counters().answered, c.counters().asked);
    }

    void stopsInTimeWithoutRedis()
    {
        RedisServerFixture server;
        const WallTime end = now();
        const QTemporaryDir ofA, ofC;
        Recording a(server.endpoint(), "a", ofA);
        Recording c(server.endpoint(), "c", ofC);
        QTRY_COMPARE_WITH_TIMEOUT(c.roll.members().size(), std::size_t{1}, patience);
        c.record(end - 2s, now(), 7000);
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
