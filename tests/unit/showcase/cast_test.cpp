// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/showcase/stage.h"

#include <QTest>
#include <set>
#include <tuple>

using namespace portolan;
using namespace portolan::showcase;

namespace {

std::string routeOf(const Errand &errand)
{
    auto route = errand.target.substr(0, errand.target.find('?'));
    if (route.starts_with("/api/quotes/"))
        return "/api/quotes/{symbol}/history";
    if (route.starts_with("/api/tasks/"))
        return "/api/tasks/{id}";
    return route.starts_with("/static/") ? "/static/{name}" : route;
}

bool isRequest(const Played &played)
{
    return played.errand.kind == StepKind::Get || played.errand.kind == StepKind::Post;
}

/// Whether the portal's workers end it as FAILURE.
bool fails(const Errand &errand)
{
    return errand.kind == StepKind::Task && (errand.softLimit.count() > 0 || errand.target == "BRK.B");
}

bool startsTask(const Errand &errand) { return errand.kind == StepKind::Task || errand.target == "/start-analysis"; }

} // namespace

/// The table of visitors, carried out for hours.
class CastTest final : public QObject
{
    Q_OBJECT
private slots:
    void eachPageHasSomethingToShowWithinAMinute();
    void everyMinuteHasEightRoutes();
    void anHourStaysWithinItsBounds_data();
    void anHourStaysWithinItsBounds();
    void theTierStaysBelowRed();
    void theSameSeedBringsTheSameVisitors();
    void namesNobodyReal();
    void whoIsNotThereDoesNothing();
};

void CastTest::eachPageHasSomethingToShowWithinAMinute()
{
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Stage stage;
        Rota rota(cast(), everybody, stage.clock, seed);
        const auto played = stage.play(rota, 60s, small());
        const auto has = [&](auto what) { return std::ranges::any_of(played, what); };
        QVERIFY(has([](const Played &p) { return p.outcome.status == 429; }));
        QVERIFY(has([](const Played &p) { return p.outcome.status == 401; }));
        QVERIFY(has([](const Played &p) { return p.outcome.status == 404; }));
        QVERIFY(has([](const Played &p) { return fails(p.errand); }));
        QVERIFY(has([](const Played &p) { return p.errand.kind == StepKind::Keep && p.errand.tasks.size() == 6; }));
        QVERIFY(has([](const Played &p) { return p.errand.body.find("1000000") != std::string::npos; }));
        QVERIFY(has([](const Played &p) { return p.errand.target == "/api/tasks/a-task"; }));
    }
}

void CastTest::everyMinuteHasEightRoutes()
{
    Stage stage;
    Rota rota(cast(), everybody, stage.clock, 1);
    const SteadyTime start = stage.clock.steady();
    std::map<std::int64_t, std::set<std::string>> routes;
    for (const auto &one : stage.play(rota, 60min, small()))
        if (isRequest(one))
            routes[(one.at - start) / 1min].insert(routeOf(one.errand));
    QCOMPARE(routes.size(), std::size_t(60));
    for (const auto &[minute, names] : routes)
        QVERIFY2(names.size() >= 8, qPrintable(QString::number(minute)));
}

void CastTest::anHourStaysWithinItsBounds_data()
{
    QTest::addColumn<int>("seed");
    QTest::addColumn<int>("milliseconds");
    QTest::newRow("quick answers") << 1 << 5;
    QTest::newRow("another seed") << 2 << 5;
    QTest::newRow("slow answers") << 3 << 4000;
}

void CastTest::anHourStaysWithinItsBounds()
{
    Stage stage;
    QFETCH(int, seed);
    QFETCH(int, milliseconds);
    const Bounds bounds;
    Rota rota(cast(), everybody, stage.clock, std::uint64_t(seed), bounds);
    const auto played = stage.play(rota, 60min, small(), std::chrono::milliseconds(milliseconds));
    const double perSecond = double(played.size()) / 3600;
    QVERIFY2(perSecond > 0.8 && perSecond < 3, qPrintable(QString::number(perSecond)));
    for (std::size_t i = bounds.perSecond; i < played.size(); ++i)
        QVERIFY(played[i].at - played[i - bounds.perSecond].at >= 1s);
    QVERIFY(stage.mostAtOnce <= bounds.atOnce);
    // Results live for an hour: so many are there at most, of some 10 KB each, beside what users start.
    const auto kept = std::ranges::count_if(
        played, [](const Played &p) { return p.errand.kind == StepKind::Task && p.errand.who == Who::Program; });
    QVERIFY2(kept > 400 && kept <= 900, qPrintable(QString::number(kept)));
    std::set<std::string> ids;
    std::size_t tasks = 0;
    for (const auto &one : played) {
        if (one.errand.kind != StepKind::Task)
            continue;
        ++tasks;
        QCOMPARE(one.errand.tasks.size(), std::size_t(1));
        ids.insert(one.errand.tasks.front());
        QVERIFY(one.errand.member.value_or(0) < everybody.members);
    }
    QCOMPARE(ids.size(), tasks);
}

void CastTest::theTierStaysBelowRed()
{
    constexpr double red = 0.2; // of refused requests in 60 s, and of failed tasks in 10 min
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        Stage stage;
        Rota rota(cast(), everybody, stage.clock, seed);
        const auto played = stage.play(rota, 3h, small());
        const auto share = [&](std::size_t until, std::chrono::seconds window, auto counts, auto among,
                               std::size_t least) {
            std::size_t all = 0;
            std::size_t some = 0;
            for (std::size_t i = until + 1; i-- > 0 && played[until].at - played[i].at < window;) {
                all += among(played[i]) ? 1 : 0;
                some += counts(played[i]) ? 1 : 0;
            }
            return all < least ? 0 : double(some) / double(all);
        };
        for (std::size_t i = 0; i < played.size(); ++i) {
            if (played[i].outcome.status == 429)
                QVERIFY(share(
                            i, 60s, [](const Played &p) { return p.outcome.status == 429; }, isRequest, 10) < red / 2);
            if (fails(played[i].errand))
                QVERIFY(share(
                            i, 600s, [](const Played &p) { return fails(p.errand); },
                            [](const Played &p) { return startsTask(p.errand); }, 5) < red / 2);
        }
    }
}

void CastTest::theSameSeedBringsTheSameVisitors()
{
    const auto played = [](std::uint64_t seed) {
        Stage stage;
        Rota rota(cast(), everybody, stage.clock, seed);
        std::vector<std::tuple<SteadyTime, std::string, std::optional<std::size_t>, std::vector<std::string>>> errands;
        for (const auto &one : stage.play(rota, 10min, small()))
            errands.emplace_back(one.at, one.errand.target, one.errand.member, one.errand.tasks);
        return errands;
    };
    const auto first = played(7);
    QVERIFY(first == played(7));
    QVERIFY(first != played(8));
}

void CastTest::namesNobodyReal()
{
    std::size_t addresses = 0;
    for (const auto &habit : cast()) {
        QVERIFY(habit.every >= 1s);
        for (const auto &step : habit.steps)
            for (const auto text : {step.target, step.body})
                for (auto at = text.find('@'); at != text.npos; at = text.find('@', at + 1), ++addresses)
                    QVERIFY(text.substr(at + 1).starts_with("example.com\""));
    }
    QVERIFY(addresses > 0);
}

void CastTest::whoIsNotThereDoesNothing()
{
    Stage stage;
    Rota nobody(cast(), {.members = 0, .strangers = false, .queue = false}, stage.clock, 1);
    for (const auto &one : stage.play(nobody, 10min, small()))
        QVERIFY(one.errand.who == Who::Probe);
    Stage another;
    Rota alone(cast(), {.members = 1, .strangers = true, .queue = false}, another.clock, 1);
    bool came = false;
    for (const auto &one : another.play(alone, 10min, small())) {
        QVERIFY(one.errand.who != Who::Hasty && isRequest(one));
        came = came || one.errand.member == 0u;
    }
    QVERIFY(came);
}

QTEST_GUILESS_MAIN(CastTest)
#include "cast_test.moc"
