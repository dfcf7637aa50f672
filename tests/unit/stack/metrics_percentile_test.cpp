// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/percentile.h"

#include <QTest>
#include <cmath>
#include <limits>
#include <optional>

using namespace portolan::stack;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

} // namespace

Q_DECLARE_METATYPE(portolan::stack::Buckets)
Q_DECLARE_METATYPE(std::optional<portolan::stack::BucketPercentile>)

/// Expected values are those of Prometheus 2.42 for the same buckets (tests/integration/stack asks it too).
class MetricsPercentileTest final : public QObject
{
    Q_OBJECT
private slots:
    void liesWhereTheBucketsSay_data();
    void liesWhereTheBucketsSay();
};

void MetricsPercentileTest::liesWhereTheBucketsSay_data()
{
    QTest::addColumn<Buckets>("buckets");
    QTest::addColumn<double>("rank");
    QTest::addColumn<std::optional<BucketPercentile>>("expected");
    using Found = std::optional<BucketPercentile>;
    const auto row = [](const char *name, Buckets buckets, double rank, Found expected) {
        QTest::newRow(name) << buckets << rank << expected;
    };
    const Buckets even{{0.1, 50}, {0.2, 75}, {0.4, 100}, {inf, 100}};
    row("in the first, from 0", even, 0.25, BucketPercentile{0.05, 0, 0.1});
    row("at a bound", even, 0.5, BucketPercentile{0.1, 0, 0.1});
    row("inside", even, 0.95, BucketPercentile{0.36, 0.2, 0.4});
    row("the lowest", even, 0, BucketPercentile{0, 0, 0.1});
    row("the highest", even, 1, BucketPercentile{0.4, 0.2, 0.4});
    row("above the highest bound", {{0.1, 50}, {inf, 100}}, 0.99, BucketPercentile{0.1, 0.1, std::nullopt});
    row("behind empty ones", {{0.1, 0}, {0.2, 0}, {0.4, 10}, {inf, 10}}, 0.5, BucketPercentile{0.3, 0.2, 0.4});
    row("a bound below 0", {{-1, 10}, {1, 10}, {inf, 10}}, 0.5, BucketPercentile{-1, -1, -1});
    row("counts that fall", {{0.1, 60}, {0.2, 40}, {0.4, 100}, {inf, 100}}, 0.8, BucketPercentile{0.3, 0.2, 0.4});
    row("fewer in all than in a part", {{0.1, 60}, {0.2, 60}, {inf, 40}}, 0.5, BucketPercentile{0.05, 0, 0.1});
    row("no observation", {{0.1, 0}, {inf, 0}}, 0.5, std::nullopt);
    row("no +Inf", {{0.1, 5}, {0.2, 10}}, 0.5, std::nullopt);
    row("only +Inf", {{inf, 10}}, 0.5, std::nullopt);
    row("none", {}, 0.5, std::nullopt);
}

void MetricsPercentileTest::liesWhereTheBucketsSay()
{
    QFETCH(Buckets, buckets);
    QFETCH(double, rank);
    QFETCH(std::optional<BucketPercentile>, expected);
    const auto found = percentileOf(buckets, rank);
    QCOMPARE(found.has_value(), expected.has_value());
    if (!found)
        return;
    QVERIFY2(std::abs(found->value - expected->value) < 1e-12, std::to_string(found->value).c_str());
    QCOMPARE(found->low, expected->low);
    QCOMPARE(found->high, expected->high);
    QCOMPARE(found->width().has_value(), expected->high.has_value());
}

QTEST_GUILESS_MAIN(MetricsPercentileTest)
#include "metrics_percentile_test.moc"
