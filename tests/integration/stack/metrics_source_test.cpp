// SPDX-License-Identifier: GPL-3.0-or-later
// The source of metrics against servers that behave badly, byte for byte.

#include "core/stack/metrics/metrics_source.h"
#include "tests/fakes/raw_server.h"
#include "web_harness.h"

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::stack;
using namespace portolan::test;

namespace {

MetricsPart partOf(const std::string &url)
{
    MetricsPart part;
    part.url = url;
    part.map = "own";
    part.maps["own"].requests = "requests_total";
    part.maps["own"].status = "status";
    part.every = 20ms;
    return part;
}

constexpr MetricsSource::Pace quick{5ms, 1h, 2s};

std::string answer(const std::string &body, const std::string &head = "200 OK")
{
    return "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string counted(std::uint64_t requests)
{
    return "requests_total{status=\"200\"} " + std::to_string(requests) + '\n';
}

/// A page whose counter has grown by 100 each time.
RawServer::Script growing(std::atomic<std::uint64_t> &requests)
{
    return [&requests](RawConnection &connection, int) {
        connection.request();
        connection.write(answer(counted(requests += 100)));
    };
}

} // namespace

class MetricsSourceTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsAPage();
    void asksEachTimeAnew();
    void signsIn_data();
    void signsIn();
    void endsABadPage_data();
    void endsABadPage();
    void recovers();
    void triesNoSecretAgainAndAgain();
    void takesARenewedSecret();
    void doesNotSignInWhereItIsSentTo();
    void refusesWorkersThatTakeTurns();
    void stopsWhateverItWaitsFor_data();
    void stopsWhateverItWaitsFor();
    void asksAServer();
    void asksAServerThatLetsNobodyFederate();
};

void MetricsSourceTest::readsAPage()
{
    std::atomic<std::uint64_t> requests{0};
    RawServer server(growing(requests));
    Web web;
    MetricsSource source("metrics", partOf(urlOf(server.port(), "/metrics")), web.means(), quick);
    QCOMPARE(source.figures().state, SourceState::Off);
    QVERIFY(!source.http());
    source.start(web.executor());
    QVERIFY(becomes([&] { return source.http() && source.http()->unknown == Unknown::No; }));
    QCOMPARE(source.figures().state, SourceState::Live);
    QCOMPARE(source.figures().name, std::string("metrics"));
    QVERIFY(source.figures().code.empty());
    QVERIFY(source.figures().latency && source.figures().age && source.figures().bytesPerSecond);
    QCOMPARE(source.http()->traffic.requests % 100, 0u);
    QCOMPARE(source.http()->errorRate, std::optional(0.0));
    QCOMPARE(source.notTold().size(), std::size_t{1}); // how long they took
    source.stop();
    QCOMPARE(source.figures().state, SourceState::Off);
    QVERIFY(!source.http());
    source.stop();
}

/// A connection that is kept would lead to the same of several workers each time.
void MetricsSourceTest::asksEachTimeAnew()
{
    std::atomic<std::uint64_t> requests{0};
    RawServer server([&](RawConnection &connection, int) {
        for (;;) {
            if (connection.request().empty())
                return;
            connection.write(answer(counted(requests += 100)));
        }
    });
    Web web;
    MetricsSource source("metrics", partOf(urlOf(server.port(), "/metrics")), web.means(), quick);
    source.start(web.executor());
    QVERIFY(becomes([&] { return server.connections() > 12; }));
    QVERIFY(requests <= 100u * std::uint64_t(server.connections()));
}

void MetricsSourceTest::signsIn_data()
{
    QTest::addColumn<bool>("token");
    QTest::addColumn<QByteArray>("header");
    QTest::newRow("a token") << true << QByteArray("\r\nAuthorization: Bearer s3cr3t\r\n");
    QTest::newRow("a password") << false << QByteArray("\r\nAuthorization: Basic YW5uOnMzY3IzdA==\r\n");
}

void MetricsSourceTest::signsIn()
{
    QFETCH(bool, token);
    QFETCH(QByteArray, header);
    std::atomic<bool> signedIn{false};
    RawServer server([&](RawConnection &connection, int) {
        const std::string head = connection.request();
        signedIn = head.find(header.toStdString()) != std::string::npos;
        connection.write(answer(counted(1)));
    });
    Web web;
    auto part = partOf(urlOf(server.port(), "/metrics"));
    if (token) {
        part.token = web.secret("WORD", "s3cr3t");
    } else {
        part.user = "ann";
        part.password = web.secret("WORD", "s3cr3t");
    }
    MetricsSource source("metrics", part, web.means(), quick);
    source.start(web.executor());
    QVERIFY(isIn(source, SourceState::Live));
    QVERIFY(signedIn);
}

void MetricsSourceTest::endsABadPage_data()
{
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("code");
    QTest::newRow("50 MB") << "large"
                           << "metrics-too-large";
    QTest::newRow("never ends") << "endless"
                                << "metrics-too-large";
    QTest::newRow("never ends, slowly") << "drip"
                                        << "http-timeout";
    QTest::newRow("says nothing") << "silent"
                                  << "http-timeout";
    QTest::newRow("100,001 lines") << "lines"
                                   << "metrics-too-large";
    QTest::newRow("5,001 series") << "series"
                                  << "metrics-too-large";
    QTest::newRow("one long line") << "line"
                                   << "metrics-too-large";
    QTest::newRow("another page") << "html"
                                  << "metrics-malformed";
    QTest::newRow("not there") << "404"
                               << "metrics-status";
    QTest::newRow("broken") << "500"
                            << "metrics-status";
    QTest::newRow("not for us") << "401"
                                << "metrics-refused";
    QTest::newRow("cut short") << "cut"
                               << "http-malformed";
    QTest::newRow("compressed") << "gzip"
                                << "http-encoding";
    QTest::newRow("no HTTP") << "smtp"
                             << "http-malformed";
    QTest::newRow("elsewhere for ever") << "loop"
                                        << "metrics-status";
}

void MetricsSourceTest::endsABadPage()
{
    QFETCH(QString, kind);
    QFETCH(QString, code);
    const auto script = [&](RawConnection &connection, int) {
        connection.request();
        const std::string start = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
        const std::string comment = "# " + std::string(1000, 'x') + '\n';
        std::string body;
        if (kind == "large" || kind == "endless") {
            connection.write(start + (kind == "large" ? "Content-Length: 52428800\r\n\r\n" : "\r\n"));
            for (int line = 0; line < (kind == "large" ? 52'000 : 1'000'000); ++line)
                if (!connection.write(comment))
                    return;
        } else if (kind == "drip") {
            connection.write(start + "\r\n# ");
            connection.waitForEnd();
        } else if (kind == "silent") {
            connection.waitForEnd();
        } else if (kind == "lines") {
            connection.write(answer(std::string(100'001, '\n')));
        } else if (kind == "series") {
            for (int series = 0; series <= 5'000; ++series)
                body += "requests_total{path=\"/" + std::to_string(series) + "\"} 1\n";
            connection.write(answer(body));
        } else if (kind == "line") {
            connection.write(answer("# " + std::string(70'000, 'x')));
        } else if (kind == "html") {
            connection.write(answer("<!DOCTYPE html>\n<p>Sign in, please.\n"));
        } else if (kind == "404" || kind == "500" || kind == "401") {
            connection.write(answer("no", kind.toStdString() + " So"));
        } else if (kind == "cut") {
            connection.write(start + "Content-Length: 1000\r\n\r\n" + counted(1));
        } else if (kind == "gzip") {
            connection.write(start + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc");
        } else if (kind == "smtp") {
            connection.write("220 mail.example ESMTP\r\n");
        } else {
            connection.write(answer("", "302 Found\r\nLocation: /metrics"));
        }
    };
    RawServer server(script);
    Web web;
    const MetricsSource::Pace pace{5ms, 1h, kind == "drip" || kind == "silent" ? 300ms : 10'000ms};
    MetricsSource source("metrics", partOf(urlOf(server.port(), "/metrics")), web.means(), pace);
    source.start(web.executor());
    QVERIFY(isIn(source, kind == "401" ? SourceState::Refused : SourceState::Failing));
    const auto figures = source.figures();
    QCOMPARE(QString::fromStdString(figures.code), code);
    QVERIFY2(figures.about.find("shop.example") != std::string::npos, figures.about.c_str());
    if (kind == "404" || kind == "500" || kind == "401")
        QCOMPARE(QString::fromStdString(figures.told), kind);
    QVERIFY(!source.http());
}

void MetricsSourceTest::recovers()
{
    std::atomic<std::uint64_t> requests{0};
    std::atomic<bool> broken{true};
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        connection.write(broken ? answer("no", "503 So") : answer(counted(requests += 100)));
    });
    Web web;
    MetricsSource source("metrics", partOf(urlOf(server.port(), "/metrics")), web.means(), quick);
    source.start(web.executor());
    QVERIFY(isIn(source, SourceState::Failing));
    broken = false;
    QVERIFY(isIn(source, SourceState::Live));
    QVERIFY(source.figures().code.empty());
    QVERIFY(becomes([&] { return source.http() && source.http()->unknown == Unknown::No; }));
    broken = true;
    QVERIFY(isIn(source, SourceState::Failing));
    QVERIFY(source.figures().age); // of the last that was one
}

/// Whoever guesses passwords is locked out, and so would be whoever repeats a wrong one.
void MetricsSourceTest::triesNoSecretAgainAndAgain()
{
    RawServer server([](RawConnection &connection, int) {
        connection.request();
        connection.write(answer("no", "401 Unauthorized"));
    });
    Web web;
    auto part = partOf(urlOf(server.port(), "/metrics"));
    part.token = web.secret("WORD", "wrong");
    MetricsSource source("metrics", part, web.means(), quick);
    source.start(web.executor());
    QVERIFY(becomes([&] { return server.connections() == 2; }));
    QVERIFY(isIn(source, SourceState::Refused));
    QTest::qWait(20 * int(part.every.count())); // in which it would have tried twenty times more
    QCOMPARE(server.connections(), 2);
    QCOMPARE(source.figures().code, std::string("metrics-refused"));
}

void MetricsSourceTest::takesARenewedSecret()
{
    Web web;
    auto part = partOf("");
    part.token = web.secret("WORD", "old");
    RawServer server([&](RawConnection &connection, int) {
        const bool good = connection.request().find("Bearer new\r\n") != std::string::npos;
        if (!good)
            web.secret("WORD", "new");
        connection.write(good ? answer(counted(1)) : answer("no", "401 Unauthorized"));
    });
    part.url = urlOf(server.port(), "/metrics");
    MetricsSource source("metrics", part, web.means(), quick);
    source.start(web.executor());
    QVERIFY(isIn(source, SourceState::Live));
}

void MetricsSourceTest::doesNotSignInWhereItIsSentTo()
{
    std::atomic<int> told{-1};
    RawServer other([&](RawConnection &connection, int) {
        told = connection.request().find("Authorization") != std::string::npos ? 1 : 0;
        connection.write(answer(counted(1)));
    });
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        connection.write(answer("", "307 There\r\nLocation: " + urlOf(other.port(), "/metrics")));
    });
    Web web;
    auto part = partOf(urlOf(server.port(), "/metrics"));
    part.token = web.secret("WORD", "s3cr3t");
    MetricsSource source("metrics", part, web.means(), quick);
    source.start(web.executor());
    QVERIFY(isIn(source, SourceState::Live));
    QCOMPARE(told.load(), 0);
}

void MetricsSourceTest::refusesWorkersThatTakeTurns()
{
    std::atomic<bool> together{false};
    std::atomic<std::uint64_t> requests{10'000};
    RawServer server([&](RawConnection &connection, int number) {
        connection.request();
        const std::string begun = "process_start_time_seconds " + std::to_string(5000 + number % 2) + '\n';
        connection.write(answer(together ? counted(requests += 100) : counted(100 + std::uint64_t(number)) + begun));
    });
    Web web;
    MetricsSource source("metrics", partOf(urlOf(server.port(), "/metrics")), web.means(), quick);
    source.start(web.executor());
    QVERIFY(isIn(source, SourceState::Refused));
    const auto figures = source.figures();
    QCOMPARE(figures.code, std::string("metrics-processes"));
    QCOMPARE(figures.mend, std::string("PROMETHEUS_MULTIPROC_DIR"));
    QCOMPARE(source.http()->unknown, Unknown::NotTold);
    QCOMPARE(source.http()->traffic, TrafficFigures());
    QCOMPARE(source.notTold().front().reason, std::string(untold_traffic::processes));
    together = true;
    QVERIFY(isIn(source, SourceState::Live));
}

void MetricsSourceTest::stopsWhateverItWaitsFor_data()
{
    QTest::addColumn<QString>("waits");
    QTest::newRow("a connection") << "dial";
    QTest::newRow("an answer") << "answer";
    QTest::newRow("the next turn") << "turn";
    QTest::newRow("nothing, for it was not started") << "none";
}

void MetricsSourceTest::stopsWhateverItWaitsFor()
{
    QFETCH(QString, waits);
    std::atomic<int> asked{0};
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        ++asked;
        if (waits == "turn")
            connection.write(answer(counted(1)));
        else
            connection.waitForEnd();
    });
    const auto held = std::make_shared<HeldWay>();
    Web web(waits == "dial" ? std::shared_ptr<Dialer>(held) : loopbackWay());
    auto part = partOf(urlOf(server.port(), "/metrics"));
    part.every = 1h;
    auto source = std::make_unique<MetricsSource>("metrics", part, web.means(), MetricsSource::Pace{1h, 1h, 1h});
    if (waits != "none")
        source->start(web.executor());
    if (waits == "dial")
        QVERIFY(becomes([&] { return held->dialing() == 1; }));
    else if (waits == "turn")
        QVERIFY(isIn(*source, SourceState::Live));
    else if (waits == "answer")
        QVERIFY(becomes([&] { return asked == 1; }));
    QElapsedTimer took;
    took.start();
    source->stop();
    QVERIFY2(took.elapsed() < 5'000, "it waited for what an hour was given to");
    QCOMPARE(source->figures().state, SourceState::Off);
    source.reset();
}

void MetricsSourceTest::asksAServer()
{
    std::atomic<std::uint64_t> asked{0};
    std::string target;
    std::mutex mutex;
    RawServer server([&](RawConnection &connection, int) {
        const std::string head = connection.request();
        {
            const std::lock_guard lock(mutex);
            target = head.substr(0, head.find(" HTTP"));
        }
        const std::uint64_t count = ++asked;
        connection.write(answer("# TYPE requests_total untyped\nrequests_total{status=\"200\",instance=\"a\"} " +
                                std::to_string(100 * count) + ' ' + std::to_string(1'700'000'000'000 + 1000 * count) +
                                '\n'));
    });
    Web web;
    auto part = partOf(urlOf(server.port(), "/prometheus/"));
    part.server = true;
    part.match = "{job=\"shop\"}";
    MetricsSource source("metrics", part, web.means(), quick);
    source.start(web.executor());
    QVERIFY(becomes([&] { return source.http() && source.http()->unknown == Unknown::No; }));
    QCOMPARE(source.http()->traffic.perSecond, 100.0); // by the server's own times
    const std::lock_guard lock(mutex);
    QCOMPARE(target, std::string("GET /prometheus/federate?match%5B%5D=%7Bjob%3D%22shop%22%2C__name__%3D~%22"
                                 "requests_total%22%7D"));
}

void MetricsSourceTest::asksAServerThatLetsNobodyFederate()
{
    std::atomic<std::uint64_t> asked{0};
    std::atomic<int> federated{0};
    RawServer server([&](RawConnection &connection, int) {
        for (;;) {
            const std::string head = connection.request();
            if (head.empty())
                return;
            if (head.starts_with("GET /federate?")) {
                ++federated;
                connection.write(answer("no", "403 Forbidden"));
                continue;
            }
            const bool time = head.find("timestamp") != std::string::npos;
            const std::uint64_t count = time ? ++asked : asked.load();
            const std::string now = std::to_string(1'700'000'000 + count);
            const std::string series = time ? R"({"status":"200"})" : R"({"__name__":"requests_total","status":"200"})";
            const std::string value = time ? now : std::to_string(100 * count);
            connection.write(answer(R"({"status":"success","data":{"resultType":"vector","result":[{"metric":)" +
                                    series + R"(,"value":[)" + now + ".5,\"" + value + "\"]}]}}"));
        }
    });
    Web web;
    auto part = partOf(urlOf(server.port(), "/"));
    part.server = true;
    part.match = "{job=\"shop\"}";
    MetricsSource source("metrics", part, web.means(), quick);
    source.start(web.executor());
    QVERIFY(becomes([&] { return source.http() && source.http()->unknown == Unknown::No; }));
    QCOMPARE(source.http()->traffic.perSecond, 100.0);
    QVERIFY(becomes([&] { return asked >= 10; }));
    QCOMPARE(federated.load(), 1);
}

QTEST_GUILESS_MAIN(MetricsSourceTest)
#include "metrics_source_test.moc"
