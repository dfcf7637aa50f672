// SPDX-License-Identifier: GPL-3.0-or-later
// When a console signs in, when again, and when never again: against a portal that says what it is told to, with time
// that moves when told.

#include "core/base/runtime.h"
#include "core/client/sign_in.h"
#include "core/net/coded.h"
#include "tests/fakes/manual_clock.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <QTest>
#include <deque>
#include <vector>

using namespace portolan;
using namespace portolan::client;
using namespace std::chrono_literals;

namespace {

net::HttpAnswer answerOf(unsigned status, std::string body, net::Headers headers = {})
{
    net::HttpAnswer answer;
    answer.status = status;
    answer.headers = std::move(headers);
    answer.headers.push_back({"Content-Type", status == 200 ? "application/json" : "application/problem+json"});
    answer.body = std::move(body);
    return answer;
}

net::HttpAnswer problemOf(unsigned status, const std::string &name, net::Headers headers = {})
{
    return answerOf(status, R"({"type":"https://portolan.invalid/problems/)" + name + R"(","detail":"No."})",
                    std::move(headers));
}

net::HttpAnswer signedIn(const std::string &token, int expiresIn = 900, const std::string &session = {})
{
    net::Headers headers;
    if (!session.empty())
        headers = {{"Set-Cookie", "theme=dark; Path=/"}, {"set-cookie", "sid=" + session + "; Path=/; HttpOnly"}};
    return answerOf(200,
                    R"({"user":{"role":"operator"},"access_token":")" + token + R"(","expires_in":)" +
                        std::to_string(expiresIn) + "}",
                    std::move(headers));
}

const net::HttpAnswer csrf = answerOf(200, R"({"csrf_token":"c-1"})");

/// A portal that answers as it is told to, in that order, and what signs in to it.
class Script
{
public:
    explicit Script(std::string email = "op@example.org", std::string secret = "a long password")
    {
        const auto address = parsePortalAddress("http://127.0.0.1:8080/shop").value();
        m_signIn =
            std::make_shared<SignIn>(Credentials{std::move(email), Secret(secret)}, address, m_context.get_executor(),
                                     clock, [this](net::HttpRequest request) { return answer(std::move(request)); });
    }

    Result<net::Headers> headers(int askers = 1)
    {
        std::vector<Result<net::Headers>> got;
        for (int i = 0; i < askers; ++i)
            asio::co_spawn(m_context, ask(m_signIn, got), asio::detached);
        m_context.restart();
        m_context.run_for(30s);
        if (got.size() != std::size_t(askers))
            throw std::runtime_error("somebody was not answered");
        for (const auto &one : got)
            if (one.has_value() != got.front().has_value())
                throw std::runtime_error("they were not answered alike");
        return got.front();
    }
    std::string bearer(int askers = 1)
    {
        const auto got = headers(askers);
        return got ? std::string(net::header(*got, "Authorization")) : got.error().code;
    }
    std::string targets() const
    {
        std::string all;
        for (const auto &request : asked)
            all += (all.empty() ? "" : " ") + request.target;
        return all;
    }
    SignIn &signIn() { return *m_signIn; }

    ManualClock clock;
    std::deque<Result<net::HttpAnswer>> answers;
    std::vector<net::HttpRequest> asked;

private:
    static awaitable<void> ask(std::shared_ptr<SignIn> signIn, std::vector<Result<net::Headers>> &got)
    {
        auto headers = co_await signIn->headers(std::chrono::steady_clock::now() + 20s);
        got.push_back(std::move(headers));
    }
    awaitable<Result<net::HttpAnswer>> answer(net::HttpRequest request)
    {
        asked.push_back(std::move(request));
        Timer later(m_context.get_executor(), 1ms); // as on a network: others come meanwhile
        co_await later.async_wait(use_awaitable);
        if (answers.empty())
            co_return net::coded(ErrorKind::Unavailable, "tcp-refused", "Nobody is there.");
        auto next = std::move(answers.front());
        answers.pop_front();
        co_return next;
    }

    asio::io_context m_context;
    std::shared_ptr<SignIn> m_signIn;
};

} // namespace

class SignInTest final : public QObject
{
    Q_OBJECT
private slots:
    void sendsATokenAsItIs();
    void opensOneSessionForAll();
    void renewsAtTwoThirds();
    void renewsWhatWasRefused();
    void signsInAgainWhereTheSessionEnded();
    void keepsATokenThatStillHolds();
    void neverTriesAWrongPasswordAgain_data();
    void neverTriesAWrongPasswordAgain();
    void triesAgainWhereNothingWasSaidOfIt_data();
    void triesAgainWhereNothingWasSaidOfIt();
    void waitsAsLongAsItIsTold();
    void takesNoNonsense_data();
    void takesNoNonsense();
    void endsForWhoeverWaits();
};

void SignInTest::sendsATokenAsItIs()
{
    Script script({}, "pt_made-up");
    QCOMPARE(script.bearer(), std::string("Bearer pt_made-up"));
    const auto headers = script.headers();
    QVERIFY(!script.signIn().refused(*headers)); // there is no other
    const Error ended =
        script.signIn().ended(net::coded(ErrorKind::Unauthenticated, "", "There is no such API token."));
    QCOMPARE(ended.code, std::string("portal-sign-in"));
    QVERIFY(ended.hint.find("portoland token add") != std::string::npos);
    QVERIFY(script.asked.empty());
}

void SignInTest::opensOneSessionForAll()
{
    Script script;
    script.answers = {signedIn("t-1", 900, "s-1")};
    QCOMPARE(script.bearer(5), std::string("Bearer t-1"));
    QCOMPARE(script.targets(), std::string("/shop/auth/login"));
    const auto &login = script.asked.front();
    QVERIFY(login.verb == net::Verb::Post && net::header(login.headers, "Cookie").empty());
    QCOMPARE(login.body, std::string(R"({"email":"op@example.org","password":"a long password"})"));
    QCOMPARE(script.bearer(), std::string("Bearer t-1"));
    QCOMPARE(script.asked.size(), std::size_t(1));
}

void SignInTest::renewsAtTwoThirds()
{
    Script script;
    script.answers = {signedIn("t-1", 900, "s-1"), csrf, signedIn("t-2", 900)};
    script.headers();
    script.clock.advance(599s);
    script.clock.jump(24h); // somebody set the clock
    QCOMPARE(script.bearer(), std::string("Bearer t-1"));
    script.clock.advance(1s);
    QCOMPARE(script.bearer(3), std::string("Bearer t-2"));
    QCOMPARE(script.targets(), std::string("/shop/auth/login /shop/auth/csrf /shop/auth/token"));
    for (std::size_t i : {1U, 2U})
        QCOMPARE(net::header(script.asked[i].headers, "Cookie"), std::string_view("sid=s-1"));
    QCOMPARE(net::header(script.asked[2].headers, "X-CSRF-Token"), std::string_view("c-1"));
    QVERIFY(script.asked[2].verb == net::Verb::Post);
}

void SignInTest::renewsWhatWasRefused()
{
    Script script;
    script.answers = {signedIn("t-1", 900, "s-1"), csrf, signedIn("t-2", 900)};
    const auto first = script.headers();
    QVERIFY(script.signIn().refused(*first));
    QCOMPARE(script.bearer(), std::string("Bearer t-2"));
    QVERIFY(script.signIn().refused(*first)); // another call's, of before: nothing is lost by it
    QCOMPARE(script.bearer(), std::string("Bearer t-2"));
    QCOMPARE(script.asked.size(), std::size_t(3));
}

void SignInTest::signsInAgainWhereTheSessionEnded()
{
    Script script;
    script.answers = {signedIn("t-1", 900, "s-1"), problemOf(401, "unauthenticated"), signedIn("t-2", 900, "s-2")};
    const auto first = script.headers();
    script.signIn().refused(*first);
    QCOMPARE(script.bearer(), std::string("Bearer t-2"));
    QCOMPARE(script.targets(), std::string("/shop/auth/login /shop/auth/csrf /shop/auth/login"));
    QVERIFY(net::header(script.asked[2].headers, "Cookie").empty()); // that one is no session any more
}

void SignInTest::keepsATokenThatStillHolds()
{
    Script script;
    script.answers = {signedIn("t-1", 900, "s-1")};
    script.headers();
    script.clock.advance(601s);
    QCOMPARE(script.bearer(), std::string("Bearer t-1")); // nobody is there to renew it
    const auto tried = script.asked.size();
    QCOMPARE(script.bearer(), std::string("Bearer t-1"));
    QCOMPARE(script.asked.size(), tried); // not at every call
    script.clock.advance(300s);
    QCOMPARE(script.bearer(), std::string("tcp-refused"));
}

void SignInTest::neverTriesAWrongPasswordAgain_data()
{
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("problem");
    QTest::addColumn<QByteArray>("code");
    QTest::newRow("wrong") << 401 << QByteArray("bad-credentials") << QByteArray("portal-password");
    QTest::newRow("disabled") << 403 << QByteArray("user-disabled") << QByteArray("user-disabled");
    QTest::newRow("none at all") << 422 << QByteArray("invalid") << QByteArray();
    QTest::newRow("of a proxy before it") << 401 << QByteArray("unauthenticated") << QByteArray();
}

void SignInTest::neverTriesAWrongPasswordAgain()
{
    QFETCH(int, status);
    QFETCH(QByteArray, problem);
    QFETCH(QByteArray, code);
    Script script;
    script.answers = {problemOf(unsigned(status), problem.toStdString()), signedIn("t-1", 900, "s-1")};
    for (int i = 0; i < 3; ++i) {
        const auto refused = script.headers(4);
        QVERIFY(refused.has_error());
        QCOMPARE(refused.error().code, code.toStdString());
        QVERIFY(inWords(refused.error()).find("a long password") == std::string::npos);
        script.clock.advance(48h);
    }
    QCOMPARE(script.asked.size(), std::size_t(1));
}

void SignInTest::triesAgainWhereNothingWasSaidOfIt_data()
{
    QTest::addColumn<int>("status"); // 0: none came
    QTest::addColumn<QByteArray>("problem");
    QTest::addColumn<int>("kind");
    QTest::newRow("busy") << 503 << QByteArray("unavailable") << int(ErrorKind::Unavailable);
    QTest::newRow("too many") << 429 << QByteArray("rate-limited") << int(ErrorKind::RateLimited);
    QTest::newRow("a proxy's refusal") << 403 << QByteArray("forbidden") << int(ErrorKind::Forbidden);
    QTest::newRow("silent") << 0 << QByteArray() << int(ErrorKind::Timeout);
}

void SignInTest::triesAgainWhereNothingWasSaidOfIt()
{
    QFETCH(int, status);
    QFETCH(QByteArray, problem);
    QFETCH(int, kind);
    Script script;
    Result<net::HttpAnswer> first = net::coded(ErrorKind::Timeout, "http-unknown", "It may have been done.");
    if (status != 0)
        first = problemOf(unsigned(status), problem.toStdString());
    script.answers = {first, signedIn("t-1", 900, "s-1")};
    const auto refused = script.headers();
    QVERIFY(refused.has_error());
    QCOMPARE(int(refused.error().kind), kind);
    script.clock.advance(std::chrono::seconds(refused.error().retryAfter));
    QCOMPARE(script.bearer(), std::string("Bearer t-1"));
    QCOMPARE(script.asked.size(), std::size_t(2));
}

void SignInTest::waitsAsLongAsItIsTold()
{
    Script script;
    script.answers = {problemOf(429, "rate-limited", {{"Retry-After", "42"}}), signedIn("t-1", 900, "s-1")};
    QVERIFY(script.headers().error().retryAfter == 42s);
    script.clock.advance(41s);
    QVERIFY(script.headers(3).error().kind == ErrorKind::RateLimited); // a page that asks is no reason to knock again
    QCOMPARE(script.asked.size(), std::size_t(1));
    script.clock.advance(1s);
    QCOMPARE(script.bearer(), std::string("Bearer t-1"));
}

void SignInTest::takesNoNonsense_data()
{
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<QByteArray>("cookie");
    const QByteArray good = R"({"access_token":"t","expires_in":900})";
    QTest::newRow("no JSON") << QByteArray("<html>") << QByteArray("sid=s");
    QTest::newRow("no token") << QByteArray(R"({"expires_in":900})") << QByteArray("sid=s");
    QTest::newRow("an empty token") << QByteArray(R"({"access_token":"","expires_in":900})") << QByteArray("sid=s");
    QTest::newRow("no end") << QByteArray(R"({"access_token":"t"})") << QByteArray("sid=s");
    QTest::newRow("an end before it began")
        << QByteArray(R"({"access_token":"t","expires_in":-1})") << QByteArray("sid=s");
    QTest::newRow("no session") << good << QByteArray("theme=dark");
    QTest::newRow("an empty session") << good << QByteArray("sid=; Path=/");
    QTest::newRow("a session with a line in it") << good << QByteArray("sid=s\r\nX: y");
    QTest::newRow("a session without end") << good << QByteArray("sid=") + QByteArray(5'000, 's');
}

void SignInTest::takesNoNonsense()
{
    QFETCH(QByteArray, body);
    QFETCH(QByteArray, cookie);
    Script script;
    script.answers = {answerOf(200, body.toStdString(), {{"Set-Cookie", cookie.toStdString()}})};
    const auto refused = script.headers();
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().code, std::string("portal-answer"));
}

void SignInTest::endsForWhoeverWaits()
{
    Script script;
    script.signIn().close();
    QVERIFY(script.headers(2).error().kind == ErrorKind::Cancelled);
    QVERIFY(script.asked.empty());
}

QTEST_GUILESS_MAIN(SignInTest)
#include "sign_in_test.moc"
