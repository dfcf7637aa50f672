// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <condition_variable>
#include <mutex>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

/// What handlers were given, waited for by the test's thread.
class Heard
{
public:
    void add(std::string what)
    {
        const std::lock_guard lock(m_mutex);
        m_all.push_back(std::move(what));
        m_changed.notify_all();
    }
    bool waitFor(std::size_t count)
    {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, 10s, [&] { return m_all.size() >= count; });
    }
    std::vector<std::string> all()
    {
        const std::lock_guard lock(m_mutex);
        return m_all;
    }
    Subscriber::Handler handler(std::string prefix = {})
    {
        return [this, prefix](std::string_view channel, std::string_view payload) {
            add(prefix + std::string(channel) + "=" + std::string(payload));
        };
    }

private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<std::string> m_all;
};

/// Whether it has become Ready so many times.
bool connected(const Subscriber &subscriber, std::uint64_t times)
{
    return QTest::qWaitFor([&] { return subscriber.connections() >= times; }, 10'000);
}

} // namespace

class SubscriberTest final : public QObject
{
    Q_OBJECT
private slots:
    void hearsChannelsAndPatterns();
    void subscribesWhileItRuns();
    void sharesOneSubscriptionAndForgetsAfterTheToken();
    void subscribesAgainAfterAReconnect();
    void drainsABurstInOrder();
    void hearsNothingAfterStop();
};

void SubscriberTest::hearsChannelsAndPatterns()
{
    RedisServerFixture redis;
    Runtime runtime(1);
    Heard heard;
    Subscriber subscriber(runtime.at(0), redis.endpoint());
    const auto channel = subscriber.subscribe("p:tasks", heard.handler());
    const auto pattern = subscriber.subscribePattern("p:quotes:*", heard.handler("*"));
    subscriber.start();
    QVERIFY(connected(subscriber, 1));
    QCOMPARE(subscriber.state(), Client::State::Ready);
    redis.command("PUBLISH p:tasks one");
    redis.command("PUBLISH p:quotes:AAPL two");
    redis.command("PUBLISH p:other three");
    redis.command("PUBLISH p:tasks four");
    QVERIFY(heard.waitFor(3));
    QCOMPARE(heard.all(), (std::vector<std::string>{"p:tasks=one", "*p:quotes:AAPL=two", "p:tasks=four"}));
}

void SubscriberTest::subscribesWhileItRuns()
{
    RedisServerFixture redis;
    Runtime runtime(1);
    Heard heard;
    Subscriber subscriber(runtime.at(0), redis.endpoint());
    subscriber.start();
    QVERIFY(connected(subscriber, 1)); // also with nothing to subscribe to
    const auto token = subscriber.subscribe("later", heard.handler());
    QTRY_VERIFY(redis.command("PUBLISH later x").starts_with(":1"));
    QVERIFY(heard.waitFor(1));
}

void SubscriberTest::sharesOneSubscriptionAndForgetsAfterTheToken()
{
    RedisServerFixture redis;
    Runtime runtime(1);
    Heard heard;
    Subscriber subscriber(runtime.at(0), redis.endpoint());
    auto first = subscriber.subscribe("c", heard.handler("1:"));
    auto second = subscriber.subscribe("c", heard.handler("2:"));
    QVERIFY(first && second);
    subscriber.start();
    QVERIFY(connected(subscriber, 1));
    QVERIFY(redis.command("PUBLISH c a").starts_with(":1"));
    QVERIFY(heard.waitFor(2));
    first.reset();
    redis.command("PUBLISH c b");
    QVERIFY(heard.waitFor(3));
    QCOMPARE(heard.all(), (std::vector<std::string>{"1:c=a", "2:c=a", "2:c=b"}));
    second.reset();
    QTRY_VERIFY(redis.command("PUBLISH c c").starts_with(":0"));
}

void SubscriberTest::subscribesAgainAfterAReconnect()
{
    RedisServerFixture redis;
    Runtime runtime(1);
    Heard heard;
    Subscriber subscriber(runtime.at(0), redis.endpoint());
    const auto channel = subscriber.subscribe("c", heard.handler());
    const auto pattern = subscriber.subscribePattern("d*", heard.handler());
    subscriber.start();
    QVERIFY(connected(subscriber, 1));
    redis.kill();
    QTRY_COMPARE(subscriber.state(), Client::State::Connecting);
    redis.start();
    QVERIFY(connected(subscriber, 2));
    redis.command("PUBLISH c 1");
    redis.command("PUBLISH dd 2");
    QVERIFY(heard.waitFor(2));
    redis.command("CLIENT KILL TYPE pubsub");
    QVERIFY(connected(subscriber, 3));
    redis.command("PUBLISH c 3");
    QVERIFY(heard.waitFor(3));
    QCOMPARE(heard.all(), (std::vector<std::string>{"c=1", "dd=2", "c=3"}));
}

void SubscriberTest::drainsABurstInOrder()
{
    RedisServerFixture redis;
    Runtime runtime(2);
    Heard done;
    constexpr int count = 200'000;
    int right = 0;
    Subscriber subscriber(runtime.at(0), redis.endpoint());
    const auto token = subscriber.subscribe("c", [&](std::string_view, std::string_view payload) {
        right += payload == std::to_string(right);
        if (right == count)
            done.add("done");
    });
    subscriber.start();
    QVERIFY(connected(subscriber, 1));
    Client client(runtime.at(1), redis.endpoint());
    client.start();
    QVERIFY(runSync<Result<void>>(runtime.at(1), [&] { return client.waitReady(5s); }).has_value());
    for (int from = 0; from < count; from += 1000) {
        Command commands;
        for (int i = from; i < from + 1000; ++i)
            commands.add("PUBLISH", "c", i);
        QVERIFY(runSync<Result<std::vector<Reply>>>(runtime.at(1), [&] {
                    return client.pipeline(std::move(commands), 20s);
                }).has_value());
    }
    QVERIFY(done.waitFor(1));
}

void SubscriberTest::hearsNothingAfterStop()
{
    RedisServerFixture redis;
    Runtime runtime(1);
    Heard heard;
    Subscriber subscriber(runtime.at(0), redis.endpoint());
    const auto token = subscriber.subscribe("c", heard.handler());
    subscriber.start();
    QVERIFY(connected(subscriber, 1));
    subscriber.stop();
    subscriber.stop();
    QCOMPARE(subscriber.state(), Client::State::Stopped);
    QTRY_VERIFY(redis.command("PUBLISH c x").starts_with(":0"));
    QVERIFY(heard.all().empty());
}

QTEST_GUILESS_MAIN(SubscriberTest)
#include "subscriber_test.moc"
