// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/blocking_pool.h"
#include "core/base/runtime.h"

#include <QTest>
#include <latch>

using namespace portolan;

class RuntimeTest final : public QObject
{
    Q_OBJECT
private slots:
    void resumesOnTheCallersThreadAfterBlockingWork();
    void refusesWorkBeyondItsBound();
    void answersCancelledWhatStillWaitsAtTheEnd();
};

void RuntimeTest::resumesOnTheCallersThreadAfterBlockingWork()
{
    Runtime runtime(2);
    BlockingPool pool("test", 1, 4);
    const auto same = runSync<bool>(runtime.at(1), [&]() -> awaitable<bool> {
        const auto before = std::this_thread::get_id();
        const auto worker = co_await pool.run([] { return std::this_thread::get_id(); });
        co_return worker.value() != before &&std::this_thread::get_id() == before;
    });
    QVERIFY(same);
}

void RuntimeTest::refusesWorkBeyondItsBound()
{
    Runtime runtime(1);
    std::latch running(1);
    std::latch release(1);
    BlockingPool pool("test", 1, 1);
    auto blocked = [&]() -> awaitable<Result<int>> {
        co_return co_await pool.run([&] {
            running.count_down();
            release.wait();
            return 1;
        });
    };
    auto first = asio::co_spawn(runtime.at(0), blocked, asio::use_future);
    running.wait();
    auto quick = [&]() -> awaitable<Result<int>> { co_return co_await pool.run([] { return 2; }); };
    auto second = asio::co_spawn(runtime.at(0), quick, asio::use_future);
    auto third = asio::co_spawn(runtime.at(0), quick, asio::use_future);
    const auto refused = third.get();
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().kind, ErrorKind::Unavailable);
    release.count_down();
    QCOMPARE(first.get().value(), 1);
    QCOMPARE(second.get().value(), 2);
}

void RuntimeTest::answersCancelledWhatStillWaitsAtTheEnd()
{
    Runtime runtime(1);
    std::latch running(1);
    std::latch release(1);
    std::future<Result<int>> waiting;
    {
        auto pool = std::make_unique<BlockingPool>("test", 1, 4);
        auto first = asio::co_spawn(
            runtime.at(0),
            [&]() -> awaitable<Result<int>> {
                co_return co_await pool->run([&] {
                    running.count_down();
                    release.wait();
                    return 1;
                });
            },
            asio::use_future);
        running.wait();
        waiting = asio::co_spawn(
            runtime.at(0), [&]() -> awaitable<Result<int>> { co_return co_await pool->run([] { return 2; }); },
            asio::use_future);
        runSync<void>(runtime.at(0), []() -> awaitable<void> { co_return; }); // the second is queued by now
        std::thread end([&] { pool.reset(); });
        QCOMPARE(waiting.get().error().kind, ErrorKind::Cancelled);
        release.count_down();
        end.join();
        QCOMPARE(first.get().value(), 1);
    }
}

QTEST_GUILESS_MAIN(RuntimeTest)
#include "runtime_test.moc"
