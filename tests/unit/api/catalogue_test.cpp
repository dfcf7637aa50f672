// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/catalogue.h"
#include "core/api/words.h"
#include "core/api/zone_series.h"
#include "core/base/names.h"

#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>

#include <QRegularExpression>
#include <QTest>
#include <set>

using namespace portolan;

class CatalogueTest final : public QObject
{
    Q_OBJECT

private slots:
    void entriesAreWhole_data()
    {
        QTest::addColumn<const MetricKind *>("kind");
        for (const MetricKind &kind : catalogue)
            QTest::newRow(kind.name.data()) << &kind;
    }
    void entriesAreWhole()
    {
        QFETCH(const MetricKind *, kind);
        static const QRegularExpression key("^[a-z][a-z0-9]*(_[a-z0-9]+)*$");
        const auto text = [](std::string_view from) { return QString::fromUtf8(from.data(), qsizetype(from.size())); };
        QVERIFY(key.match(text(kind->name)).hasMatch());
        QVERIFY(kind->label.empty() || key.match(text(kind->label)).hasMatch());
        QVERIFY(!kind->unit.empty() && !kind->title.empty());
        QCOMPARE(std::string_view(kind->title.data()), kind->title); // as translations take it
        QVERIFY(kind->title.front() >= 'A' && kind->title.front() <= 'Z');
        QVERIFY(kind->finest > 0);
        QCOMPARE(findKind(kind->name), kind);
        QVERIFY(!kind->resource || kind->label.empty()); // zones are of one figure
    }

    /// As the monitor, the files and JSON spell a resource.
    void zonesHaveSeriesOfTheirResource()
    {
        std::set<Metric> series;
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<Resource>>([&](auto one) {
            const Metric metric = zoneMetric(one.value);
            QCOMPARE(metric.name, std::string(metric::zone));
            QCOMPARE(metric.labels.at(std::string(findKind(metric::zone)->label)), std::string(enumKey(one.value)));
            series.insert(metric);
        });
        QCOMPARE(textOf(zoneMetric(Resource::DbPool)), std::string("zone{resource=db_pool}"));
        QCOMPARE(series.size(), boost::mp11::mp_size<boost::describe::describe_enumerators<Resource>>::value);
    }

    void namesAndTitlesAreUnique()
    {
        std::set<std::string_view> names, titles;
        for (const MetricKind &kind : catalogue) {
            QVERIFY2(names.insert(kind.name).second, kind.name.data());
            QVERIFY2(titles.insert(kind.title).second, kind.title.data());
        }
        QVERIFY(!findKind("no_metric") && !findKind(""));
    }

    void eachResourceHasOne()
    {
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<Resource>>([](auto described) {
            constexpr Resource resource = decltype(described)::value;
            QCOMPARE(std::ranges::count(catalogue, std::optional(resource), &MetricKind::resource), 1);
            QCOMPARE(kindOf(resource).resource, std::optional(resource));
            QCOMPARE(titleOf(resource), kindOf(resource).title);
            QVERIFY(kindOf(resource).better != Better::More); // red is above
        });
    }

    /// Files and settings of earlier versions have these.
    void oldNamesStay()
    {
        for (const char *name : {"redis_memory",     "redis_connections", "redis_fragmentation",
                                 "redis_hit_ratio",  "redis_evicted",     "redis_commands",
                                 "response_p50",     "response_p95",      "response_p99",
                                 "request_rate",     "error_rate",        "queue_waiting",
                                 "queue_unacked",    "queue_taken",       "queue_ended",
                                 "concurrent_users", "sessions",          "http_connections",
                                 "db_pool",          "untaken_tasks",     "oldest_task",
                                 "failed_tasks",     "refused",           "disk",
                                 "redis_overhead",   "redis_traffic"}) {
            const MetricKind *kind = findKind(name);
            QVERIFY2(kind && kind->label.empty(), name);
        }
    }

    void isSpelled()
    {
        QCOMPARE(textOf(metric::redisMemory), std::string("redis_memory"));
        QCOMPARE(textOf({metric::queueDepth, {{"queue", "celery"}}}), std::string("queue_depth{queue=celery}"));
        QCOMPARE(textOf({"x", {{"a", "1"}, {"b", "2"}}}), std::string("x{a=1,b=2}"));
    }
};

QTEST_GUILESS_MAIN(CatalogueTest)
#include "catalogue_test.moc"
