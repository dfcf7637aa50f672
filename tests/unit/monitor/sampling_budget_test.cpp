// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/sampling_budget.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

constexpr PlanLimits freePlan{100, 5.0 * 1024 * 1024 * 1024};

/// Rounds as a sampler makes them, a second after the other, at a price.
struct Rounds
{
    explicit Rounds(PlanLimits limits = freePlan) : budget(limits, 1s, clock.steady()) {}

    void run(std::chrono::seconds time, bool watched = false, bool near = false)
    {
        for (auto passed = 0s; passed < time; ++passed) {
            budget.update(watched, near, instances, clock.steady());
            if (budget.due(clock.steady())) {
                const bool details = budget.detailsDue(clock.steady());
                commands += details ? 50 : plainCommands;
                bytes += details ? detailBytes : 400;
                ++rounds;
                budget.spent(details ? 50 : plainCommands, details ? detailBytes : 400, details, clock.steady());
            } else if (budget.searchDue(clock.steady())) {
                commands += 5;
                bytes += 120;
                ++searches;
                budget.searched(5, 120, clock.steady());
            }
            clock.advance(1s);
        }
    }
    void forget() { commands = bytes = rounds = searches = 0; }

    ManualClock clock;
    SamplingBudget budget;
    std::size_t instances = 1;
    std::uint64_t plainCommands = 8;
    std::uint64_t detailBytes = 3000;
    std::uint64_t commands = 0;
    std::uint64_t bytes = 0;
    std::uint64_t rounds = 0;
    std::uint64_t searches = 0;
};

} // namespace

class SamplingBudgetTest final : public QObject
{
    Q_OBJECT

private slots:
    void aPrivateRedisIsAskedEachSecond()
    {
        Rounds rounds{PlanLimits{}};
        rounds.run(60s);
        QCOMPARE(rounds.rounds, std::uint64_t(60));
        QCOMPARE(rounds.budget.figures().pace, SamplingPace::Free);
        QCOMPARE(rounds.budget.figures().left, std::nullopt);
        QCOMPARE(rounds.budget.figures().staleAfter, std::chrono::milliseconds(5s));
    }

    void leavesRoomForTheRestOfTheShareWhileNobodyLooks_data()
    {
        QTest::addColumn<quint64>("detailBytes");
        QTest::newRow("few clients") << quint64(3000);
        QTest::newRow("many clients, long keys") << quint64(200'000);
    }
    void leavesRoomForTheRestOfTheShareWhileNobodyLooks()
    {
        QFETCH(quint64, detailBytes);
        Rounds rounds;
        rounds.detailBytes = detailBytes;
        rounds.run(300s); // what it costs is learnt
        rounds.forget();
        constexpr int seconds = 86400;
        rounds.run(std::chrono::seconds(seconds));
        QCOMPARE(rounds.budget.figures().pace, SamplingPace::Idle);
        QVERIFY2(double(rounds.commands) / seconds < 5, qPrintable(QString::number(rounds.commands)));
        QVERIFY2(double(rounds.bytes) / seconds < 165, qPrintable(QString::number(rounds.bytes)));
        QVERIFY(rounds.rounds >= seconds / 60);
    }

    /// Three processes of one deployment ask no more of its plan than one does, but for the one that is looked at.
    void severalInstancesShareThePlan_data()
    {
        QTest::addColumn<bool>("near");
        QTest::newRow("at rest") << false;
        QTest::newRow("near a threshold") << true;
    }
    void severalInstancesShareThePlan()
    {
        QFETCH(bool, near);
        Rounds alone, one;
        one.instances = 3;
        for (Rounds *rounds : {&alone, &one}) {
            rounds->run(300s, false, near);
            rounds->forget();
            rounds->run(3h, false, near);
        }
        QVERIFY2(one.commands * 3 <= alone.commands * 11 / 10,
                 qPrintable(QString("%1 of three, %2 of one").arg(one.commands * 3).arg(alone.commands)));
        QVERIFY(one.bytes * 3 <= alone.bytes * 11 / 10);
        one.forget();
        one.run(60s, true);
        QVERIFY2(one.rounds >= 25, qPrintable(QString::number(one.rounds))); // as if it were alone
    }

    void isFasterWhileSomebodyLooksUntilItIsUsedUp()
    {
        Rounds rounds;
        rounds.run(120s);
        rounds.forget();
        rounds.run(60s, true);
        QCOMPARE(rounds.budget.figures().pace, SamplingPace::Watched);
        QVERIFY2(rounds.rounds >= 25, qPrintable(QString::number(rounds.rounds)));
        QVERIFY2(rounds.commands <= 60 * 11, qPrintable(QString::number(rounds.commands)));
        QCOMPARE(rounds.searches, std::uint64_t(0)); // each round takes a step, and they are as close
        for (int minutes = 0; minutes < 720 && rounds.budget.figures().pace == SamplingPace::Watched; ++minutes)
            rounds.run(60s, true);
        QCOMPARE(rounds.budget.figures().pace, SamplingPace::Saving);
        QVERIFY(rounds.budget.figures().interval >= 5s);
        QVERIFY(*rounds.budget.figures().left < 0.02);
        rounds.forget();
        rounds.run(12h, true); // by turns saving and looking: on the average its share
        QVERIFY2(double(rounds.bytes) / 43200 <= 215, qPrintable(QString::number(rounds.bytes)));
    }

    /// Many lists of others make a round dear; the search for more goes on between rounds all the same.
    void searchesBetweenDearRoundsWhileSomebodyLooks()
    {
        Rounds rounds;
        rounds.plainCommands = 60;
        rounds.run(120s);
        QCOMPARE(rounds.searches, std::uint64_t(0));
        rounds.run(120s, true); // what it costs is learnt
        rounds.forget();
        rounds.run(600s, true);
        QVERIFY2(rounds.searches >= 200, qPrintable(QString::number(rounds.searches)));
        QVERIFY2(rounds.commands <= 600 * 11, qPrintable(QString::number(rounds.commands)));
    }

    void fillsAgainWhileNobodyLooks()
    {
        Rounds rounds;
        rounds.run(12h, true);
        const double before = *rounds.budget.figures().left;
        rounds.run(24h);
        QVERIFY(*rounds.budget.figures().left > before + 0.1);
        rounds.run(24h * 30);
        QVERIFY(*rounds.budget.figures().left > 0.99);
        rounds.run(1h, true);
        QCOMPARE(rounds.budget.figures().pace, SamplingPace::Watched);
    }

    void isFasterNearAThresholdWithinATenthAllTheSame()
    {
        Rounds rounds;
        rounds.run(120s);
        rounds.forget();
        rounds.run(300s, false, true);
        QCOMPARE(rounds.budget.figures().pace, SamplingPace::Near);
        QVERIFY(rounds.budget.figures().interval < 5s);
        QVERIFY2(double(rounds.commands) / 300 <= 5.5, qPrintable(QString::number(rounds.commands)));
    }

    void figuresAreStaleAfterTwoMissedSamples()
    {
        Rounds rounds{PlanLimits{5, 0}}; // half a command a second is ours
        rounds.run(300s);
        const SamplingFigures &figures = rounds.budget.figures();
        QVERIFY(figures.interval > 30s);
        QVERIFY(figures.staleAfter > 2 * figures.interval && figures.staleAfter <= 2 * figures.interval + 1s);
        QVERIFY(figures.detailsStaleAfter >= figures.staleAfter);
    }

    void instancesTellEachOtherAsOftenAsIsLeftForIt()
    {
        Rounds unbounded{PlanLimits{}};
        unbounded.run(5s);
        QCOMPARE(unbounded.budget.exchangeInterval(), 0ms);

        Rounds rounds;
        rounds.run(10s);
        rounds.budget.exchanged(2, 450); // alone, but for oneself
        rounds.run(1s);
        const auto alone = rounds.budget.exchangeInterval();
        QVERIFY(alone >= 5s && alone <= 40s);
        rounds.budget.exchanged(2, 3 * 450);
        rounds.run(1s);
        const auto ofThree = rounds.budget.exchangeInterval();
        QVERIFY(ofThree > alone);
        // A tenth of the monitor's share of traffic; a twentieth of its commands.
        const double share = freePlan.bytesPerMonth * SamplingBudget::share / SamplingBudget::month;
        const auto perSecond = [](double bytes, std::chrono::milliseconds interval) {
            return bytes / (double(interval.count()) / 1000);
        };
        QVERIFY(perSecond(3 * 450, ofThree) <= 0.1001 * share);
        for (const std::uint64_t busy : {3u * 2048u, 3u * 4096u}) {
            rounds.budget.exchanged(2, busy);
            rounds.run(1s);
            QVERIFY2(perSecond(double(busy), rounds.budget.exchangeInterval()) <= 0.1001 * share,
                     qPrintable(QString::number(rounds.budget.exchangeInterval().count())));
        }
        Rounds dear;
        dear.budget.exchanged(2, 1'000'000);
        dear.run(1s);
        QCOMPARE(dear.budget.exchangeInterval(), std::chrono::milliseconds(10min)); // nobody may be silent for longer
        QVERIFY(450 / (double(alone.count()) / 1000) <= 0.135 * share);
        QVERIFY(2 / (double(alone.count()) / 1000) <= 0.05 * freePlan.commandsPerSecond * SamplingBudget::share);
        rounds.run(1s, true);
        QVERIFY(rounds.budget.exchangeInterval() <= 4s); // what was put by pays for it
        const double before = *rounds.budget.figures().left;
        rounds.budget.exchanged(2, 100'000);
        rounds.run(1s);
        QVERIFY(*rounds.budget.figures().left < before);
    }

    void asksAgainAfterAFailure()
    {
        Rounds rounds;
        rounds.run(10s);
        rounds.budget.failed(rounds.clock.steady());
        rounds.clock.advance(1s);
        QVERIFY(rounds.budget.due(rounds.clock.steady()));
    }
};

QTEST_GUILESS_MAIN(SamplingBudgetTest)
#include "sampling_budget_test.moc"
