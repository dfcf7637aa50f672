// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/storage/api_token_store.h"
#include "tests/contract/storage/backends.h"

#include <boost/asio/use_future.hpp>

using namespace portolan;
using namespace portolan::storage;
using namespace std::chrono_literals;

/// API tokens in every database.
class ApiTokensTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase_data() { addBackends(); }
    void init();
    void cleanup();

    void findsATokenByItsHash();
    void listsByName();
    void takesEachNameAndHashOnce();
    void removesATokenForGood();
    void boundsTheirNumber();
    void notesUsesOnceAMinute();
    void seesWhatAnotherProcessDoes();

private:
    ApiToken token(const std::string &name) const
    {
        return {name, Role::Operator, m_clock.wall(), "system", std::nullopt, std::nullopt};
    }
    std::optional<ApiToken> found(const std::string &hash)
    {
        return sync(ApiTokenStore(*m_database).find(hash)).value();
    }
    template <class T> T sync(awaitable<T> work)
    {
        return asio::co_spawn(m_runtime->at(0), std::move(work), asio::use_future).get();
    }

    ManualClock m_clock;
    Servers m_servers;
    std::unique_ptr<TestDatabase> m_place;
    std::unique_ptr<Runtime> m_runtime;
    std::unique_ptr<Database> m_database;
};

void ApiTokensTest::init()
{
    QFETCH_GLOBAL(Backend, backend);
    m_place = std::make_unique<TestDatabase>(backend, m_servers);
    m_runtime = std::make_unique<Runtime>(1);
    m_database = std::make_unique<Database>(parsedUrl(m_place->url()));
    VERIFY_OK(m_database->open());
    VERIFY_OK(migrate(*m_database, m_clock));
}

void ApiTokensTest::cleanup()
{
    m_database.reset();
    m_runtime.reset();
    m_place.reset();
}

void ApiTokensTest::findsATokenByItsHash()
{
    ApiTokenStore tokens(*m_database);
    QVERIFY(!found("none"));
    const ApiToken plain = token("ci");
    ApiToken brief{"shop.console_1-a", Role::Admin, m_clock.wall(), "ann@example.com", m_clock.wall() + 90 * 24h, {}};
    VERIFY_OK(tokens.addBlocking(plain, "hash-1"));
    VERIFY_OK(tokens.addBlocking(brief, "hash-2"));
    QVERIFY(found("hash-1") == plain);
    QVERIFY(found("hash-2") == brief);
    QVERIFY(!found("hash-3"));
    QVERIFY(!found("HASH-1")); // byte by byte
    QVERIFY(!found("ci"));
    QVERIFY(!found("hash-1' OR '1'='1"));
    m_clock.advance(91 * 24h);
    QVERIFY(found("hash-2") == brief); // whether it has expired is for who asks to say
}

void ApiTokensTest::listsByName()
{
    ApiTokenStore tokens(*m_database);
    QVERIFY(tokens.listBlocking().value().empty());
    for (const char *name : {"b", "a.b", "0", "a_b", "a-b"})
        VERIFY_OK(tokens.addBlocking(token(name), std::string("hash of ") + name));
    std::vector<std::string> names;
    for (const auto &one : sync(tokens.list()).value())
        names.push_back(one.name);
    QVERIFY(names == (std::vector<std::string>{"0", "a-b", "a.b", "a_b", "b"})); // the same in every database
    QVERIFY(tokens.listBlocking().value() == sync(tokens.list()).value());
}

void ApiTokensTest::takesEachNameAndHashOnce()
{
    ApiTokenStore tokens(*m_database);
    VERIFY_OK(tokens.addBlocking(token("ci"), "hash-1"));
    for (const char *hash : {"hash-1", "hash-2"}) {
        const auto again = tokens.addBlocking(token("ci"), hash);
        QCOMPARE(again.error().kind, ErrorKind::Conflict);
        QCOMPARE(again.error().code, std::string("token-exists"));
    }
    QVERIFY(!tokens.addBlocking(token("other"), "hash-1"));
    QCOMPARE(tokens.listBlocking().value().size(), std::size_t(1));
}

void ApiTokensTest::removesATokenForGood()
{
    ApiTokenStore tokens(*m_database);
    VERIFY_OK(tokens.addBlocking(token("ci"), "hash-1"));
    VERIFY_OK(tokens.addBlocking(token("other"), "hash-2"));
    QVERIFY(sync(tokens.remove("ci")).value() == token("ci"));
    QVERIFY(!found("hash-1"));
    QVERIFY(found("hash-2"));
    QCOMPARE(sync(tokens.remove("ci")).error().kind, ErrorKind::NotFound);
    QCOMPARE(tokens.removeBlocking("ci").error().kind, ErrorKind::NotFound);
    VERIFY_OK(tokens.addBlocking(token("ci"), "hash-3")); // its name is free
    QVERIFY(!found("hash-1"));
    QVERIFY(tokens.removeBlocking("ci").value() == token("ci"));
}

void ApiTokensTest::boundsTheirNumber()
{
    ApiTokenStore tokens(*m_database);
    VERIFY_OK(tokens.addBlocking(token("first"), "hash of the first"));
    VERIFY_OK(m_database->runBlocking([this](DatabaseConnection &c) {
        return transaction(c, [&]() -> Result<void> {
            for (std::uint32_t i = 1; i < ApiTokenStore::most; ++i) {
                const auto done =
                    execute(c, "INSERT INTO api_tokens (name, hash, role, made, made_by) VALUES (?, ?, ?, ?, ?)",
                            valuesOf("t" + std::to_string(i), std::to_string(i), Role::Operator, m_clock.wall(),
                                     std::string("x")));
                if (!done)
                    return done.error();
            }
            return {};
        });
    }));
    const auto over = tokens.addBlocking(token("last"), "hash");
    QCOMPARE(over.error().kind, ErrorKind::Conflict);
    QCOMPARE(over.error().code, std::string("too-many-tokens"));
    QCOMPARE(tokens.listBlocking().value().size(), std::size_t(ApiTokenStore::most));
    VERIFY_OK(tokens.removeBlocking("first"));
    VERIFY_OK(tokens.addBlocking(token("last"), "hash"));
}

void ApiTokensTest::notesUsesOnceAMinute()
{
    ApiTokenStore tokens(*m_database);
    VERIFY_OK(tokens.addBlocking(token("ci"), "hash-1"));
    VERIFY_OK(tokens.addBlocking(token("other"), "hash-2"));
    const auto start = m_clock.wall();
    const auto use = [&](std::chrono::seconds after) {
        VERIFY_OK(sync(tokens.used({{"hash-1", start + after}, {"gone", start + after}})));
    };
    use(0s);
    QVERIFY(found("hash-1")->lastUsed == start);
    use(59s); // another instance
    QVERIFY(found("hash-1")->lastUsed == start);
    use(60s);
    QVERIFY(found("hash-1")->lastUsed == start + 60s);
    use(10s); // told late
    QVERIFY(found("hash-1")->lastUsed == start + 60s);
    use(24h); // by a clock that is ahead
    use(10min);
    QVERIFY(found("hash-1")->lastUsed == start + 10min);
    QVERIFY(!found("hash-2")->lastUsed);
    VERIFY_OK(sync(tokens.used({})));
}

void ApiTokensTest::seesWhatAnotherProcessDoes()
{
    Database other(parsedUrl(m_place->url()));
    VERIFY_OK(other.open());
    VERIFY_OK(ApiTokenStore(other).addBlocking(token("ci"), "hash-1"));
    QVERIFY(found("hash-1"));
    VERIFY_OK(ApiTokenStore(other).removeBlocking("ci"));
    QVERIFY(!found("hash-1"));
}

QTEST_GUILESS_MAIN(ApiTokensTest)
#include "api_tokens_test.moc"
