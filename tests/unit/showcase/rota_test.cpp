// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/showcase/stage.h"

#include <QTest>

using namespace portolan;
using namespace portolan::showcase;

/// The rules by which a table of visitors is carried out.
class RotaTest final : public QObject
{
    Q_OBJECT
private slots:
    void aVisitIsOneStepAfterTheOther();
    void anAnswerThatLacksWhatIsNeededEndsTheVisit();
    void textsThatCannotStandInAHeaderAreNotSentBack();
    void aRefusalKeepsAwayAsTold_data();
    void aRefusalKeepsAwayAsTold();
    void theOthersComeMeanwhile();
    void theHastyOneInsists();
    void whoWasSignedOutStaysAway();
    void aHabitRestsLongerAfterEachServerError();
    void withoutAnAnswerEverybodyRests();
    void aSecondOutcomeIsPassedOver();
};

void RotaTest::aVisitIsOneStepAfterTheOther()
{
    Stage stage;
    const Step steps[] = {{.target = "/auth/csrf", .pause = 300ms},
                          {.kind = StepKind::Post, .target = "/start-analysis", .body = R"({"symbol":"{symbol}"})"},
                          {.target = "/api/tasks/{task}"}};
    const Habit habits[] = {{.name = "analyses", .first = 2s, .every = 10s, .steps = steps}};
    Rota rota(habits, {.members = 1}, stage.clock, 1);
    const SteadyTime start = stage.clock.steady();
    const auto played = stage.play(rota, 8s, small(), 50ms);
    QCOMPARE(played.size(), std::size_t(3));
    QVERIFY(played[0].at == start + 2s);
    QVERIFY(played[1].at == start + 2s + 50ms + 300ms);
    QVERIFY(played[2].at == played[1].at + 50ms);
    QCOMPARE(played[1].errand.token, std::string("a-token"));
    QVERIFY(played[1].errand.body.find('{', 1) == std::string::npos);
    QCOMPARE(played[2].errand.target, std::string("/api/tasks/a-task"));
    QVERIFY(played[2].errand.token.empty());
    const auto more = stage.play(rota, 60s, small(), 50ms);
    QVERIFY(more[0].at - played[0].at >= 7500ms && more[0].at - played[0].at <= 12500ms);
}

void RotaTest::anAnswerThatLacksWhatIsNeededEndsTheVisit()
{
    const Step steps[] = {{.kind = StepKind::Post, .target = "/start-analysis"}, {.target = "/api/tasks/{task}"}};
    const Habit habits[] = {{.name = "analyses", .every = 10s, .steps = steps}};
    for (const std::string body : {"", "[]", "{", R"({"task_id":1})", R"({"task_id":""})", R"({"task_id":"../x"})"}) {
        Stage stage;
        Rota rota(habits, {.members = 1}, stage.clock, 1);
        const auto played = stage.play(rota, 60s, [&](const Errand &, SteadyTime) { return Outcome{202, body, {}}; });
        QVERIFY(played.size() >= 5 && played.size() <= 8);
        for (const auto &one : played)
            QCOMPARE(one.errand.target, std::string("/start-analysis"));
    }
}

void RotaTest::textsThatCannotStandInAHeaderAreNotSentBack()
{
    const Step steps[] = {{.target = "/auth/csrf"}, {.kind = StepKind::Post, .target = "/start-analysis"}};
    const Habit habits[] = {{.name = "analyses", .every = 10s, .steps = steps}};
    const std::string long1(513, 'a');
    for (const std::string &token : {std::string("a\\r\\nHost: elsewhere"), std::string("a b"), long1}) {
        Stage stage;
        Rota rota(habits, {.members = 1}, stage.clock, 1);
        const auto played = stage.play(rota, 1s, [&](const Errand &, SteadyTime) {
            return Outcome{200, R"({"csrf_token":")" + token + R"("})", {}};
        });
        QCOMPARE(played.size(), std::size_t(2));
        QVERIFY(played[1].errand.token.empty());
    }
}

void RotaTest::aRefusalKeepsAwayAsTold_data()
{
    QTest::addColumn<int>("told");
    QTest::addColumn<int>("away");
    QTest::newRow("as told") << 100 << 100;
    QTest::newRow("not told") << 0 << 60;
    QTest::newRow("longer than the patience") << 86400 << 600;
}

void RotaTest::aRefusalKeepsAwayAsTold()
{
    Stage stage;
    QFETCH(int, told);
    QFETCH(int, away);
    const Step steps[] = {{.target = "/api/me"}, {.target = "/api/tasks"}};
    const Habit habits[] = {{.name = "looks", .every = 5s, .steps = steps, .patience = 600s}};
    Rota rota(habits, {.members = 1}, stage.clock, 1);
    const Outcome refusal{429, {}, told > 0 ? std::optional(std::chrono::seconds(told)) : std::nullopt};
    const auto played = stage.play(
        rota, 30min, [&](const Errand &, SteadyTime) { return refusal; }, 0ms);
    QVERIFY(played.size() >= 2);
    for (std::size_t i = 0; i < played.size(); ++i) {
        QCOMPARE(played[i].errand.target, std::string("/api/me"));
        QVERIFY(i == 0 || played[i].at - played[i - 1].at == std::chrono::seconds(away));
    }
}

void RotaTest::theOthersComeMeanwhile()
{
    Stage stage;
    const Step steps[] = {{.target = "/api/me"}};
    const Habit habits[] = {{.name = "looks", .every = 5s, .steps = steps}};
    Rota rota(habits, {.members = 4}, stage.clock, 1);
    std::map<std::size_t, unsigned> came;
    const auto portal = [&](const Errand &errand, SteadyTime) {
        ++came[errand.member.value()];
        return errand.member == 1u ? Outcome{429, {}, 3600s} : Outcome{200, {}, {}};
    };
    QVERIFY(stage.play(rota, 5min, portal).size() > 50);
    QCOMPARE(came[1], 1u);
    QVERIFY(came[0] > 10 && came[2] > 10);
    QVERIFY(!came.contains(3)); // the hasty one has other habits
}

void RotaTest::theHastyOneInsists()
{
    Stage stage;
    const Step step{.target = "/api/quotes", .pause = 100ms};
    const std::vector<Step> steps(10, step);
    const Habit habits[] = {{.name = "reloads", .who = Who::Hasty, .every = 60s, .steps = steps, .insists = 3}};
    Rota rota(habits, {.members = 2}, stage.clock, 1);
    unsigned asked = 0;
    const auto played = stage.play(rota, 30s, [&](const Errand &errand, SteadyTime) {
        return errand.member == 1u && ++asked > 4 ? Outcome{429, {}, 600s} : Outcome{200, {}, {}};
    });
    QCOMPARE(played.size(), std::size_t(7));
    QVERIFY(stage.play(rota, 9min, small()).empty());
}

void RotaTest::whoWasSignedOutStaysAway()
{
    Stage stage;
    const Step steps[] = {{.target = "/api/me"}};
    const Habit habits[] = {{.name = "looks", .every = 5s, .steps = steps},
                            {.name = "again", .first = 1s, .every = 7s, .steps = steps}};
    Rota rota(habits, {.members = 3}, stage.clock, 1);
    std::map<std::size_t, unsigned> came;
    const auto portal = [&](const Errand &errand, SteadyTime) {
        ++came[errand.member.value()];
        return Outcome{errand.member == 0u ? 401 : 200, {}, {}};
    };
    stage.play(rota, 10min, portal, 0ms);
    QCOMPARE(came[0], 1u);
    QVERIFY(came[1] > 100);
    // Nobody is left: nothing is ever due again.
    stage.play(
        rota, 10min,
        [](const Errand &, SteadyTime) {
            return Outcome{401, {}, {}};
        },
        0ms);
    QVERIFY(!rota.take() && !rota.next());
}

void RotaTest::aHabitRestsLongerAfterEachServerError()
{
    Stage stage;
    const Step steps[] = {{.target = "/api/me"}};
    const Habit habits[] = {{.name = "looks", .every = 1s, .steps = steps},
                            {.name = "probes", .who = Who::Probe, .every = 1s, .steps = steps}};
    Rota rota(habits, {.members = 4}, stage.clock, 1);
    const auto portal = [](const Errand &errand, SteadyTime) { return Outcome{errand.member ? 503 : 200, {}, {}}; };
    std::vector<SteadyTime> failed;
    std::size_t others = 0;
    for (const auto &one : stage.play(rota, 5min, portal, 0ms)) {
        others += one.errand.member ? 0 : 1;
        if (one.errand.member)
            failed.push_back(one.at);
    }
    QVERIFY(others > 200); // one route that fails is no portal that is away
    QVERIFY(failed.size() >= 7 && failed.size() <= 10);
    for (std::size_t i = 2; i < failed.size(); ++i) {
        const auto rest = failed[i] - failed[i - 1];
        QVERIFY(rest >= std::min<std::chrono::nanoseconds>(60s, std::chrono::seconds(1 << (i - 1))) && rest <= 60s);
    }
    // An answer, and the pace is the old one.
    stage.clock.advance(60s);
    QVERIFY(stage.play(rota, 30s, small(), 0ms).size() > 50);
}

void RotaTest::withoutAnAnswerEverybodyRests()
{
    Stage stage;
    Rota rota(cast(), everybody, stage.clock, 1);
    stage.play(rota, 60s, small());
    stage.mostAtOnce = 0;
    const auto silent = [](const Errand &, SteadyTime) { return Outcome{}; };
    stage.play(rota, 10s, silent);
    stage.mostAtOnce = 0;
    const auto played = stage.play(rota, 10min, silent);
    QCOMPARE(stage.mostAtOnce, std::size_t(1));
    QVERIFY(played.size() >= 10 && played.size() <= 20);
    for (std::size_t i = 7; i < played.size(); ++i) // the doubling is over
        QVERIFY(played[i].at - played[i - 1].at >= 60s);
    stage.clock.advance(60s);
    QVERIFY(stage.play(rota, 60s, small()).size() > 60);
}

void RotaTest::aSecondOutcomeIsPassedOver()
{
    Stage stage;
    const Step steps[] = {{.target = "/api/me", .pause = 1s}, {.target = "/api/tasks"}};
    const Habit habits[] = {{.name = "looks", .every = 60s, .steps = steps}};
    Rota rota(habits, {.members = 1}, stage.clock, 1);
    const auto errand = rota.take();
    QVERIFY(errand);
    QCOMPARE(rota.underWay(), std::size_t(1));
    rota.done(*errand, {200, {}, {}});
    rota.done(*errand, {0, {}, {}});
    QCOMPARE(rota.underWay(), std::size_t(0));
    QVERIFY(rota.next() == stage.clock.steady() + 1s); // no rest
    stage.clock.advance(1s);
    QCOMPARE(rota.take()->target, std::string("/api/tasks"));
    rota.done(*errand, {200, {}, {}}); // of the step before
    QCOMPARE(rota.underWay(), std::size_t(1));
}

QTEST_GUILESS_MAIN(RotaTest)
#include "rota_test.moc"
