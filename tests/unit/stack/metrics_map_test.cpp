// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/prometheus_server.h"
#include "core/stack/metrics/series_map.h"

#include <QRegularExpression>
#include <QTest>
#include <algorithm>
#include <cmath>

using namespace portolan;
using namespace portolan::stack;

class MetricsMapTest final : public QObject
{
    Q_OBJECT
private slots:
    void everyReadyMapIsThere();
    void prefersTheFilesOwn();
    void wantsWhatItNamesAlone_data();
    void wantsWhatItNamesAlone();
    void asksAServerForItsNames_data();
    void asksAServerForItsNames();
    void readsAServersAnswer();
    void refusesAnAnswerOfAnotherKind_data();
    void refusesAnAnswerOfAnotherKind();
    void readsDates_data();
    void readsDates();
};

void MetricsMapTest::everyReadyMapIsThere()
{
    QVERIFY(!readyMaps().empty());
    for (const auto &name : readyMaps()) {
        const auto maps = readyMap(name);
        QVERIFY2(!maps.empty(), name.c_str());
        for (const SeriesMap &map : maps)
            QVERIFY2(!map.requestsName().empty(), name.c_str());
    }
    QVERIFY(readyMap("django").empty());
}

void MetricsMapTest::prefersTheFilesOwn()
{
    MetricsPart part;
    part.map = "statsd";
    QCOMPARE(seriesMapsOf(part), readyMap("statsd"));
    part.maps["statsd"].requests = "own_total";
    QCOMPARE(seriesMapsOf(part).size(), std::size_t{1});
    QCOMPARE(seriesMapsOf(part).front().names.requests, std::string("own_total"));
}

void MetricsMapTest::wantsWhatItNamesAlone_data()
{
    QTest::addColumn<QString>("map");
    QTest::addColumn<QString>("name");
    QTest::addColumn<bool>("wanted");
    const auto row = [](const char *map, const char *name, bool wanted) {
        QTest::addRow("%s: %s", map, name) << map << name << wanted;
    };
    row("django-prometheus", "django_http_responses_total_by_status_view_method_total", true);
    row("django-prometheus", "django_http_responses_total_by_status_view_method_created", false);
    row("django-prometheus", "django_http_requests_latency_seconds_by_view_method_bucket", true);
    row("django-prometheus", "django_http_requests_latency_seconds_by_view_method_count", true);
    row("django-prometheus", "django_http_requests_latency_seconds_by_view_method_sum", false);
    row("django-prometheus", "process_start_time_seconds", true);
    row("django-prometheus", "process_cpu_seconds_total", false);
    row("nginx-exporter", "nginx_connections_active", true);
    row("nginx-exporter", "nginx_connections_accepted", false);
    row("nginx-exporter", "_bucket", false);
    row("nginx-exporter", "_count", false);
    row("statsd", "gunicorn_request_status_503", true);
    row("statsd", "gunicorn_request_status_5030", false);
    row("statsd", "gunicorn_request_status_xyz", false);
    row("statsd", "gunicorn_request_duration", true);
    row("statsd", "gunicorn_request_duration_sum", false);
}

/// And the pattern that a server is sent says the same.
void MetricsMapTest::wantsWhatItNamesAlone()
{
    QFETCH(QString, map);
    QFETCH(QString, name);
    QFETCH(bool, wanted);
    const auto maps = readyMap(map.toStdString());
    QCOMPARE(wants(maps, name.toStdString()), wanted);
    const bool told = std::ranges::any_of(maps, [&](const SeriesMap &one) {
        return QRegularExpression(QRegularExpression::anchoredPattern(QString::fromStdString(one.pattern())))
            .match(name)
            .hasMatch();
    });
    QCOMPARE(told, wanted && name != "process_start_time_seconds");
}

void MetricsMapTest::asksAServerForItsNames_data()
{
    QTest::addColumn<QString>("match");
    QTest::addColumn<QString>("selector");
    const QString names = R"(__name__=~"nginx_http_requests_total|nginx_connections_active"})";
    QTest::newRow("a label") << R"({job="shop"})"
                             << R"({job="shop",)" + names;
    QTest::newRow("blanks") << R"({ job="shop", } )"
                            << R"({ job="shop",)" + names;
    QTest::newRow("none") << "{}"
                          << "{" + names;
    QTest::newRow("a name") << "nginx_http_requests_total"
                            << "nginx_http_requests_total";
    QTest::newRow("a name and a label") << R"(up{job="shop"})"
                                        << R"(up{job="shop"})";
    QTest::newRow("a brace in a value") << R"({job="a}b"})"
                                        << R"({job="a}b",)" + names;
}

void MetricsMapTest::asksAServerForItsNames()
{
    QFETCH(QString, match);
    QFETCH(QString, selector);
    QCOMPARE(QString::fromStdString(selectorOf(match.toStdString(), readyMap("nginx-exporter"))), selector);
}

void MetricsMapTest::readsAServersAnswer()
{
    const std::string body = R"({"status":"success","warnings":["x"],"data":{"resultType":"vector","result":[
{"metric":{"__name__":"nginx_http_requests_total","instance":"a:9113"},"value":[1700000000.5,"1234"]},
{"metric":{"__name__":"nginx_connections_active"},"value":[1700000000.5,"NaN"]},
{"metric":{"__name__":"up"},"value":[1700000000.5,"1"]}]}})";
    const auto page = readQueryAnswer(body, readyMap("nginx-exporter"));
    QVERIFY(page.has_value());
    QVERIFY(page->server);
    QCOMPARE(page->samples.size(), std::size_t{2}); // nobody asked for "up"
    QCOMPARE(page->samples[0].name, std::string("nginx_http_requests_total"));
    QCOMPARE(page->samples[0].label("instance"), std::string_view("a:9113"));
    QCOMPARE(page->samples[0].value, 1234.0);
    QVERIFY(std::isnan(page->samples[1].value));
}

void MetricsMapTest::refusesAnAnswerOfAnotherKind_data()
{
    QTest::addColumn<QByteArray>("body");
    QTest::newRow("nothing") << QByteArray();
    QTest::newRow("no JSON") << QByteArray("<html>");
    QTest::newRow("cut") << QByteArray(R"({"status":"success","data":{"result":[)");
    QTest::newRow("another JSON") << QByteArray(R"({"a":1})");
    QTest::newRow("an error") << QByteArray(R"({"status":"error","errorType":"bad_data","error":"secret"})");
    QTest::newRow("no value") << QByteArray(
        R"({"status":"success","data":{"result":[{"metric":{"__name__":"nginx_connections_active"},"value":[]}]}})");
    QTest::newRow("a word") << QByteArray(
        R"({"status":"success","data":{"result":[{"metric":{"__name__":"nginx_connections_active"},"value":[1,"x"]}]}})");
}

void MetricsMapTest::refusesAnAnswerOfAnotherKind()
{
    QFETCH(QByteArray, body);
    const auto page = readQueryAnswer(body.toStdString(), readyMap("nginx-exporter"));
    QVERIFY(page.has_error());
    QCOMPARE(page.error().code, std::string("metrics-malformed"));
    QVERIFY(inWords(page.error()).find("secret") == std::string::npos);
}

void MetricsMapTest::readsDates_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<double>("seconds");
    QTest::newRow("RFC 9110's own") << "Sun, 06 Nov 1994 08:49:37 GMT" << 784111777.0;
    QTest::newRow("a leap day") << "Thu, 29 Feb 2024 23:59:60 GMT" << 1709251200.0;
    for (const char *bad :
         {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT",
          "Sun, 06 Xyz 1994 08:49:37 GMT", "Sun, 06 Nov 1994 8a:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT"})
        QTest::addRow("none: %s", bad) << bad << -1.0;
}

void MetricsMapTest::readsDates()
{
    QFETCH(QString, text);
    QFETCH(double, seconds);
    const auto date = dateOf({{"Date", text.toStdString()}});
    QCOMPARE(date.has_value(), seconds >= 0);
    if (date)
        QCOMPARE(*date, seconds);
}

QTEST_GUILESS_MAIN(MetricsMapTest)
#include "metrics_map_test.moc"
