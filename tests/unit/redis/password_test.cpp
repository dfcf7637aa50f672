// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/redis/password.h"
#include "tests/fakes/manual_clock.h"

#include <boost/asio/redirect_error.hpp>

#include <QTest>
#include <atomic>
#include <deque>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

Password lasting(std::string text, std::optional<std::chrono::seconds> lasts = {})
{
    Password password;
    password.text = Secret(text);
    password.lasts = lasts;
    return password;
}

/// What is to be answered, in this order, the last again and again; each answer may be held back.
class Scripted final
{
public:
    explicit Scripted(Executor executor) : m_gate(executor) {}
    std::deque<Result<Password>> answers;
    std::atomic<int> asked{0};
    std::atomic<bool> holds{false};

    PasswordSource source()
    {
        return [this]() -> awaitable<Result<Password>> {
            ++asked;
            if (holds) {
                error_code opened;
                m_gate.expires_after(60s);
                co_await m_gate.async_wait(asio::redirect_error(use_awaitable, opened));
            }
            const Result<Password> answer = answers.front();
            if (answers.size() > 1)
                answers.pop_front();
            co_return answer;
        };
    }
    void open() ///< on its executor's thread
    {
        holds = false;
        m_gate.cancel();
    }

private:
    Timer m_gate;
};

} // namespace

class PasswordTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsWhatWasPrinted_data();
    void readsWhatWasPrinted();
    void isObtainedOnceForAll();
    void isRenewedBeforeItsEnd_data();
    void isRenewedBeforeItsEnd();
    void isObtainedAnewWhenItIsRefused();
    void staysWhileItIsGood();
    void doesNotWaitForWhatHangs();

private:
    std::string current(const std::shared_ptr<PasswordKeeper> &keeper)
    {
        const auto got = runSync<Result<Secret>>(m_runtime.at(0), [&] { return keeper->current(); });
        return got ? std::string(got->reveal()) : "error " + got.error().code;
    }
    /// What a connection does in its turns; until what it asked for has come.
    void renew(const std::shared_ptr<PasswordKeeper> &keeper, int asked, const Scripted &script)
    {
        keeper->renewIfDue(m_runtime.at(0));
        runSync<int>(m_runtime.at(0), []() -> awaitable<int> { co_return 0; });
        QCOMPARE(script.asked.load(), asked);
    }

    ManualClock m_clock;
    Runtime m_runtime{2};
};

void PasswordTest::readsWhatWasPrinted_data()
{
    QTest::addColumn<QByteArray>("printed");
    QTest::addColumn<QByteArray>("text"); // empty: refused
    QTest::addColumn<int>("lasts");       // 0: not said
    QTest::newRow("text") << QByteArray("s3cret") << QByteArray("s3cret") << 0;
    QTest::newRow("a brace alone") << QByteArray("{") << QByteArray("{") << 0;
    QTest::newRow("an object of something else") << QByteArray(R"({"a":1})") << QByteArray(R"({"a":1})") << 0;
    QTest::newRow("number as password") << QByteArray(R"({"password":1})") << QByteArray(R"({"password":1})") << 0;
    QTest::newRow("described") << QByteArray(R"({"password":"p\"w"})") << QByteArray("p\"w") << 0;
    QTest::newRow("with an end") << QByteArray(R"({"password":"pw","expires_in":3600})") << QByteArray("pw") << 3600;
    QTest::newRow("with others") << QByteArray(R"({"kind":"x","expires_in":9.7,"password":"pw"})") << QByteArray("pw")
                                 << 9;
    QTest::newRow("no end") << QByteArray(R"({"password":"pw","expires_in":null})") << QByteArray("pw") << 0;
    QTest::newRow("for ever") << QByteArray(R"({"password":"pw","expires_in":1e300})") << QByteArray("pw")
                              << 24 * 3650 * 3600;
    QTest::newRow("nothing") << QByteArray() << QByteArray() << 0;
    QTest::newRow("empty password") << QByteArray(R"({"password":""})") << QByteArray() << 0;
    QTest::newRow("ended") << QByteArray(R"({"password":"pw","expires_in":0})") << QByteArray() << 0;
    QTest::newRow("before it began") << QByteArray(R"({"password":"pw","expires_in":-5})") << QByteArray() << 0;
    QTest::newRow("an end in words") << QByteArray(R"({"password":"pw","expires_in":"1h"})") << QByteArray() << 0;
}

void PasswordTest::readsWhatWasPrinted()
{
    QFETCH(QByteArray, printed);
    QFETCH(QByteArray, text);
    QFETCH(int, lasts);
    const auto password = passwordOf(Secret(printed.toStdString()));
    QCOMPARE(password.has_value(), !text.isEmpty());
    if (!password) {
        QCOMPARE(password.error().code, std::string("secret-rubbish"));
        QVERIFY(inWords(password.error()).find("pw") == std::string::npos);
        return;
    }
    QVERIFY(password->text.equals(text.toStdString()));
    QCOMPARE(int(password->lasts.value_or(0s).count()), lasts);
}

void PasswordTest::isObtainedOnceForAll()
{
    Scripted script(m_runtime.at(0));
    script.answers = {lasting("one")};
    script.holds = true;
    const auto keeper = std::make_shared<PasswordKeeper>(m_clock, script.source());
    std::atomic<int> got{0};
    for (std::size_t i = 0; i < 6; ++i)
        spawn(m_runtime.at(i % 2), [&got, keeper]() -> awaitable<void> {
            const auto password = co_await keeper->current();
            got += password && password->equals("one") ? 1 : 100;
        });
    QTRY_COMPARE(script.asked.load(), 1);
    asio::post(m_runtime.at(0), [&] { script.open(); });
    QTRY_COMPARE(got.load(), 6);
    QCOMPARE(script.asked.load(), 1);
    QCOMPARE(keeper->generation(), std::uint64_t{1});
}

void PasswordTest::isRenewedBeforeItsEnd_data()
{
    QTest::addColumn<int>("lasts");
    QTest::addColumn<int>("renew");
    QTest::addColumn<int>("due"); // seconds behind the first; 0: never
    QTest::newRow("a minute before an hour") << 3600 << 0 << 3540;
    QTest::newRow("half of what is short") << 30 << 0 << 15;
    QTest::newRow("by itself") << 0 << 3000 << 3000;
    QTest::newRow("whichever is sooner") << 900 << 3000 << 840;
    QTest::newRow("the other way round") << 3600 << 600 << 600;
    QTest::newRow("never") << 0 << 0 << 0;
}

void PasswordTest::isRenewedBeforeItsEnd()
{
    QFETCH(int, lasts);
    QFETCH(int, renew);
    QFETCH(int, due);
    std::optional<std::chrono::seconds> end;
    if (lasts > 0)
        end = std::chrono::seconds(lasts);
    Scripted script(m_runtime.at(0));
    script.answers = {lasting("one", end), lasting("two", end)};
    PasswordKeeper::Options options;
    options.renew = std::chrono::seconds(renew);
    const auto keeper = std::make_shared<PasswordKeeper>(m_clock, script.source(), options);
    QCOMPARE(current(keeper), std::string("one"));
    m_clock.advance(due > 0 ? std::chrono::seconds(due) - 1ms : std::chrono::hours(24 * 365));
    this->renew(keeper, 1, script);
    if (due == 0)
        return;
    m_clock.advance(1ms);
    this->renew(keeper, 2, script);
    QTRY_COMPARE(keeper->generation(), std::uint64_t{2});
    QVERIFY(keeper->kept()->equals("two"));
    // From then on it is counted anew.
    m_clock.advance(std::chrono::seconds(due) - 1ms);
    this->renew(keeper, 2, script);
    m_clock.advance(1ms);
    this->renew(keeper, 3, script);
}

void PasswordTest::isObtainedAnewWhenItIsRefused()
{
    Scripted script(m_runtime.at(0));
    script.answers = {lasting("old"), lasting("old"), lasting("new")};
    const auto keeper = std::make_shared<PasswordKeeper>(m_clock, script.source());
    QCOMPARE(current(keeper), std::string("old"));
    keeper->refused(Secret("another one")); // of a connection that had one before
    m_clock.advance(10s);
    QCOMPARE(current(keeper), std::string("old"));
    QCOMPARE(script.asked.load(), 1);
    keeper->refused(Secret("old"));
    QCOMPARE(current(keeper), std::string("old"));
    QCOMPARE(script.asked.load(), 2);
    QCOMPARE(keeper->generation(), std::uint64_t{1});
    for (int i = 0; i < 20; ++i) { // attempts to connect, one after the other
        keeper->refused(Secret("old"));
        QCOMPARE(current(keeper), std::string("old"));
    }
    QCOMPARE(script.asked.load(), 2);
    m_clock.advance(5s);
    QCOMPARE(current(keeper), std::string("new"));
    QCOMPARE(script.asked.load(), 3);
    QCOMPARE(keeper->generation(), std::uint64_t{2});
}

void PasswordTest::staysWhileItIsGood()
{
    Scripted script(m_runtime.at(0));
    Error broken{ErrorKind::Unavailable, "program-failed", "It ended with exit code 1.", {}};
    script.answers = {lasting("one", 3600s), broken, broken, broken, lasting("two", 3600s)};
    const auto keeper = std::make_shared<PasswordKeeper>(m_clock, script.source());
    QCOMPARE(current(keeper), std::string("one"));
    m_clock.advance(3540s);
    renew(keeper, 2, script);
    QTRY_VERIFY(keeper->problem().has_value());
    QCOMPARE(keeper->problem()->code, std::string("program-failed"));
    QCOMPARE(current(keeper), std::string("one"));
    m_clock.advance(4s);
    renew(keeper, 2, script); // not at once
    m_clock.advance(1s);
    renew(keeper, 3, script);
    m_clock.advance(55s); // that was its end
    QCOMPARE(current(keeper), std::string("error program-failed"));
    QCOMPARE(script.asked.load(), 4);
    m_clock.advance(5s);
    QCOMPARE(current(keeper), std::string("two"));
    QVERIFY(!keeper->problem());
}

void PasswordTest::doesNotWaitForWhatHangs()
{
    Scripted script(m_runtime.at(1));
    script.answers = {lasting("one", 3600s), lasting("two", 3600s)};
    PasswordKeeper::Options options;
    options.timeout = 50ms;
    const auto keeper = std::make_shared<PasswordKeeper>(m_clock, script.source(), options);
    script.holds = true;
    const auto none = runSync<Result<Secret>>(m_runtime.at(1), [&] { return keeper->current(); });
    QCOMPARE(none.error().code, std::string("redis-password-slow"));
    QCOMPARE(none.error().kind, ErrorKind::Timeout);
    m_clock.advance(600s);
    keeper->renewIfDue(m_runtime.at(1)); // one at a time, however long it takes
    QCOMPARE(script.asked.load(), 1);
    asio::post(m_runtime.at(1), [&] { script.open(); });
    QTRY_COMPARE(keeper->generation(), std::uint64_t{1}); // later, and taken all the same
    // While there is a good one nobody waits, whatever its renewal does.
    m_clock.advance(2940s);
    script.holds = true;
    const auto kept = runSync<Result<Secret>>(m_runtime.at(1), [&] { return keeper->current(); });
    QVERIFY(kept && kept->equals("one"));
    QTRY_COMPARE(script.asked.load(), 2);
    asio::post(m_runtime.at(1), [&] { script.open(); });
    QTRY_COMPARE(keeper->generation(), std::uint64_t{2});
}

QTEST_GUILESS_MAIN(PasswordTest)
#include "password_test.moc"
