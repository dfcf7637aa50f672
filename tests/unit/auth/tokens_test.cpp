// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/csrf.h"
#include "core/auth/session.h"
#include "core/auth/session_mark.h"
#include "core/auth/tokens.h"
#include "core/base/ids.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>

using namespace portolan;
using namespace portolan::auth;
using namespace std::chrono_literals;

namespace {

const std::string keyText = "0123456789abcdef0123456789abcdef";

std::string bytes(const Mac &mac) { return {reinterpret_cast<const char *>(mac.data()), mac.size()}; }

/// Signs whatever it is given with the right key.
std::string sign(std::string_view header, std::string_view payload)
{
    const std::string text = encodeBase64Url(header) + "." + encodeBase64Url(payload);
    return text + "." + encodeBase64Url(bytes(SecretKey(Secret(keyText)).derive("portolan access token").of(text)));
}

constexpr std::string_view goodHeader = R"({"alg":"HS256","typ":"JWT"})";

/// The claims of a good token of 2026-01-01T00:00:00Z with one member replaced, or left out for an empty value.
std::string claims(std::string_view name = {}, std::string_view value = {})
{
    const std::pair<std::string_view, std::string_view> all[] = {{"sid", R"("AAAAAAAAAAAAAAAAAAAAAA")"},
                                                                 {"sub", R"("42")"},
                                                                 {"role", R"("admin")"},
                                                                 {"iat", "1767225600"},
                                                                 {"nbf", "1767225600"},
                                                                 {"exp", "1767226500"}};
    std::string text = "{";
    for (const auto &[key, own] : all) {
        const auto used = key == name ? value : own;
        if (used.empty())
            continue;
        text.append(text.size() > 1 ? "," : "").append("\"").append(key).append("\":").append(used);
    }
    return text + "}";
}

} // namespace

class TokensTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsWhatItIssued();
    void expires();
    void refusesForgeries_data();
    void refusesForgeries();
    void refusesEveryChangedCharacter();
    void derivesAKeyForEachPurpose();
    void refusesShortKeys();
    void macsAsTheRfcSays();
    void bindsCsrfTokensToTheSession();
    void namesSessionsByAHashOfTheirToken();
    void marksTheTokensItGivesOut();
    void readsSessionIdsStrictly_data();
    void readsSessionIdsStrictly();
    void packsSessionsInTwelveBytes();
};

void TokensTest::readsWhatItIssued()
{
    ManualClock clock;
    const AccessTokens tokens(SecretKey{Secret(keyText)}, clock);
    const auto id = SessionToken::random().id();
    const auto token = tokens.issue(id, 9'007'199'254'740'993, Role::Operator);
    const auto read = tokens.read(token);
    QVERIFY(read);
    QVERIFY(*read == (AccessClaims{id, 9'007'199'254'740'993, Role::Operator, 1767225600, 1767226500}));
    QCOMPARE(tokens.read(sign(goodHeader, claims()))->userId, Id(42));
    QVERIFY(token.size() < 400);
    // Another deployment's key opens nothing.
    const AccessTokens others(SecretKey{Secret("0123456789abcdef0123456789abcdeX")}, clock);
    QVERIFY(!others.read(token));
}

void TokensTest::expires()
{
    ManualClock clock;
    const AccessTokens tokens(SecretKey{Secret(keyText)}, clock);
    const auto token = tokens.issue(SessionToken::random().id(), 1, Role::User);
    clock.advance(899s);
    QVERIFY(tokens.read(token));
    clock.advance(1s);
    QVERIFY(!tokens.read(token));
    // Made by an instance whose clock is ahead.
    clock.advance(-900s - 60s);
    QVERIFY(tokens.read(token));
    clock.advance(-1s);
    QVERIFY(!tokens.read(token));
}

void TokensTest::refusesForgeries_data()
{
    QTest::addColumn<QString>("token");
    const auto row = [](const char *name, const std::string &token) {
        QTest::newRow(name) << QString::fromStdString(token);
    };
    const std::string good = sign(goodHeader, claims());
    const std::string payload = encodeBase64Url(claims());
    row("empty", "");
    row("dots", "..");
    row("no signature", good.substr(0, good.rfind('.')));
    row("empty signature", good.substr(0, good.rfind('.') + 1));
    row("alg none", encodeBase64Url(R"({"alg":"none","typ":"JWT"})") + "." + payload + ".");
    row("alg none, signed", sign(R"({"alg":"none","typ":"JWT"})", claims()));
    row("alg HS512", sign(R"({"alg":"HS512","typ":"JWT"})", claims()));
    row("alg RS256", sign(R"({"alg":"RS256","typ":"JWT"})", claims()));
    row("header in another order", sign(R"({"typ":"JWT","alg":"HS256"})", claims()));
    row("header with kid", sign(R"({"alg":"HS256","typ":"JWT","kid":"../../dev/null"})", claims()));
    row("padding", good + "=");
    row("blank before", " " + good);
    row("blank after", good + " ");
    row("four parts", good + ".AAAA");
    row("too long", good + std::string(2000, 'A'));
    row("foreign signature", good.substr(0, good.size() - 43) + std::string(43, 'A'));
    row("payload not base64url", std::string("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.!!!!.") + std::string(43, 'A'));
    for (const char *name : {"sid", "sub", "role", "iat", "nbf", "exp"})
        row((std::string("without ") + name).c_str(), sign(goodHeader, claims(name)));
    row("sid of 21", sign(goodHeader, claims("sid", R"("AAAAAAAAAAAAAAAAAAAAA")")));
    row("sid with foreign characters", sign(goodHeader, claims("sid", R"("AAAAAAAAAAAAAAAAAAAA*A")")));
    row("sub a number", sign(goodHeader, claims("sub", "42")));
    row("sub 0", sign(goodHeader, claims("sub", R"("0")")));
    row("sub negative", sign(goodHeader, claims("sub", R"("-1")")));
    row("role unknown", sign(goodHeader, claims("role", R"("root")")));
    row("role anonymous", sign(goodHeader, claims("role", R"("anonymous")")));
    row("exp text", sign(goodHeader, claims("exp", R"("1767226500")")));
    row("exp fraction", sign(goodHeader, claims("exp", "1767226500.5")));
    row("exp passed", sign(goodHeader, claims("exp", "1767225600")));
    row("nbf to come", sign(goodHeader, claims("nbf", "1767225661")));
    row("iat to come", sign(goodHeader, claims("iat", "1767225661")));
    row("one claim more", sign(goodHeader, R"({"aud":"x",)" + claims().substr(1)));
    row("not an object", sign(goodHeader, "[1,2,3]"));
    row("not JSON", sign(goodHeader, "hello, this is no JSON at all"));
    row("deep", sign(goodHeader, std::string(200, '[') + std::string(200, ']')));
}

void TokensTest::refusesForgeries()
{
    QFETCH(QString, token);
    ManualClock clock;
    const AccessTokens tokens(SecretKey{Secret(keyText)}, clock);
    QVERIFY(tokens.read(sign(goodHeader, claims())));
    QVERIFY(!tokens.read(token.toStdString()));
}

void TokensTest::refusesEveryChangedCharacter()
{
    ManualClock clock;
    const AccessTokens tokens(SecretKey{Secret(keyText)}, clock);
    const auto token = tokens.issue(SessionToken::random().id(), 7, Role::User);
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        QVERIFY2(!tokens.read(changed), changed.c_str());
        QVERIFY(!tokens.read(token.substr(0, i)));
    }
}

void TokensTest::derivesAKeyForEachPurpose()
{
    const SecretKey key{Secret(keyText)};
    QCOMPARE(bytes(key.derive("a").of("x")), bytes(key.derive("a").of("x")));
    QVERIFY(bytes(key.derive("a").of("x")) != bytes(key.derive("b").of("x")));
    QVERIFY(bytes(key.derive("a").of("x")) != bytes(key.derive("a").of("y")));
}

void TokensTest::refusesShortKeys()
{
    QVERIFY_EXCEPTION_THROWN(SecretKey(Secret("short")), std::invalid_argument);
    QVERIFY_EXCEPTION_THROWN(SecretKey(Secret(std::string(31, 'x'))), std::invalid_argument);
}

void TokensTest::macsAsTheRfcSays()
{
    // RFC 4231, test case 2.
    const auto mac = bytes(Hmac("Jefe").of("what do ya want for nothing?"));
    QCOMPARE(QByteArray(mac.data(), 32).toHex(),
             QByteArray("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
}

void TokensTest::bindsCsrfTokensToTheSession()
{
    const CsrfTokens csrf{SecretKey{Secret(keyText)}};
    const auto mine = SessionToken::random().id();
    const auto theirs = SessionToken::random().id();
    const auto token = csrf.of(mine);
    QCOMPARE(token.size(), std::size_t(43));
    QVERIFY(csrf.matches(mine, token));
    QVERIFY(!csrf.matches(theirs, token));
    QVERIFY(!csrf.matches(mine, ""));
    QVERIFY(!csrf.matches(mine, token.substr(1)));
    QVERIFY(!csrf.matches(mine, token + "A"));
}

void TokensTest::namesSessionsByAHashOfTheirToken()
{
    const auto token = SessionToken::parse("AAAAAAAAAAAAAAAAAAAAAA");
    QVERIFY(token);
    // printf %s AAAAAAAAAAAAAAAAAAAAAA | sha256sum, its first 16 bytes as base64url
    QCOMPARE(QString::fromStdString(std::string(token->id().view())), QString("ilvbTMFRZBJsbvJmjendJA"));
    QCOMPARE(sessionKey(token->id()).size(), std::size_t(24));
    QVERIFY(SessionToken::random().reveal() != SessionToken::random().reveal());
}

void TokensTest::marksTheTokensItGivesOut()
{
    const SessionMark mark{SecretKey(Secret("0123456789abcdef0123456789abcdef"))};
    const SessionMark elsewhere{SecretKey(Secret("another key of at least 32 bytes!"))};
    for (int i = 0; i < 100; ++i) {
        const auto token = mark.make();
        QVERIFY(mark.isOn(*SessionToken::parse(token.reveal())));
        QVERIFY(!elsewhere.isOn(token));
        QVERIFY(!mark.isOn(SessionToken::random()));
        std::string changed(token.reveal());
        changed[0] = changed[0] == 'A' ? 'B' : 'A';
        QVERIFY(!mark.isOn(*SessionToken::parse(changed)));
    }
    QVERIFY(mark.make().reveal() != mark.make().reveal());
}

void TokensTest::readsSessionIdsStrictly_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<bool>("good");
    QTest::newRow("good") << "abcdefghijklmnopqrst-Q" << true;
    QTest::newRow("loose bits") << "abcdefghijklmnopqrst-R" << false;
    QTest::newRow("short") << "abcdefghijklmnopqrst-" << false;
    QTest::newRow("long") << "abcdefghijklmnopqrst-QA" << false;
    QTest::newRow("base64") << "abcdefghijklmnopqrst+Q" << false;
    QTest::newRow("blank") << "abcdefghijklmnopqrst Q" << false;
    QTest::newRow("empty") << "" << false;
}

void TokensTest::readsSessionIdsStrictly()
{
    QFETCH(QString, text);
    QFETCH(bool, good);
    QCOMPARE(SessionId::parse(text.toStdString()).has_value(), good);
    QCOMPARE(SessionToken::parse(text.toStdString()).has_value(), good);
}

void TokensTest::packsSessionsInTwelveBytes()
{
    const Session session{0x1122334455667788, Role::Operator, 0x01020304};
    const auto packed = encodeSession(session);
    QCOMPARE(packed.size(), sessionBytes);
    QCOMPARE(QByteArray(packed.data(), 12).toHex(), QByteArray("1122334455667788120c0804"));
    QVERIFY(decodeSession(packed) == session);
    QVERIFY(!decodeSession(""));
    QVERIFY(!decodeSession(packed + "x"));
    QVERIFY(!decodeSession(packed.substr(1)));
    const Session last{1, Role::Admin, (1u << 30) - 1};
    QVERIFY(decodeSession(encodeSession(last)) == last);
}

QTEST_GUILESS_MAIN(TokensTest)
#include "tokens_test.moc"
