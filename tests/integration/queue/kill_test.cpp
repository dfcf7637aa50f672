// SPDX-License-Identifier: GPL-3.0-or-later
// Workers as processes that die at any instant: no task is lost, and one that kills its worker ends all the same.

#include "core/queue/keys.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/queue_instance.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <QProcess>
#include <QTest>
#include <future>
#include <random>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

struct KillFirst
{
    void operator()(QProcess *process) const
    {
        process->kill();
        process->waitForFinished(5'000);
        delete process;
    }
};
using Process = std::unique_ptr<QProcess, KillFirst>;

Process startWorker(const RedisServerFixture &server, int concurrency = 2)
{
    Process process(new QProcess);
    process->setProcessChannelMode(QProcess::ForwardedErrorChannel);
    process->start(WORKER_PROCESS, {QString::fromStdString(server.url()), QString::number(concurrency)});
    // What waits for it may kill it before it has said its name.
    if (!process->waitForReadyRead(20'000) && process->state() != QProcess::NotRunning)
        throw std::runtime_error("the worker process did not start");
    return process;
}

void killHard(QProcess &process)
{
    process.kill(); // SIGKILL
    process.waitForFinished(5'000);
}

NewTask sleeping(int milliseconds)
{
    NewTask task;
    task.name = "test.sleep";
    task.args = {milliseconds};
    return task;
}

} // namespace

class KillTest final : public QObject
{
    Q_OBJECT

private slots:
    void losesNothingWhenWorkersAreKilledAtAnyInstant()
    {
        const RedisServerFixture server;
        QueueInstance producer(server.endpoint());
        std::vector<Process> workers;
        for (int i = 0; i < 2; ++i)
            workers.push_back(startWorker(server));
        std::mt19937 random(std::random_device{}());
        std::vector<std::string> ids;
        for (int round = 0; round < 12; ++round) {
            std::vector<std::future<Result<std::string>>> sent; // at once, so that many wait when one dies
            for (int i = 0; i < 100; ++i) {
                auto enqueued = producer.broker.enqueue(sleeping(static_cast<int>(random() % 4)));
                sent.push_back(asio::co_spawn(producer.runtime.at(0), std::move(enqueued), asio::use_future));
            }
            for (auto &one : sent)
                ids.push_back(one.get().value());
            std::this_thread::sleep_for(std::chrono::microseconds(random() % 200'000));
            auto &victim = workers[random() % workers.size()];
            killHard(*victim);
            victim = startWorker(server);
        }
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        for (const std::string &id : ids) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
            QCOMPARE(producer.ended(id, std::max(left, 0ms)).state, std::string(state::success));
        }
        QVERIFY(within(20s, [&] { return producer.backlog() == Backlog{{{"celery", 0}}, 0}; }));
    }

    void runsATaskAgainWithinTenSecondsOfItsWorkersDeath()
    {
        const RedisServerFixture server;
        QueueInstance producer(server.endpoint());
        auto first = startWorker(server, 1);
        const std::string running = producer.enqueue(sleeping(60'000));
        const std::string reserved = producer.enqueue(sleeping(0));
        NewTask later = sleeping(0);
        later.eta = std::chrono::system_clock::now() + 60s;
        producer.enqueue(later);
        QVERIFY(within(5s, [&] { return producer.result(running).state == state::started; }));
        QVERIFY(within(5s, [&] { return producer.backlog().unacked == 3; }));
        // kombu's own: without our note it must stay.
        producer.redis(redis::Command("HSET", keys::unacked, "kombu-tag", R"([{"body":""},"","celery"])"));
        producer.redis(redis::Command("ZADD", keys::unackedIndex, 1, "kombu-tag"));
        auto second = startWorker(server, 1);
        killHard(*first);
        const auto died = std::chrono::steady_clock::now();
        // It counts its starts as soon as it runs again.
        QVERIFY(
            within(10s, [&] { return producer.redis(redis::Command("EXISTS", keys::starts(running))).integer == 1; }));
        QVERIFY(std::chrono::steady_clock::now() - died < 10s);
        QCOMPARE(producer.redis(redis::Command("HEXISTS", keys::unacked, "kombu-tag")).integer, 1);
        QCOMPARE(producer.redis(redis::Command("ZCARD", keys::instances)).integer, 1);
        const auto stop = producer.run<Result<void>>([&] { return producer.broker.revoke(running, true); });
        QVERIFY(stop);
        QCOMPARE(producer.ended(running).state, std::string(state::revoked));
        QCOMPARE(producer.ended(reserved).state, std::string(state::success));
    }

    void endsATaskThatKillsItsWorkerEachTime()
    {
        const RedisServerFixture server;
        QueueInstance producer(server.endpoint());
        NewTask crash;
        crash.name = "test.crash";
        const std::string id = producer.enqueue(crash);
        int deaths = 0;
        Process worker = startWorker(server, 1);
        const auto deadline = std::chrono::steady_clock::now() + 200s;
        while (!producer.result(id).ended() && std::chrono::steady_clock::now() < deadline) {
            if (worker->state() != QProcess::NotRunning && !worker->waitForFinished(50))
                continue;
            ++deaths;
            // So that the test need not wait for ten leases: what the dead one's would become in 5 s.
            const auto owners = producer.redis(redis::Command("ZRANGE", keys::instances, 0, -1));
            for (const redis::Reply &owner : owners.elements)
                producer.redis(redis::Command("ZADD", keys::instances, 1, owner.text));
            worker = startWorker(server, 1);
        }
        const TaskResult result = producer.result(id);
        QCOMPARE(result.state, std::string(state::failure));
        QCOMPARE(result.failure->type, std::string("WorkerLostError"));
        QCOMPARE(deaths, 10);
        QVERIFY(within(5s, [&] { return producer.backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(producer.redis(redis::Command("EXISTS", keys::starts(id))).integer, 0);
    }

    void survivesRedisStandingStill()
    {
        RedisServerFixture server;
        QueueInstance producer(server.endpoint());
        auto worker = startWorker(server, 1);
        std::vector<std::string> ids;
        for (int i = 0; i < 50; ++i)
            ids.push_back(producer.enqueue(sleeping(20)));
        server.pause();
        std::this_thread::sleep_for(6s); // longer than a lease: the point of this test
        server.resume();
        for (const std::string &id : ids)
            QCOMPARE(producer.ended(id).state, std::string(state::success));
        QVERIFY(within(10s, [&] { return producer.backlog() == Backlog{{{"celery", 0}}, 0}; }));
    }
};

QTEST_GUILESS_MAIN(KillTest)
#include "kill_test.moc"
