// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/families.h"
#include "core/monitor/key_families.h"
#include "core/monitor/printable.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <random>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

const FamilyFigures *find(const FamiliesFigures &figures, std::string_view name)
{
    for (const FamilyFigures &family : figures.families)
        if (family.family == name)
            return &family;
    return nullptr;
}

/// A key space of known families and sizes, drawn from as RANDOMKEY does.
struct KeySpace
{
    struct Key
    {
        std::string name;
        std::uint64_t bytes;
    };
    void add(const std::string &prefix, std::size_t count, double mean, double spread, std::mt19937 &random)
    {
        std::lognormal_distribution<double> size(std::log(mean), spread);
        for (std::size_t i = 0; i < count; ++i) {
            keys.push_back({prefix + std::to_string(i), std::uint64_t(size(random))});
            bytes[prefix] += double(keys.back().bytes);
            counts[prefix] += 1;
        }
    }
    std::vector<Key> keys;
    std::map<std::string, double> bytes;
    std::map<std::string, double> counts;
};

} // namespace

class FamiliesTest final : public QObject
{
    Q_OBJECT

private slots:
    void globs_data()
    {
        QTest::addColumn<QString>("pattern");
        QTest::addColumn<QString>("key");
        QTest::addColumn<bool>("matches");
        const auto row = [](const char *pattern, const char *key, bool matches) {
            QTest::newRow(qPrintable(QString("%1 %2").arg(pattern, key))) << pattern << key << matches;
        };
        row("session:*", "session:abc", true);
        row("session:*", "session:", true);
        row("session:*", "sessions", false);
        row("*", "", true);
        row("", "", true);
        row("", "a", false);
        row("a?c", "abc", true);
        row("a?c", "ac", false);
        row("*a*b", "xxaxxaxxb", true);
        row("*a*b", "xxaxxaxxbc", false);
        row("h[ae]llo", "hello", true);
        row("h[^e]llo", "hello", false);
        row("h[a-c]llo", "hbllo", true);
        row("h[a-c]llo", "hdllo", false);
        row("a\\*b", "a*b", true);
        row("a\\*b", "axb", false);
        row("[", "[", false);
        row("*******************b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false);
    }
    void globs()
    {
        QFETCH(QString, pattern);
        QFETCH(QString, key);
        QTEST(globMatches(pattern.toStdString(), key.toStdString()), "matches");
    }

    void foreignPatternsComeFirst()
    {
        Tier tier;
        tier.familyPatterns = {{"sessions", {"session:*", "flask_session:*"}}, {"limits", {"LIMITER/*"}}};
        const KeyFamilies families(tier);
        const auto name = [&](std::string_view key) { return families.names()[families.indexOf(key, {})]; };
        QCOMPARE(name("flask_session:1"), std::string("sessions"));
        QCOMPARE(name("LIMITER/1/x"), std::string("limits"));
        QCOMPARE(name("s:abc"), std::string("other"));
        QVERIFY(families.cleanable("sessions"));
        QVERIFY(!families.cleanable("cache")); // not of this stack
        tier.familyPatterns = {{"sessions", {"s:*"}}};
        QVERIFY(KeyFamilies(tier).cleanable("sessions"));                      // the portal's own
        QVERIFY(!KeyFamilies(tier, queue::KeyLayout{}).cleanable("sessions")); // may be anything of somebody else's
        QVERIFY(!KeyFamilies(Tier{}).cleanable("queue"));
        QVERIFY(!KeyFamilies(Tier{}).cleanable("other"));
        QVERIFY(KeyFamilies(Tier{}).cleanable("results"));
    }

    void estimatesStayWithinTheirInterval()
    {
        const KeyFamilies families{Tier{}};
        int outside = 0;
        int intervals = 0;
        for (unsigned seed = 0; seed < 40; ++seed) {
            std::mt19937 random(seed);
            KeySpace space;
            space.add("s:", 20'000, 150, 0.2, random);
            space.add("l:", 3'000, 250, 0.5, random);
            space.add("celery-task-meta-", 1'000, 900, 1.0, random);
            space.add("c:", 200, 8'000, 0.6, random);
            ManualClock clock;
            FamilyEstimator estimator(families);
            std::uniform_int_distribution<std::size_t> draw(0, space.keys.size() - 1);
            for (int second = 0; second < 60; ++second) {
                for (int i = 0; i < 32; ++i) {
                    const auto &key = space.keys[draw(random)];
                    estimator.addDraw(key.name, key.bytes, {}, clock.steady());
                }
                clock.advance(1s);
            }
            const auto figures = estimator.figures(space.keys.size(), {}, {}, clock.steady());
            for (const auto &[prefix, name] :
                 {std::pair{"s:", "sessions"}, {"l:", "limits"}, {"celery-task-meta-", "results"}, {"c:", "cache"}}) {
                const FamilyFigures *family = find(figures, name);
                QVERIFY(family && family->bytes && family->keys);
                const double bytes = space.bytes[prefix];
                const double keys = space.counts[prefix];
                intervals += 2;
                outside += bytes < family->bytes->low || bytes > family->bytes->high;
                outside += keys < family->keys->low || keys > family->keys->high;
            }
        }
        // 5 % of 95 % intervals miss; twice that would mean that they are not what they say.
        QVERIFY2(outside <= intervals / 10, qPrintable(QString("%1 of %2").arg(outside).arg(intervals)));
    }

    void saysNothingFromTooFewDraws()
    {
        const KeyFamilies families{Tier{}};
        ManualClock clock;
        FamilyEstimator estimator(families);
        estimator.addDraw("s:1", 100, {}, clock.steady());
        const auto figures = estimator.figures(1000, 5'000'000, {{"sessions", 77}}, clock.steady());
        QVERIFY(!find(figures, "sessions")->bytes);
        QVERIFY(!figures.unattributed);
        QCOMPARE(find(figures, "sessions")->budget, std::optional<std::uint64_t>(77));
        // An empty database is known without any.
        const auto empty = estimator.figures(0, 1000, {}, clock.steady());
        QCOMPARE(find(empty, "sessions")->bytes->high, 0.0);
    }

    /// Where draws come minutes apart the first must say something; what is left over rests on all of them.
    void theFirstRareDrawsSaySomething()
    {
        const KeyFamilies families{Tier{}};
        ManualClock clock;
        const FamilyOptions options = FamilyOptions::rare();
        FamilyEstimator estimator(families, options);
        QVERIFY(estimator.empty());
        for (std::size_t i = 0; i < estimator.drawsWanted(300); ++i)
            estimator.addDraw("shop:cart:" + std::to_string(i), 20'000, {}, clock.steady());
        QVERIFY(!estimator.empty());
        const auto figures = estimator.figures(300, 9'000'000, {}, clock.steady());
        QCOMPARE(find(figures, "other")->bytes->value, 6'000'000.0);
        QCOMPARE(find(figures, "other")->keys->value, 300.0);
        QVERIFY(find(figures, "other")->keys->low < 250);
        QVERIFY(find(figures, "sessions")->keys->high > 50);
        QVERIFY(!figures.unattributed);
        for (std::size_t i = 0; i < options.restLeast; ++i)
            estimator.addDraw("shop:cart:" + std::to_string(i), 20'000, {}, clock.steady());
        QCOMPARE(estimator.figures(300, 9'000'000, {}, clock.steady()).unattributed,
                 std::optional<std::uint64_t>(3'000'000));
    }

    void largeKeysAreMeasuredByThemselves()
    {
        const KeyFamilies families{Tier{}};
        ManualClock clock;
        FamilyEstimator estimator(families);
        for (int i = 0; i < 200; ++i)
            estimator.addDraw("s:" + std::to_string(i), 100, {}, clock.steady());
        estimator.addDraw("c:big", 5'000'000, {}, clock.steady());
        QCOMPARE(estimator.bigKeys(), std::vector<std::string>{"c:big"});
        estimator.setMeasured({{"c:big", 6'000'000}, {"celery", 2'000'000}, {"unacked", std::nullopt}}, {});
        const auto figures = estimator.figures(1000, 10'000'000, {}, clock.steady());
        QCOMPARE(find(figures, "cache")->measured, std::optional<std::uint64_t>(6'000'000));
        QCOMPARE(find(figures, "cache")->bytes->value, 6'000'000.0); // its draw does not count a second time
        QCOMPARE(find(figures, "queue")->measured, std::optional<std::uint64_t>(2'000'000));
        QCOMPARE(figures.biggest.size(), std::size_t{2});
        QCOMPARE(figures.biggest[0].key, std::string("c:big"));
        QCOMPARE(figures.families[0].family, std::string("cache"));
        estimator.setMeasured({{"c:big", 1000}}, {}); // shrank: back into the sample
        QVERIFY(estimator.bigKeys().empty());
    }

    void oldDrawsLeave()
    {
        const KeyFamilies families{Tier{}};
        ManualClock clock;
        FamilyEstimator estimator(families);
        for (int i = 0; i < 500; ++i)
            estimator.addDraw("s:1", 100, {}, clock.steady());
        clock.advance(61s);
        for (int i = 0; i < 500; ++i)
            estimator.addDraw("l:1", 100, {}, clock.steady());
        const auto figures = estimator.figures(10, {}, {}, clock.steady());
        QCOMPARE(find(figures, "sessions")->keys->value, 0.0);
        QCOMPARE(find(figures, "limits")->keys->value, 10.0);
        QCOMPARE(figures.samples, std::optional<std::uint64_t>(500));
    }

    void aRecountForgetsWhatWasDeleted()
    {
        const KeyFamilies families{Tier{}};
        ManualClock clock;
        FamilyEstimator estimator(families);
        for (int i = 0; i < 1000; ++i)
            estimator.addDraw("s:1", 100, {}, clock.steady());
        clock.advance(20s);
        QCOMPARE(estimator.figures(10, {}, {}, clock.steady()).span, std::optional<Age>(20s));
        estimator.recount(); // the sessions were deleted
        for (int i = 0; i < 200; ++i)
            estimator.addDraw("l:1", 100, {}, clock.steady());
        const auto figures = estimator.figures(10, {}, {}, clock.steady());
        QCOMPARE(find(figures, "sessions")->keys->value, 0.0);
        QCOMPARE(find(figures, "limits")->keys->value, 10.0);
        QCOMPARE(figures.span, std::optional<Age>(0s));
    }

    void fewKeysAreDrawnMoreRarely()
    {
        const KeyFamilies families{Tier{}};
        ManualClock clock;
        FamilyEstimator estimator(families);
        QCOMPARE(estimator.drawsWanted({}), std::size_t(32));
        QCOMPARE(estimator.drawsWanted(20), std::size_t(32)); // until there are enough
        for (int i = 0; i < 8 * 60; ++i)
            estimator.addDraw("s:1", 100, {}, clock.steady());
        QCOMPARE(estimator.drawsWanted(20), std::size_t(8));
        QCOMPARE(estimator.drawsWanted(1'000), std::size_t(32)); // which want more than those
        QCOMPARE(estimator.drawsWanted(1'000'000), std::size_t(32));
    }

    void seesGrowth()
    {
        const KeyFamilies families{Tier{}};
        ManualClock clock;
        FamilyEstimator estimator(families);
        std::mt19937 random(1);
        FamiliesFigures figures;
        std::uint64_t results = 1000;
        for (int second = 0; second < 240; ++second) {
            results += 50; // of 400 bytes: 20 kB/s
            std::bernoulli_distribution isResult(double(results) / double(results + 5000));
            for (int i = 0; i < 32; ++i) {
                if (isResult(random))
                    estimator.addDraw("celery-task-meta-1", 400, {}, clock.steady());
                else
                    estimator.addDraw("s:1", 150, {}, clock.steady());
            }
            figures = estimator.figures(results + 5000, {}, {}, clock.steady());
            clock.advance(1s);
        }
        const auto growth = find(figures, "results")->growth;
        QVERIFY2(growth && *growth > 14'000 && *growth < 26'000, qPrintable(QString::number(growth.value_or(0))));
        QVERIFY(!find(figures, "sessions")->growth);
    }

    void printableIsUtf8AndHidesSessions()
    {
        QCOMPARE(printable("caf\xc3\xa9 \x06\x16\xff"), std::string("caf\xc3\xa9 \\x06\\x16\\xff"));
        QCOMPARE(printable("\u202egnp.exe \u200bx"), std::string("\\u202egnp.exe \\u200bx"));
        QCOMPARE(printable("\xed\xa0\x80"), std::string("\\xed\\xa0\\x80")); // a surrogate is no UTF-8
        QCOMPARE(printable("abcdef", 3), std::string("abc…"));
        QCOMPARE(printableKey("s:AbCdEfGhIjKlMnOpQrStUv", "sessions"), std::string("s:AbCd…"));
        QCOMPARE(printableKey("s:AbCdEf-hIjKlMnOpQrStU_", "sessions").find("hIjKlM"), std::string::npos);
        QCOMPARE(printableKey("c:AbCdEfGh", "cache"), std::string("c:AbCdEfGh"));
    }
};

QTEST_GUILESS_MAIN(FamiliesTest)
#include "families_test.moc"
