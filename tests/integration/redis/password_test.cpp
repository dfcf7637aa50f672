// SPDX-License-Identifier: GPL-3.0-or-later
// Passwords that change and end, against a Redis that checks them.

#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "core/redis/password.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/redis_server_fixture.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <QTest>
#include <atomic>
#include <mutex>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

/// What a password command would print now.
class Source final
{
public:
    explicit Source(Executor executor) : m_gate(executor) {}

    void set(Result<Password> answer)
    {
        const std::lock_guard lock(m_mutex);
        m_answer = std::move(answer);
    }
    void set(std::string text, std::optional<std::chrono::seconds> lasts = {})
    {
        Password password;
        password.text = Secret(text);
        password.lasts = lasts;
        set(Result<Password>(password));
    }
    std::shared_ptr<PasswordKeeper> keeper(const Clock &clock)
    {
        return std::make_shared<PasswordKeeper>(clock, [this]() -> awaitable<Result<Password>> {
            ++asked;
            if (holds) {
                error_code opened;
                m_gate.expires_after(60s);
                co_await m_gate.async_wait(asio::redirect_error(use_awaitable, opened));
            }
            const std::lock_guard lock(m_mutex);
            co_return m_answer;
        });
    }
    void open()
    {
        holds = false;
        asio::post(m_gate.get_executor(), [this] { m_gate.cancel(); });
    }
    std::atomic<int> asked{0};
    std::atomic<bool> holds{false};

private:
    Timer m_gate;
    std::mutex m_mutex;
    Result<Password> m_answer = failure(ErrorKind::NotFound, "There is none yet.");
};

} // namespace

class PasswordTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void signsInAgainOnTheSameConnection();
    void keepsTheConnectionWhereTheNewOneIsRefused();
    void keepsTheConnectionWhereNoneComes_data();
    void keepsTheConnectionWhereNoneComes();
    void takesAnotherOnceItIsRefused();
    void sharesItWithASubscriber();
    void saysWhyThereIsNone();
    void stopsWhileItIsAsking();

private:
    Endpoint endpoint() const
    {
        Endpoint endpoint = m_redis->endpoint();
        endpoint.user = "watch";
        return endpoint;
    }
    ClientOptions options(const std::shared_ptr<PasswordKeeper> &keeper) const
    {
        ClientOptions options;
        options.password = keeper;
        return options;
    }
    std::int64_t id(Client &client)
    {
        const auto reply = runSync<Result<Reply>>(m_runtime.at(0), [&] { return client.run(Command("CLIENT", "ID")); });
        return reply ? reply->integer : -1;
    }
    Result<void> ready(Client &client, std::chrono::milliseconds deadline = 10s)
    {
        return runSync<Result<void>>(m_runtime.at(0), [&] { return client.waitReady(deadline); });
    }
    std::size_t refusals() const ///< sign-ins that Redis has refused
    {
        const std::string log = m_redis->command("ACL LOG");
        std::size_t count = 0;
        for (auto at = log.find("\r\nauth\r\n"); at != std::string::npos; at = log.find("\r\nauth\r\n", at + 1))
            ++count;
        return count;
    }

    ManualClock m_clock;
    Runtime m_runtime{1};
    std::unique_ptr<RedisServerFixture> m_redis;
};

void PasswordTest::init()
{
    m_redis = std::make_unique<RedisServerFixture>();
    QCOMPARE(m_redis->command("ACL SETUSER watch on >one ~* &* +@all"), std::string("+OK\r\n"));
}

void PasswordTest::signsInAgainOnTheSameConnection()
{
    Source source(m_runtime.at(0));
    source.set("one", 3600s);
    const auto keeper = source.keeper(m_clock);
    Client client(m_runtime.at(0), endpoint(), options(keeper));
    client.start();
    QVERIFY(ready(client).has_value());
    const auto first = id(client);
    QVERIFY(first > 0);
    source.set("two", 3600s);
    m_redis->command("ACL SETUSER watch <one >two");
    m_clock.advance(3539s);
    QTest::qWait(1500); // a turn of the client's, in which nothing may happen
    QCOMPARE(source.asked.load(), 1);
    m_clock.advance(1s); // a minute before the end
    QTRY_COMPARE(client.counters().signIns, std::uint64_t{1});
    QCOMPARE(source.asked.load(), 2);
    QCOMPARE(id(client), first);
    QCOMPARE(refusals(), std::size_t{0});
    m_clock.advance(3540s);
    QTRY_COMPARE(source.asked.load(), 3); // the same text again is no reason to sign in
    QTest::qWait(1500);
    QCOMPARE(client.counters().signIns, std::uint64_t{1});
    QCOMPARE(client.counters().reconnects, std::uint64_t{0});
    client.stop();
}

void PasswordTest::keepsTheConnectionWhereTheNewOneIsRefused()
{
    Source source(m_runtime.at(0));
    source.set("one", 3600s);
    const auto keeper = source.keeper(m_clock);
    Client client(m_runtime.at(0), endpoint(), options(keeper));
    client.start();
    QVERIFY(ready(client).has_value());
    const auto first = id(client);
    source.set("wrong", 3600s);
    m_clock.advance(3540s);
    QTRY_COMPARE(refusals(), std::size_t{1});
    QCOMPARE(id(client), first);
    QTest::qWait(2500);
    QCOMPARE(source.asked.load(), 2);
    QCOMPARE(refusals(), std::size_t{1}); // it is not told again and again
    source.set("one", 3600s);
    m_clock.advance(5s);
    QTRY_COMPARE(client.counters().signIns, std::uint64_t{1});
    QCOMPARE(id(client), first);
    client.stop();
}

void PasswordTest::keepsTheConnectionWhereNoneComes_data()
{
    QTest::addColumn<bool>("hangs");
    QTest::newRow("it fails") << false;
    QTest::newRow("it hangs") << true;
}

void PasswordTest::keepsTheConnectionWhereNoneComes()
{
    QFETCH(bool, hangs);
    Source source(m_runtime.at(0));
    source.set("one", 3600s);
    const auto keeper = source.keeper(m_clock);
    Client client(m_runtime.at(0), endpoint(), options(keeper));
    client.start();
    QVERIFY(ready(client).has_value());
    const auto first = id(client);
    source.holds = hangs;
    source.set(failure(ErrorKind::Unavailable, "It ended with exit code 1."));
    m_clock.advance(3540s);
    QTRY_COMPARE(source.asked.load(), 2);
    m_clock.advance(120s); // its end has come
    for (int i = 0; i < 20; ++i) {
        QCOMPARE(id(client), first);
        QTest::qWait(100);
    }
    QCOMPARE(client.state(), Client::State::Ready);
    QCOMPARE(client.counters().reconnects, std::uint64_t{0});
    source.set("two");
    m_redis->command("ACL SETUSER watch >two");
    source.open();
    m_clock.advance(5s);
    QTRY_COMPARE(client.counters().signIns, std::uint64_t{1});
    QCOMPARE(id(client), first);
    client.stop();
}

void PasswordTest::takesAnotherOnceItIsRefused()
{
    Source source(m_runtime.at(0));
    source.set("one");
    const auto keeper = source.keeper(m_clock);
    Client client(m_runtime.at(0), endpoint(), options(keeper));
    client.start();
    QVERIFY(ready(client).has_value());
    m_clock.advance(600s);
    source.set("two");
    m_redis->command("ACL SETUSER watch <one >two");
    m_redis->command("CLIENT KILL TYPE normal SKIPME yes");
    QTRY_COMPARE_WITH_TIMEOUT(client.counters().reconnects, std::uint64_t{1}, 10'000);
    QVERIFY(ready(client).has_value());
    QCOMPARE(source.asked.load(), 2);
    QCOMPARE(refusals(), std::size_t{1});
    client.stop();
}

void PasswordTest::sharesItWithASubscriber()
{
    Source source(m_runtime.at(0));
    source.set("one", 3600s);
    const auto keeper = source.keeper(m_clock);
    Client client(m_runtime.at(0), endpoint(), options(keeper));
    Subscriber subscriber(m_runtime.at(0), endpoint(), options(keeper));
    const auto token = subscriber.subscribe("news", [](std::string_view, std::string_view) {});
    client.start();
    subscriber.start();
    QVERIFY(ready(client).has_value());
    QTRY_COMPARE(subscriber.state(), Client::State::Ready);
    QCOMPARE(source.asked.load(), 1);
    source.set("two", 3600s);
    m_redis->command("ACL SETUSER watch <one >two");
    m_clock.advance(3540s);
    QTRY_COMPARE(client.counters().signIns, std::uint64_t{1});
    QCOMPARE(subscriber.connections(), std::uint64_t{1}); // it loses no message for that
    m_redis->command("CLIENT KILL TYPE pubsub");
    QTRY_COMPARE_WITH_TIMEOUT(subscriber.connections(), std::uint64_t{2}, 10'000);
    QCOMPARE(source.asked.load(), 2);
    QCOMPARE(refusals(), std::size_t{0});
    client.stop();
    subscriber.stop();
}

void PasswordTest::saysWhyThereIsNone()
{
    Source source(m_runtime.at(0));
    source.set(Error{ErrorKind::NotFound, "secret-missing", "There is no variable SHOP.", "Set it."});
    const auto keeper = source.keeper(m_clock);
    Client client(m_runtime.at(0), endpoint(), options(keeper));
    client.start();
    QTRY_VERIFY(client.problem().has_value());
    QCOMPARE(client.problem()->code, std::string("secret-missing"));
    source.set("one");
    m_clock.advance(5s);
    QVERIFY(ready(client).has_value());
    client.stop();
}

void PasswordTest::stopsWhileItIsAsking()
{
    Source source(m_runtime.at(0));
    source.set("one");
    source.holds = true;
    const auto keeper = source.keeper(m_clock);
    {
        Client client(m_runtime.at(0), endpoint(), options(keeper));
        client.start();
        QTRY_COMPARE(source.asked.load(), 1);
        const auto from = std::chrono::steady_clock::now();
        client.stop();
        QVERIFY(std::chrono::steady_clock::now() - from < 5s);
        QVERIFY(client.state() == Client::State::Stopped);
    }
    source.open();
    QTRY_COMPARE(keeper->generation(), std::uint64_t{1});
    QTRY_COMPARE(keeper.use_count(), 1L); // the client's last is gone too
    QVERIFY(m_redis->command("CLIENT LIST").find("name=portolan") == std::string::npos);
}

QTEST_GUILESS_MAIN(PasswordTest)
#include "password_test.moc"
