// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/contract/deployment/stacks.h"
#include "tests/fakes/permits.h"

#include <QTest>

using namespace portolan;

/// What is done to a portal as a whole: how it ends, and the entry each command leaves in the portal's own audit log.
class StackTest final : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        QFETCH_GLOBAL(int, kind);
        m_under = stacks()[static_cast<std::size_t>(kind)].make();
    }
    void cleanup() { m_under.reset(); }
    void initTestCase_data()
    {
        QTest::addColumn<int>("kind");
        int index = 0;
        for (const auto &kind : stacks())
            QTest::newRow(kind.name) << index++;
    }

    void everyCommandLeavesOneEntry()
    {
        auto &stack = m_under->stack();
        const auto settings = stack.settings();
        std::vector<std::string> expected;
        for (const StackCommand &command :
             {StackCommand(StartStack{settings}), StackCommand(SeedStack{}), StackCommand(UnseedStack{}),
              StackCommand(RestartStack{settings}), StackCommand(StopStack{}), StackCommand(StartStack{settings})}) {
            const std::string name(traitsOf(command).name);
            const auto done = perform(command, "because of " + name);
            QVERIFY2(done.has_value(), done ? "" : (name + ": " + done.error().message).c_str());
            QVERIFY2(!done->facts.empty(), name.c_str());
            expected.push_back(name);
            const auto audit = m_under->audit();
            QCOMPARE(namesOf(audit), expected);
            QCOMPARE(audit.back().reason, "because of " + name);
            QCOMPARE(audit.back().outcome, std::string("done"));
            QCOMPARE(audit.back().role, Role::Admin);
            QVERIFY(!audit.back().actor.empty());
        }
        QCOMPARE(stack.state(), LocalStack::State::Running);
    }

    void aStartThatNobodyAskedForLeavesNone()
    {
        QVERIFY(await(m_under->stack().start(m_under->stack().settings())).has_value());
        QCOMPARE(m_under->stack().state(), LocalStack::State::Running);
        QCOMPARE(m_under->audit().size(), std::size_t{0});
    }

    void aResetIsTheFirstEntryOfTheNewLog()
    {
        auto &stack = m_under->stack();
        QVERIFY(perform(StartStack{stack.settings()}, "first").has_value());
        QVERIFY(perform(SeedStack{}, "something to lose").has_value());
        const auto reset = perform(ResetStack{}, "it was a try");
        QVERIFY2(reset.has_value(), reset ? "" : reset.error().message.c_str());
        QCOMPARE(stack.state(), LocalStack::State::Running);
        const auto audit = m_under->audit();
        QCOMPARE(namesOf(audit), std::vector<std::string>{"stack.reset"});
        QCOMPARE(audit.front().reason, std::string("it was a try"));
        QCOMPARE(audit.front().outcome, std::string("done"));
        QVERIFY(!audit.front().detail.empty());
    }

    void whatFailedLeavesAnEntryToo()
    {
        auto &stack = m_under->stack();
        const auto settings = stack.settings();
        QVERIFY(await(stack.start(settings)).has_value());
        QVERIFY(perform(StopStack{}, {}).has_value());
        const auto failed = perform(StartStack{m_under->impossible()}, "once more");
        QVERIFY(failed.has_error());
        QCOMPARE(stack.state(), LocalStack::State::Stopped);
        auto audit = m_under->audit();
        QCOMPARE(namesOf(audit), (std::vector<std::string>{"stack.stop", "stack.start"}));
        QCOMPARE(audit.back().reason, std::string("once more"));
        QVERIFY(audit.back().outcome != "done" && audit.back().detail.find("in use") != std::string::npos);

        QVERIFY(await(stack.start(settings)).has_value());
        QVERIFY(perform(RestartStack{m_under->impossible()}, "another port").has_error());
        audit = m_under->audit();
        QCOMPARE(audit.back().action, std::string("stack.restart"));
        QVERIFY(audit.back().outcome != "done" && audit.back().reason == "another port");
        // People are served on, with the settings there were.
        QCOMPARE(stack.state(), LocalStack::State::Running);
        QCOMPARE(stack.settings(), settings);
        QVERIFY(!stack.problem());
    }

    void aSeedIsTakenBack()
    {
        auto &stack = m_under->stack();
        QVERIFY(await(stack.start(stack.settings())).has_value());
        QVERIFY(await(stack.preview(UnseedStack{}))->nothing);
        QTRY_VERIFY(stack.seeded() == false);
        const auto before = users();
        const auto asked = await(stack.preview(SeedStack{}));
        QVERIFY(asked->count == std::uint64_t{40} && has(*asked, FactKind::RolesAmongThem));
        QVERIFY(factOf(*asked, FactKind::RolesAmongThem).amounts.empty()); // all are users
        QVERIFY(perform(SeedStack{}, {}).has_value());
        QTRY_VERIFY(stack.seeded() == true);
        for (const User &user : users())
            QVERIFY2(user.role == Role::User || std::ranges::find(before, user) != before.end(), user.email.c_str());
        QCOMPARE(users().size(), before.size() + 40);
        QVERIFY(
            await(stack.deployment().perform(CreateUser{"mine@example.com", Role::Admin}, permitted())).has_value());
        const auto back = await(stack.preview(UnseedStack{}));
        QVERIFY(back->count == std::uint64_t{40} && !back->nothing && !back->sample.empty());
        const auto done = perform(UnseedStack{}, "enough");
        QVERIFY2(done.has_value(), done ? "" : done.error().message.c_str());
        QCOMPARE(users().size(), before.size() + 1); // nobody else's
        QVERIFY(await(stack.preview(UnseedStack{}))->nothing);
        QTRY_VERIFY(stack.seeded() == false);

        QVERIFY(perform(SeedStack{.privileged = true}, {}).has_value());
        const auto all = users();
        QCOMPARE(std::ranges::count_if(
                     all, [](const User &u) { return u.email != "mine@example.com" && u.role == Role::Operator; }) -
                     std::ranges::count(before, Role::Operator, &User::role),
                 std::ptrdiff_t{2});
    }

    void previewsCountAndTouchNothing()
    {
        auto &stack = m_under->stack();
        const auto settings = stack.settings();
        QVERIFY(await(stack.start(settings)).has_value());
        QVERIFY(perform(SeedStack{}, {}).has_value());
        QTRY_VERIFY_WITH_TIMEOUT(stack.deployment().latest() != nullptr, 10'000);
        const auto before = m_under->audit().size();
        for (const StackCommand &command :
             {StackCommand(StartStack{settings}), StackCommand(StopStack{}), StackCommand(RestartStack{settings}),
              StackCommand(ResetStack{}), StackCommand(SeedStack{}), StackCommand(UnseedStack{})}) {
            const auto preview = await(stack.preview(command));
            QVERIFY(preview.has_value() && !preview->facts.empty());
        }
        const auto reset = await(stack.preview(ResetStack{}));
        QVERIFY(reset->count.value_or(0) >= 40 && reset->bytes.value_or(0) > 0);
        QCOMPARE(reset->sample.front().name, stack.dataDirectory());
        QVERIFY(has(*reset, FactKind::ContentsDeleted) && has(*reset, FactKind::WhereAuditIs));
        const auto amounts = factOf(*reset, FactKind::ContentsDeleted).amounts;
        const auto counts = [&](Counted what) {
            const auto found = std::ranges::find(amounts, what, &Amount::of);
            return found == amounts.end() ? 0 : found->count;
        };
        QVERIFY(counts(Counted::Users) >= 40 && counts(Counted::Sessions) > 0 && counts(Counted::AuditEntries) > 0);
        QVERIFY(counts(Counted::Tasks) + counts(Counted::Results) > 0); // those of the seed may all have ended
        QCOMPARE(stack.state(), LocalStack::State::Running);
        QCOMPARE(m_under->audit().size(), before);

        QVERIFY(perform(StopStack{}, {}).has_value());
        const auto stopped = await(stack.preview(ResetStack{}));
        QVERIFY(stopped.has_value() && !stopped->count && stopped->bytes.value_or(0) > 0);
        QVERIFY(has(*stopped, FactKind::EverythingUnseen));
    }

    void refusesWhatIsNotPossible()
    {
        auto &stack = m_under->stack();
        const auto settings = stack.settings();
        QCOMPARE(perform(SeedStack{}, {}).error().kind, ErrorKind::Unavailable);
        QCOMPARE(perform(RestartStack{settings}, {}).error().kind, ErrorKind::Unavailable);
        QVERIFY(await(stack.start(settings)).has_value());
        QCOMPARE(perform(StartStack{settings}, {}).error().kind, ErrorKind::Conflict);
        QCOMPARE(await(stack.start(settings)).error().kind, ErrorKind::Conflict);
        QCOMPARE(m_under->audit().size(), std::size_t{0}); // nothing was begun
    }

    /// On a stack that seeds at once there is nothing to cancel, but nobody is told Conflict.
    void aSeedGivesWay_data()
    {
        QTest::addColumn<int>("command");
        QTest::newRow("to a stop") << 0;
        QTest::newRow("to a restart") << 1;
        QTest::newRow("to a reset") << 2;
    }
    void aSeedGivesWay()
    {
        QFETCH(int, command);
        auto &stack = m_under->stack();
        const auto settings = stack.settings();
        QVERIFY(await(stack.start(settings)).has_value());
        auto seeding = stack.perform(SeedStack{}, permitted("a first look"));
        const StackCommand next = command == 0   ? StackCommand(StopStack{})
                                  : command == 1 ? StackCommand(RestartStack{settings})
                                                 : StackCommand(ResetStack{});
        const bool atOnce = seeding.isFinished();
        const auto done = perform(next, "not now");
        QVERIFY2(done.has_value(), done ? "" : done.error().message.c_str());
        const auto seeded = await(seeding);
        QVERIFY(atOnce ? seeded.has_value() : seeded.has_error() && seeded.error().kind == ErrorKind::Cancelled);
        const auto audit = m_under->audit();
        QCOMPARE(audit.back().action, std::string(traitsOf(next).name));
        if (command == 2)
            return; // which took the seed's entry with it
        QCOMPARE(audit.size(), std::size_t{2});
        QCOMPARE(audit.front().action, std::string("stack.seed"));
        QCOMPARE(audit.front().outcome, std::string(atOnce ? "done" : "cancelled"));
        QCOMPARE(audit.front().reason, std::string("a first look"));
    }

private:
    Result<ActionOutcome> perform(const StackCommand &command, std::string reason)
    {
        return await(m_under->stack().perform(command, permitted(std::move(reason))));
    }
    std::vector<User> users()
    {
        UserQuery query;
        query.limit = 500;
        return await(m_under->stack().deployment().ask(UsersQuestion{query})).value().items;
    }
    static bool has(const ActionPreview &preview, FactKind kind)
    {
        return std::ranges::find(preview.facts, kind, &Fact::kind) != preview.facts.end();
    }
    static Fact factOf(const ActionPreview &preview, FactKind kind)
    {
        const auto found = std::ranges::find(preview.facts, kind, &Fact::kind);
        return found == preview.facts.end() ? Fact{} : *found;
    }
    static std::vector<std::string> namesOf(const std::vector<AuditEntry> &audit)
    {
        std::vector<std::string> names;
        for (const auto &entry : audit)
            names.push_back(entry.action);
        return names;
    }

    std::unique_ptr<StackUnderTest> m_under;
};

QTEST_GUILESS_MAIN(StackTest)
#include "stack_test.moc"
