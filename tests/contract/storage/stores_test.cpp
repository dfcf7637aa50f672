// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/storage/audit_store.h"
#include "core/storage/limits_store.h"
#include "core/storage/session_list_store.h"
#include "core/storage/task_owner_store.h"
#include "core/storage/users_store.h"
#include "tests/contract/storage/backends.h"

using namespace portolan;
using namespace portolan::storage;
using namespace std::chrono_literals;

/// The smaller stores: limits, sessions, task owners, audit.
class StoresTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase_data() { addBackends(); }
    void init();
    void cleanup();

    void replacesLimitsAsAWhole();
    void listsSessionsLastSeenFirst();
    void keepsTheLatestSessionsOnly();
    void cutsAndCleansWhatClientsSend();
    void trimsOldSessions();
    void findsATasksOwner();
    void writesAStormOfTasksInFewTurns();
    void tellsOnlyTheOwnerOfATakenId();
    void pagesTasksOfOneOwner();
    void findsTasksOfEverybody();
    void expiresOldTasks();
    void keepsAndPagesTheAudit();
    void filtersTheAudit_data();
    void filtersTheAudit();

private:
    Id addUser(const std::string &email);
    SessionEntry session(const std::string &id, Id user, std::chrono::seconds age = 0s) const;
    AuditEntry entry(Id actor, const std::string &action, const std::string &subject);
    template <class T> T sync(awaitable<T> work)
    {
        return asio::co_spawn(m_runtime->at(0), std::move(work), asio::use_future).get();
    }

    ManualClock m_clock;
    IdGenerator m_ids{m_clock};
    Servers m_servers;
    std::unique_ptr<TestDatabase> m_place;
    std::unique_ptr<Runtime> m_runtime;
    std::unique_ptr<Database> m_database;
};

void StoresTest::init()
{
    QFETCH_GLOBAL(Backend, backend);
    m_place = std::make_unique<TestDatabase>(backend, m_servers);
    m_runtime = std::make_unique<Runtime>(2);
    m_database = std::make_unique<Database>(parsedUrl(m_place->url()));
    VERIFY_OK(m_database->open());
    VERIFY_OK(migrate(*m_database, m_clock));
}

void StoresTest::cleanup()
{
    m_database.reset();
    m_runtime.reset();
    m_place.reset();
}

Id StoresTest::addUser(const std::string &email)
{
    UserRecord user;
    user.id = m_ids.next();
    user.email = email;
    return UsersStore(*m_database).addBlocking(user).value().id;
}

SessionEntry StoresTest::session(const std::string &id, Id user, std::chrono::seconds age) const
{
    return {id, user, m_clock.wall() - age, m_clock.wall() - age, "203.0.113.7", "Firefox"};
}

AuditEntry StoresTest::entry(Id actor, const std::string &action, const std::string &subject)
{
    return {m_ids.next(), m_clock.wall(), actor,  "ann@example.com", Role::Admin, action,
            subject,      "local",        "done", "because",         ""};
}

void StoresTest::replacesLimitsAsAWhole()
{
    LimitsStore limits(*m_database);
    const Id ann = addUser("ann@example.com");
    QVERIFY(sync(limits.list(ann)).value().empty());
    const std::vector<LimitOverride> first{{Category::Api, "400 per day"},
                                           {Category::Analysis, "60 per day; 3 per minute"}};
    QVERIFY(sync(limits.replace(ann, first, m_clock.wall())).value().empty());
    QVERIFY(sync(limits.list(ann)).value() == first);
    const std::vector<LimitOverride> second{{Category::Upload, "1 per day"}};
    QVERIFY(sync(limits.replace(ann, second, m_clock.wall())).value() == first);
    QVERIFY(sync(limits.list(ann)).value() == second);
    const std::vector<LimitOverride> twice{{Category::Api, "1 per day"}, {Category::Api, "2 per day"}};
    QCOMPARE(sync(limits.replace(ann, twice, m_clock.wall())).error().kind, ErrorKind::Conflict);
    QVERIFY(sync(limits.list(ann)).value() == second);
    QCOMPARE(sync(limits.replace(4711, second, m_clock.wall())).error().kind, ErrorKind::NotFound);
    QVERIFY(sync(limits.replace(ann, {}, m_clock.wall())).value() == second);
    QVERIFY(sync(limits.list(ann)).value().empty());
}

void StoresTest::listsSessionsLastSeenFirst()
{
    SessionListStore sessions(*m_database);
    const Id ann = addUser("ann@example.com");
    const Id bob = addUser("bob@example.com");
    VERIFY_OK(sync(sessions.add(session("a1", ann, 300s))));
    VERIFY_OK(sync(sessions.add(session("a2", ann, 200s))));
    VERIFY_OK(sync(sessions.add(session("b1", bob, 100s))));
    VERIFY_OK(
        sync(sessions.seen({{"a1", m_clock.wall()}, {"a2", m_clock.wall() - 1000s}, {"unknown", m_clock.wall()}})));
    const auto list = sync(sessions.list(ann));
    VERIFY_OK(list);
    QCOMPARE(list->size(), std::size_t{2});
    QCOMPARE(list->at(0).id, std::string("a1"));
    QVERIFY(list->at(0).lastSeen == m_clock.wall());
    QVERIFY(list->at(0).created == m_clock.wall() - 300s);
    QVERIFY(list->at(1) == session("a2", ann, 200s)); // an older sighting changes nothing
    QCOMPARE(sync(sessions.add(session("x", 4711))).error().kind, ErrorKind::NotFound);
    VERIFY_OK(sync(sessions.remove("a1")));
    VERIFY_OK(sync(sessions.remove("a1")));
    QCOMPARE(sync(sessions.removeAll(ann))->size(), std::size_t{1});
    QVERIFY(sync(sessions.list(ann))->empty());
    QCOMPARE(sync(sessions.list(bob))->size(), std::size_t{1});
}

void StoresTest::keepsTheLatestSessionsOnly()
{
    SessionListStore sessions(*m_database);
    const Id ann = addUser("ann@example.com");
    for (std::uint32_t i = 0; i < SessionListStore::perUser; ++i)
        QVERIFY(
            sync(sessions.add(session("s" + std::to_string(i), ann, std::chrono::seconds(1000 - i)))).value().empty());
    const auto dropped = sync(sessions.add(session("new", ann)));
    VERIFY_OK(dropped);
    QCOMPARE(dropped->size(), std::size_t{1});
    QCOMPARE(dropped->front().id, std::string("s0"));
    QCOMPARE(sync(sessions.list(ann))->size(), std::size_t{SessionListStore::perUser});
    QVERIFY(sync(sessions.add(session("new", ann))).value().empty()); // renewed, not added
}

void StoresTest::cutsAndCleansWhatClientsSend()
{
    SessionListStore sessions(*m_database);
    const Id ann = addUser("ann@example.com");
    auto odd = session("s", ann);
    odd.agent = std::string(255, 'a') + "\xC3\xA4" + "rest";
    odd.address = std::string("1.2.3.4\0\r\n", 10) + "\xff";
    VERIFY_OK(sync(sessions.add(odd)));
    const auto list = sync(sessions.list(ann)).value();
    QCOMPARE(list.front().agent, std::string(255, 'a'));
    QCOMPARE(list.front().address, std::string("1.2.3.4   \xEF\xBF\xBD"));
}

void StoresTest::trimsOldSessions()
{
    SessionListStore sessions(*m_database);
    const Id ann = addUser("ann@example.com");
    for (int i = 0; i < 5; ++i)
        VERIFY_OK(sync(sessions.add(session("s" + std::to_string(i), ann, std::chrono::hours(i * 10)))));
    QCOMPARE(sync(sessions.trim(m_clock.wall() - 24h, m_clock.wall())).value(), std::uint64_t{2});
    QCOMPARE(sync(sessions.list(ann))->size(), std::size_t{3});

    // Written while a clock was days ahead: it counts from now on, and goes in its turn.
    VERIFY_OK(sync(sessions.add(session("ahead", ann, -std::chrono::hours(100)))));
    VERIFY_OK(sync(sessions.add(session("a little", ann, -std::chrono::minutes(2)))));
    VERIFY_OK(sync(sessions.trim(m_clock.wall() - 24h, m_clock.wall())));
    const auto seen = sync(sessions.list(ann)).value();
    QCOMPARE(seen.front().id, std::string("a little"));
    QCOMPARE(seen.at(1).id, std::string("ahead"));
    QCOMPARE(seen.at(1).lastSeen, m_clock.wall());
    m_clock.advance(25h);
    VERIFY_OK(sync(sessions.trim(m_clock.wall() - 24h, m_clock.wall())));
    QCOMPARE(sync(sessions.list(ann))->size(), std::size_t{0});
}

void StoresTest::findsATasksOwner()
{
    TaskOwnerStore tasks(*m_database);
    const TaskOwner task{uuid4(), 7, "portal.analysis", m_clock.wall(), {}, "AAPL"};
    VERIFY_OK(sync(tasks.add(task)));
    QVERIFY(sync(tasks.find(task.taskId)).value() == task);
    QCOMPARE(sync(tasks.find(uuid4())).error().kind, ErrorKind::NotFound);
    QCOMPARE(sync(tasks.find(std::string("a\0b", 3))).error().kind, ErrorKind::Invalid);
    VERIFY_OK(sync(tasks.remove(task.taskId)));
    QCOMPARE(sync(tasks.find(task.taskId)).error().kind, ErrorKind::NotFound);
}

void StoresTest::writesAStormOfTasksInFewTurns()
{
    TaskOwnerStore tasks(*m_database);
    std::vector<std::future<Result<void>>> answers;
    constexpr int storm = 1000;
    for (int i = 0; i < storm; ++i)
        answers.push_back(asio::co_spawn(m_runtime->at(std::size_t(i) % m_runtime->size()),
                                         tasks.add({uuid4(), 7, "portal.noop", m_clock.wall()}), asio::use_future));
    for (auto &answer : answers)
        VERIFY_OK(answer.get());
    const auto count = m_database->runBlocking([](DatabaseConnection &c) {
        return selectOne(c, "SELECT count(*) FROM task_owners", {}, [](const Row &row) { return row.integer(0); });
    });
    QCOMPARE(count->value(), std::int64_t{storm});
}

void StoresTest::tellsOnlyTheOwnerOfATakenId()
{
    TaskOwnerStore tasks(*m_database);
    const std::string taken = uuid4();
    VERIFY_OK(sync(tasks.add({taken, 1, "portal.noop", m_clock.wall()})));
    std::vector<std::future<Result<void>>> answers;
    for (int i = 0; i < 50; ++i)
        answers.push_back(asio::co_spawn(m_runtime->at(0),
                                         tasks.add({i == 25 ? taken : uuid4(), 2, "portal.noop", m_clock.wall()}),
                                         asio::use_future));
    for (int i = 0; i < 50; ++i) {
        const auto answer = answers[static_cast<std::size_t>(i)].get();
        QCOMPARE(answer.has_error(), i == 25);
        if (answer.has_error())
            QCOMPARE(answer.error().kind, ErrorKind::Conflict);
    }
    QCOMPARE(sync(tasks.find(taken))->owner, Id{1});
}

void StoresTest::pagesTasksOfOneOwner()
{
    TaskOwnerStore tasks(*m_database);
    std::vector<TaskOwner> mine;
    for (int i = 0; i < 25; ++i) // several share a millisecond
        mine.push_back({uuid4(), 7, "portal.noop", m_clock.wall() + std::chrono::milliseconds(i / 4)});
    for (const TaskOwner &task : mine)
        VERIFY_OK(sync(tasks.add(task)));
    VERIFY_OK(sync(tasks.add({uuid4(), 8, "portal.noop", m_clock.wall()})));
    std::vector<TaskOwner> seen;
    std::string cursor;
    do {
        const auto page = sync(tasks.list(7, 10, cursor));
        VERIFY_OK(page);
        seen.insert(seen.end(), page->items.begin(), page->items.end());
        cursor = page->nextCursor.value_or("");
    } while (!cursor.empty());
    std::ranges::sort(mine, [](const TaskOwner &a, const TaskOwner &b) {
        return std::tie(b.created, b.taskId) < std::tie(a.created, a.taskId);
    });
    QVERIFY(seen == mine);
    QCOMPARE(sync(tasks.list(7, 0, {})).error().kind, ErrorKind::Invalid);
    QCOMPARE(sync(tasks.list(7, 10, "zzz")).error().kind, ErrorKind::Invalid);
}

void StoresTest::findsTasksOfEverybody()
{
    TaskOwnerStore tasks(*m_database);
    std::vector<TaskOwner> all;
    std::vector<std::string> ids;
    for (int i = 0; i < 300; ++i) {
        all.push_back({uuid4(), Id(1 + i % 3), "portal.noop", m_clock.wall() + std::chrono::milliseconds(i)});
        ids.push_back(all.back().taskId);
    }
    for (const TaskOwner &task : all)
        VERIFY_OK(sync(tasks.add(task)));
    const auto latest = sync(tasks.latest(2));
    VERIFY_OK(latest);
    QVERIFY(*latest == (std::vector<TaskOwner>{all[299], all[298]}));
    QCOMPARE(sync(tasks.latest(0)).error().kind, ErrorKind::Invalid);

    ids.push_back(uuid4()); // nobody's
    auto found = sync(tasks.findMany(ids));
    VERIFY_OK(found);
    std::ranges::sort(*found, {}, &TaskOwner::created);
    QVERIFY(*found == all);
    QVERIFY(sync(tasks.findMany({}))->empty());
    QCOMPARE(sync(tasks.findMany(std::vector<std::string>(2001, "x"))).error().kind, ErrorKind::Invalid);
}

void StoresTest::expiresOldTasks()
{
    TaskOwnerStore tasks(*m_database);
    for (int i = 0; i < 5; ++i)
        VERIFY_OK(sync(tasks.add({uuid4(), 7, "portal.noop", m_clock.wall() - std::chrono::hours(i)})));
    QCOMPARE(sync(tasks.expire(m_clock.wall() - 2h)).value(), std::uint64_t{2});
    QCOMPARE(sync(tasks.list(7, 10, {}))->items.size(), std::size_t{3});
}

void StoresTest::keepsAndPagesTheAudit()
{
    AuditStore audit(*m_database);
    std::vector<AuditEntry> all;
    for (int i = 0; i < 12; ++i) {
        all.push_back(entry(1, "user.role", "user:" + std::to_string(i)));
        VERIFY_OK(sync(audit.append(all.back())));
    }
    std::ranges::reverse(all);
    std::vector<AuditEntry> seen;
    AuditQuery query;
    query.limit = 5;
    do {
        const auto page = sync(audit.page(query));
        VERIFY_OK(page);
        seen.insert(seen.end(), page->items.begin(), page->items.end());
        query.cursor = page->nextCursor.value_or("");
    } while (!query.cursor.empty());
    QVERIFY(seen == all);
    auto longOne = entry(1, "user.role", "user:1");
    longOne.reason = std::string(5000, 'x') + std::string("\0", 1);
    VERIFY_OK(audit.appendBlocking(longOne));
    query.cursor.clear();
    QCOMPARE(sync(audit.page(query))->items.front().reason.size(), std::size_t{1024});
    QCOMPARE(sync(audit.count()).value(), std::uint64_t{13});
}

void StoresTest::filtersTheAudit_data()
{
    QTest::addColumn<QString>("action");
    QTest::addColumn<QString>("subject");
    QTest::addColumn<int>("actor");
    QTest::addColumn<int>("fromHour");
    QTest::addColumn<int>("toHour");
    QTest::addColumn<QList<int>>("found");
    QTest::newRow("all") << ""
                         << "" << 0 << -1 << -1 << QList<int>{3, 2, 1, 0};
    QTest::newRow("action") << "user.role"
                            << "" << 0 << -1 << -1 << QList<int>{0};
    QTest::newRow("group") << "user."
                           << "" << 0 << -1 << -1 << QList<int>{1, 0};
    QTest::newRow("subject") << ""
                             << "user:1" << 0 << -1 << -1 << QList<int>{2, 0};
    QTest::newRow("actor") << ""
                           << "" << 2 << -1 << -1 << QList<int>{3, 1};
    QTest::newRow("from, inclusive") << ""
                                     << "" << 0 << 2 << -1 << QList<int>{3, 2};
    QTest::newRow("to, exclusive") << ""
                                   << "" << 0 << -1 << 2 << QList<int>{1, 0};
    QTest::newRow("together") << "user."
                              << "user:2" << 2 << 1 << 2 << QList<int>{1};
}

void StoresTest::filtersTheAudit()
{
    QFETCH(QString, action);
    QFETCH(QString, subject);
    QFETCH(int, actor);
    QFETCH(int, fromHour);
    QFETCH(int, toHour);
    QFETCH(QList<int>, found);
    AuditStore audit(*m_database);
    const auto start = m_clock.wall();
    std::vector<AuditEntry> all;
    for (const auto &[who, what, whom] :
         {std::tuple(1, "user.role", "user:1"), std::tuple(2, "user.disable", "user:2"),
          std::tuple(1, "users.import", "user:1"), std::tuple(2, "limits.set", "user:3")}) {
        all.push_back(entry(static_cast<Id>(who), what, whom));
        VERIFY_OK(sync(audit.append(all.back())));
        m_clock.advance(1h);
    }
    AuditQuery query;
    query.action = action.toStdString();
    query.subject = subject.toStdString();
    if (actor)
        query.actorId = static_cast<Id>(actor);
    if (fromHour >= 0)
        query.from = start + std::chrono::hours(fromHour);
    if (toHour >= 0)
        query.to = start + std::chrono::hours(toHour);
    const auto page = sync(audit.page(query));
    VERIFY_OK(page);
    QList<int> seen;
    for (const auto &one : page->items)
        seen << static_cast<int>(std::ranges::find(all, one) - all.begin());
    QCOMPARE(seen, found);
}

QTEST_GUILESS_MAIN(StoresTest)
#include "stores_test.moc"
