// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/system_clock.h"
#include "core/showcase/exchanges.h"
#include "core/showcase/visitors.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <QElapsedTimer>
#include <QTest>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

using namespace portolan;
using namespace portolan::showcase;
using namespace std::chrono_literals;

namespace {

constexpr int patience = 10'000; ///< ms
/// What is at once on a busy machine, and well below a request's deadline.
constexpr qint64 atOnce = 2'000; ///< ms

bool readable(int socket)
{
    pollfd wanted{socket, POLLIN, 0};
    return poll(&wanted, 1, patience) == 1;
}

/// One connection that a visitor made.
class Peer
{
public:
    Peer(int socket, std::string address) : m_socket(socket), m_address(std::move(address)) {}
    Peer(Peer &&other) noexcept : m_socket(std::exchange(other.m_socket, -1)), m_address(std::move(other.m_address)) {}
    Peer &operator=(Peer &&) = delete;
    ~Peer()
    {
        if (m_socket >= 0)
            close(m_socket);
    }

    const std::string &address() const { return m_address; }

    /// The next request up to `end`; empty when none comes, or the connection is closed.
    std::string read(const std::string &end = "\r\n\r\n")
    {
        std::string text;
        char some[4096];
        while (text.find(end) == std::string::npos && readable(m_socket)) {
            const auto got = recv(m_socket, some, sizeof some, 0);
            if (got <= 0)
                return {};
            text.append(some, std::size_t(got));
        }
        return text;
    }
    void answer(const std::string &head, const std::string &body = {})
    {
        const std::string text =
            "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        if (send(m_socket, text.data(), text.size(), MSG_NOSIGNAL) != ssize_t(text.size()))
            qFatal("nobody takes the answer");
    }

private:
    int m_socket;
    std::string m_address;
};

/// A portal that does what the test says.
class Portal
{
public:
    Portal()
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(m_socket, reinterpret_cast<sockaddr *>(&address), size) != 0 || listen(m_socket, 16) != 0 ||
            getsockname(m_socket, reinterpret_cast<sockaddr *>(&address), &size) != 0)
            qFatal("no port");
        m_port = ntohs(address.sin_port);
    }
    ~Portal() { close(m_socket); }
    Portal(const Portal &) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(m_port); }
    Peer accept()
    {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        if (!readable(m_socket))
            qFatal("nobody came");
        const int socket = ::accept(m_socket, reinterpret_cast<sockaddr *>(&address), &size);
        char text[INET_ADDRSTRLEN] = {};
        inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
        return {socket, text};
    }

private:
    const int m_socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::uint16_t m_port = 0;
};

/// Waits for answers until there are so many.
std::vector<Exchanges::Answer> collect(Exchanges &exchanges, std::size_t count)
{
    std::vector<Exchanges::Answer> answers;
    QElapsedTimer passed;
    passed.start();
    while (answers.size() < count && passed.elapsed() < patience)
        for (auto &answer : exchanges.wait(1s))
            answers.push_back(std::move(answer));
    return answers;
}

} // namespace

/// Requests that are made at once by one thread, against a portal that answers as it likes.
class VisitorsTest final : public QObject
{
    Q_OBJECT
private slots:
    void sendsWhatAPageWouldSend();
    void severalAskAtOnce();
    void comeFromAddressesOfTheirOwn();
    void anAnswerIsReadInBounds();
    void aPortalThatIsNotThereGivesNoAnswer();
    void stoppingGivesUpWhatIsUnderWay();
    void stoppingWakesWhoeverSleeps();
    void theQueueIsAskedAndMayAnswerLate();
    void knowsWhereAddressesAreItsOwn_data();
    void knowsWhereAddressesAreItsOwn();

private:
    SystemClock m_clock;
};

void VisitorsTest::sendsWhatAPageWouldSend()
{
    const Step steps[] = {{.target = "/auth/csrf"},
                          {.kind = StepKind::Post, .target = "/start-analysis", .body = R"({"symbol":"AAPL"})"},
                          {.target = "/api/tasks/{task}"}};
    const Habit habits[] = {{.name = "analyses", .every = 1h, .steps = steps}};
    Portal portal;
    const Visitors visitors({.url = portal.url(), .sessions = {Secret("the-session")}, .habits = habits}, m_clock);
    Peer peer = portal.accept();
    const auto first = peer.read();
    QVERIFY2(first.starts_with("GET /auth/csrf HTTP/1.1\r\n"), first.c_str());
    QVERIFY(first.find("\r\nCookie: sid=the-session\r\n") != first.npos);
    QVERIFY(first.find("X-CSRF-Token") == first.npos);
    peer.answer("200 OK", R"({"csrf_token":"the-token"})");
    const auto second = peer.read("}"); // the same connection
    QVERIFY2(second.starts_with("POST /start-analysis HTTP/1.1\r\n"), second.c_str());
    QVERIFY(second.find("\r\nX-CSRF-Token: the-token\r\n") != second.npos);
    QVERIFY(second.find("\r\nContent-Type: application/json\r\n") != second.npos);
    QVERIFY(second.ends_with("\r\n\r\n{\"symbol\":\"AAPL\"}"));
    peer.answer("202 Accepted", R"({"task_id":"12-ab"})");
    QVERIFY(peer.read().starts_with("GET /api/tasks/12-ab HTTP/1.1\r\n"));
}

void VisitorsTest::severalAskAtOnce()
{
    const Step steps[] = {{.target = "/health"}};
    const std::vector<Habit> habits(8, {.name = "probes", .who = Who::Probe, .every = 1h, .steps = steps});
    Portal portal;
    const Visitors visitors({.url = portal.url(), .sessions = {}, .habits = habits}, m_clock);
    std::vector<Peer> peers;
    while (peers.size() < Bounds().atOnce) {
        peers.push_back(portal.accept());
        QVERIFY(peers.back().read().starts_with("GET /health "));
    }
    peers.front().answer("200 OK");
    QVERIFY(peers.front().read().starts_with("GET /health ")); // then the next may ask
}

void VisitorsTest::comeFromAddressesOfTheirOwn()
{
    const Step steps[] = {{.target = "/health"}};
    const Habit habits[] = {{.name = "visits", .every = 1h, .steps = steps},
                            {.name = "hurries", .who = Who::Hasty, .every = 1h, .steps = steps},
                            {.name = "guesses", .who = Who::Stranger, .every = 1h, .steps = steps},
                            {.name = "probes", .who = Who::Probe, .every = 1h, .steps = steps}};
    Portal portal;
    const Visitors visitors({.url = portal.url(), .sessions = {Secret("a"), Secret("b")}, .habits = habits}, m_clock);
    std::vector<Peer> peers;
    std::set<std::string> addresses;
    while (peers.size() < std::size(habits)) {
        peers.push_back(portal.accept());
        addresses.insert(peers.back().address());
    }
    QVERIFY((addresses == std::set<std::string>{"127.0.0.1", "127.0.0.10", "127.0.0.11", "127.0.0.12"}));
}

void VisitorsTest::anAnswerIsReadInBounds()
{
    Portal portal;
    std::vector<std::string> asked;
    std::jthread server([&] { // an exchange goes on only while it is waited for
        Peer peer = portal.accept();
        asked.push_back(peer.read());
        peer.answer("429 Too Many Requests\r\nRetry-After: 17", std::string(Exchanges::largestBody + 1000, 'x'));
        asked.push_back(peer.read()); // the connection was read to its end, and goes on
        peer.answer("204 No Content");
    });
    Exchanges exchanges;
    Exchanges::Request request;
    request.id = 7;
    request.url = portal.url() + "/";
    exchanges.start(request);
    const auto refused = collect(exchanges, 1);
    request.id = 8;
    exchanges.start(request);
    const auto done = collect(exchanges, 1);
    server.join();
    QCOMPARE(asked.size(), std::size_t(2));
    for (const auto &text : asked)
        QVERIFY(text.starts_with("GET / "));
    QCOMPARE(refused.size(), std::size_t(1));
    QCOMPARE(refused[0].id, std::uint64_t(7));
    QCOMPARE(refused[0].outcome.status, 429);
    QVERIFY(refused[0].outcome.retryAfter == 17s);
    QCOMPARE(refused[0].outcome.body.size(), Exchanges::largestBody);
    QCOMPARE(done.size(), std::size_t(1));
    QCOMPARE(done[0].id, std::uint64_t(8));
    QCOMPARE(done[0].outcome.status, 204);
    QVERIFY(!done[0].outcome.retryAfter && done[0].outcome.body.empty());
}

void VisitorsTest::aPortalThatIsNotThereGivesNoAnswer()
{
    const std::string gone = Portal().url();
    Exchanges exchanges;
    Exchanges::Request request;
    request.id = 1;
    request.url = gone + "/";
    exchanges.start(request);
    request.id = 2;
    request.url = "nonsense://";
    exchanges.start(request);
    const auto answers = collect(exchanges, 2);
    QCOMPARE(answers.size(), std::size_t(2));
    for (const auto &answer : answers)
        QCOMPARE(answer.outcome.status, 0);
}

void VisitorsTest::stoppingGivesUpWhatIsUnderWay()
{
    const Step steps[] = {{.target = "/health"}};
    const Habit habits[] = {{.name = "probes", .who = Who::Probe, .every = 1h, .steps = steps}};
    Portal portal;
    auto visitors =
        std::make_unique<Visitors>(Visitors::Options{.url = portal.url(), .sessions = {}, .habits = habits}, m_clock);
    Peer peer = portal.accept();
    QVERIFY(!peer.read().empty()); // and it is never answered
    QElapsedTimer passed;
    passed.start();
    visitors.reset();
    QVERIFY(passed.elapsed() < atOnce);
    QVERIFY(peer.read().empty()); // closed
}

void VisitorsTest::stoppingWakesWhoeverSleeps()
{
    const Step steps[] = {{.target = "/health"}};
    const Habit habits[] = {{.name = "probes", .who = Who::Probe, .first = 1h, .every = 1h, .steps = steps}};
    QElapsedTimer passed;
    passed.start();
    for (int i = 0; i < 5; ++i)
        const Visitors visitors({.url = "http://127.0.0.1:9", .sessions = {}, .habits = habits}, m_clock);
    QVERIFY(passed.elapsed() < atOnce);
}

void VisitorsTest::theQueueIsAskedAndMayAnswerLate()
{
    const Step steps[] = {{.kind = StepKind::Task, .target = "{symbol}", .paths = 100}, {.kind = StepKind::Keep}};
    const Habit habits[] = {{.name = "reports", .who = Who::Program, .every = 1h, .steps = steps}};
    std::mutex mutex;
    std::condition_variable came;
    std::vector<std::pair<Errand, Visitors::Told>> asked;
    const auto waitFor = [&](std::size_t count) {
        std::unique_lock lock(mutex);
        return came.wait_for(lock, std::chrono::milliseconds(patience), [&] { return asked.size() == count; });
    };
    Visitors::Options options{.url = "http://127.0.0.1:9", .sessions = {}, .habits = habits};
    options.queue = [&](Errand errand, Visitors::Told told) {
        const std::lock_guard lock(mutex);
        asked.emplace_back(std::move(errand), std::move(told));
        came.notify_all();
    };
    auto visitors = std::make_unique<Visitors>(std::move(options), m_clock);
    QVERIFY(waitFor(1));
    const auto told = asked[0].second;
    told({202, {}, {}}); // from another thread
    QVERIFY(waitFor(2));
    QVERIFY(asked[1].first.kind == StepKind::Keep);
    QVERIFY(asked[1].first.tasks == asked[0].first.tasks && asked[0].first.tasks.size() == 1);
    visitors.reset();
    asked[1].second({202, {}, {}}); // nobody is there to hear it
}

void VisitorsTest::knowsWhereAddressesAreItsOwn_data()
{
    QTest::addColumn<QString>("url");
    QTest::addColumn<bool>("own");
    QTest::newRow("loopback") << "http://127.0.0.1:8080" << true;
    QTest::newRow("another loopback") << "https://127.0.0.5:8080" << true;
    QTest::newRow("all addresses") << "http://0.0.0.0:8080" << true;
    QTest::newRow("one of the machine's") << "http://192.0.2.7:8080" << false;
    QTest::newRow("a name") << "http://localhost:8080" << false;
    QTest::newRow("IPv6") << "http://[::1]:8080" << false;
    QTest::newRow("a name that looks like it") << "http://127.example.com:8080" << false;
}

void VisitorsTest::knowsWhereAddressesAreItsOwn()
{
    QFETCH(QString, url);
    QTEST(hasOwnAddresses(url.toStdString()), "own");
}

QTEST_GUILESS_MAIN(VisitorsTest)
#include "visitors_test.moc"
