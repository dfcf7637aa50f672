// SPDX-License-Identifier: GPL-3.0-or-later
// Figures of real stacks, against what was asked of them: Django with django-prometheus in gunicorn, nginx with its
// exporter, a Prometheus server that reads them; and percentiles against Prometheus' own.

#include "core/stack/metrics/metrics_source.h"
#include "tests/fakes/raw_server.h"
#include "tests/fakes/redis_server_fixture.h"
#include "web_harness.h"

#include <QDir>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

using namespace portolan;
using namespace portolan::stack;
using namespace portolan::test;

namespace {

/// A server of somebody else's on a free port of loopback, which ends with this.
class Program final
{
public:
    Program(const QString &program, std::uint16_t port, const QStringList &arguments, const QString &folder = {})
        : m_port(port)
    {
        QString found = QStandardPaths::findExecutable(program);
        if (found.isEmpty())
            found = "/usr/sbin/" + program;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("PYTHONDONTWRITEBYTECODE", "1");
        m_process.setProcessEnvironment(environment);
        if (!folder.isEmpty())
            m_process.setWorkingDirectory(folder);
        m_process.setProcessChannelMode(QProcess::MergedChannels);
        m_process.start("setpriv", QStringList{"--pdeathsig", "TERM", found} + arguments);
        QElapsedTimer since;
        since.start();
        int there = -1;
        while ((there = connectedTo(port)) < 0) {
            if (since.elapsed() > 60'000 || m_process.state() == QProcess::NotRunning)
                throw std::runtime_error(program.toStdString() +
                                         " does not serve: " + m_process.readAll().toStdString());
            QTest::qWait(20);
        }
        ::close(there);
    }
    ~Program()
    {
        m_process.terminate();
        if (!m_process.waitForFinished(10'000))
            m_process.kill();
        m_process.waitForFinished(10'000);
    }
    std::uint16_t port() const { return m_port; }

private:
    const std::uint16_t m_port;
    QProcess m_process;
};

std::unique_ptr<Program> gunicorn(int workers)
{
    const auto port = RedisServerFixture::freePort();
    return std::make_unique<Program>("gunicorn", port,
                                     QStringList{"-w", QString::number(workers), "--threads", workers > 1 ? "1" : "4",
                                                 "--worker-tmp-dir", QDir::tempPath(), "-b",
                                                 QString("127.0.0.1:%1").arg(port), "django_site:application"},
                                     SOURCES);
}

void write(const QString &path, const QByteArray &text)
{
    QFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size())
        throw std::runtime_error("cannot write " + path.toStdString());
}

/// The status of an answer; 0: there was none.
int ask(std::uint16_t port, const std::string &target)
{
    const int socket = connectedTo(port);
    if (socket < 0)
        return 0;
    const timeval most{20, 0};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    const std::string head = "GET " + target + " HTTP/1.0\r\nHost: shop.example\r\n\r\n";
    std::string answer;
    char bytes[4096];
    if (::send(socket, head.data(), head.size(), MSG_NOSIGNAL) == ssize_t(head.size()))
        for (ssize_t got = 0; (got = ::recv(socket, bytes, sizeof bytes, 0)) > 0;)
            answer.append(bytes, std::size_t(got));
    ::close(socket);
    return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
}

MetricsPart partOf(std::uint16_t port, const std::string &map)
{
    MetricsPart part;
    part.url = urlOf(port, "/metrics");
    part.map = map;
    part.every = 1s;
    return part;
}

constexpr MetricsSource::Pace quick{100ms, 1h, 10s};

bool told(const Source &source) { return source.http() && source.http()->unknown == Unknown::No; }

/// What has been asked by now is on a page that came after it.
bool counts(const MetricsSource &source, std::uint64_t least)
{
    return becomes([&] { return told(source) && source.http()->traffic.requests >= least; });
}

} // namespace

class MetricsStacksTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsDjango();
    void refusesDjangoOfSeveralWorkers();
    void readsNginx();
    void readsAPrometheusServer();
    void agreesWithPrometheus();
};

void MetricsStacksTest::readsDjango()
{
    const auto site = gunicorn(1);
    QCOMPARE(ask(site->port(), "/put?key=k"), 200);
    QCOMPARE(ask(site->port(), "/broken"), 500);
    QCOMPARE(ask(site->port(), "/nowhere"), 404);
    QCOMPARE(ask(site->port(), "/page"), 200);
    Web web;
    MetricsSource source("metrics", partOf(site->port(), "django-prometheus"), web.means(), quick);
    source.start(web.executor());
    QVERIFY(becomes([&] { return told(source); }, 40s));

    for (int request = 0; request < 60; ++request)
        QCOMPARE(ask(site->port(), "/page?wait=0.03&key=k"), 200);
    for (int request = 0; request < 20; ++request)
        QCOMPARE(ask(site->port(), "/page?wait=0.12"), 200);
    for (int request = 0; request < 10; ++request)
        QCOMPARE(ask(site->port(), "/broken"), 500);
    for (int request = 0; request < 5; ++request)
        QCOMPARE(ask(site->port(), "/nowhere"), 404);
    const auto ofPage = [&] {
        const auto http = source.http();
        if (!http)
            return std::uint64_t{0};
        const auto found = std::ranges::find(http->routes, "page", &RouteFigures::route);
        return found == http->routes.end() ? std::uint64_t{0} : found->traffic.requests;
    };
    QVERIFY(becomes([&] { return ofPage() >= 80 && source.http()->traffic.notFound >= 5; }));
    const auto figures = source.traffic();
    const auto &traffic = figures.http.traffic;
    QCOMPARE(ofPage(), 80u);
    QCOMPARE(traffic.errors, 10u);
    QCOMPARE(traffic.notFound, 5u);
    const auto scrapes = std::ranges::find(figures.http.routes, "prometheus-django-metrics", &RouteFigures::route);
    QVERIFY(scrapes != figures.http.routes.end());
    QCOMPARE(traffic.requests, 95 + scrapes->traffic.requests);
    QVERIFY(std::abs(*figures.http.errorRate - 10.0 / double(traffic.requests)) < 1e-9);
    QVERIFY(std::abs(*figures.cacheHits - 0.75) < 1e-9);
    const auto page = std::ranges::find(figures.http.routes, "page", &RouteFigures::route);
    QVERIFY2(*page->traffic.p50 >= 0.025 && *page->traffic.p50 <= 0.075, std::to_string(*page->traffic.p50).c_str());
    QVERIFY2(*page->traffic.p95 >= 0.1 && *page->traffic.p95 <= 0.5, std::to_string(*page->traffic.p95).c_str());
    QVERIFY(figures.p95 && figures.p95->width());
    QVERIFY(figures.notTold.empty());
}

/// Whichever of them answers, what it counts is a part: nothing of it is told, at no time.
void MetricsStacksTest::refusesDjangoOfSeveralWorkers()
{
    const auto site = gunicorn(3);
    for (int request = 0; request < 30; ++request)
        QCOMPARE(ask(site->port(), "/page"), 200);
    Web web;
    MetricsSource source("metrics", partOf(site->port(), "django-prometheus"), web.means(), quick);
    source.start(web.executor());
    bool everTold = false;
    QVERIFY(becomes(
        [&] {
            everTold = everTold || told(source);
            return source.figures().state == SourceState::Refused;
        },
        60s));
    QVERIFY(!everTold);
    QCOMPARE(source.figures().code, std::string("metrics-processes"));
    QCOMPARE(source.figures().mend, std::string("PROMETHEUS_MULTIPROC_DIR"));
    QCOMPARE(source.http()->unknown, Unknown::NotTold);
}

void MetricsStacksTest::readsNginx()
{
    QTemporaryDir folder;
    const auto number = [](std::uint16_t port) { return QByteArray::number(port); };
    const auto port = RedisServerFixture::freePort();
    const QByteArray where = folder.path().toUtf8();
    QByteArray text = "daemon off; master_process off; pid " + where + "/pid; error_log " + where +
                      "/log;\nevents { worker_connections 64; }\nhttp {\naccess_log off;\n";
    for (const char *kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        text += QByteArray(kind) + "_temp_path " + where + "/" + kind + ";\n";
    text += "server {\nlisten 127.0.0.1:" + number(port) +
            ";\nlocation = /stub { stub_status; }\nlocation / { return 200 ok; }\n}\n}\n";
    write(folder.filePath("nginx.conf"), text);
    const Program nginx("nginx", port,
                        {"-p", folder.path(), "-c", folder.filePath("nginx.conf"), "-e", folder.filePath("log")});
    const auto own = RedisServerFixture::freePort();
    const Program exporter("prometheus-nginx-exporter", own,
                           {"-web.listen-address", QString("127.0.0.1:%1").arg(own), "-nginx.scrape-uri",
                            QString("http://127.0.0.1:%1/stub").arg(port)});
    Web web;
    MetricsSource source("metrics", partOf(own, "nginx-exporter"), web.means(), quick);
    source.start(web.executor());
    QVERIFY(becomes([&] { return told(source); }));
    const auto before = source.http()->traffic.requests;
    for (int request = 0; request < 200; ++request)
        QCOMPARE(ask(port, "/"), 200);
    QVERIFY(counts(source, before + 200));
    const auto http = *source.http();
    QVERIFY2(http.traffic.requests <= before + 200 + 60, std::to_string(http.traffic.requests).c_str()); // and scrapes
    QVERIFY(http.connections && *http.connections >= 1);
    QVERIFY(!http.errorRate && !http.traffic.p50 && !http.traffic.p95 && !http.traffic.p99);
    const auto notTold = source.notTold();
    for (const char *reason : {untold_traffic::noStatus, untold_traffic::noTimes})
        QVERIFY2(std::ranges::find(notTold, reason, &NotTold::reason) != notTold.end(), reason);
}

void MetricsStacksTest::readsAPrometheusServer()
{
    const auto site = gunicorn(1);
    QCOMPARE(ask(site->port(), "/page"), 200);
    QTemporaryDir folder;
    write(folder.filePath("prometheus.yml"), "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
                                             "- job_name: shop\n  static_configs: [{targets: ['127.0.0.1:" +
                                                 QByteArray::number(site->port()) + "']}]\n");
    const auto port = RedisServerFixture::freePort();
    const Program prometheus("prometheus", port,
                             {"--config.file=" + folder.filePath("prometheus.yml"),
                              "--storage.tsdb.path=" + folder.filePath("data"),
                              QString("--web.listen-address=127.0.0.1:%1").arg(port), "--log.level=error"});
    auto part = partOf(port, "django-prometheus");
    part.url = urlOf(port, "/");
    part.server = true;
    part.match = "{job=\"shop\"}";
    Web web;
    MetricsSource source("metrics", part, web.means(), quick);
    source.start(web.executor());
    QVERIFY(becomes([&] { return told(source); }, 60s));
    for (int request = 0; request < 50; ++request)
        QCOMPARE(ask(site->port(), "/page?wait=0.01"), 200);
    const auto ofPage = [&] {
        const auto http = source.http();
        const auto found = std::ranges::find(http->routes, "page", &RouteFigures::route);
        return found == http->routes.end() ? std::uint64_t{0} : found->traffic.requests;
    };
    QVERIFY(becomes([&] { return ofPage() >= 50; }));
    QCOMPARE(ofPage(), 50u);
    QVERIFY(source.http()->traffic.p50 && *source.http()->traffic.p50 > 0);
    QCOMPARE(source.figures().state, SourceState::Live);

    PageRequest request{web.executor(),
                        web.means().dialer,
                        nullptr,
                        net::parseHttpUrl(part.url).value(),
                        {},
                        std::make_shared<const SeriesMaps>(seriesMapsOf(part)),
                        10s};
    const auto page =
        runSync<Result<MetricsPage>>(web.executor(), [&] { return readServer(request, part.match, ServerWay::Query); });
    QVERIFY2(page.has_value(), page ? "" : inWords(page.error()).c_str());
    QVERIFY(page->samples.size() > 20 && page->far);
    const auto requests = request.maps->front().requestsName();
    const auto one = std::ranges::find(page->samples, requests, &telemetry::PrometheusSample::name);
    QVERIFY(one != page->samples.end() && one->time);
    QVERIFY(*one->time <= *page->far && *one->time > *page->far - 30);
}

/// promtool finds what histogram_quantile() makes of the same buckets.
void MetricsStacksTest::agreesWithPrometheus()
{
    constexpr double inf = std::numeric_limits<double>::infinity();
    const Buckets cases[] = {
        {{0.1, 50}, {0.2, 75}, {0.4, 100}, {inf, 100}},
        {{0.1, 50}, {inf, 100}},
        {{0.1, 0}, {0.2, 0}, {0.4, 10}, {inf, 10}},
        {{0.005, 3}, {0.01, 5}, {0.025, 37}, {0.05, 37}, {0.075, 45}, {0.1, 45}, {0.25, 47}, {inf, 47}},
        {{0.1, 60}, {0.2, 40}, {0.4, 100}, {inf, 100}},
        {{-1, 10}, {1, 10}, {inf, 10}},
        {{1, 1}, {2, 1'000'000}, {4, 1'000'003}, {inf, 1'000'004}},
    };
    QByteArray series, wanted;
    for (std::size_t at = 0; at < std::size(cases); ++at) {
        for (const auto &[bound, count] : cases[at])
            series += "    - series: took_bucket{case=\"" + QByteArray::number(int(at)) + "\",le=\"" +
                      (std::isinf(bound) ? QByteArray("+Inf") : QByteArray::number(bound)) +
                      "\"}\n      values: " + QByteArray::number(count, 'f', 0) + "\n";
        for (const double rank : {0.1, 0.5, 0.8, 0.95, 0.99, 1.0})
            wanted += "    - expr: round(histogram_quantile(" + QByteArray::number(rank) + ", took_bucket{case=\"" +
                      QByteArray::number(int(at)) +
                      "\"}), 0.000001)\n      eval_time: 0m\n      exp_samples:\n      - labels: '{case=\"" +
                      QByteArray::number(int(at)) + "\"}'\n        value: " +
                      QByteArray::number(std::round(percentileOf(cases[at], rank)->value * 1e6) / 1e6, 'g', 15) + "\n";
    }
    QTemporaryDir folder;
    write(folder.filePath("test.yml"), "evaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n" + series +
                                           "  promql_expr_test:\n" + wanted);
    QProcess promtool;
    promtool.setProcessChannelMode(QProcess::MergedChannels);
    promtool.start("promtool", {"test", "rules", folder.filePath("test.yml")});
    QVERIFY2(promtool.waitForFinished(60'000), "no promtool");
    QVERIFY2(promtool.exitStatus() == QProcess::NormalExit && promtool.exitCode() == 0, promtool.readAll());
}

QTEST_GUILESS_MAIN(MetricsStacksTest)
#include "metrics_stacks_test.moc"
