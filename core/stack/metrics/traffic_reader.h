// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/stack/metrics/counter_book.h"
#include "core/stack/metrics/process_watch.h"
#include "core/stack/metrics/series_map.h"
#include "core/stack/metrics/traffic_growth.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::stack {

/// The samples of one page that a map wants.
struct MetricsPage
{
    std::vector<telemetry::PrometheusSample> samples;
    std::optional<double> far; ///< the time there when it was made, Unix seconds
    bool server = false;       ///< of a Prometheus server: its samples have times, and are of any number of processes
    std::uint64_t bytes = 0;   ///< of it
};

/// Why part of the traffic is not told, as NotTold::reason; NotTold::part is "http", NotTold::command "metrics", and
/// NotTold::about the series, or the label of one, that would tell it: empty where the map names none.
namespace untold_traffic {
inline constexpr const char *noStatus = "no-status";     ///< it does not tell how many answers were errors
inline constexpr const char *noTimes = "no-times";       ///< nor how long they took
inline constexpr const char *noSeries = "no-series";     ///< the page has none of the mapped series (yet)
inline constexpr const char *processes = "processes";    ///< each answer is of another worker process
inline constexpr const char *buckets = "bucket-bounds";  ///< series of one histogram have different buckets
inline constexpr const char *quantiles = "no-quantiles"; ///< a summary without 0.5, 0.95 or 0.99; `about` says which
} // namespace untold_traffic

/// Where percentiles come from.
enum class TimesFrom : std::uint8_t {
    Nowhere,
    Buckets,     ///< as exact as they are wide: MetricsFigures::p50, p95, p99
    Summary,     ///< of one series, over a time that its library chose, not ours
    WorstSeries, ///< of several summaries the slowest: quantiles of parts make none of the whole
};

/// What a page tells of traffic, in the last 60 s, or in four scrapes where these are longer.
struct MetricsFigures
{
    HttpFigures http;                   ///< `unknown` says why there is nothing; percentiles and rates only from 20 on
    std::chrono::milliseconds window{}; ///< what `http` is over
    TimesFrom times = TimesFrom::Nowhere;
    /// TimesFrom::Buckets, seconds: between what bounds the percentiles lie.
    std::optional<BucketPercentile> p50, p95, p99;
    std::optional<double> cacheHits; ///< of all look-ups; nothing: not told, or fewer than 20 of them
    std::vector<NotTold> notTold;
};

/// Makes traffic of the pages of one place, as they come. Nothing is made up: what a page does not tell is unknown, of
/// pages of several processes nothing is told, and of a page after a long gap only what follows it. One thread at a
/// time.
class TrafficReader final
{
public:
    static constexpr double leastRequests = 20; ///< below, neither percentiles nor rates of errors say anything
    static constexpr std::size_t mostRoutes = 100;

    /// `every`: how far apart pages are; after a gap of more than the window and four times that, it begins anew.
    TrafficReader(SeriesMaps maps, std::chrono::milliseconds every);

    /// Of times that are not told by samples, `now` says when the page came.
    void take(const MetricsPage &page, SteadyTime now);

    MetricsFigures figures() const;

    bool several() const { return m_processes.several(); }             ///< each page is of another process
    bool settled() const { return m_server || m_processes.settled(); } ///< else pages should come close to each other

private:
    using Samples = std::vector<const telemetry::PrometheusSample *>;
    struct Quantiles
    {
        std::optional<double> p50, p95, p99;
        unsigned series = 0;
    };
    struct Names
    {
        std::string requests, buckets, count, routeBuckets, routeCount;
    };
    using Bounds = std::map<double, unsigned>; ///< in how many series each is

    bool chooseMap(const MetricsPage &page);
    std::optional<double> timeOf(const MetricsPage &page, SteadyTime now);
    CounterBook::Page pageKind(const MetricsPage &page, double time);
    void takeCounters(const Samples &samples, Slice &slice);
    void takeCounter(const telemetry::PrometheusSample &sample, double grown, Slice &slice);
    void takeRequests(const telemetry::PrometheusSample &sample, double grown, Slice &slice);
    void takeTime(const telemetry::PrometheusSample &sample, double grown, Slice &slice) const;
    void takeCount(const telemetry::PrometheusSample &sample, double grown, Slice &slice) const;
    bool isOfRoutes(std::string_view name) const;
    void takeBounds(const Samples &samples);
    void takeGauges(const Samples &samples);
    RouteKey routeOf(const telemetry::PrometheusSample &sample) const;
    void fillTimes(MetricsFigures &figures, const Slice &sum) const;
    void fillRoutes(MetricsFigures &figures, const Slice &sum) const;
    void fillNotTold(MetricsFigures &figures) const;
    double scale() const { return m_map && m_map->names.unit == "ms" ? 1000 : 1; }

    const SeriesMaps m_maps;
    const double m_longestGap;
    std::optional<SeriesMap> m_map; ///< that the page has
    Names m_names;                  ///< of it
    CounterBook m_book;
    ProcessWatch m_processes;
    TrafficWindow m_window;
    std::optional<double> m_last;   ///< time of the last page
    std::optional<double> m_newest; ///< of a server: time of the newest sample on it
    std::optional<double> m_connections;
    Quantiles m_quantiles;
    bool m_server = false;
    bool m_hasStatus = false; ///< pages tell of errors
    bool m_hasTimes = false;  ///< there are buckets
    bool m_boundsDiffer = false;
    bool m_began = false; ///< a counter of the last page is new, and nobody knows since when
};

} // namespace portolan::stack
