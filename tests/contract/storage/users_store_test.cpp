// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/storage/user_cache.h"
#include "core/storage/users_store.h"
#include "tests/contract/storage/backends.h"
#include "tests/fakes/add_users.h"

#include <set>

using namespace portolan;
using namespace portolan::storage;

class UsersStoreTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase_data() { addBackends(); }
    void init();
    void cleanup();

    void keepsEveryColumn();
    void findsAnAddressInAnyCase_data();
    void findsAnAddressInAnyCase();
    void refusesWhatIsNoAddress_data();
    void refusesWhatIsNoAddress();
    void refusesAnAddressTwice();
    void answersWhatWasThereBeforeAChange();
    void keepsTheLastAdmin();
    void twoAdminsCannotDemoteEachOther();
    void pagesThroughEverybodyOnce();
    void searches_data();
    void searches();
    void pagesBySearchInOrder();
    void refusesABadPage_data();
    void refusesABadPage();
    void cacheForgetsWhatChanges();
    void countsUsers();

private:
    User add(const std::string &email, Role role = Role::User, bool disabled = false);
    awaitable<Result<User>> setRole(Id id, Role role, bool unlessLastAdmin = true)
    {
        return m_store->change(id, {.role = role}, m_clock.wall(), unlessLastAdmin);
    }
    awaitable<Result<User>> setDisabled(Id id, bool disabled, bool unlessLastAdmin = true)
    {
        return m_store->change(id, {.disabled = disabled}, m_clock.wall(), unlessLastAdmin);
    }
    awaitable<Result<User>> setEmail(Id id, std::string email)
    {
        return m_store->change(id, {.email = std::move(email)}, m_clock.wall());
    }
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
    std::unique_ptr<UserCache> m_cache;
    std::unique_ptr<UsersStore> m_store;
};

void UsersStoreTest::init()
{
    QFETCH_GLOBAL(Backend, backend);
    m_place = std::make_unique<TestDatabase>(backend, m_servers);
    m_runtime = std::make_unique<Runtime>(1);
    m_database = std::make_unique<Database>(parsedUrl(m_place->url()));
    VERIFY_OK(m_database->open());
    VERIFY_OK(migrate(*m_database, m_clock));
    m_cache = std::make_unique<UserCache>(m_clock, 1000, std::chrono::seconds(5));
    m_store = std::make_unique<UsersStore>(*m_database, m_cache.get());
}

void UsersStoreTest::cleanup()
{
    m_store.reset();
    m_database.reset();
    m_runtime.reset();
    m_place.reset();
}

User UsersStoreTest::add(const std::string &email, Role role, bool disabled)
{
    UserRecord user;
    user.id = m_ids.next();
    user.email = email;
    user.role = role;
    user.disabled = disabled;
    user.created = m_clock.wall();
    user.passwordHash = "$argon2id$test";
    user.passwordChanged = m_clock.wall();
    return m_store->addBlocking(user).value();
}

void UsersStoreTest::keepsEveryColumn()
{
    UserRecord user;
    user.id = m_ids.next();
    user.email = "it's\"; DROP TABLE users; --\\@example.com";
    user.email = "o'brien/?x{--}@example.com";
    user.role = Role::Operator;
    user.disabled = true;
    user.created = m_clock.wall();
    user.lastSignIn = m_clock.wall() + std::chrono::milliseconds(1234);
    user.passwordHash = "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA";
    user.passwordChanged = m_clock.wall() - std::chrono::hours(1);
    const auto added = sync(m_store->add(user));
    VERIFY_OK(added);
    QVERIFY(*added == static_cast<User &>(user));
    const auto found = sync(m_store->find(user.id));
    VERIFY_OK(found);
    QVERIFY(*found == user);
    QCOMPARE(sync(m_store->find(12345)).error().kind, ErrorKind::NotFound);

    VERIFY_OK(sync(m_store->setPassword(user.id, "new hash", m_clock.wall())));
    VERIFY_OK(sync(m_store->touchSignIn(user.id, m_clock.wall())));
    user.passwordHash = "new hash";
    user.passwordChanged = m_clock.wall();
    user.lastSignIn = m_clock.wall();
    QVERIFY(sync(m_store->find(user.id)).value() == user);
    QCOMPARE(sync(m_store->touchSignIn(12345, m_clock.wall())).error().kind, ErrorKind::NotFound);
}

void UsersStoreTest::findsAnAddressInAnyCase_data()
{
    QTest::addColumn<QString>("stored");
    QTest::addColumn<QString>("asked");
    QTest::newRow("as it is") << "ann@example.com"
                              << "ann@example.com";
    QTest::newRow("capitals stored") << "Ann@Example.COM"
                                     << "ann@example.com";
    QTest::newRow("capitals asked") << "ann@example.com"
                                    << "ANN@EXAMPLE.COM";
    QTest::newRow("blanks around") << "  ann@example.com\n"
                                   << "ann@example.com ";
    QTest::newRow("umlaut") << QString::fromUtf8("Jürgen@example.com") << QString::fromUtf8("JÜRGEN@example.com");
    QTest::newRow("composed and decomposed")
        << QString::fromUtf8("e\xCC\x81@x.org") << QString::fromUtf8("\xC3\x89@x.org");
}

void UsersStoreTest::findsAnAddressInAnyCase()
{
    QFETCH(QString, stored);
    QFETCH(QString, asked);
    const auto user = add(stored.toStdString());
    const auto found = sync(m_store->findByEmail(asked.toStdString()));
    VERIFY_OK(found);
    QCOMPARE(found->id, user.id);
    QCOMPARE(sync(m_store->findByEmail("other" + asked.trimmed().toStdString())).error().kind, ErrorKind::NotFound);
}

void UsersStoreTest::refusesWhatIsNoAddress_data()
{
    QTest::addColumn<QByteArray>("email");
    QTest::newRow("empty") << QByteArray("");
    QTest::newRow("blank") << QByteArray("   ");
    QTest::newRow("no at") << QByteArray("ann.example.com");
    QTest::newRow("two ats") << QByteArray("ann@b@example.com");
    QTest::newRow("no name") << QByteArray("@example.com");
    QTest::newRow("no domain") << QByteArray("ann@");
    QTest::newRow("blank inside") << QByteArray("an n@example.com");
    QTest::newRow("line break inside") << QByteArray("ann@example.com\nBcc: x@y.org");
    QTest::newRow("NUL inside") << QByteArray("ann\0@example.com", 16);
    QTest::newRow("not UTF-8") << QByteArray("ann\xff@example.com");
    QTest::newRow("empty label") << QByteArray("ann@example..com");
    QTest::newRow("too long") << QByteArray(250, 'a') + "@x.org";
    QTest::newRow("invisible inside") << QByteArray("ann\u200b@example.com");
    QTest::newRow("looks like ann") << QByteArray("\u0430nn@example.com");
}

void UsersStoreTest::refusesWhatIsNoAddress()
{
    QFETCH(QByteArray, email);
    UserRecord user;
    user.id = m_ids.next();
    user.email = email.toStdString();
    const auto added = m_store->addBlocking(user);
    QVERIFY(added.has_error());
    QCOMPARE(added.error().kind, ErrorKind::Invalid);
    QCOMPARE(added.error().fields.at(0).pointer, std::string("/email"));
}

void UsersStoreTest::refusesAnAddressTwice()
{
    add("ann@example.com");
    const auto other = add("bob@example.com");
    UserRecord again;
    again.id = m_ids.next();
    again.email = "ANN@example.com";
    const auto added = sync(m_store->add(again));
    QVERIFY(added.has_error());
    QCOMPARE(added.error().kind, ErrorKind::Conflict);
    QCOMPARE(added.error().code, std::string("email-taken"));
    QCOMPARE(sync(setEmail(other.id, "Ann@example.com")).error().code, std::string("email-taken"));
    QCOMPARE(sync(setEmail(other.id, "\uff41nn@example\u3002com")).error().code, std::string("email-taken"));
    QCOMPARE(sync(setEmail(other.id, "\u0430nn@example.com")).error().kind, ErrorKind::Invalid);
    VERIFY_OK(sync(setEmail(other.id, "Robert@example.com")));
    QCOMPARE(sync(m_store->find(other.id))->email, std::string("robert@example.com"));
}

void UsersStoreTest::answersWhatWasThereBeforeAChange()
{
    const auto user = add("ann@example.com");
    QCOMPARE(sync(setRole(user.id, Role::Operator))->role, Role::User);
    QCOMPARE(sync(setRole(user.id, Role::Admin))->role, Role::Operator);
    QCOMPARE(sync(setDisabled(user.id, true, false))->disabled, false);
    QCOMPARE(sync(setDisabled(user.id, true))->disabled, true);
    QCOMPARE(sync(setRole(4711, Role::User)).error().kind, ErrorKind::NotFound);
}

void UsersStoreTest::keepsTheLastAdmin()
{
    const auto first = add("first@example.com", Role::Admin);
    const auto disabled = add("disabled@example.com", Role::Admin, true);
    QCOMPARE(sync(setRole(first.id, Role::User)).error().code, std::string("last-admin"));
    QCOMPARE(sync(setDisabled(first.id, true)).error().code, std::string("last-admin"));
    VERIFY_OK(sync(setRole(disabled.id, Role::User))); // was none who could sign in
    const auto second = add("second@example.com", Role::Admin);
    VERIFY_OK(sync(setRole(first.id, Role::User)));
    QCOMPARE(sync(setDisabled(second.id, true)).error().code, std::string("last-admin"));
    VERIFY_OK(sync(setDisabled(second.id, true, false)));
}

void UsersStoreTest::twoAdminsCannotDemoteEachOther()
{
    for (int round = 0; round < 10; ++round) {
        const auto name = std::to_string(round);
        const auto one = add("one" + name + "@example.com", Role::Admin);
        const auto two = add("two" + name + "@example.com", Role::Admin);
        auto first = asio::co_spawn(m_runtime->at(0), setRole(one.id, Role::User), asio::use_future);
        auto second = asio::co_spawn(m_runtime->at(0), setRole(two.id, Role::User), asio::use_future);
        const auto a = first.get();
        const auto b = second.get();
        QCOMPARE(int(a.has_error()) + int(b.has_error()), 1);
        QCOMPARE((a.has_error() ? a : b).error().code, std::string("last-admin"));
        VERIFY_OK(sync(setRole((a.has_error() ? one : two).id, Role::User, false)));
    }
}

void UsersStoreTest::pagesThroughEverybodyOnce()
{
    std::set<Id> expected;
    for (int i = 0; i < 25; ++i)
        expected.insert(add("user" + std::to_string(i) + "@example.com").id);
    std::set<Id> seen;
    Id last = ~Id{0};
    UserQuery query;
    query.limit = 10;
    int pages = 0;
    for (;;) {
        const auto page = sync(m_store->page(query));
        VERIFY_OK(page);
        ++pages;
        for (const auto &user : page->items) {
            QVERIFY(user.id < last);
            last = user.id;
            QVERIFY(seen.insert(user.id).second);
        }
        if (!page->nextCursor)
            break;
        query.cursor = *page->nextCursor;
    }
    QCOMPARE(pages, 3);
    QVERIFY(seen == expected);
}

void UsersStoreTest::searches_data()
{
    QTest::addColumn<QString>("search");
    QTest::addColumn<bool>("prefix");
    QTest::addColumn<QString>("role");
    QTest::addColumn<QString>("disabled");
    QTest::addColumn<QString>("found");
    QTest::newRow("nothing asked") << "" << false << ""
                                   << ""
                                   << "percent,under,zoe,bob,anna,ann";
    QTest::newRow("part") << "nn" << false << ""
                          << ""
                          << "anna,ann";
    QTest::newRow("part, capitals and blanks") << " EXAMPLE " << false << ""
                                               << ""
                                               << "zoe,bob,anna,ann";
    QTest::newRow("part, filters") << "example" << false << "operator"
                                   << ""
                                   << "bob";
    QTest::newRow("percent is no wildcard") << "%" << false << ""
                                            << ""
                                            << "percent";
    QTest::newRow("underscore is no wildcard") << "_" << false << ""
                                               << ""
                                               << "under";
    QTest::newRow("escape is no escape") << "!" << false << ""
                                         << ""
                                         << "";
    QTest::newRow("quote") << "'" << false << ""
                           << ""
                           << "";
    QTest::newRow("backslash") << "\\" << false << ""
                               << ""
                               << "";
    QTest::newRow("prefix in order") << "an" << true << ""
                                     << ""
                                     << "ann,anna";
    QTest::newRow("prefix that ends beyond") << "b" << true << ""
                                             << ""
                                             << "bob";
    QTest::newRow("prefix of nobody") << "x" << true << ""
                                      << ""
                                      << "";
    QTest::newRow("prefix and filter") << "an" << true << ""
                                       << "yes"
                                       << "anna";
    QTest::newRow("role") << "" << false << "admin"
                          << ""
                          << "zoe";
    QTest::newRow("disabled") << "" << false << ""
                              << "yes"
                              << "anna";
    QTest::newRow("enabled users") << "" << false << "user"
                                   << "no"
                                   << "percent,under,ann";
}

void UsersStoreTest::searches()
{
    QFETCH(QString, search);
    QFETCH(bool, prefix);
    QFETCH(QString, role);
    QFETCH(QString, disabled);
    QFETCH(QString, found);
    add("ann@example.com");
    add("anna@example.com", Role::User, true);
    add("bob@example.com", Role::Operator);
    add("zoe@example.com", Role::Admin);
    add("under_score@other.org");
    add("percent%@other.org");
    UserQuery query;
    query.search = search.toStdString();
    query.match = prefix ? TextMatch::Prefix : TextMatch::Contains;
    if (!role.isEmpty())
        query.role = role == "admin" ? Role::Admin : role == "operator" ? Role::Operator : Role::User;
    if (!disabled.isEmpty())
        query.disabled = disabled == "yes";
    const auto page = sync(m_store->page(query));
    VERIFY_OK(page);
    QVERIFY(!page->nextCursor);
    QStringList names;
    for (const auto &user : page->items)
        names << QString::fromStdString(user.email).section(u'@', 0, 0).remove("%").remove("_score");
    QCOMPARE(names.join(u','), found);
}

void UsersStoreTest::pagesBySearchInOrder()
{
    // Bytes decide, not the server's language: '-' before letters, capitals do not occur, non-ASCII last.
    for (const char *email : {"ab@x.org", "a-b@x.org", "a.b@x.org", "a\xC3\xA4@x.org", "aa@x.org", "b@x.org"})
        add(email);
    UserQuery query;
    query.search = "a";
    query.match = TextMatch::Prefix;
    query.limit = 1;
    std::vector<std::string> seen;
    for (;;) {
        const auto page = sync(m_store->page(query));
        VERIFY_OK(page);
        for (const auto &user : page->items)
            seen.push_back(user.email);
        if (!page->nextCursor)
            break;
        query.cursor = *page->nextCursor;
    }
    const std::vector<std::string> expected{"a-b@x.org", "a.b@x.org", "aa@x.org", "ab@x.org", "a\xC3\xA4@x.org"};
    QVERIFY(seen == expected);
}

void UsersStoreTest::refusesABadPage_data()
{
    QTest::addColumn<int>("limit");
    QTest::addColumn<QString>("cursor");
    QTest::addColumn<QString>("pointer");
    QTest::newRow("no limit") << 0 << ""
                              << "/limit";
    QTest::newRow("too many") << 501 << ""
                              << "/limit";
    QTest::newRow("not base64") << 10 << "!!"
                                << "/cursor";
    QTest::newRow("another list's") << 10 << "YTE6"
                                    << "/cursor";
    QTest::newRow("too large a number") << 10 << "aTE4NDQ2NzQ0MDczNzA5NTUxNjE1Og"
                                        << "/cursor";
    QTest::newRow("huge") << 10 << QString(5000, u'a') << "/cursor";
}

void UsersStoreTest::refusesABadPage()
{
    QFETCH(int, limit);
    QFETCH(QString, cursor);
    QFETCH(QString, pointer);
    UserQuery query;
    query.limit = static_cast<std::uint32_t>(limit);
    query.cursor = cursor.toStdString();
    const auto page = sync(m_store->page(query));
    QVERIFY(page.has_error());
    QCOMPARE(page.error().kind, ErrorKind::Invalid);
    QCOMPARE(page.error().fields.at(0).pointer, pointer.toStdString());
}

void UsersStoreTest::cacheForgetsWhatChanges()
{
    const auto user = add("ann@example.com");
    const auto first = sync(m_store->cached(user.id));
    VERIFY_OK(first);
    QCOMPARE(sync(m_store->cached(user.id))->get(), first->get()); // the same object: no query
    VERIFY_OK(sync(setRole(user.id, Role::Operator)));
    QCOMPARE(sync(m_store->cached(user.id)).value()->role, Role::Operator);
    QCOMPARE(sync(m_store->cached(4711)).error().kind, ErrorKind::NotFound);
}

void UsersStoreTest::countsUsers()
{
    QCOMPARE(sync(m_store->count()).value(), std::uint64_t{0});
    std::vector<UserRecord> many(130);
    for (auto &user : many) {
        user.id = m_ids.next();
        user.email = std::to_string(user.id) + "@example.com";
    }
    VERIFY_OK(addUsers(*m_database, many));
    QCOMPARE(sync(m_store->count()).value(), std::uint64_t{130});
}

QTEST_GUILESS_MAIN(UsersStoreTest)
#include "users_store_test.moc"
