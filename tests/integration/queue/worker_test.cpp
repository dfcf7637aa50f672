// SPDX-License-Identifier: GPL-3.0-or-later
// The queue's two ends against a real redis-server: what becomes of a task.

#include "core/queue/keys.h"
#include "core/queue/schedule.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/captured_log.h"
#include "tests/integration/queue/queue_instance.h"

#include <QTest>
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

/// What happened, in order, from any thread.
class Record
{
public:
    void add(std::string what)
    {
        const std::lock_guard lock(m_mutex);
        m_lines.push_back(std::move(what));
    }
    std::vector<std::string> lines() const
    {
        const std::lock_guard lock(m_mutex);
        return m_lines;
    }
    std::size_t size() const { return lines().size(); }

private:
    mutable std::mutex m_mutex;
    std::vector<std::string> m_lines;
};

TaskHandler noting(Record &record)
{
    return [&record](TaskContext &context) -> Result<boost::json::value> {
        record.add(std::string(context.args().at(0).as_string()));
        return boost::json::value(nullptr);
    };
}

NewTask named(std::string name, boost::json::array args = {})
{
    NewTask task;
    task.name = std::move(name);
    task.args = std::move(args);
    return task;
}

} // namespace

class WorkerTest final : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_server = std::make_unique<RedisServerFixture>();
        m_instance = std::make_unique<QueueInstance>(m_server->endpoint());
        m_log = std::make_unique<CapturedLog>(m_instance->clock);
    }
    void cleanup()
    {
        m_instance.reset();
        m_log.reset();
        m_server.reset();
    }

    void runsNoop()
    {
        m_instance->startWorkers();
        NewTask task = named("portal.noop", {1, "two", nullptr});
        task.kwargs = {{"three", 3.5}};
        const std::string id = m_instance->enqueue(task);
        const TaskResult result = m_instance->ended(id);
        QCOMPARE(result.state, std::string(state::success));
        const boost::json::value expected{{"args", {1, "two", nullptr}}, {"kwargs", {{"three", 3.5}}}};
        QVERIFY(result.result == expected);
        const auto ttl = m_instance->redis(redis::Command("TTL", keys::result(id))).integer;
        QVERIFY2(ttl > 890 && ttl <= 900, qPrintable(QString::number(ttl)));
        QVERIFY(within(5s, [&] { return m_instance->backlog().unacked == 0; }));
        QCOMPARE(m_instance->redis(redis::Command("ZCARD", keys::unackedIndex)).integer, 0);
        QCOMPARE(m_instance->redis(redis::Command("SMEMBERS", keys::binding("celery"))).elements.size(), 1u);
    }

    void looksRarelyWhereNothingWaits()
    {
        m_instance->startWorkers();
        const auto looks = [&] { return m_instance->pool->counters().emptySearches; };
        const auto begin = std::chrono::steady_clock::now();
        const auto before = looks();
        QVERIFY(within(20s, [&] { return looks() >= before + 20; }));
        QVERIFY(std::chrono::steady_clock::now() - begin > 2s); // about ten to slow down, then four a second
        const auto enqueued = std::chrono::steady_clock::now();
        const auto id = m_instance->enqueue("portal.noop");
        QCOMPARE(m_instance->ended(id).state, std::string(state::success));
        qInfo("a task was done after %lld ms",
              static_cast<long long>((std::chrono::steady_clock::now() - enqueued) / 1ms));
    }

    void endsWhatItCannotRun_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("type");
        QTest::newRow("unknown") << "no.such"
                                 << "NotRegistered";
        QTest::newRow("error") << "t.error"
                               << "bad-thing";
        QTest::newRow("exception") << "t.throws"
                                   << "std::runtime_error";
    }
    void endsWhatItCannotRun()
    {
        QFETCH(QString, name);
        QFETCH(QString, type);
        TaskRegistry registry;
        registry.add("t.error", [](TaskContext &) -> Result<boost::json::value> {
            Error error = failure(ErrorKind::Internal, "it went wrong");
            error.code = "bad-thing";
            return error;
        });
        registry.add("t.throws",
                     [](TaskContext &) -> Result<boost::json::value> { throw std::runtime_error("thrown"); });
        m_instance->startWorkers(std::move(registry));
        const TaskResult result = m_instance->ended(m_instance->enqueue(name.toStdString()));
        QCOMPARE(result.state, std::string(state::failure));
        QCOMPARE(QString::fromStdString(result.failure->type), type);
    }

    void takesTheHighestPriorityFirst()
    {
        Record record;
        TaskRegistry registry;
        registry.add("t.note", noting(record));
        for (const int priority : {9, 5, 0, 3, 6}) {
            NewTask task = named("t.note", {std::to_string(priority)});
            task.priority = priority;
            m_instance->enqueue(task);
        }
        WorkerOptions options;
        options.concurrency = 1;
        m_instance->startWorkers(std::move(registry), options);
        QVERIFY(within(10s, [&] { return record.size() == 5; }));
        QCOMPARE(record.lines(), (std::vector<std::string>{"0", "5", "3", "6", "9"}));
    }

    void honoursTimes()
    {
        Record record;
        TaskRegistry registry;
        registry.add("t.note", noting(record));
        m_instance->startWorkers(std::move(registry));
        const auto now = std::chrono::system_clock::now();
        NewTask later = named("t.note", {"later"});
        later.eta = now + 700ms;
        NewTask gone = named("t.note", {"gone"});
        gone.expires = now - 1s;
        const std::string laterId = m_instance->enqueue(later);
        const std::string goneId = m_instance->enqueue(gone);
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().scheduled == 1; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog().unacked == 1; })); // the expired one has ended
        const TaskResult expired = m_instance->ended(goneId);
        QCOMPARE(expired.state, std::string(state::revoked));
        QCOMPARE(expired.failure->message, std::string("expired"));
        QCOMPARE(m_instance->ended(laterId).state, std::string(state::success));
        QVERIFY(std::chrono::system_clock::now() >= now + 700ms);
        QCOMPARE(record.lines(), std::vector<std::string>{"later"});
    }

    void retries()
    {
        std::atomic<int> calls{0};
        TaskRegistry registry;
        TaskOptions quick;
        quick.backoff = 20ms;
        quick.maxRetries = 3;
        registry.add(
            "t.twice",
            [&](TaskContext &context) -> Result<boost::json::value> {
                ++calls;
                if (context.retries() < 2)
                    return context.retry("not yet", 10ms);
                return boost::json::value(context.retries());
            },
            quick);
        registry.add(
            "t.never",
            [](TaskContext &) -> Result<boost::json::value> { return failure(ErrorKind::Unavailable, "still away"); },
            quick);
        registry.add(
            "t.asks", [](TaskContext &context) -> Result<boost::json::value> { return context.retry("again", 1ms); },
            quick);
        m_instance->startWorkers(std::move(registry));
        const std::string twice = m_instance->enqueue("t.twice");
        const std::string never = m_instance->enqueue("t.never");
        const std::string asks = m_instance->enqueue("t.asks");
        QVERIFY(m_instance->ended(twice).result == boost::json::value(2));
        QCOMPARE(calls.load(), 3);
        QCOMPARE(m_instance->ended(never).failure->type, std::string("Unavailable"));
        QCOMPARE(m_instance->ended(asks).failure->type, std::string("MaxRetriesExceededError"));
        QCOMPARE(m_instance->pool->counters().retried, 2u + 3u + 3u);
    }

    void givesUpAtTheHardLimit()
    {
        std::atomic<bool> release{false};
        std::atomic<bool> asked{false};
        TaskRegistry registry;
        TaskOptions limits;
        limits.softLimit = 100ms;
        limits.hardLimit = 300ms;
        registry.add(
            "t.stuck",
            [&](TaskContext &context) -> Result<boost::json::value> {
                while (!release) {
                    asked = asked || context.cancelled();
                    std::this_thread::sleep_for(2ms);
                }
                return boost::json::value("too late");
            },
            limits);
        WorkerOptions options;
        options.concurrency = 1;
        m_instance->startWorkers(std::move(registry), options);
        const std::string stuck = m_instance->enqueue("t.stuck");
        const TaskResult result = m_instance->ended(stuck);
        QCOMPARE(result.failure->type, std::string("TimeLimitExceeded"));
        QCOMPARE(result.failure->message, std::string("0.3"));
        QVERIFY(asked);
        QCOMPARE(m_instance->ended(m_instance->enqueue("portal.noop")).state, std::string(state::success));
        QCOMPARE(m_instance->pool->counters().abandoned, 1u);
        release = true;
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().abandoned == 0; }));
        QCOMPARE(m_instance->result(stuck).state, std::string(state::failure));
    }

    void revokes()
    {
        TaskRegistry registry;
        registry.add("t.until", [](TaskContext &context) -> Result<boost::json::value> {
            while (!context.cancelled())
                std::this_thread::sleep_for(1ms);
            return boost::json::value(true);
        });
        const std::string waiting = m_instance->enqueue("portal.noop");
        const auto revoke = [&](const std::string &id, bool terminate) {
            return m_instance->run<Result<void>>([&] { return m_instance->broker.revoke(id, terminate); });
        };
        QVERIFY(revoke(waiting, false));
        QCOMPARE(m_instance->result(waiting).state, std::string(state::revoked));
        WorkerOptions options;
        options.concurrency = 1;
        m_instance->startWorkers(std::move(registry), options);
        QVERIFY(within(5s, [&] { return m_instance->backlog().waiting() == 0; }));
        const std::string running = m_instance->enqueue("t.until");
        const std::string reserved = m_instance->enqueue("portal.noop");
        QVERIFY(within(5s, [&] {
            return m_instance->pool->counters().active == 1 && m_instance->pool->counters().reserved == 1;
        }));
        QVERIFY(revoke(reserved, false));
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().reserved == 0; }));
        QVERIFY(revoke(running, true));
        const TaskResult result = m_instance->ended(running);
        QCOMPARE(result.state, std::string(state::revoked));
        QCOMPARE(result.failure->message, std::string("terminated"));
        QVERIFY(within(5s, [&] { return m_instance->backlog().unacked == 0; }));
        QCOMPARE(m_instance->pool->counters().succeeded, 0u);
    }

    void reportsProgress()
    {
        TaskRegistry registry;
        registry.add("t.steps", [](TaskContext &context) -> Result<boost::json::value> {
            for (std::uint64_t i = 1; i <= 300; ++i) {
                context.progress(i, 300, "step");
                std::this_thread::sleep_for(1ms);
            }
            return boost::json::value("done");
        });
        // Another instance watches.
        QueueInstance other(m_server->endpoint());
        ResultEvents events(other.subscriber);
        Record record;
        const auto note = [&](const TaskResult &result) { record.add(result.state); };
        const auto topic = events.watchTopic("user:7", note);
        QVERIFY(within(5s, [&] {
            return m_instance->redis(redis::Command("PUBSUB", "NUMSUB", "p:t:user:7")).elements.at(1).integer == 1;
        }));
        m_instance->startWorkers(std::move(registry));
        NewTask task = named("t.steps");
        task.notify = "user:7";
        const std::string id = m_instance->enqueue(task);
        QCOMPARE(m_instance->ended(id).state, std::string(state::success));
        QVERIFY(within(5s, [&] { return record.size() > 0 && record.lines().back() == state::success; }));
        const std::vector<std::string> lines = record.lines();
        const auto steps = std::ranges::count(lines, std::string(state::progress));
        QVERIFY2(steps >= 2 && steps <= 8, qPrintable(QString::number(steps)));
    }

    void refusesForeignContent()
    {
        m_instance->startWorkers();
        m_instance->redis(redis::Command("LPUSH", "celery", "no json at all"));
        m_instance->redis(redis::Command("LPUSH", "celery",
                                         R"({"body":"gA==","content-type":"application/x-python-serialize",)"
                                         R"("headers":{"task":"portal.noop","id":"x"}})"));
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().rejected == 2; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog().unacked == 0; }));
    }

    void resizesWhileRunning()
    {
        std::atomic<bool> release{false};
        TaskRegistry registry;
        registry.add("t.hold", [&](TaskContext &) -> Result<boost::json::value> {
            while (!release)
                std::this_thread::sleep_for(1ms);
            return boost::json::value(nullptr);
        });
        WorkerOptions options;
        options.concurrency = 0;
        m_instance->startWorkers(std::move(registry), options);
        std::vector<std::string> ids;
        for (int i = 0; i < 6; ++i)
            ids.push_back(m_instance->enqueue("t.hold"));
        QCOMPARE(m_instance->backlog().waiting(), 6u);
        m_instance->pool->resize(4);
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().active == 4; }));
        m_instance->pool->resize(1);
        QCOMPARE(m_instance->pool->counters().active, 4u);
        release = true;
        for (const std::string &id : ids)
            QCOMPARE(m_instance->ended(id).state, std::string(state::success));
        QVERIFY(within(5s, [&] { return m_instance->pool->status().threads.size() == 1; }));
    }

    void putsBackWhatItDidNotStart()
    {
        TaskRegistry registry;
        registry.add("t.until", [](TaskContext &context) -> Result<boost::json::value> {
            while (!context.cancelled())
                std::this_thread::sleep_for(1ms);
            return boost::json::value(nullptr);
        });
        WorkerOptions options;
        options.concurrency = 1;
        m_instance->startWorkers(registry, options);
        m_instance->enqueue("t.until");
        std::vector<std::string> ids;
        for (int i = 0; i < 3; ++i)
            ids.push_back(m_instance->enqueue("portal.noop", {i}));
        QVERIFY(within(5s, [&] { return m_instance->backlog().unacked == 4; }));
        QCOMPARE(m_instance->stopWorkers(50ms), 0u);
        QCOMPARE(m_instance->backlog().waiting(), 4u);
        QCOMPARE(m_instance->backlog().unacked, 0u);
        QCOMPARE(m_instance->redis(redis::Command("KEYS", "q:*")).elements.size(), 0u);
        const auto page =
            m_instance->run<Result<WaitingTasks>>([&] { return m_instance->broker.peek("celery", 0, 10); });
        QVERIFY(page);
        QCOMPARE(page->items.size(), 4u);
        QVERIFY(!page->more);
        // The one that was running came back last and is next.
        QCOMPARE(page->items.at(0).name, std::string("t.until"));
        QCOMPARE(page->items.at(1).id, ids[0]);
        QCOMPARE(page->items.at(3).id, ids[2]);
    }

    void runsAFailedTaskAgain()
    {
        std::atomic<bool> broken{true};
        TaskRegistry registry;
        registry.add("t.broken", [&](TaskContext &context) -> Result<boost::json::value> {
            if (broken)
                return failure(ErrorKind::Internal, "broken");
            return boost::json::value(context.args());
        });
        m_instance->startWorkers(std::move(registry));
        const std::string id = m_instance->enqueue("t.broken", {"same", 1});
        QCOMPARE(m_instance->ended(id).state, std::string(state::failure));
        broken = false;
        const auto again = m_instance->run<Result<std::string>>([&] { return m_instance->broker.rerun(id); });
        QVERIFY(again);
        QVERIFY(*again != id);
        QVERIFY((m_instance->ended(*again).result == boost::json::value{"same", 1}));
        QCOMPARE(m_instance->result(id).state, std::string(state::failure));
        const auto unknown =
            m_instance->run<Result<std::string>>([&] { return m_instance->broker.rerun("no-such-id"); });
        QCOMPARE(unknown.error().kind, ErrorKind::NotFound);
    }

    void neverOverwritesSuccess()
    {
        const std::string id = "fixed-id";
        m_instance->redis(
            redis::Command("SET", keys::result(id), R"({"status": "SUCCESS", "result": 1, "task_id": "fixed-id"})"));
        NewTask task = named("no.such");
        task.id = id;
        m_instance->startWorkers();
        m_instance->enqueue(task);
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().failed == 1; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog().unacked == 0; }));
        QCOMPARE(m_instance->result(id).state, std::string(state::success));
    }

    void givesBackWhatALostAnswerTook()
    {
        WorkerOptions options;
        options.logger = &m_log->logger;
        m_instance->startWorkers({}, options);
        QCOMPARE(m_instance->ended(m_instance->enqueue("portal.noop")).state, std::string(state::success));
        // As if taken in an answer that never came.
        NewTask task = named("portal.noop");
        task.id = "stray";
        const std::string instance = m_instance->pool->status().instance;
        m_instance->redis(redis::Command("HSET", keys::unacked, instance + ":stray",
                                         "[" + encode(task, "gen1@h", "r") + R"(,"","celery"])"));
        m_instance->redis(redis::Command("HSET", keys::owned(instance), instance + ":stray", "celery"));
        m_instance->redis(redis::Command("ZADD", keys::unackedIndex, 1, instance + ":stray"));
        m_server->pause();
        std::this_thread::sleep_for(1500ms); // longer than a call may last
        m_server->resume();
        QCOMPARE(m_instance->ended("stray").state, std::string(state::success));
        QVERIFY(within(5s, [&] { return m_instance->backlog().unacked == 0; }));
        QVERIFY(within(5s, [&] {
            return m_log->count({"tasks taken in an answer that was lost were put back", "\"tasks\":1"}) == 1;
        }));
    }

    void limitsTheRateOfATask()
    {
        Record record;
        TaskRegistry registry;
        registry.add("t.note", noting(record));
        m_instance->startWorkers(std::move(registry));
        QVERIFY(!m_instance->pool->rateLimit("t.note", "many"));
        QVERIFY(!m_instance->pool->rateLimit("no.such", "1/s"));
        QVERIFY(m_instance->pool->rateLimit("t.note", "5/s"));
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < 4; ++i)
            m_instance->enqueue("t.note", {std::to_string(i)});
        QVERIFY(within(10s, [&] { return record.size() == 4; }));
        QVERIFY(std::chrono::steady_clock::now() - start >= 590ms);
    }

    void runsAJobOncePerInterval()
    {
        QueueInstance other(m_server->endpoint());
        std::atomic<int> runs{0};
        const auto job = [&]() -> awaitable<void> {
            ++runs;
            co_return;
        };
        Schedule first(m_instance->runtime.at(0), m_instance->client, m_instance->clock);
        Schedule second(other.runtime.at(0), other.client, other.clock);
        first.add("refresh", 2s, job);
        second.add("refresh", 2s, job);
        const auto interval = [] { return std::chrono::system_clock::now().time_since_epoch() / 2s; };
        const auto begin = interval();
        first.start();
        second.start();
        QVERIFY(within(20s, [&] { return interval() >= begin + 3; }));
        first.stop();
        second.stop();
        const auto passed = interval() - begin;
        QVERIFY2(runs >= passed && runs <= passed + 1, qPrintable(QString::number(runs)));
    }

private:
    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<CapturedLog> m_log;
    std::unique_ptr<QueueInstance> m_instance;
};

QTEST_GUILESS_MAIN(WorkerTest)
#include "worker_test.moc"
