// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/http_metrics.h"
#include "core/telemetry/portal_metrics.h"
#include "core/telemetry/registry.h"

#include <QProcess>
#include <QTest>

using namespace portolan;
using namespace portolan::telemetry;
using namespace std::chrono_literals;

/// Prometheus' own Python parser (python3-prometheus-client) must read what we write.
class PrometheusParserTest final : public QObject
{
    Q_OBJECT

private slots:
    void readsEverything()
    {
        Registry registry;
        PortalMetrics portal(registry);
        HttpMetrics http(registry, {{"GET", "/api/tasks/{id}", false}, {"POST", "/start-analysis", false}});
        http.answered(0, "GET", 200, 3ms);
        http.answered(1, "POST", 202, 12ms);
        http.answered(HttpMetrics::noRoute, "GET", 404, 1ms);
        portal.tasks.with({"portal.analysis", "SUCCESS"}).add(7);
        portal.tasks.with({"weird \"name\"\\ with\nnewline é", "FAILURE"}).add();
        portal.taskDuration.observe(90s);
        portal.dbQueryDuration.observe(200us);
        registry.counters("portal_cache_requests_total", "Look-ups", {"cache", "outcome"})
            .with({"tickers", "hit"})
            .add(3);
        registry.counted("portal_rate_limited_total", "Refusals", {"category"}, [] { return Samples{{{"api"}, 2}}; });
        registry.gauge("portal_sessions", "Live sessions", {}, [] { return Samples{{{}, 12}}; });

        const QByteArray script = R"(
import sys
from prometheus_client.parser import text_string_to_metric_families
families = {f.name: f for f in text_string_to_metric_families(sys.stdin.read())}
def value(metric, **labels):
    for family in families.values():
        for sample in family.samples:
            if sample.name == metric and sample.labels == labels:
                return sample.value
    raise SystemExit('missing: %s %s' % (metric, labels))
assert value('portal_http_requests_total', method='GET', route='/api/tasks/{id}', status='200') == 1
assert value('portal_http_requests_total', method='GET', route='other', status='404') == 1
assert value('portal_http_request_duration_seconds_bucket', route='/start-analysis', le='0.025') == 1
assert value('portal_http_request_duration_seconds_bucket', route='/start-analysis', le='0.01') == 0
assert value('portal_http_request_duration_seconds_bucket', route='/start-analysis', le='+Inf') == 1
assert value('portal_tasks_total', name='portal.analysis', state='SUCCESS') == 7
assert value('portal_tasks_total', name='weird "name"\\ with\nnewline é', state='FAILURE') == 1
assert value('portal_task_duration_seconds_count') == 1
assert value('portal_task_duration_seconds_sum') == 90
assert value('portal_db_query_duration_seconds_bucket', le='0.001') == 1
assert value('portal_cache_requests_total', cache='tickers', outcome='hit') == 3
assert value('portal_rate_limited_total', category='api') == 2
assert value('portal_sessions') == 12
assert families['portal_tasks'].type == 'counter', families['portal_tasks'].type
assert families['portal_http_request_duration_seconds'].type == 'histogram'
assert families['portal_sessions'].type == 'gauge'
assert all(f.documentation for f in families.values())
)";
        QProcess python;
        python.setProcessChannelMode(QProcess::MergedChannels);
        python.start("/usr/bin/python3", {"-c", script});
        QVERIFY2(python.waitForStarted(5000), "no /usr/bin/python3");
        python.write(QByteArray::fromStdString(registry.text()));
        python.closeWriteChannel();
        QVERIFY(python.waitForFinished(30'000));
        QVERIFY2(python.exitStatus() == QProcess::NormalExit && python.exitCode() == 0,
                 python.readAll() + QByteArray::fromStdString(registry.text()));
    }
};

QTEST_GUILESS_MAIN(PrometheusParserTest)
#include "prometheus_parser_test.moc"
