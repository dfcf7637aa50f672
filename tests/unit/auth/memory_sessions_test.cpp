// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/memory_sessions.h"
#include "core/auth/redis_outage.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>

using namespace portolan;
using namespace portolan::auth;
using namespace std::chrono_literals;

namespace {

SessionId newId() { return SessionToken::random().id(); }
Session session(Id user, std::uint32_t noted = 1000) { return {user, Role::User, noted}; }

} // namespace

class MemorySessionsTest final : public QObject
{
    Q_OBJECT
private slots:
    void forgetsAfterItsLifetimeWithoutUse();
    void dropsTheLeastRecentlyUsedAtItsBound();
    void keepsThoseBornHere();
    void refusesBirthsBeyondHalf();
    void endsByRevocation();
    void tellsWhatIsPendingOnce();
    void takesLateSessionsForBornHere();
    void asksAgainOncePerPause();
};

void MemorySessionsTest::forgetsAfterItsLifetimeWithoutUse()
{
    ManualClock clock;
    MemorySessions memory(clock, 24h, 10);
    const auto id = newId();
    memory.remember(id, session(1));
    clock.advance(23h);
    QVERIFY(memory.find(id) == session(1)); // slides
    clock.advance(23h);
    QVERIFY(memory.find(id));
    clock.advance(24h);
    QVERIFY(!memory.find(id));
    QCOMPARE(memory.size(), std::size_t(0));
}

void MemorySessionsTest::dropsTheLeastRecentlyUsedAtItsBound()
{
    ManualClock clock;
    MemorySessions memory(clock, 24h, 3);
    const auto a = newId(), b = newId(), c = newId(), d = newId();
    memory.remember(a, session(1));
    memory.remember(b, session(2));
    memory.remember(c, session(3));
    QVERIFY(memory.find(a));
    memory.remember(d, session(4));
    QCOMPARE(memory.size(), std::size_t(3));
    QVERIFY(!memory.find(b));
    QVERIFY(memory.find(a) && memory.find(c) && memory.find(d));
}

void MemorySessionsTest::keepsThoseBornHere()
{
    ManualClock clock;
    MemorySessions memory(clock, 24h, 4);
    const auto born = newId();
    QVERIFY(memory.born(born, session(1)));
    for (int i = 0; i < 100; ++i)
        memory.remember(newId(), session(2));
    QVERIFY(memory.find(born));
    QVERIFY(memory.isBornHere(born));
    QCOMPARE(memory.size(), std::size_t(4));
}

void MemorySessionsTest::refusesBirthsBeyondHalf()
{
    ManualClock clock;
    MemorySessions memory(clock, 24h, 4);
    QVERIFY(memory.born(newId(), session(1)));
    QVERIFY(memory.born(newId(), session(1)));
    QVERIFY(!memory.born(newId(), session(1)));
    QCOMPARE(memory.takePending(10).born.size(), std::size_t(2));
}

void MemorySessionsTest::endsByRevocation()
{
    ManualClock clock;
    MemorySessions memory(clock, 24h, 10);
    const auto before = newId(), same = newId(), after = newId(), other = newId();
    memory.remember(before, session(1, 999));
    memory.remember(same, session(1, 1000));
    memory.remember(after, session(1, 1001));
    memory.remember(other, session(2, 999));
    memory.revoke(1, 1000, false);
    QVERIFY(!memory.find(before));
    QVERIFY(!memory.find(same));
    QVERIFY(memory.find(after));
    QVERIFY(memory.find(other));
    QCOMPARE(memory.revokedUpTo(1), 1000u);
    QCOMPARE(memory.revokedUpTo(2), 0u);
    QVERIFY(!memory.hasPending());
}

void MemorySessionsTest::tellsWhatIsPendingOnce()
{
    ManualClock clock;
    MemorySessions memory(clock, 24h, 10);
    const auto born = newId(), ended = newId(), void_ = newId();
    QVERIFY(memory.born(born, session(1, 5000)));
    QVERIFY(memory.born(void_, session(2, 900)));
    memory.end(ended);
    memory.revoke(2, 1000, true);
    QVERIFY(memory.hasPending());
    QVERIFY(memory.isEnded(ended));
    const auto pending = memory.takePending(100);
    QCOMPARE(pending.born.size(), std::size_t(1)); // not the void one
    QVERIFY(pending.born[0].first == born);
    QVERIFY(pending.ended == std::vector{ended});
    QCOMPARE(pending.revoked.size(), std::size_t(1));
    QVERIFY(memory.takePending(100).ended.empty());
    QVERIFY(memory.isBornHere(born)); // until it has been told
    memory.putBack(pending);
    QVERIFY(memory.takePending(100).ended == std::vector{ended});
    memory.takePending(100);
    memory.remember(born, session(1, 5000));
    QVERIFY(memory.find(born) && !memory.isBornHere(born));
    QVERIFY(!memory.hasPending());
}

void MemorySessionsTest::takesLateSessionsForBornHere()
{
    ManualClock clock;
    MemorySessions memory(clock, 24h, 10);
    const auto old = newId(), late = newId();
    memory.remember(old, session(1, 1000));
    memory.remember(late, session(1, 2000));
    memory.distrust(1999);
    const auto pending = memory.takePending(100);
    QCOMPARE(pending.born.size(), std::size_t(1));
    QVERIFY(pending.born[0].first == late);
}

void MemorySessionsTest::asksAgainOncePerPause()
{
    ManualClock clock;
    RedisOutage outage(clock, 250ms);
    QVERIFY(outage.mayAsk());
    QVERIFY(!outage.answered());
    QVERIFY(outage.failed());
    QVERIFY(!outage.failed());
    QVERIFY(outage.away());
    QVERIFY(!outage.mayAsk());
    clock.advance(250ms);
    QVERIFY(outage.mayAsk()); // one goes first
    QVERIFY(!outage.mayAsk());
    QVERIFY(outage.answered());
    QVERIFY(!outage.answered());
    QVERIFY(outage.mayAsk() && outage.mayAsk());
}

QTEST_GUILESS_MAIN(MemorySessionsTest)
#include "memory_sessions_test.moc"
