// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/portal_error.h"
#include "core/net/coded.h"

#include <QTest>

using namespace portolan;
using namespace portolan::client;

/// What portals, and what stands before them, answer instead of what was asked for.
class ErrorTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsAnswers_data();
    void readsAnswers();
    void readsFields();
    void isBounded();
    void findsTheReason_data();
    void findsTheReason();
};

namespace {

constexpr auto problemType = "application/problem+json";

net::HttpAnswer answerOf(unsigned status, const char *type, std::string body, net::Headers more = {})
{
    net::HttpAnswer answer;
    answer.status = status;
    answer.headers = std::move(more);
    answer.headers.push_back({"Content-Type", type});
    answer.body = std::move(body);
    return answer;
}

std::string problem(const std::string &name, const std::string &detail)
{
    return R"({"type":"https://portolan.invalid/problems/)" + name + R"(","title":"T","status":1,"detail":")" + detail +
           R"("})";
}

} // namespace

void ErrorTest::readsAnswers_data()
{
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("type");
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<QByteArray>("retryAfter");
    QTest::addColumn<ErrorKind>("kind");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("words");
    QTest::addColumn<int>("wait");
    const auto row = [](const char *name, int status, const char *type, const std::string &body, const char *retryAfter,
                        ErrorKind kind, const char *code, const char *words, int wait) {
        QTest::newRow(name) << status << QByteArray(type) << QByteArray::fromStdString(body) << QByteArray(retryAfter)
                            << kind << QByteArray(code) << QByteArray(words) << wait;
    };
    row("kind by name", 404, problemType, problem("not-found", "No such user."), "", ErrorKind::NotFound, "",
        "No such user.", 0);
    row("the name counts more than the status", 400, problemType, problem("timeout", "Too slow."), "",
        ErrorKind::Timeout, "", "Too slow.", 0);
    row("a code of its own", 403, problemType, problem("csrf", "No."), "", ErrorKind::Forbidden, "csrf", "No.", 0);
    row("with charset", 503, "application/problem+json; charset=utf-8", problem("redis-away", "Away."), "7",
        ErrorKind::Unavailable, "redis-away", "Away.", 7);
    row("too fast", 429, problemType, problem("rate-limited", "Slower."), "2", ErrorKind::RateLimited, "", "Slower.",
        2);
    row("a date to wait until", 429, problemType, problem("rate-limited", "Slower."), "Fri, 31 Dec 1999 23:59:59 GMT",
        ErrorKind::RateLimited, "", "Slower.", 0);
    row("days to wait", 503, problemType, problem("unavailable", "Later."), "999999", ErrorKind::Unavailable, "",
        "Later.", 3600);
    row("a proxy's page", 502, "text/html", "<html>Bad Gateway</html>", "", ErrorKind::Unavailable, "portal-status",
        "answers 502, and not as a portal does", 0);
    row("a login page", 401, "text/html", "<html>", "", ErrorKind::Unauthenticated, "portal-status", "answers 401", 0);
    row("no status we know", 418, "text/plain", "", "", ErrorKind::Protocol, "portal-status", "answers 418", 0);
    row("no JSON", 500, problemType, "{", "", ErrorKind::Protocol, "portal-status", "answers 500", 0);
    row("a list", 500, problemType, "[]", "", ErrorKind::Protocol, "portal-status", "answers 500", 0);
    row("nothing in it", 403, problemType, "{}", "", ErrorKind::Forbidden, "", "answers 403", 0);
    row("what moves a cursor", 400, problemType, problem("invalid", "\\u001b[2Jgone"), "", ErrorKind::Invalid, "",
        "[2Jgone", 0);
}

void ErrorTest::readsAnswers()
{
    QFETCH(int, status);
    QFETCH(QByteArray, type);
    QFETCH(QByteArray, body);
    QFETCH(QByteArray, retryAfter);
    QFETCH(ErrorKind, kind);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, words);
    QFETCH(int, wait);
    net::Headers more;
    if (!retryAfter.isEmpty())
        more.push_back({"Retry-After", retryAfter.toStdString()});
    const auto error = errorOf(answerOf(unsigned(status), type.constData(), body.toStdString(), more), "https://far");
    QCOMPARE(error.kind, kind);
    QCOMPARE(error.code, code.toStdString());
    const auto said = QByteArray::fromStdString(inWords(error));
    QVERIFY2(said.contains(words) && !said.contains('\x1b'), said.constData());
    QCOMPARE(error.retryAfter.count(), wait);
}

void ErrorTest::readsFields()
{
    const auto error = errorOf(
        answerOf(422, problemType,
                 R"({"type":"x/invalid","detail":"Bad.","errors":[{"pointer":"/size","detail":"is no number"}]})"),
        "https://far");
    QCOMPARE(error.fields.size(), std::size_t{1});
    QCOMPARE(inWords(error), std::string("Bad. size is no number."));
    const auto broken =
        errorOf(answerOf(422, problemType, R"({"type":"x/invalid","detail":"Bad.","errors":"none"})"), "https://far");
    QVERIFY(broken.fields.empty());
    QCOMPARE(broken.message, std::string("Bad."));
}

void ErrorTest::isBounded()
{
    const auto error = errorOf(answerOf(400, problemType, problem("x", std::string(50'000, 'a'))), "https://far");
    QVERIFY(error.message.size() < 5'000);
    const auto elsewhere = errorOf(
        answerOf(302, "text/html", "", {{"Location", "https://sso.example/login?u=" + std::string(9'000, 'b')}}),
        "https://far");
    QCOMPARE(elsewhere.code, std::string("portal-elsewhere"));
    QVERIFY(elsewhere.hint.find("https://sso.example/login") != std::string::npos && elsewhere.hint.size() < 500);
}

void ErrorTest::findsTheReason_data()
{
    QTest::addColumn<ErrorKind>("kind");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<LinkReason>("reason");
    const auto row = [](const char *code, ErrorKind kind, LinkReason reason) {
        QTest::addRow("%s %d", code, int(kind)) << kind << QByteArray(code) << reason;
    };
    row("name-unknown", ErrorKind::Unavailable, LinkReason::NameUnknown);
    row("name-timeout", ErrorKind::Timeout, LinkReason::NameUnknown);
    row("tcp-refused", ErrorKind::Unavailable, LinkReason::Refused);
    row("tcp-timeout", ErrorKind::Timeout, LinkReason::Unreachable);
    row("tunnel-away", ErrorKind::Unavailable, LinkReason::Unreachable);
    row("tunnel-ssh-auth", ErrorKind::Unavailable, LinkReason::Unreachable); // not the portal's sign-in
    row("tunnel-ssh-unreachable", ErrorKind::Timeout, LinkReason::Unreachable);
    row("tls-expired", ErrorKind::Unavailable, LinkReason::NotTrusted);
    row("tls-plain", ErrorKind::Unavailable, LinkReason::NotTrusted);
    row("ws-silent", ErrorKind::Timeout, LinkReason::Silent);
    row("ws-refused", ErrorKind::Unauthenticated, LinkReason::NotSignedIn);
    row("portal-sign-in", ErrorKind::Unauthenticated, LinkReason::NotSignedIn);
    row("", ErrorKind::Forbidden, LinkReason::RoleTooLow);
    row("portal-status", ErrorKind::NotFound, LinkReason::OtherProtocol);
    row("portal-answer", ErrorKind::Protocol, LinkReason::OtherProtocol);
    row("", ErrorKind::RateLimited, LinkReason::Unreachable);
    row("http-timeout", ErrorKind::Timeout, LinkReason::Unreachable);
}

void ErrorTest::findsTheReason()
{
    QFETCH(ErrorKind, kind);
    QFETCH(QByteArray, code);
    QFETCH(LinkReason, reason);
    QCOMPARE(reasonOf(net::coded(kind, code.toStdString(), "What happened.")), reason);
}

QTEST_GUILESS_MAIN(ErrorTest)
#include "error_test.moc"
