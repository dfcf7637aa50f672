// SPDX-License-Identifier: GPL-3.0-or-later
// What a client may cost: time, connections, and what it leaves behind when it or the server goes.

#include "http_harness.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <deque>

using namespace portolan;
using namespace portolan::test;
using namespace std::chrono_literals;

namespace {

/// Moves the clock on until `condition` holds. Once is not always enough: a deadline counts from when the server got to
/// waiting, which may be after the client has its answer.
template <class Condition> bool advanceUntil(ManualClock &clock, std::chrono::seconds step, Condition condition)
{
    for (int i = 0; i < 20; ++i) {
        clock.advance(step);
        for (int polls = 0; polls < 500; ++polls) {
            if (condition())
                return true;
            std::this_thread::sleep_for(2ms);
        }
    }
    return false;
}

} // namespace

class LimitsTest final : public QObject
{
    Q_OBJECT
private slots:
    void cutsOffSlowHeaders();
    void cutsOffSilentClients();
    void cutsOffIdleConnections();
    void cutsOffSlowBodies();
    void answersARefusedRequestOnce();
    void answersForAHandlerThatTakesTooLong();
    void keepsServingOthersBesideSlowClients();
    void evictsTheConnectionThatWaitedLongest();
    void letsOthersInPastManyIdleConnections();
    void evictsAClientThatOwesABody_data();
    void evictsAClientThatOwesABody();
    void evictsAClientThatDoesNotRead();
    void neverEvictsABusyConnection();
    void doesNotBoundTrustedProxies();
    void boundsAllConnections();
    void finishesRequestsBeforeItStops();
    void answersWhatDoesNotFinishBeforeItStops();
    void stopsTwice();
    void namesAPortInUse();
    void refusesBadOptions();
    void cutsOffAClientThatDoesNotRead();

private:
    static constexpr const char *health = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
};

void LimitsTest::cutsOffSlowHeaders()
{
    ManualClock clock;
    TestServer server({}, &clock);
    server.start();
    Client client(server.port());
    // With the first answer comes the certainty that the server has read the half request behind it.
    QCOMPARE(client.ask(std::string(health) + "GET /health HTTP/1.1\r\nHo").status, 200U);
    QVERIFY(advanceUntil(clock, 11s, [&] { return server.server->counters().cut == 1; }));
    const auto answer = client.read();
    QCOMPARE(answer.status, 408U);
    QCOMPARE(answer.header("connection"), std::string("close"));
    QVERIFY(answer.body.find("/problems/request-timeout\"") != std::string::npos);
    client.endOutput();
    QVERIFY(client.closed());
    QCOMPARE(server.server->counters().cut, std::uint64_t{1});
}

void LimitsTest::cutsOffSilentClients()
{
    http::ServerOptions options;
    options.headerTimeout = 200ms;
    TestServer server(options);
    server.start();
    Client silent(server.port());
    QVERIFY(silent.closed());
    Client dripping(server.port()); // each byte is in time, the whole is not
    while (dripping.send("G"))
        std::this_thread::sleep_for(20ms);
    QVERIFY(eventually([&] { return server.server->counters().connections == 0; }));
}

void LimitsTest::cutsOffIdleConnections()
{
    ManualClock clock;
    TestServer server({}, &clock);
    server.start();
    Client idle(server.port());
    QCOMPARE(idle.ask(health).status, 200U);
    clock.advance(74s);
    QCOMPARE(idle.ask(health).status, 200U);
    QVERIFY(advanceUntil(clock, 76s, [&] { return server.server->counters().connections == 0; }));
    QVERIFY(idle.closed());
    QCOMPARE(server.server->counters().cut, std::uint64_t{0});
}

void LimitsTest::cutsOffSlowBodies()
{
    ManualClock clock;
    TestServer server({}, &clock);
    server.start();
    Client client(server.port());
    QCOMPARE(
        client.ask("POST /anonymous HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n").status,
        100U);
    client.send("12345");
    clock.advance(61s);
    QCOMPARE(client.read().status, 408U);
    client.endOutput();
    QVERIFY(client.closed());
}

void LimitsTest::answersARefusedRequestOnce()
{
    ManualClock clock;
    TestServer server({}, &clock);
    server.start();
    Client client(server.port());
    QCOMPARE(client.ask("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345").status, 401U);
    clock.advance(61s); // the rest of the body does not come
    QVERIFY(client.closed());
}

void LimitsTest::answersForAHandlerThatTakesTooLong()
{
    ManualClock clock;
    TestServer server({}, &clock);
    server.start();
    Client client(server.port());
    QVERIFY(client.send(std::string(health) + "GET /hang HTTP/1.1\r\nHost: x\r\nX-Request-Id: late\r\n\r\n"));
    QVERIFY(eventually([&] { return server.hanging == 1; }));
    clock.advance(61s);
    QCOMPARE(client.read().status, 200U);
    const auto answer = client.read();
    QCOMPARE(answer.status, 504U);
    QVERIFY(answer.body.find("/problems/timeout\"") != std::string::npos);
    QVERIFY(client.closed());
    server.release = true; // what the handler says now reaches nobody
    QVERIFY(eventually([&] { return server.server->counters().connections == 0; }));
    const auto seen = server.observer.seen();
    QCOMPARE(seen.size(), std::size_t{2});
    QCOMPARE(seen[1], std::string("/hang 504 late"));
}

void LimitsTest::keepsServingOthersBesideSlowClients()
{
    http::ServerOptions options;
    options.maxConnectionsPerAddress = 64;
    TestServer server(options);
    server.start();
    Client served(server.port());
    QCOMPARE(served.ask(health).status, 200U);
    std::deque<Client> slow;
    for (std::uint64_t i = 0; i < 300; ++i) {
        slow.emplace_back(server.port()).send("GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ");
        if (i % 10 != 0)
            continue;
        // Those that are taken on later have not waited longer.
        QVERIFY(eventually([&] { return server.server->counters().accepted >= i + 2; }));
        QCOMPARE(served.ask(health).status, 200U);
    }
    Client newcomer(server.port());
    QCOMPARE(newcomer.ask(health).status, 200U);
    Client elsewhere(server.port(), "127.0.0.7");
    QCOMPARE(elsewhere.ask(health).status, 200U);
    QVERIFY(eventually([&] { return server.server->counters().connections <= 65; }));
}

void LimitsTest::evictsTheConnectionThatWaitedLongest()
{
    http::ServerOptions options;
    options.maxConnectionsPerAddress = 3;
    TestServer server(options);
    server.start();
    Client slow(server.port());
    QVERIFY(slow.send("GET /"));
    QVERIFY(eventually([&] { return server.server->counters().connections == 1; }));
    Client idle(server.port());
    QCOMPARE(idle.ask(health).status, 200U);
    Client busy(server.port());
    QCOMPARE(busy.ask(health).status, 200U);
    Client newcomer(server.port());
    QVERIFY(slow.closed());
    QCOMPARE(newcomer.ask(health).status, 200U);
    QCOMPARE(busy.ask(health).status, 200U); // now `idle` has waited longest
    Client another(server.port());
    QVERIFY(idle.closed());
    QCOMPARE(another.ask(health).status, 200U);
    QCOMPARE(newcomer.ask(health).status, 200U);
    QCOMPARE(busy.ask(health).status, 200U);
    Client elsewhere(server.port(), "127.0.0.2");
    QCOMPARE(elsewhere.ask(health).status, 200U);
    QCOMPARE(server.server->counters().refused, std::uint64_t{2});
}

void LimitsTest::letsOthersInPastManyIdleConnections()
{
    http::ServerOptions options;
    options.maxConnections = 40;
    options.maxConnectionsPerAddress = 10;
    TestServer server(options);
    server.start();
    std::deque<Client> idle;
    for (int i = 0; i < 40; ++i) {
        const auto address = "127.0.0." + std::to_string(10 + i / 10);
        QCOMPARE(idle.emplace_back(server.port(), address.c_str()).ask(health).status, 200U);
    }
    for (int i = 0; i < 100; ++i) {
        Client person(server.port(), "127.0.0.200");
        QCOMPARE(person.ask(health).status, 200U);
    }
    std::deque<Client> people;
    for (int i = 0; i < 5; ++i)
        QCOMPARE(people.emplace_back(server.port(), "127.0.0.201").ask(health).status, 200U);
    for (auto &person : people)
        QCOMPARE(person.ask(health).status, 200U);
    QVERIFY(idle.front().closed());
    QCOMPARE(idle.back().ask(health).status, 200U); // it has waited least
}

void LimitsTest::evictsAClientThatOwesABody_data()
{
    QTest::addColumn<QByteArray>("request");
    QTest::addColumn<unsigned>("status");
    QTest::newRow("answered already") << QByteArray(
                                             "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
                                      << 404U;
    QTest::newRow("not answered")
        << QByteArray("POST /anonymous HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
        << 100U;
}

void LimitsTest::evictsAClientThatOwesABody()
{
    QFETCH(QByteArray, request);
    QFETCH(unsigned, status);
    ManualClock clock; // no deadline comes
    http::ServerOptions options;
    options.maxConnections = 2;
    TestServer server(options, &clock);
    server.start();
    Client busy(server.port(), "127.0.0.3");
    QVERIFY(busy.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
    Client owing(server.port());
    QCOMPARE(owing.ask(request.toStdString()).status, status);
    QVERIFY(eventually([&] { return server.hanging == 1; }));
    QVERIFY(eventually([&] {
        clock.advance(60ms); // it looks for who waits no more often
        Client newcomer(server.port(), "127.0.0.2");
        return newcomer.ask(health).status == 200;
    }));
    QVERIFY(owing.closed());
    QCOMPARE(server.server->counters().cut, std::uint64_t{0});
    server.release = true;
    QCOMPARE(busy.read().status, 200U);
}

void LimitsTest::evictsAClientThatDoesNotRead()
{
    ManualClock clock;
    http::ServerOptions options;
    options.maxConnections = 1;
    TestServer server(options, &clock);
    server.start();
    Client client(server.port(), "127.0.0.1", 4096);
    QVERIFY(client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
    QVERIFY(eventually([&] { return server.observer.seen().size() == 1; }));
    QVERIFY(advanceUntil(clock, 2s, [&] {
        Client newcomer(server.port(), "127.0.0.2");
        return newcomer.ask(health).status == 200;
    }));
    QCOMPARE(server.server->counters().cut, std::uint64_t{0});
}

void LimitsTest::neverEvictsABusyConnection()
{
    http::ServerOptions options;
    options.maxConnections = 2;
    TestServer server(options);
    server.start();
    Client first(server.port()), second(server.port(), "127.0.0.2");
    QVERIFY(first.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
    QVERIFY(second.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
    QVERIFY(eventually([&] { return server.hanging == 2; }));
    Client third(server.port(), "127.0.0.3");
    QVERIFY(third.closed());
    server.release = true;
    QCOMPARE(first.read().status, 200U);
    QCOMPARE(second.read().status, 200U);
    QVERIFY(eventually([&] {
        Client fourth(server.port(), "127.0.0.3");
        return fourth.ask(health).status == 200;
    }));
}

void LimitsTest::doesNotBoundTrustedProxies()
{
    http::ServerOptions options;
    options.maxConnectionsPerAddress = 2;
    options.trustedProxies = {"127.0.0.1"};
    TestServer server(options);
    server.start();
    std::deque<Client> clients;
    for (int i = 0; i < 10; ++i)
        QCOMPARE(clients.emplace_back(server.port()).ask(health).status, 200U);
    for (auto &client : clients)
        QCOMPARE(client.ask(health).status, 200U);
}

void LimitsTest::boundsAllConnections()
{
    http::ServerOptions options;
    options.maxConnections = 2;
    TestServer server(options);
    server.start();
    Client first(server.port());
    QCOMPARE(first.ask(health).status, 200U);
    Client second(server.port(), "127.0.0.2");
    QCOMPARE(second.ask(health).status, 200U);
    Client third(server.port(), "127.0.0.3");
    QVERIFY(first.closed());
    QCOMPARE(third.ask(health).status, 200U);
    QCOMPARE(second.ask(health).status, 200U);
    QVERIFY(eventually([&] { return server.server->counters().connections == 2; }));
}

void LimitsTest::finishesRequestsBeforeItStops()
{
    TestServer server;
    server.start();
    const auto port = server.port();
    Client idle(port);
    QCOMPARE(idle.ask(health).status, 200U);
    Client busy(port);
    QVERIFY(busy.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
    QVERIFY(eventually([&] { return server.hanging == 1; }));
    std::thread stopping([&] { server.server->stop(); });
    QVERIFY(idle.closed());
    server.release = true;
    const auto answer = busy.read();
    stopping.join();
    QCOMPARE(answer.status, 200U);
    QCOMPARE(answer.header("connection"), std::string("close"));
    QVERIFY(busy.closed());
    QVERIFY_EXCEPTION_THROWN(Client refused(port), std::runtime_error);
}

void LimitsTest::answersWhatDoesNotFinishBeforeItStops()
{
    http::ServerOptions options;
    options.drainTimeout = 50ms;
    TestServer server(options);
    server.start();
    Client busy(server.port());
    QVERIFY(busy.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
    QVERIFY(eventually([&] { return server.hanging == 1; }));
    std::thread stopping([&] { server.server->stop(); });
    const auto answer = busy.read();
    server.release = true;
    stopping.join();
    QCOMPARE(answer.status, 503U);
    QVERIFY(!answer.header("retry-after").empty());
    QVERIFY(eventually([&] { return server.hanging == 0; }));
}

void LimitsTest::stopsTwice()
{
    TestServer server;
    server.server->stop(); // never started
    TestServer other;
    other.start();
    other.server->stop();
    other.server->stop();
    QCOMPARE(other.server->counters().connections, std::size_t{0});
}

void LimitsTest::namesAPortInUse()
{
    TestServer first;
    first.start();
    http::ServerOptions options;
    options.port = first.port();
    SystemClock clock;
    http::Server second(first.runtime, first.router, first.admission, first.observer, clock, options);
    const auto started = second.start();
    QVERIFY(started.has_error());
    QCOMPARE(started.error().kind, ErrorKind::Unavailable);
    QVERIFY(started.error().message.find(std::to_string(first.port())) != std::string::npos);
    QVERIFY(!started.error().hint.empty());
}

void LimitsTest::refusesBadOptions()
{
    const auto kindOf = [](http::ServerOptions options) {
        TestServer server(std::move(options));
        return server.server->start().error().kind;
    };
    http::ServerOptions address;
    address.address = "somewhere";
    QCOMPARE(kindOf(address), ErrorKind::Invalid);
    http::ServerOptions foreign;
    foreign.address = "192.0.2.1";
    QCOMPARE(kindOf(foreign), ErrorKind::Unavailable);
    http::ServerOptions proxies;
    proxies.trustedProxies = {"nonsense"};
    QCOMPARE(kindOf(proxies), ErrorKind::Invalid);
    http::ServerOptions tls;
    tls.tlsCertificate = "/nonexistent.pem";
    QCOMPARE(kindOf(tls), ErrorKind::Invalid);
}

void LimitsTest::cutsOffAClientThatDoesNotRead()
{
    ManualClock clock;
    TestServer server({}, &clock);
    server.start();
    Client client(server.port(), "127.0.0.1", 4096);
    QVERIFY(client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
    QVERIFY(eventually([&] { return server.observer.seen().size() == 1; }));
    QVERIFY(eventually([&] {
        clock.advance(10s);
        return server.server->counters().connections == 0;
    }));
    QCOMPARE(server.server->counters().cut, std::uint64_t{1});
}

QTEST_GUILESS_MAIN(LimitsTest)
#include "limits_test.moc"
