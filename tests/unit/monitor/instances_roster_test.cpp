// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/changes.h"
#include "core/monitor/instances/roster.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/monitor/instances_shares.h"

#include <QTest>
#include <algorithm>
#include <random>

using namespace portolan;
using namespace portolan::monitor::instances;
using namespace std::chrono_literals;
using Kind = Change::Kind;
using Changes = std::vector<Change>;

namespace {

Message says(std::string name, std::uint64_t started, std::uint64_t sequence, std::string version = "1.2.0")
{
    Message message;
    message.who = {std::move(name), std::move(version), started, sequence, 1000ms};
    message.share = fullShare();
    message.share->who = message.who;
    message.share->connections.connections = started * 1000 + sequence;
    return message;
}

Message leaves(std::string name, std::uint64_t started, std::uint64_t sequence)
{
    Message message = says(std::move(name), started, sequence);
    message.goodbye = true;
    message.share.reset();
    return message;
}

struct Bench
{
    ManualClock clock;
    Roster roster{{"here", "1.2.0", 50, 0, 1000ms}, clock};

    /// Time passes, second by second, as a portal notices it.
    Changes pass(std::chrono::seconds time)
    {
        Changes changes;
        for (; time > 0s; time -= 1s) {
            clock.advance(1s);
            const Changes now = roster.tick();
            changes.insert(changes.end(), now.begin(), now.end());
        }
        return changes;
    }
    Member only() const
    {
        const auto members = roster.members();
        if (members.size() != 1)
            qFatal("%zu members", members.size());
        return members.front();
    }
    std::uint64_t there() const
    {
        const auto told = roster.told();
        return std::uint64_t(std::ranges::count(told, true, &Told::there));
    }
};

} // namespace

class InstancesRosterTest final : public QObject
{
    Q_OBJECT

private slots:
    /// Steps as text: "1.5" says life 1, sequence 5; "1!6" a goodbye; "+3" three seconds.
    void standsAsItWasHeard_data()
    {
        QTest::addColumn<QString>("steps");
        QTest::addColumn<int>("presence");
        QTest::addColumn<int>("life");
        QTest::addColumn<int>("there");
        QTest::addColumn<QString>("changes");
        const auto row = [](const char *name, const char *steps, Presence presence, int life, int there,
                            const char *changes) {
            QTest::newRow(name) << steps << int(presence) << life << there << changes;
        };
        row("speaks", "1.1 +1 1.2 +1 1.3 +2", Presence::Up, 1, 1, "joined");
        row("silent for 3 s", "1.1 +3", Presence::Hangs, 1, 1, "joined hangs");
        row("speaks again", "1.1 +3 1.2 +1", Presence::Up, 1, 1, "joined hangs back");
        row("silent for 9 s", "1.1 +9", Presence::Hangs, 1, 1, "joined hangs");
        row("silent for 10 s", "1.1 +10", Presence::Gone, 1, 0, "joined hangs gone");
        row("frozen for long", "1.1 +30 1.2", Presence::Up, 1, 1, "joined hangs gone back");
        row("says goodbye", "1.1 +1 1!2", Presence::Gone, 1, 0, "joined stopped");
        row("goodbye, heard twice", "1.1 1!2 1!2 +20", Presence::Gone, 1, 0, "joined stopped");
        row("late word after the goodbye", "1.1 1!3 1.2 +1", Presence::Gone, 1, 0, "joined stopped");
        row("goodbye of one nobody knows", "1.1 9!4 +1", Presence::Up, 1, 1, "joined");
        row("told twice", "1.5 1.5 1.5 +1", Presence::Up, 1, 1, "joined");
        row("a repeated word is no sign of life", "1.5 +2 1.5 1.4 +1", Presence::Hangs, 1, 1, "joined hangs");
        row("killed and started anew", "1.1 +1 2.1 +1", Presence::Up, 2, 1, "joined restarted");
        row("stopped and started anew", "1.1 1!2 +5 2.1", Presence::Up, 2, 1, "joined stopped restarted");
        row("anew after it was gone", "1.1 +12 2.1", Presence::Up, 2, 1, "joined hangs gone restarted");
        row("the former life falls silent unnoticed", "1.1 +1 2.1 +1 2.2 +1 2.3 +1 2.4 +1 2.5 +1 2.6", Presence::Up, 2,
            1, "joined restarted");
        row("a late word of the former life, known", "1.2 2.1 1.2 1.1", Presence::Up, 2, 1, "joined restarted");
        row("anew with the clock set back", "5.9 +4 2.1 +1 2.2", Presence::Up, 2, 1, "joined hangs restarted");
        row("anew, the clock set back, at once", "5.9 2.1 +1 2.2 +1 2.3 +1 2.4", Presence::Up, 2, 1, "joined twice");
        row("the new life is killed too", "1.1 2.1 +11", Presence::Gone, 2, 0, "joined restarted hangs gone");
        row("two of a name", "1.1 2.1 +1 1.2 2.2 +1 1.3 2.3", Presence::Up, 2, 2, "joined restarted twice");
        row("one of the two stops", "1.1 2.1 +1 1.2 2.2 2!3 +1 1.3", Presence::Up, 1, 1,
            "joined restarted twice stopped");
    }
    void standsAsItWasHeard()
    {
        QFETCH(QString, steps);
        QFETCH(int, presence);
        QFETCH(int, life);
        QFETCH(int, there);
        QFETCH(QString, changes);
        Bench bench;
        Changes seen;
        for (const QString &step : steps.split(' ')) {
            Changes now;
            if (step.startsWith('+')) {
                now = bench.pass(std::chrono::seconds(step.mid(1).toInt()));
            } else {
                const bool goodbye = step.contains('!');
                const QStringList figures = step.split(goodbye ? '!' : '.');
                now = bench.roster.heard(
                    (goodbye ? leaves : [](std::string name, std::uint64_t started, std::uint64_t sequence) {
                        return says(std::move(name), started, sequence);
                    })("web", figures[0].toULongLong(), figures[1].toULongLong()));
            }
            seen.insert(seen.end(), now.begin(), now.end());
        }
        QStringList words;
        for (const Change &change : seen) {
            QCOMPARE(change.instance, std::string("web"));
            words << QStringList{"joined", "restarted", "hangs", "back", "gone", "stopped", "twice"}[int(change.kind)];
        }
        QCOMPARE(words.join(' '), changes);
        const Member member = bench.only();
        QCOMPARE(int(member.presence), presence);
        QCOMPARE(int(member.who.started), life);
        QCOMPARE(int(bench.there()), there);
    }

    void theNewestCountsInAnyOrder()
    {
        std::mt19937 random(9);
        for (int i = 0; i < 200; ++i) {
            std::vector<Message> messages;
            for (const char *name : {"a", "b", "c"})
                for (std::uint64_t sequence = 1; sequence <= 6; ++sequence)
                    for (std::uint32_t times = 1 + random() % 3; times > 0; --times)
                        messages.push_back(says(name, 7, sequence));
            std::erase_if(messages, [&](const Message &m) { return m.who.sequence != 6 && random() % 3 == 0; });
            std::ranges::shuffle(messages, random);
            Bench bench;
            for (Message &message : messages)
                (void)bench.roster.heard(std::move(message));
            const auto told = bench.roster.told();
            QCOMPARE(told.size(), std::size_t{3});
            for (const Told &one : told)
                QVERIFY(one.share->who.sequence == 6 && one.share->connections.connections == 7006u && one.there);
        }
    }

    void whoSpeaksRarelyIsNotSilentSoSoon()
    {
        Bench bench;
        Message message = says("web", 1, 1);
        message.who.every = 5000ms;
        (void)bench.roster.heard(message);
        QVERIFY(bench.pass(6s).empty());
        QVERIFY(bench.pass(1s) == (Changes{{Kind::Hangs, "web"}}));
        QVERIFY(bench.pass(6s).empty());
        QVERIFY(bench.pass(1s) == (Changes{{Kind::Gone, "web"}}));
    }

    void nobodysSilenceCountsWhileNothingCanBeHeard()
    {
        Bench bench;
        (void)bench.roster.heard(says("web", 1, 1));
        (void)bench.pass(1s);
        for (int second = 0; second < 60; ++second) { // Redis is away
            bench.clock.advance(1s);
            QVERIFY(bench.roster.tick(false).empty());
        }
        QCOMPARE(bench.only().presence, Presence::Up);
        QCOMPARE(bench.only().silent, std::chrono::milliseconds(1s));
        QCOMPARE(bench.roster.told().front().age,
                 std::chrono::milliseconds(61s)); // what it answered is old all the same
        QVERIFY(bench.pass(1s).empty());
        QVERIFY(bench.pass(1s) == (Changes{{Kind::Hangs, "web"}})); // it is back, and still nothing comes
        (void)bench.roster.heard(says("web", 1, 2));
        QVERIFY(bench.pass(2s).empty());
        QVERIFY(bench.pass(1s) == (Changes{{Kind::Hangs, "web"}})); // the credit was for that silence alone
    }

    void aProcessThatStoodStillBlamesNobody()
    {
        Bench bench;
        (void)bench.roster.heard(says("web", 1, 1));
        (void)bench.pass(1s);
        bench.clock.advance(10min); // stopped, or suspended with the machine
        QVERIFY(bench.roster.tick().empty());
        QCOMPARE(bench.only().presence, Presence::Up);
        (void)bench.roster.heard(says("web", 1, 700));
        QCOMPARE(bench.only().presence, Presence::Up);
        QVERIFY(bench.pass(2s).empty());
    }

    void isListedForAQuarterOfAnHour()
    {
        Bench bench;
        (void)bench.roster.heard(says("web", 1, 1));
        (void)bench.roster.heard(leaves("web", 1, 2));
        (void)bench.pass(14min + 59s);
        QCOMPARE(bench.only().presence, Presence::Gone);
        QVERIFY(bench.only().goodbye);
        QCOMPARE(bench.only().since, std::chrono::milliseconds(14min + 59s));
        (void)bench.pass(1s);
        QVERIFY(bench.roster.members().empty());
        QVERIFY(bench.roster.heard(says("web", 1, 9)) == (Changes{{Kind::Joined, "web"}}));
    }

    void whatItAnsweredCountsUntilTheWindowIsOver()
    {
        Bench bench;
        (void)bench.roster.heard(says("web", 1, 1));
        (void)bench.pass(1s);
        (void)bench.roster.heard(says("web", 2, 1));
        QCOMPARE(bench.roster.told().size(), std::size_t{2});
        QCOMPARE(bench.roster.told().front().age, std::chrono::milliseconds(1s));
        QVERIFY(!bench.roster.told().front().there);
        QCOMPARE(bench.only().restarts, std::uint64_t{1});
        for (std::uint64_t second = 1; second < 59; ++second) {
            (void)bench.pass(1s);
            (void)bench.roster.heard(says("web", 2, 1 + second));
        }
        QCOMPARE(bench.roster.told().size(), std::size_t{2});
        (void)bench.pass(1s);
        QCOMPARE(bench.roster.told().size(), std::size_t{1});
        QCOMPARE(bench.roster.told().front().share->who.started, std::uint64_t{2});
    }

    void otherVersionsAreSaid()
    {
        Bench bench;
        (void)bench.roster.heard(says("web", 1, 1, "1.3.0"));
        QVERIFY(bench.only().otherVersion && !bench.only().unreadable);
        Message message = says("web", 1, 2, "2.0.0");
        message.share.reset(); // in a form of later
        (void)bench.roster.heard(std::move(message));
        QVERIFY(bench.only().otherVersion && bench.only().unreadable && !bench.only().share);
        QVERIFY(bench.roster.told().empty());
        (void)bench.roster.heard(says("web", 1, 3));
        QVERIFY(!bench.only().otherVersion && !bench.only().unreadable && bench.only().share);
    }

    void ownMessagesComeBack()
    {
        Bench bench;
        QVERIFY(bench.roster.heard(says("here", 50, 1)).empty());
        QVERIFY(bench.roster.members().empty() && bench.roster.told().empty() && !bench.roster.ownNameTaken());
        QVERIFY(bench.roster.heard(says("here", 51, 1)) == (Changes{{Kind::Twice, "here"}}));
        QVERIFY(bench.roster.ownNameTaken());
        QVERIFY(bench.only().twice);
        QCOMPARE(bench.roster.told().size(), std::size_t{1}); // it counts all the same
        (void)bench.pass(3s);
        QVERIFY(!bench.roster.ownNameTaken());
    }

    void hasRoomForSixtyFour()
    {
        Bench bench;
        for (std::size_t i = 0; i < Roster::maxMembers; ++i)
            (void)bench.roster.heard(says("web-" + std::to_string(i), 1, 1));
        QVERIFY(bench.roster.heard(says("one-more", 1, 1)).empty());
        QCOMPARE(bench.roster.members().size(), Roster::maxMembers);
        QCOMPARE(bench.roster.ignored(), std::uint64_t{1});
        QVERIFY(bench.roster.full());
        bench.clock.advance(longestEvery);
        QVERIFY(bench.roster.full()); // it may tell of itself no oftener
        bench.clock.advance(1ms);
        QVERIFY(!bench.roster.full());
        (void)bench.roster.heard(leaves("web-8", 1, 2));
        (void)bench.pass(1s);
        (void)bench.roster.heard(leaves("web-3", 1, 2));
        QVERIFY(bench.roster.heard(says("one-more", 1, 2)) == (Changes{{Kind::Joined, "one-more"}}));
        const auto members = bench.roster.members();
        QCOMPARE(members.size(), Roster::maxMembers);
        QVERIFY(std::ranges::none_of(members, [](const Member &m) { return m.who.name == "web-8"; }));
        QVERIFY(std::ranges::any_of(members, [](const Member &m) { return m.who.name == "web-3"; }));
    }

    void ofANameOneChangeOfAKindIsTold()
    {
        Bench bench;
        ChangeQueue queue;
        for (std::uint64_t life = 1; life <= 10'000; ++life)
            queue.add(bench.roster.heard(says("web", life, 1)));
        QVERIFY(queue.take(bench.clock.steady()) == (Changes{{Kind::Joined, "web"}, {Kind::Restarted, "web"}}));
        QVERIFY(queue.take(bench.clock.steady()).empty());
        queue.add(bench.roster.heard(says("web", 10'001, 1)));
        queue.add(bench.roster.heard(says("other", 1, 1)));
        QVERIFY(queue.take(bench.clock.steady()) == (Changes{{Kind::Restarted, "web"}, {Kind::Joined, "other"}}));
    }

    /// Whoever may publish makes up names that come and go.
    void manyChangesAreToldOneASecond()
    {
        ManualClock clock;
        ChangeQueue queue;
        std::size_t told = 0;
        for (int second = 0; second < 600; ++second) {
            for (int i = 0; i < 1000; ++i)
                queue.add({{Kind::Joined, "made-up-" + std::to_string(1000 * second + i)}});
            told += queue.take(clock.steady()).size();
            clock.advance(1s);
        }
        QCOMPARE(told, ChangeQueue::saved + 599);
        (void)queue.take(clock.steady());
        clock.advance(10s);
        for (int i = 0; i < 64; ++i)
            queue.add({{Kind::Joined, "made-up-" + std::to_string(i)}});
        QCOMPARE(queue.take(clock.steady()).size(), std::size_t{11}); // with that of the second before
        clock.advance(1h);
        for (int i = 0; i < 64; ++i) // a deployment that is started anew
            queue.add({{Kind::Restarted, "web-" + std::to_string(i)}});
        QCOMPARE(queue.take(clock.steady()).size(), std::size_t{64});
    }

    void whoIsNewIsAnsweredEveryTenSecondsAtMost()
    {
        ManualClock clock;
        ChangeQueue queue;
        QVERIFY(!queue.answers(clock.steady()));
        queue.add({{Kind::Hangs, "a"}, {Kind::Back, "a"}});
        QVERIFY(!queue.answers(clock.steady()));
        queue.add({{Kind::Joined, "b"}});
        QVERIFY(queue.answers(clock.steady()));
        QVERIFY(!queue.answers(clock.steady()));
        int answers = 0;
        for (int second = 0; second < 60; ++second) {
            clock.advance(1s);
            queue.add({{Kind::Restarted, "c"}});
            (void)queue.take(clock.steady());
            answers += queue.answers(clock.steady());
        }
        QCOMPARE(answers, 6);
        queue.add({{Kind::Joined, "d"}}); // within the ten seconds: not forgotten
        QVERIFY(!queue.answers(clock.steady()));
        clock.advance(10s);
        QVERIFY(queue.answers(clock.steady()));
    }

    void aNameThatKeepsCrashingHasABound()
    {
        Bench bench;
        for (std::uint64_t life = 1; life <= 40; ++life) {
            (void)bench.roster.heard(says("web", life, 1));
            (void)bench.pass(1s);
        }
        QCOMPARE(bench.roster.told().size(), Roster::maxLives);
        QCOMPARE(bench.there(), std::uint64_t{1});
        QCOMPARE(bench.only().who.started, std::uint64_t{40});
        QCOMPARE(bench.only().restarts, std::uint64_t{39});
    }
};

QTEST_GUILESS_MAIN(InstancesRosterTest)
#include "instances_roster_test.moc"
