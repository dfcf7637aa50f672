// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/fact_words.h"

#include <boost/describe/enum_to_string.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>

#include <QTest>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// Every fact is a sentence, where an action is asked about and where it was done.
class FactWordsTest final : public QObject
{
    Q_OBJECT

private slots:
    void everyKindIsASentence()
    {
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<FactKind>>([](const auto &kind) {
            Fact fact{.kind = kind.value, .name = "results", .count = 3, .bytes = 2048, .time = 60s};
            fact.amounts = {{Counted::Users, 2}, {Counted::Sessions, 1}};
            const QString will = previewText({.facts = {fact}, .count = {}, .bytes = {}, .sample = {}});
            const QString did = outcomeText(std::vector<Fact>{fact});
            QVERIFY2(!will.isEmpty() || !did.isEmpty(), kind.name);
            for (const QString &sentence : {will, did}) {
                QVERIFY2(sentence.isEmpty() || sentence.endsWith('.'), kind.name);
                QVERIFY2(!sentence.contains('%') && !sentence.contains("  "), qPrintable(sentence));
            }
        });
    }

    void everyAmountIsCounted()
    {
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<Counted>>([](const auto &of) {
            const auto said = [&of](std::uint64_t count) {
                Fact fact{.kind = FactKind::ContentsDeleted};
                fact.amounts = {{of.value, count}};
                return outcomeText(std::vector<Fact>{fact});
            };
            QVERIFY2(said(1).startsWith("Deleted 1 "), of.name);
            QVERIFY2(said(2).startsWith("Deleted 2 ") && said(2).mid(10) != said(1).mid(10), of.name);
        });
    }

    void previews()
    {
        const auto will = [](std::vector<Fact> facts) {
            ActionPreview preview;
            preview.facts = std::move(facts);
            return previewText(preview);
        };
        QCOMPARE(will({{.kind = FactKind::ConnectionsClosed, .name = "celery@w1", .count = 1}}),
                 QString("Closes 1 connection of celery@w1."));
        QCOMPARE(
            will({{.kind = FactKind::KeysDeleted, .name = "results", .count = 1234, .bytes = 1048576, .atLeast = true},
                  {.kind = FactKind::OnlyIdleKeys, .time = 24h},
                  {.kind = FactKind::FamilyLost, .name = "results"}}),
            QString("Deletes at least 1,234 result keys, about 1.00 MB. Only those nobody has used for 1 d. "
                    "Finished analyses cannot be fetched any more."));
        Fact stop{.kind = FactKind::WorkerStopped, .name = "celery@w1"};
        QCOMPARE(will({stop}), QString("celery@w1 takes no task any more: how many wait is not known."));
        stop.amounts = {{Counted::Waiting, 0}, {Counted::Running, 0}};
        QCOMPARE(will({stop}), QString("celery@w1 takes no task any more: none waits or runs."));
        stop.amounts = {{Counted::Waiting, 3}, {Counted::Running, 1}};
        QCOMPARE(will({stop}), QString("celery@w1 takes no task any more: 3 tasks wait and 1 task runs. Those that run "
                                       "still end."));
        QCOMPARE(will({{.kind = FactKind::TasksKeptFromStart, .count = 2},
                       {.kind = FactKind::RunningTasksGoOn, .count = 1}}),
                 QString("Keeps 2 tasks from running. 1 task that runs goes on."));
        QCOMPARE(will({{.kind = FactKind::FamilyLost, .name = "somebody's"}}), QString());
        QCOMPARE(will({{.kind = FactKind::RoleGiven, .name = "a@b.org", .role = Role::Operator}}),
                 QString("Makes a@b.org an operator."));
        QCOMPARE(
            will({{.kind = FactKind::TokenRevoked, .name = "ci", .role = Role::Admin}}),
            QString("Ends the token ci, which has the rights of an admin. Consoles and scripts that use it are shut "
                    "out within ten seconds."));
    }

    void outcomes()
    {
        Fact added{.kind = FactKind::Added};
        QCOMPARE(outcomeText(std::vector<Fact>{added}), QString("Added nothing: all of it is there already."));
        added.amounts = {{Counted::Users, 40}, {Counted::Sessions, 0}, {Counted::Analyses, 1}};
        QCOMPARE(outcomeText(std::vector<Fact>{added}), QString("Added 40 users and 1 finished analysis."));
        const auto deleted = [](const char *family, std::uint64_t count) {
            return outcomeText(std::vector<Fact>{{.kind = FactKind::KeysDeleted, .name = family, .count = count}});
        };
        QCOMPARE(deleted("results", 10), QString("Deleted 10 result keys."));
        QCOMPARE(deleted("instances", 3), QString("Deleted 3 instance keys."));
        QCOMPARE(deleted("sessions", 1), QString("Deleted 1 session key."));
        QCOMPARE(deleted("somebody's", 2), QString("Deleted 2 keys of somebody's."));
        const std::vector<Fact> none{{.kind = FactKind::NoKeys, .name = "tickers"}};
        QCOMPARE(outcomeText(none), QString("There are no ticker keys."));
        QCOMPARE(outcomeText(std::vector<Fact>{{.kind = FactKind::TokenRevoked, .name = "ci", .role = Role::Admin}}),
                 QString("Revoked the token ci."));
        ActionOutcome some;
        some.facts = {{.kind = FactKind::TasksRevoked, .count = 2}, {.kind = FactKind::OthersRefused, .count = 1}};
        some.refusal = failure(ErrorKind::NotFound, "There is no such task");
        QCOMPARE(outcomeText(some), QString("Revoked 2 tasks. 1 other could not be. There is no such task."));
    }

    void whatStrangersWroteIsShownAsText()
    {
        const QString said =
            outcomeText(std::vector<Fact>{{.kind = FactKind::AccountDeleted, .name = "a\x1b[2J\n@b.org"}});
        QVERIFY2(!said.contains('\n') && !said.contains('\x1b'), qPrintable(said));
        const QString line = touchedText(
            {.name = "portal.analysis", .id = "3f2a91c0", .owner = "ada@example.com", .detail = "{'symbol': 'AAPL'}"});
        QCOMPARE(line, QString("portal.analysis 3f2a91c0, ada@example.com: {'symbol': 'AAPL'}"));
        QCOMPARE(touchedText({.id = "127.0.0.1:4711", .detail = "get"}), QString("(no name) 127.0.0.1:4711: get"));
        QCOMPARE(touchedText({.name = "redis", .bytes = 2048}), QString("redis, 2.00 KB"));
    }
};

QTEST_GUILESS_MAIN(FactWordsTest)
#include "fact_words_test.moc"
