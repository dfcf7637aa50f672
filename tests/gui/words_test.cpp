// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/allowance.h"
#include "ui/words/action_words.h"
#include "ui/words/why_words.h"

#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>

#include <QTest>

using namespace portolan;
using namespace portolan::ui;

/// Whatever is refused is refused with a sentence, and whatever is asked is asked with one.
class WordsTest final : public QObject
{
    Q_OBJECT
private slots:
    void everyWhyNotIsASentence();
    void everyLinkReasonIsASentence();
    void whyNots_data();
    void whyNots();
    void linkReasons_data();
    void linkReasons();
    void everyActionIsAsked();
    void everyCommandIsAsked();
    void titles_data();
    void titles();
};

namespace {

bool isSentence(const QString &words) { return words.size() > 1 && words.endsWith('.') && !words.contains('%'); }

bool isQuestion(const QString &words) { return words.size() > 1 && words.endsWith('?') && !words.contains('%'); }

/// Of each kind in `What`, as it stands before anything of it is chosen.
template <class What, class Look> void forEach(Look look)
{
    boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, What>>(
        [&look](auto kind) { look(What(typename decltype(kind)::type{})); });
}

template <class What> void everyOneIsAsked()
{
    forEach<What>([](const What &what) {
        const std::string name(traitsOf(what).name);
        QVERIFY2(isQuestion(titleOf(what, {}).replace("%1", "it")), name.c_str());
        QVERIFY2(!verbOf(what).isEmpty() && !verbOf(what).contains('%'), name.c_str());
    });
}

} // namespace

void WordsTest::everyWhyNotIsASentence()
{
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<WhyNot>>([](const auto &why) {
        const Capability capability{.why = why.value, .role = Role::Admin, .about = "SCAN", .mend = "ACL"};
        const Allowance allowance = allowanceOf(capability);
        QCOMPARE(allowance.available, why.value == WhyNot::No);
        QVERIFY2(allowance.available ? allowance.reason.isEmpty() : isSentence(allowance.reason), why.name);
    });
}

void WordsTest::everyLinkReasonIsASentence()
{
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<LinkReason>>([](const auto &reason) {
        const QString words = linkText(reason.value);
        QVERIFY2(reason.value == LinkReason::No ? words.isEmpty() : isSentence(words), reason.name);
    });
}

void WordsTest::whyNots_data()
{
    QTest::addColumn<Capability>("capability");
    QTest::addColumn<QString>("sentence");
    const auto row = [](const char *name, const Capability &capability, const char *sentence) {
        QTest::newRow(name) << capability << sentence;
    };
    row("read-only", {.why = WhyNot::ReadOnly}, "The console was started read-only.");
    row("role", {.why = WhyNot::NeedsRole, .role = Role::Operator}, "This takes the role operator.");
    row("session", {.why = WhyNot::NeedsSession},
        "This console came with an API token; sign in with an account for this.");
    row("stopped", {.why = WhyNot::NotRunning}, "The portal is not running.");
    row("no part of the file", {.why = WhyNot::NotConfigured, .about = "[redis]"},
        "This deployment's file has no [redis].");
    row("no users of its own", {.why = WhyNot::NotConfigured}, "A watched deployment has no such thing.");
    row("the file forbids it", {.why = WhyNot::FileReadOnly}, "This deployment's file says read_only.");
    row("tasks", {.why = WhyNot::TasksWouldBeLost}, "Tasks that wait would be lost: revoke them on the page Queue.");
    row("a right", {.why = WhyNot::CommandRefused, .about = "CLIENT KILL", .mend = "ACL SETUSER portal +client|kill"},
        "This Redis refuses CLIENT KILL. `ACL SETUSER portal +client|kill` allows it.");
    row("renamed", {.why = WhyNot::CommandRefused, .about = "SCAN"}, "This Redis refuses SCAN.");
    row("somebody's name", {.why = WhyNot::CommandRefused, .about = "SCAN\u202e"}, "This Redis refuses SCAN\\u202e.");
}

void WordsTest::whyNots()
{
    QFETCH(Capability, capability);
    QFETCH(QString, sentence);
    QCOMPARE(whyText(capability), sentence);
}

void WordsTest::linkReasons_data()
{
    QTest::addColumn<int>("reason");
    QTest::addColumn<QString>("sentence");
    QTest::newRow("silent") << int(LinkReason::Silent) << "No sample has come for a while.";
    QTest::newRow("refused") << int(LinkReason::Refused) << "The connection is refused.";
}

void WordsTest::linkReasons()
{
    QFETCH(int, reason);
    QFETCH(QString, sentence);
    QCOMPARE(linkText(LinkReason(reason)), sentence);
}

void WordsTest::everyActionIsAsked() { everyOneIsAsked<Action>(); }

void WordsTest::everyCommandIsAsked() { everyOneIsAsked<StackCommand>(); }

void WordsTest::titles_data()
{
    QTest::addColumn<QString>("title");
    QTest::addColumn<QString>("verb");
    QTest::addColumn<QString>("askedAs");
    QTest::addColumn<QString>("saidBy");
    const auto row = [](const char *name, const auto &what, const char *title, const char *verb) {
        QTest::newRow(name) << title << verb << titleOf(what, {}) << verbOf(what);
    };
    row("a family", Action(CleanUpFamily{"results", {}}), "Clean up results?", "Delete keys");
    row("one task", Action(RevokeTasks{{"1"}}), "Revoke the task?", "Revoke the task");
    row("tasks", Action(RevokeTasks{{"1", "2"}}), "Revoke the tasks?", "Revoke the tasks");
    row("no task at once", Action(ResizeWorker{0, {}}), "Stop all work of the worker?", "Stop its work");
    row("a role", Action(ChangeUser{1, Role::Admin, {}}), "Change the role?", "Change the role");
    row("privileged", StackCommand(SeedStack{true}), "Add made-up users, an admin among them?", "Add the users");
    row("a reset", StackCommand(ResetStack{}), "Reset the portal?", "Delete and start again");
    row("what is damaged", StackCommand(MendStack{true}), "Start the portal without what is damaged?",
        "Keep a copy and start empty");
}

void WordsTest::titles()
{
    QFETCH(QString, title);
    QFETCH(QString, verb);
    QFETCH(QString, askedAs);
    QFETCH(QString, saidBy);
    QCOMPARE(askedAs, title);
    QCOMPARE(saidBy, verb);
}

QTEST_MAIN(WordsTest)
#include "words_test.moc"
