// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/api_tokens.h"
#include "core/base/ids.h"
#include "core/base/runtime.h"
#include "tests/fakes/manual_clock.h"

#include <boost/asio/post.hpp>

#include <QTest>
#include <atomic>
#include <map>
#include <memory>
#include <set>

using namespace portolan;
using namespace portolan::auth;
using namespace std::chrono_literals;

namespace {

/// A database of tokens, and the process that asks it.
struct Asked
{
    std::string add(const std::string &name, std::optional<std::chrono::seconds> life = std::nullopt)
    {
        const std::string hash = apiTokenHash(newApiToken().reveal()).value();
        ApiToken token{name, Role::Operator, clock.wall(), "system", std::nullopt, std::nullopt};
        if (life)
            token.expires = clock.wall() + *life;
        rows[hash] = token;
        return hash;
    }
    Result<std::shared_ptr<const ApiToken>> find(const std::string &hash,
                                                 std::chrono::milliseconds age = ApiTokens::life)
    {
        return runSync<Result<std::shared_ptr<const ApiToken>>>(runtime.at(0), [&] { return tokens.find(hash, age); });
    }
    bool lets(const std::string &hash)
    {
        const auto found = find(hash);
        return found && *found;
    }
    void write()
    {
        runSync<void>(runtime.at(0), [this] { return tokens.writeUses(); });
    }

    awaitable<Result<std::optional<ApiToken>>> read(std::string hash)
    {
        ++reads;
        if (meanwhile)
            std::exchange(meanwhile, nullptr)();
        co_await asio::post(runtime.at(0), use_awaitable); // what it began comes first
        if (away)
            co_return failure(ErrorKind::Unavailable, "The database is away.");
        const auto row = rows.find(hash);
        co_return row == rows.end() ? std::optional<ApiToken>() : std::optional(row->second);
    }
    awaitable<Result<void>> note(std::vector<ApiTokens::Use> uses)
    {
        if (away)
            co_return failure(ErrorKind::Unavailable, "The database is away.");
        for (const auto &use : uses) {
            ++writes;
            rows[use.hash].lastUsed = use.at;
        }
        co_return Result<void>();
    }

    ManualClock clock;
    Runtime runtime{1};
    std::map<std::string, ApiToken> rows;
    int reads = 0;
    int writes = 0;
    bool away = false;
    std::function<void()> meanwhile; ///< once, before the next read
    ApiTokens tokens{clock,
                     {[this](std::string hash) { return read(std::move(hash)); },
                      [this](std::vector<ApiTokens::Use> uses) { return note(std::move(uses)); }}};
};

} // namespace

class ApiTokensTest final : public QObject
{
    Q_OBJECT
private slots:
    void makesTokensThatNobodyGuesses();
    void readsOnlyWhatCouldBeOne_data();
    void readsOnlyWhatCouldBeOne();
    void boundsNames_data();
    void boundsNames();
    void saysWhenATokenExpires_data();
    void saysWhenATokenExpires();
    void asksOnceForAsLongAsItRemembers();
    void endsTokensThatAreRevoked();
    void forgetsAtOnceWhatIsRevokedHere();
    void keepsNothingThatWasReadBeforeARevocation();
    void endsTokensThatExpire();
    void remembersThoseThatAreNone();
    void goesOnWhileTheDatabaseIsAway();
    void letsOthersGoOnWhileOneAsks();
    void notesUsesOnceAMinute();
};

void ApiTokensTest::makesTokensThatNobodyGuesses()
{
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const Secret token = newApiToken();
        QVERIFY(token.reveal().starts_with("pt_"));
        QCOMPARE(token.size(), std::size_t(3 + 43));
        QCOMPARE(decodeBase64Url(token.reveal().substr(3)).value().size(), std::size_t(32));
        QVERIFY(isMeantAsApiToken(token.reveal()));
        const auto hash = apiTokenHash(token.reveal());
        QVERIFY(hash);
        QCOMPARE(hash->size(), std::size_t(43));
        QVERIFY(token.reveal().find(*hash) == std::string_view::npos);
        QVERIFY(seen.emplace(token.reveal()).second && seen.insert(*hash).second);
    }
    // SHA-256 of the whole text, prefix and all: what other programs would make of it.
    QCOMPARE(apiTokenHash("pt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").value(),
             std::string("q3gtTIZYuo1pPLpthaTLdibyIBsMozZ04t7sR1-sI6c"));
}

void ApiTokensTest::readsOnlyWhatCouldBeOne_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<bool>("meant");
    const QString random(43, 'A');
    QTest::newRow("nothing") << "" << false;
    QTest::newRow("an access token") << "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x" << false;
    QTest::newRow("another prefix") << "pk_" + random << false;
    QTest::newRow("capitals") << "PT_" + random << false;
    QTest::newRow("prefix alone") << "pt_" << true;
    QTest::newRow("too short") << "pt_" + random.left(42) << true;
    QTest::newRow("too long") << "pt_" + random + "A" << true;
    QTest::newRow("very long") << "pt_" + QString(100'000, 'A') << true;
    QTest::newRow("foreign character") << "pt_" + random.left(42) + "+" << true;
    QTest::newRow("padding") << "pt_" + random + "=" << true;
    QTest::newRow("loose bits") << "pt_" + random.left(42) + "B" << true;
    QTest::newRow("blank") << "pt_" + random.left(42) + " " << true;
}

void ApiTokensTest::readsOnlyWhatCouldBeOne()
{
    QFETCH(QString, text);
    QFETCH(bool, meant);
    QCOMPARE(isMeantAsApiToken(text.toStdString()), meant);
    QVERIFY(!apiTokenHash(text.toStdString()));
}

void ApiTokensTest::boundsNames_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<bool>("good");
    const auto row = [](const char *what, const QString &name, bool good) { QTest::newRow(what) << name << good; };
    row("plain", "ci", true);
    row("all characters", "0a.b_c-d", true);
    row("longest", QString(64, 'a'), true);
    row("empty", "", false);
    row("too long", QString(65, 'a'), false);
    row("capital", "CI", false);
    row("blank", "c i", false);
    row("slash", "a/b", false);
    row("dots", "..", false);
    row("as an option", "-a", false);
    row("umlaut", "zürich", false);
    row("line end", "a\n", false);
}

void ApiTokensTest::boundsNames()
{
    QFETCH(QString, name);
    QFETCH(bool, good);
    const auto fit = checkApiTokenName(name.toStdString());
    QCOMPARE(fit.has_value(), good);
    if (!good)
        QCOMPARE(fit.error().kind, ErrorKind::Invalid);
}

void ApiTokensTest::saysWhenATokenExpires_data()
{
    QTest::addColumn<QString>("life");
    QTest::addColumn<int>("seconds"); // -1: refused
    QTest::newRow("days") << "90d" << 90 * 86'400;
    QTest::newRow("hours") << "12h" << 12 * 3600;
    QTest::newRow("shortest") << "1s" << 1;
    QTest::newRow("longest") << "3660d" << 3660 * 86'400;
    QTest::newRow("too short") << "999ms" << -1;
    QTest::newRow("nothing") << "0" << -1;
    QTest::newRow("too long") << "3661d" << -1;
    QTest::newRow("no unit") << "90" << -1;
    QTest::newRow("negative") << "-1d" << -1;
    QTest::newRow("words") << "for ever" << -1;
}

void ApiTokensTest::saysWhenATokenExpires()
{
    QFETCH(QString, life);
    QFETCH(int, seconds);
    const ManualClock clock;
    const auto expiry = apiTokenExpiry(life.toStdString(), clock.wall());
    QCOMPARE(expiry.has_value(), seconds >= 0);
    if (expiry)
        QVERIFY(*expiry == clock.wall() + std::chrono::seconds(seconds));
    else
        QCOMPARE(expiry.error().kind, ErrorKind::Invalid);
}

void ApiTokensTest::asksOnceForAsLongAsItRemembers()
{
    Asked asked;
    const auto hash = asked.add("ci");
    QCOMPARE(asked.tokens.known(hash), ApiTokens::Known::No);
    for (int i = 0; i < 100; ++i)
        QVERIFY(asked.lets(hash));
    QCOMPARE(asked.reads, 1);
    QCOMPARE(asked.tokens.known(hash), ApiTokens::Known::Good);
    asked.clock.advance(ApiTokens::life - 1ms);
    QVERIFY(asked.lets(hash));
    QCOMPARE(asked.reads, 1);
    asked.clock.advance(1ms);
    QVERIFY(asked.lets(hash));
    QCOMPARE(asked.reads, 2);
    QVERIFY(asked.find(hash, 0ms).value()); // whoever wants it fresh
    QCOMPARE(asked.reads, 3);
}

void ApiTokensTest::endsTokensThatAreRevoked()
{
    Asked asked;
    const auto hash = asked.add("ci");
    QVERIFY(asked.lets(hash));
    asked.rows.clear(); // by another process
    QVERIFY(asked.lets(hash));
    asked.clock.advance(ApiTokens::life);
    QVERIFY(!asked.lets(hash));
    QCOMPARE(asked.tokens.known(hash), ApiTokens::Known::Gone);
    QVERIFY(ApiTokens::life < 9s); // and a second for the database: ten at most
}

void ApiTokensTest::forgetsAtOnceWhatIsRevokedHere()
{
    Asked asked;
    const auto one = asked.add("one"), other = asked.add("other");
    QVERIFY(asked.lets(one) && asked.lets(other));
    asked.rows.erase(one);
    asked.tokens.forget("one");
    QVERIFY(!asked.lets(one));
    QVERIFY(asked.lets(other));
    QCOMPARE(asked.reads, 3); // the other was remembered
    asked.away = true;
    asked.clock.advance(ApiTokens::life);
    QVERIFY(!asked.lets(one));
}

void ApiTokensTest::keepsNothingThatWasReadBeforeARevocation()
{
    Asked asked;
    const auto hash = asked.add("ci");
    asked.meanwhile = [&] { asked.tokens.forget("ci"); }; // the read saw it, and it is revoked before it answers
    QVERIFY(asked.lets(hash));
    asked.rows.erase(hash);
    QVERIFY(!asked.lets(hash));
}

void ApiTokensTest::endsTokensThatExpire()
{
    Asked asked;
    const auto hash = asked.add("ci", 3s);
    QVERIFY(asked.lets(hash));
    asked.clock.advance(2999ms);
    QVERIFY(asked.lets(hash));
    asked.clock.advance(1ms);
    QVERIFY(!asked.lets(hash));
    QCOMPARE(asked.reads, 1); // known without asking
    asked.clock.advance(ApiTokens::life);
    QVERIFY(!asked.lets(hash)); // though its row is there
    const auto other = asked.add("other", 3s);
    QVERIFY(asked.lets(other));
    asked.away = true;
    asked.clock.advance(3s);
    const auto found = asked.find(other);
    QVERIFY(found && !*found); // also while nobody can ask
}

void ApiTokensTest::remembersThoseThatAreNone()
{
    Asked asked;
    const std::string hash = apiTokenHash(newApiToken().reveal()).value();
    QVERIFY(!asked.lets(hash) && !asked.lets(hash));
    QCOMPARE(asked.reads, 1);
    asked.clock.advance(ApiTokens::life);
    QVERIFY(!asked.lets(hash));
    QCOMPARE(asked.reads, 2);
    // The oldest go first, and only they.
    std::vector<std::string> many;
    for (std::size_t i = 0; i < ApiTokens::mostGone; ++i) {
        many.push_back(std::to_string(i));
        QVERIFY(!asked.lets(many.back()));
    }
    QCOMPARE(asked.tokens.known(hash), ApiTokens::Known::No);
    QCOMPARE(asked.tokens.known(many.front()), ApiTokens::Known::Gone);
    QVERIFY(!asked.lets("one more"));
    QCOMPARE(asked.tokens.known(many.front()), ApiTokens::Known::No);
    QCOMPARE(asked.tokens.known(many.back()), ApiTokens::Known::Gone);
}

void ApiTokensTest::goesOnWhileTheDatabaseIsAway()
{
    Asked asked;
    const auto hash = asked.add("ci"), other = asked.add("other");
    QVERIFY(asked.lets(hash));
    asked.away = true;
    asked.clock.advance(1min);
    QVERIFY(asked.lets(hash));
    QCOMPARE(asked.reads, 2);
    QVERIFY(asked.lets(hash)); // and does not ask again at once
    QCOMPARE(asked.reads, 2);
    const auto unknown = asked.find(other);
    QVERIFY(!unknown); // nobody can say
    QCOMPARE(unknown.error().kind, ErrorKind::Unavailable);
    QCOMPARE(asked.tokens.known(other), ApiTokens::Known::No);
    asked.clock.advance(ApiTokens::outage);
    QVERIFY(!asked.find(hash));
    asked.away = false;
    asked.clock.advance(ApiTokens::life);
    QVERIFY(asked.lets(hash) && asked.lets(other));
}

void ApiTokensTest::letsOthersGoOnWhileOneAsks()
{
    Asked asked;
    const auto hash = asked.add("ci");
    QVERIFY(asked.lets(hash));
    asked.clock.advance(ApiTokens::life);
    std::atomic<int> others = 0;
    asked.meanwhile = [&] {
        for (int i = 0; i < 10; ++i)
            spawn(asked.runtime.at(0), [&]() -> awaitable<void> {
                const auto found = co_await asked.tokens.find(hash);
                others += found && *found ? 1 : 0;
            });
    };
    QVERIFY(asked.lets(hash));
    QTRY_COMPARE(others.load(), 10);
    QCOMPARE(asked.reads, 2);
}

void ApiTokensTest::notesUsesOnceAMinute()
{
    Asked asked;
    const auto hash = asked.add("ci"), unused = asked.add("unused");
    const auto first = asked.clock.wall();
    QVERIFY(asked.lets(hash));
    asked.write();
    QVERIFY(asked.rows[hash].lastUsed == first);
    for (int second = 1; second < 60; ++second) {
        asked.clock.advance(1s);
        QVERIFY(asked.lets(hash));
        asked.write();
    }
    QCOMPARE(asked.writes, 1);
    asked.clock.advance(1s);
    asked.write(); // nobody used it since
    QCOMPARE(asked.writes, 1);
    QVERIFY(asked.lets(hash));
    asked.away = true;
    asked.write();
    asked.away = false;
    asked.write(); // what could not be written then
    QCOMPARE(asked.writes, 2);
    QVERIFY(asked.rows[hash].lastUsed == asked.clock.wall());
    QVERIFY(!asked.rows[unused].lastUsed);
    // Another instance wrote it meanwhile.
    asked.rows[hash].lastUsed = asked.clock.wall() + 50s;
    asked.clock.advance(60s);
    QVERIFY(asked.lets(hash));
    asked.write();
    QCOMPARE(asked.writes, 2);
}

QTEST_GUILESS_MAIN(ApiTokensTest)
#include "api_tokens_test.moc"
