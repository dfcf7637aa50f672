// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/schedule.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/queue_instance.h"

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

/// Periodic jobs while somebody sets the clock.
class ScheduleTest final : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase() { m_server = std::make_unique<RedisServerFixture>(); }
    void init()
    {
        m_server->command("FLUSHALL");
        m_instance = std::make_unique<QueueInstance>(m_server->endpoint());
    }
    void cleanup() { m_instance.reset(); }

    void goesOnWhereverTheClockIsSet_data()
    {
        QTest::addColumn<int>("days");
        QTest::newRow("ahead") << 10;
        QTest::newRow("back") << -10;
    }
    void goesOnWhereverTheClockIsSet()
    {
        QFETCH(int, days);
        constexpr std::chrono::seconds interval{60};
        ManualClock clock;
        std::atomic<int> runs{0};
        Schedule schedule(m_instance->runtime.at(0), m_instance->client, clock);
        schedule.add("refresh", interval, [&]() -> awaitable<void> {
            ++runs;
            co_return;
        });
        const auto reaches = [&](int expected) {
            return within(10s, [&] {
                runSync<void>(m_instance->runtime.at(0), [&] { return schedule.tick(); });
                return runs == expected;
            });
        };
        QVERIFY(reaches(1));
        clock.jump(std::chrono::days(days)); // wrong
        QVERIFY(reaches(2));
        clock.advance(interval);
        QVERIFY(reaches(3));
        clock.jump(-std::chrono::days(days) - interval); // corrected: this turn had its run
        for (int i = 0; i < 3; ++i)
            QVERIFY(reaches(3));
        clock.advance(interval);
        QVERIFY(reaches(4));
        clock.advance(interval);
        QVERIFY(reaches(5));
    }

private:
    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<QueueInstance> m_instance;
};

QTEST_GUILESS_MAIN(ScheduleTest)
#include "schedule_test.moc"
