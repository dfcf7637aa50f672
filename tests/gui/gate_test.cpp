// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/words/action_words.h"
#include "ui/words/event_words.h"
#include "ui/words/fact_words.h"

#include <QSignalSpy>

using namespace portolan;
using namespace portolan::ui;

/// Every action passes here: what it lets through, what it asks, what it says.
class GateTest final : public QObject
{
    Q_OBJECT
private slots:
    void refuses_data();
    void refuses();
    void asksBeforeSomethingIsLost();
    void noMeansNo();
    void productionWantsTheName();
    void asksAsTheTraitsSay_data();
    void asksAsTheTraitsSay();
    void saysWhatFailed();
    void looksAgainAfterTheQuestion();
    void stackCommands();
    void whatWouldDoNothingIsSaid();
    void nobodyIsInterruptedUnasked();
    void everyButtonSaysWhatItDoes();
    void aPasswordIsShownOnce();
};

namespace {

struct Gated
{
    explicit Gated(demo::DemoOptions options = {}, ActionGate::Options gateOptions = {})
        : stack(std::move(options), clock),
          shown(stack.deployment(), &stack),
          gate(shown, confirmer, gateOptions),
          reported(&gate, &ActionGate::reported)
    {
        stack.tick();
    }
    QString said() const { return reported.isEmpty() ? QString() : reported.last().first().toString(); }

    ManualClock clock;
    demo::DemoStack stack;
    AnsweringConfirmer confirmer;
    Shown shown;
    ActionGate gate;
    QSignalSpy reported;
};

} // namespace

void GateTest::refuses_data()
{
    QTest::addColumn<bool>("readOnly");
    QTest::addColumn<int>("role");
    QTest::addColumn<bool>("incapable");
    QTest::addColumn<bool>("running");
    QTest::addColumn<QString>("reason"); // part of it; empty: allowed
    const int operatorRole = int(Role::Operator);
    QTest::newRow("operator") << false << operatorRole << false << true << "";
    QTest::newRow("admin") << false << int(Role::Admin) << false << true << "";
    QTest::newRow("read-only") << true << int(Role::Admin) << false << true << "read-only";
    QTest::newRow("user") << false << int(Role::User) << false << true << "role operator";
    QTest::newRow("incapable") << false << operatorRole << true << true << "runs without Redis";
    QTest::newRow("not running") << false << operatorRole << false << false << "not running";
}

void GateTest::refuses()
{
    QFETCH(bool, readOnly);
    QFETCH(int, role);
    QFETCH(bool, incapable);
    QFETCH(bool, running);
    QFETCH(QString, reason);
    Gated at({.role = Role(role)}, {.readOnly = readOnly});
    if (incapable)
        at.stack.deployment().refuse("worker.resize", {.why = WhyNot::NoRedis});
    at.stack.deployment().setOn(running);
    const Action action = ResizeWorker{4, {}};
    QCOMPARE(at.gate.allowed(action).available, reason.isEmpty());
    QVERIFY2(at.gate.allowed(action).reason.contains(reason), qPrintable(at.gate.allowed(action).reason));
    at.gate.run(action);
    QCOMPARE(at.stack.deployment().performed().size(), std::size_t(reason.isEmpty() ? 1 : 0));
    QCOMPARE(at.reported.size(), 1);
    if (!reason.isEmpty())
        QVERIFY2(at.said().contains(reason), qPrintable(at.said()));
}

void GateTest::asksBeforeSomethingIsLost()
{
    Gated at({.situation = "memory-climbing"});
    at.gate.run(Action(CleanUpFamily{"sessions", {}}));
    QCOMPARE(at.confirmer.asked.size(), std::size_t(1));
    const Confirmation &asked = at.confirmer.asked.front();
    QVERIFY(asked.preview.count.value_or(0) > 0);
    QVERIFY(asked.preview.bytes.value_or(0) > 0);
    QVERIFY(!asked.preview.sample.empty());
    QVERIFY(asked.typed.isEmpty());
    QCOMPARE(at.stack.deployment().audited().size(), std::size_t(1));
    QCOMPARE(at.stack.deployment().audited().front().action, std::string("redis.cleanup"));
    QCOMPARE(at.stack.deployment().audited().front().reason, std::string("because"));
    QVERIFY(at.said().startsWith("Deleted "));
}

void GateTest::noMeansNo()
{
    Gated at;
    at.confirmer.reply = std::nullopt;
    at.gate.run(Action(CleanUpFamily{"sessions", {}}));
    at.gate.run(StackCommand(ResetStack{}));
    QCOMPARE(at.confirmer.asked.size(), std::size_t(2));
    QVERIFY(at.stack.deployment().performed().empty());
    QVERIFY(at.stack.calls().empty());
    QCOMPARE(at.reported.size(), 0);
}

void GateTest::productionWantsTheName()
{
    Gated at({.production = true});
    at.gate.run(Action(CleanUpFamily{"sessions", {}}));
    QCOMPARE(at.confirmer.asked.front().typed, QString("Demo portal"));
}

void GateTest::asksAsTheTraitsSay_data()
{
    QTest::addColumn<int>("action");
    QTest::addColumn<QString>("title"); // empty: not asked
    QTest::addColumn<QString>("verb");
    QTest::newRow("close") << 0 << "Close connections?"
                           << "Disconnect them";
    QTest::newRow("clean up") << 1 << "Clean up results?"
                              << "Delete keys";
    QTest::newRow("disable") << 2 << "Disable the account?"
                             << "Disable the account";
    QTest::newRow("enable") << 3 << "Enable the account?"
                            << "Enable the account";
    QTest::newRow("role") << 4 << "Change the role?"
                          << "Change the role";
    QTest::newRow("grow") << 5 << ""
                          << "";
    QTest::newRow("stop the worker") << 6 << "Stop all work of the worker?"
                                     << "Stop its work";
}

void GateTest::asksAsTheTraitsSay()
{
    QFETCH(int, action);
    QFETCH(QString, title);
    QFETCH(QString, verb);
    Gated at;
    UserQuery query;
    const Id user = at.stack.deployment().ask(UsersQuestion{query}).result()->items.front().id;
    const auto clients = at.stack.deployment().ask(ClientsQuestion{}).result()->items;
    const std::vector<Action> actions{CloseClients{{clients[0].id, clients[1].id}},
                                      CleanUpFamily{"results", {}},
                                      ChangeUser{user, {}, true},
                                      ChangeUser{user, {}, false},
                                      ChangeUser{user, Role::Admin, {}},
                                      ResizeWorker{5, {}},
                                      ResizeWorker{0, {}}};
    at.gate.run(actions[std::size_t(action)]);
    QCOMPARE(at.confirmer.asked.size(), std::size_t(title.isEmpty() ? 0 : 1));
    QCOMPARE(at.stack.deployment().performed().size(), std::size_t(1));
    if (title.isEmpty())
        return;
    QCOMPARE(at.confirmer.asked[0].title, title);
    QCOMPARE(at.confirmer.asked[0].verb, verb);
}

void GateTest::saysWhatFailed()
{
    Gated at;
    at.stack.deployment().failNext(failure(ErrorKind::Unavailable, "Redis does not answer.", "Restart it."));
    bool worked = true;
    at.gate.run(Action(ResizeWorker{4, {}}), [&](bool did) { worked = did; });
    QVERIFY(!worked);
    QCOMPARE(at.said(), QString("Redis does not answer. Restart it."));
    QVERIFY(!at.reported.last().at(1).toBool());
    at.gate.run(Action(RevokeTasks{{"no-such-task"}}));
    QVERIFY(at.confirmer.asked.empty()); // what cannot be previewed is not asked about
    QVERIFY(at.said().contains("no such task"));
}

void GateTest::looksAgainAfterTheQuestion()
{
    struct Late final : Confirmer
    {
        void ask(const Confirmation &, std::function<void(std::optional<std::string>)> a) override { answer = a; }
        std::function<void(std::optional<std::string>)> answer;
    } late;
    ManualClock clock;
    demo::DemoStack stack({}, clock);
    stack.tick();
    const Shown shown(stack.deployment(), &stack);
    ActionGate gate(shown, late, {});
    gate.run(Action(CleanUpFamily{"sessions", {}}));
    QVERIFY(late.answer);
    stack.deployment().setOn(false);
    late.answer("yes");
    QVERIFY(stack.deployment().performed().empty());
}

void GateTest::stackCommands()
{
    Gated at;
    QVERIFY(!at.gate.allowed(StackCommand(StartStack{})).available);
    at.gate.run(StackCommand(SeedStack{}));
    QCOMPARE(at.confirmer.asked.size(), std::size_t(1)); // accounts on one's own portal are not made by a slip
    QVERIFY(!at.confirmer.asked[0].destructive && at.confirmer.asked[0].preview.count == std::uint64_t{40});
    at.gate.run(StackCommand(RestartStack{}));
    QCOMPARE(at.confirmer.asked.size(), std::size_t(2)); // somebody uses it
    QVERIFY(at.confirmer.asked[1].preview.count.value_or(0) > 0);
    QVERIFY(previewText(at.confirmer.asked[1].preview).contains("people use it now"));
    at.gate.run(StackCommand(ResetStack{}));
    QCOMPARE(at.confirmer.asked.size(), std::size_t(3));
    QCOMPARE(at.confirmer.asked[2].title, QString("Reset the portal?"));
    QVERIFY(at.confirmer.asked[2].preview.count.value_or(0) > 0);
    QVERIFY(at.confirmer.asked[2].destructive);
    QCOMPARE(at.stack.deployment().audited().size(), std::size_t(1)); // of the new log
    QCOMPARE(at.stack.deployment().audited()[0].action, std::string("stack.reset"));
    QCOMPARE(at.stack.deployment().audited()[0].reason, std::string("because"));
    at.gate.run(StackCommand(StopStack{}));
    const std::vector<std::string> expected{"stack.seed", "stack.restart", "stack.reset", "stack.stop"};
    QCOMPARE(at.stack.calls(), expected);
    QVERIFY(!at.gate.allowed(StackCommand(StopStack{})).available);
    at.stack.failNext(failure(ErrorKind::Conflict, "Port 8080 is in use.", "Choose another."));
    at.gate.run(StackCommand(StartStack{}));
    QCOMPARE(at.said(), QString("Port 8080 is in use. Choose another."));

    Gated production({.production = true});
    production.gate.run(StackCommand(RestartStack{}));
    QCOMPARE(production.confirmer.asked.size(), std::size_t(1));
    QCOMPARE(production.confirmer.asked[0].typed, QString("Demo portal"));
    QCOMPARE(production.stack.deployment().audited().back().reason, std::string("because"));
    QVERIFY(!Gated({.role = Role::Operator}).gate.allowed(StackCommand(ResetStack{})).available);
    QVERIFY(Gated({.role = Role::Operator}).gate.allowed(StackCommand(StopStack{})).available);

    Gated readOnly({}, {.readOnly = true});
    for (const StackCommand &command :
         {StackCommand(StartStack{}), StackCommand(StopStack{}), StackCommand(RestartStack{}),
          StackCommand(ResetStack{}), StackCommand(SeedStack{})})
        readOnly.gate.run(command);
    QVERIFY(readOnly.stack.calls().empty());
}

void GateTest::whatWouldDoNothingIsSaid()
{
    Gated at;
    const Id user = at.stack.deployment().ask(UsersQuestion{}).result()->items.front().id;
    at.gate.run(Action(SignOutUser{user}));
    const auto asked = at.confirmer.asked.size();
    QCOMPARE(at.stack.deployment().performed().size(), std::size_t(1));
    at.gate.run(Action(SignOutUser{user})); // a second time there is nobody to sign out
    at.gate.run(Action(CleanUpFamily{"results", {}}));
    at.gate.run(Action(CleanUpFamily{"results", {}}));
    QVERIFY(!at.gate.allowed(StackCommand(UnseedStack{})).available);
    at.gate.run(StackCommand(UnseedStack{}));
    QCOMPARE(at.confirmer.asked.size(), asked + 1); // for the results that were there
    QCOMPARE(at.stack.deployment().performed().size(), std::size_t(2));
    QVERIFY(at.stack.calls().empty());
    QVERIFY2(at.said().contains("made-up"), qPrintable(at.said()));
    at.gate.run(StackCommand(SeedStack{}));
    QVERIFY(at.gate.allowed(StackCommand(UnseedStack{})).available);
}

void GateTest::nobodyIsInterruptedUnasked()
{
    Gated quiet({.situation = "empty"}); // nobody is there
    quiet.gate.run(StackCommand(StopStack{}));
    QVERIFY(quiet.confirmer.asked.empty());
    QCOMPARE(quiet.stack.state(), LocalStack::State::Stopped);
    Gated busy;
    busy.confirmer.reply = std::nullopt;
    for (const StackCommand &command : {StackCommand(StopStack{}), StackCommand(RestartStack{})}) {
        busy.gate.run(command);
        QVERIFY(busy.confirmer.asked.back().destructive);
        QCOMPARE(busy.stack.state(), LocalStack::State::Running);
    }
    QCOMPARE(busy.confirmer.asked.size(), std::size_t(2));
    QVERIFY(busy.stack.calls().empty());
}

void GateTest::everyButtonSaysWhatItDoes()
{
    QStringList verbs;
    for (const Action &action :
         {Action(CloseClients{}), Action(CleanUpFamily{}), Action(ResizeWorker{}), Action(ResizeWorker{2, {}}),
          Action(RevokeTasks{}), Action(RerunTasks{}), Action(CreateUser{}), Action(ChangeUser{}),
          Action(ChangeUser{1, {}, true}), Action(ChangeUser{1, {}, false}), Action(ResetPassword{}),
          Action(SignOutUser{}), Action(DeleteUser{})})
        verbs << verbOf(action);
    for (const StackCommand &command :
         {StackCommand(StartStack{}), StackCommand(StopStack{}), StackCommand(RestartStack{}),
          StackCommand(ResetStack{}), StackCommand(SeedStack{}), StackCommand(UnseedStack{}),
          StackCommand(MendStack{false}), StackCommand(MendStack{true})})
        verbs << verbOf(command);
    for (const QString &verb : verbs) {
        QVERIFY2(verb.contains(' '), qPrintable(verb)); // what is done, and to what
        for (const char *leaving : {"Cancel", "Close", "OK", "Yes", "No"})
            QVERIFY2(!verb.startsWith(leaving), qPrintable(verb));
    }
}

void GateTest::aPasswordIsShownOnce()
{
    Gated at;
    QSignalSpy made(&at.gate, &ActionGate::secretMade);
    at.gate.run(Action(CreateUser{"new@example.org", Role::User}));
    QCOMPARE(made.size(), 1);
    const QString secret = made.last().at(1).toString();
    QVERIFY(!secret.isEmpty() && !at.said().contains(secret));
    for (const AuditEntry &entry : at.stack.deployment().audited())
        QVERIFY(!QString::fromStdString(entry.detail + entry.subject + entry.reason).contains(secret));
    const auto events =
        at.stack.deployment().ask(EventsQuestion{WallTime{}, at.clock.wall() + std::chrono::hours(1)}).result();
    for (const Event &event : *events)
        QVERIFY(!(eventText(event) + QString::fromStdString(event.subject + event.detail)).contains(secret));
}

QTEST_MAIN(GateTest)
#include "gate_test.moc"
