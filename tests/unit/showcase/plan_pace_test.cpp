// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/plan_pace.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>

using namespace portolan;
using namespace portolan::showcase;
using namespace std::chrono_literals;

/// Work that keeps to a part of a Redis plan.
class PlanPaceTest final : public QObject
{
    Q_OBJECT
private slots:
    void waitsAsLongAsItsCommandsMayTake();
    void countsWhatOthersSendMeanwhile();
    void savesNothingUp();
    void withoutAPlanItNeverWaits();
    void keepsToTheRate();

private:
    ManualClock m_clock;
    std::uint64_t m_sent = 1000;
    PlanPace pace(double perSecond)
    {
        return {perSecond, [this] { return m_sent; }, m_clock};
    }
};

void PlanPaceTest::waitsAsLongAsItsCommandsMayTake()
{
    PlanPace paced = pace(50);
    m_sent += 10;
    QCOMPARE(paced.left(), 200ms);
    m_clock.advance(150ms);
    QCOMPARE(paced.left(), 50ms);
    m_clock.advance(50ms);
    QCOMPARE(paced.left(), 0ms);
    QCOMPARE(paced.left(), 0ms); // the next step has sent nothing
}

void PlanPaceTest::countsWhatOthersSendMeanwhile()
{
    PlanPace paced = pace(50);
    m_sent += 10;
    m_clock.advance(100ms);
    m_sent += 5;
    QCOMPARE(paced.left(), 200ms);
}

void PlanPaceTest::savesNothingUp()
{
    PlanPace paced = pace(50);
    m_clock.advance(1h);
    QCOMPARE(paced.left(), 0ms);
    m_sent += 50;
    QCOMPARE(paced.left(), 1000ms);
}

void PlanPaceTest::withoutAPlanItNeverWaits()
{
    PlanPace paced = pace(0);
    m_sent += 1'000'000;
    QCOMPARE(paced.left(), 0ms);
}

/// In no second more than the rate and one step's, however large the steps.
void PlanPaceTest::keepsToTheRate()
{
    PlanPace paced = pace(50);
    std::vector<std::pair<SteadyTime, std::uint64_t>> steps;
    for (const std::uint64_t step : {3, 20, 1, 7, 20, 20, 2, 9, 14, 20, 20, 20, 1, 1, 18}) {
        m_sent += step;
        steps.emplace_back(m_clock.steady(), step);
        while (const auto left = paced.left().count())
            m_clock.advance(std::chrono::milliseconds(left));
    }
    for (const auto &[from, ignored] : steps) {
        std::uint64_t within = 0;
        for (const auto &[at, step] : steps)
            within += at >= from && at < from + 1s ? step : 0;
        QVERIFY2(within <= 50 + 20, qPrintable(QString::number(within)));
    }
    QVERIFY(m_clock.steady() - steps.front().first >= 3s); // 176 commands
}

QTEST_GUILESS_MAIN(PlanPaceTest)
#include "plan_pace_test.moc"
