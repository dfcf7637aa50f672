// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/traffic_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace portolan::stack {

namespace {

using Sample = telemetry::PrometheusSample;

/// A Prometheus server reads at its own pace: seconds.
constexpr double longestServerGap = 900;

double longestGapOf(std::chrono::milliseconds every)
{
    return TrafficWindow::least + 4 * std::chrono::duration<double>(every).count();
}

std::optional<double> numberOf(std::string_view text)
{
    if (text == "+Inf" || text == "Inf" || text == "inf")
        return std::numeric_limits<double>::infinity();
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || end != text.data() + text.size() || failed != std::errc())
        return std::nullopt;
    return value;
}

/// Each series once: of those that are there twice the last counts.
std::vector<const Sample *> distinct(const std::vector<Sample> &samples)
{
    std::unordered_map<std::string, std::size_t> at;
    std::vector<const Sample *> kept;
    kept.reserve(samples.size());
    for (const Sample &sample : samples) {
        const auto [known, isNew] = at.try_emplace(CounterBook::keyOf(sample), kept.size());
        if (isNew)
            kept.push_back(&sample);
        else
            kept[known->second] = &sample;
    }
    return kept;
}

void addStatus(Growth &growth, std::string_view status, double grown)
{
    if (status.size() == 3 && status.front() == '5')
        growth.errors += grown;
    else if (status == "429")
        growth.refused += grown;
    else if (status == "404")
        growth.notFound += grown;
}

/// The worse of two; a quantile of no observation is NaN.
void takeWorse(std::optional<double> &worst, double value)
{
    if (std::isfinite(value) && value >= 0)
        worst = std::max(worst.value_or(0), value);
}

} // namespace

TrafficReader::TrafficReader(SeriesMaps maps, std::chrono::milliseconds every)
    : m_maps(std::move(maps)), m_longestGap(longestGapOf(every))
{}

bool TrafficReader::chooseMap(const MetricsPage &page)
{
    for (const SeriesMap &map : m_maps) {
        const std::string requests = map.requestsName();
        if (std::ranges::none_of(page.samples, [&](const Sample &sample) { return sample.name == requests; }))
            continue;
        if (!m_map || *m_map != map) {
            m_map = map;
            m_names = {requests, map.bucketName(), map.countName(), map.routeBucketName(), map.routeCountName()};
            m_window.clear();
            m_hasStatus = m_hasTimes = m_boundsDiffer = false;
        }
        return true;
    }
    return false;
}

/// A Prometheus server repeats what it last read, and reads each of its targets at another moment: a page counts once
/// all its series are newer than any was on the last, so that what each grew by is of as many readings.
std::optional<double> TrafficReader::timeOf(const MetricsPage &page, SteadyTime now)
{
    if (!page.server)
        return std::chrono::duration<double>(now.time_since_epoch()).count();
    std::optional<double> oldest, newest;
    for (const Sample &sample : page.samples)
        if (sample.name == m_names.requests && sample.time) {
            oldest = std::min(oldest.value_or(*sample.time), *sample.time);
            newest = std::max(newest.value_or(*sample.time), *sample.time);
        }
    if (!oldest || (m_newest && *oldest <= *m_newest))
        return std::nullopt;
    m_newest = newest;
    return oldest;
}

CounterBook::Page TrafficReader::pageKind(const MetricsPage &page, double time)
{
    auto kind = CounterBook::Page::Next;
    if (!page.server) {
        std::optional<double> start;
        unsigned starts = 0;
        for (const Sample &sample : page.samples)
            if (sample.name == processStart && std::isfinite(sample.value)) {
                start = sample.value;
                ++starts;
            }
        kind = m_processes.seen(starts == 1 ? start : std::nullopt, page.far);
    }
    const auto before = std::exchange(m_last, time);
    const double longest = page.server ? std::max(m_longestGap, longestServerGap) : m_longestGap;
    return before && time - *before <= longest ? kind : CounterBook::Page::Baseline;
}

void TrafficReader::take(const MetricsPage &page, SteadyTime now)
{
    m_server = page.server;
    if (!chooseMap(page))
        return;
    const auto time = timeOf(page, now);
    if (!time)
        return;
    const auto before = m_last;
    const auto kind = pageKind(page, *time);
    const Samples samples = distinct(page.samples);
    Slice slice;
    slice.from = before.value_or(*time);
    slice.to = *time;
    using Writer = CounterBook::Writer;
    const auto own = m_processes.named() ? Writer::Known : Writer::Unknown;
    m_book.begin(kind, page.server ? Writer::Server : own);
    m_began = false;
    takeCounters(samples, slice);
    m_book.end();
    takeBounds(samples);
    takeGauges(samples);
    // Of a server's series one that fell is of a process that began anew; of a page's nobody knows before it has not
    // happened again.
    const bool fell = m_book.fell() && !page.server;
    if (!page.server) {
        double total = 0;
        for (const Sample *sample : samples)
            if (sample->name == m_names.requests && std::isfinite(sample->value))
                total += sample->value;
        m_processes.counted(total, fell);
    }
    const bool began = m_began && !page.server; // and what it had counted before is in no slice
    if (kind == CounterBook::Page::Baseline || fell || began || m_processes.several())
        m_window.clear();
    else
        m_window.add(std::move(slice));
}

void TrafficReader::takeCounters(const Samples &samples, Slice &slice)
{
    const auto &names = m_map->names;
    for (const Sample *sample : samples) {
        const bool isCounter = sample->name != names.connections && sample->name != names.summary &&
                               sample->name != processStart && m_map->wants(sample->name);
        if (!isCounter || !std::isfinite(sample->value) || sample->value < 0)
            continue;
        if (!m_map->statusName.empty() && sample->name.starts_with(m_map->statusName))
            m_hasStatus = true;
        m_hasStatus = m_hasStatus || (!names.errors.empty() && sample->name == names.errors);
        const auto grown = m_book.grown(*sample);
        m_began = m_began || !grown;
        takeCounter(*sample, grown.value_or(0), slice);
    }
}

void TrafficReader::takeCounter(const Sample &sample, double grown, Slice &slice)
{
    const auto &names = m_map->names;
    if (sample.name == m_names.requests)
        takeRequests(sample, grown, slice);
    if (sample.name == m_names.buckets || sample.name == m_names.routeBuckets)
        takeTime(sample, grown, slice);
    else if (sample.name == m_names.count || sample.name == m_names.routeCount)
        takeCount(sample, grown, slice);
    if (sample.name == names.errors)
        slice.all.errors += grown;
    else if (sample.name == names.cacheHits)
        slice.hits += grown;
    else if (sample.name == names.cacheMisses)
        slice.misses += grown;
    else if (!m_map->statusName.empty() && sample.name.starts_with(m_map->statusName))
        addStatus(slice.all, std::string_view(sample.name).substr(m_map->statusName.size()), grown);
}

RouteKey TrafficReader::routeOf(const Sample &sample) const
{
    return {std::string(sample.label(methodLabel)), std::string(sample.label(m_map->names.route))};
}

void TrafficReader::takeRequests(const Sample &sample, double grown, Slice &slice)
{
    const auto &names = m_map->names;
    const std::string_view status = names.status.empty() ? std::string_view() : sample.label(names.status);
    slice.all.requests += grown;
    addStatus(slice.all, status, grown);
    m_hasStatus = m_hasStatus || !status.empty();
    const bool routed = !names.route.empty() && !sample.label(names.route).empty() && !status.empty();
    if (!routed)
        return;
    Growth &route = slice.routes[routeOf(sample)];
    route.requests += grown;
    addStatus(route, status, grown);
}

bool TrafficReader::isOfRoutes(std::string_view name) const
{
    const bool ofAll = name == m_names.buckets || name == m_names.count;
    return !m_map->names.route.empty() && (!ofAll || m_map->routeHistogram.empty());
}

void TrafficReader::takeTime(const Sample &sample, double grown, Slice &slice) const
{
    const auto bound = numberOf(sample.label("le"));
    if (!bound || std::isnan(*bound))
        return;
    if (sample.name == m_names.buckets)
        slice.all.times[*bound] += grown;
    if (isOfRoutes(sample.name))
        slice.routes[routeOf(sample)].times[*bound] += grown;
}

void TrafficReader::takeCount(const Sample &sample, double grown, Slice &slice) const
{
    if (sample.name == m_names.count)
        slice.all.timed += grown;
    if (isOfRoutes(sample.name))
        slice.routes[routeOf(sample)].timed += grown;
}

/// Sums of buckets say something only where all series have the same.
void TrafficReader::takeBounds(const Samples &samples)
{
    Bounds bounds;
    for (const Sample *sample : samples)
        if (sample->name == m_names.buckets)
            if (const auto bound = numberOf(sample->label("le")))
                ++bounds[*bound];
    m_hasTimes = m_hasTimes || !bounds.empty();
    m_boundsDiffer = std::ranges::any_of(bounds, [&](const auto &one) { return one.second != bounds.begin()->second; });
}

void TrafficReader::takeGauges(const Samples &samples)
{
    m_connections.reset();
    m_quantiles = {};
    unsigned series[3] = {};
    for (const Sample *sample : samples) {
        if (sample->name == m_map->names.connections && std::isfinite(sample->value) && sample->value >= 0)
            m_connections = m_connections.value_or(0) + sample->value;
        if (sample->name != m_map->names.summary)
            continue;
        const double quantile = numberOf(sample->label("quantile")).value_or(-1);
        std::optional<double> *const worst[] = {&m_quantiles.p50, &m_quantiles.p95, &m_quantiles.p99};
        const double wanted[] = {0.50, 0.95, 0.99};
        for (std::size_t at = 0; at < 3; ++at)
            if (std::abs(quantile - wanted[at]) < 1e-9) {
                takeWorse(*worst[at], sample->value / scale());
                ++series[at];
            }
    }
    m_quantiles.series = *std::ranges::max_element(series);
}

MetricsFigures TrafficReader::figures() const
{
    MetricsFigures figures;
    const bool known = m_map && settled() && !m_window.empty();
    figures.http.unknown = several() ? Unknown::NotTold : known ? Unknown::No : Unknown::NotYet;
    fillNotTold(figures);
    if (figures.http.unknown != Unknown::No)
        return figures;
    const Slice sum = m_window.sum();
    figures.window = std::chrono::milliseconds(std::llround(m_window.seconds() * 1000));
    figures.http.traffic = trafficOf(sum.all, m_window.seconds());
    if (m_hasStatus && sum.all.requests >= leastRequests)
        figures.http.errorRate = std::min(1.0, sum.all.errors / sum.all.requests);
    if (m_connections)
        figures.http.connections = static_cast<std::uint64_t>(std::llround(std::min(*m_connections, 1e15)));
    if (!m_map->names.cacheHits.empty() && !m_map->names.cacheMisses.empty() && sum.hits + sum.misses >= leastRequests)
        figures.cacheHits = sum.hits / (sum.hits + sum.misses);
    fillTimes(figures, sum);
    fillRoutes(figures, sum);
    return figures;
}

void TrafficReader::fillTimes(MetricsFigures &figures, const Slice &sum) const
{
    TrafficFigures &traffic = figures.http.traffic;
    if (m_quantiles.series > 0) {
        figures.times = m_quantiles.series > 1 ? TimesFrom::WorstSeries : TimesFrom::Summary;
        if (sum.all.requests < leastRequests)
            return;
        traffic.p50 = m_quantiles.p50;
        traffic.p95 = m_quantiles.p95;
        traffic.p99 = m_quantiles.p99;
        return;
    }
    if (!m_hasTimes || m_boundsDiffer)
        return;
    figures.times = TimesFrom::Buckets;
    const Buckets times = sum.all.wholeTimes();
    if (times.empty() || times.rbegin()->second < leastRequests)
        return;
    const auto take = [&](double rank, std::optional<BucketPercentile> &detail, std::optional<double> &value) {
        detail = percentileOf(times, rank);
        if (!detail)
            return;
        detail->value /= scale();
        detail->low /= scale();
        if (detail->high)
            *detail->high /= scale();
        value = detail->value;
    };
    take(0.50, figures.p50, traffic.p50);
    take(0.95, figures.p95, traffic.p95);
    take(0.99, figures.p99, traffic.p99);
}

void TrafficReader::fillRoutes(MetricsFigures &figures, const Slice &sum) const
{
    auto &routes = figures.http.routes;
    for (const auto &[key, growth] : sum.routes) {
        if (growth.requests < 0.5)
            continue;
        RouteFigures route;
        route.method = key.method;
        route.route = key.route;
        route.traffic = trafficOf(growth, m_window.seconds());
        const Buckets times = growth.wholeTimes();
        if (!m_boundsDiffer && !times.empty() && times.rbegin()->second >= leastRequests) {
            const auto percentile = [&](double rank) -> std::optional<double> {
                const auto found = percentileOf(times, rank);
                return found ? std::optional(found->value / scale()) : std::nullopt;
            };
            route.traffic.p50 = percentile(0.50);
            route.traffic.p95 = percentile(0.95);
            route.traffic.p99 = percentile(0.99);
        }
        routes.push_back(std::move(route));
    }
    std::ranges::stable_sort(routes, std::greater<>{}, [](const RouteFigures &one) { return one.traffic.requests; });
    if (routes.size() > mostRoutes)
        routes.resize(mostRoutes);
}

void TrafficReader::fillNotTold(MetricsFigures &figures) const
{
    const auto add = [&](const char *reason, std::string about) {
        NotTold one;
        one.part = "http";
        one.command = "metrics";
        one.reason = reason;
        one.about = std::move(about);
        figures.notTold.push_back(std::move(one));
    };
    if (several())
        return add(untold_traffic::processes, std::string(processStart));
    if (!m_map) {
        for (const SeriesMap &map : m_maps)
            add(untold_traffic::noSeries, map.requestsName());
        return;
    }
    const auto &names = m_map->names;
    if (!m_hasStatus)
        add(untold_traffic::noStatus, names.errors.empty() ? names.status : names.errors);
    if (m_quantiles.series > 0) {
        for (const auto &[value, name] : {std::pair(m_quantiles.p50, "0.5"), std::pair(m_quantiles.p95, "0.95"),
                                          std::pair(m_quantiles.p99, "0.99")})
            if (!value)
                add(untold_traffic::quantiles, name);
    } else if (!m_hasTimes) {
        add(untold_traffic::noTimes, names.histogram.empty() ? names.summary : names.histogram);
    } else if (m_boundsDiffer) {
        add(untold_traffic::buckets, names.histogram);
    }
}

} // namespace portolan::stack
