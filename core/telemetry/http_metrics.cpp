// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/http_metrics.h"

#include "core/telemetry/exposed.h"
#include "core/telemetry/registry.h"
#include "core/telemetry/sharded.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

namespace portolan::telemetry {

namespace {

constexpr std::array<std::string_view, 8> methods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};
constexpr std::size_t otherMethod = methods.size() - 1;

/// Statuses with a counter of their own; what else a class holds counts in its "4xx", behind these.
constexpr std::array<std::uint16_t, 44> statuses{
    100, 101, 200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406,
    408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 425, 426, 428, 429, 431, 500, 501, 502, 503, 504};
constexpr std::size_t statusCells = statuses.size() + 5;

constexpr std::array<std::uint8_t, 600> statusIndex = [] {
    std::array<std::uint8_t, 600> table{};
    for (std::size_t status = 0; status < table.size(); ++status)
        table[status] = std::uint8_t(statuses.size() + std::max<std::size_t>(status / 100, 1) - 1);
    for (std::size_t i = 0; i < statuses.size(); ++i)
        table[statuses[i]] = std::uint8_t(i);
    return table;
}();

std::string statusLabel(std::size_t cell)
{
    if (cell < statuses.size())
        return std::to_string(statuses[cell]);
    return std::to_string(cell - statuses.size() + 1) + "xx";
}

/// Cells of a row's counters of answers that were not what was asked for.
enum Kind : std::size_t { ServerError, Refused, NotFound, KindCount };

std::size_t methodIndex(std::string_view method) noexcept
{
    for (std::size_t i = 0; i < otherMethod; ++i)
        if (methods[i] == method)
            return i;
    return otherMethod;
}

/// Of each bucket one.
std::vector<TrafficSlices::Hit> together(std::span<const SlidingWindow::Hit> hits)
{
    std::vector<TrafficSlices::Hit> result;
    result.reserve(hits.size());
    for (const auto &hit : hits) {
        if (result.empty() || result.back().bucket != hit.bucket)
            result.push_back({hit.bucket, 0});
        result.back().count += hit.count;
    }
    return result;
}

} // namespace

/// What is counted of one route. A route has one method, but for HEAD, which GET's answers, and OPTIONS; the row of
/// unmatched requests has all. So each row keeps every method: 3 KiB a copy.
struct HttpMetrics::Row
{
    Row(RouteName routeName, std::chrono::seconds span) : name(std::move(routeName)), window(span) {}

    RouteName name;
    Sharded<> statusCounts{methods.size() * statusCells};
    Sharded<> unanswered{KindCount};
    Sharded<std::uint32_t> latencies{latency::bucketCount};
    Histogram durations{requestBounds()};
    SlidingWindow window;
};

HttpMetrics::HttpMetrics(Registry &registry, std::vector<RouteName> routes, std::chrono::seconds window)
{
    for (RouteName &route : routes)
        m_rows.push_back(std::make_unique<Row>(std::move(route), window));
    m_rows.push_back(std::make_unique<Row>(RouteName{"other", "other", false}, window));
    registry.collect({"portal_http_requests_total", "portal_http_request_duration_seconds"}, [this] {
        return std::vector{requestFamily(), durationFamily()};
    });
}

HttpMetrics::~HttpMetrics() = default;

prometheus::MetricFamily HttpMetrics::requestFamily() const
{
    // Several routes may share a template: one series each for what they have in common.
    std::map<std::tuple<std::string_view, std::size_t, std::size_t>, std::uint64_t> counts;
    for (const auto &row : m_rows)
        for (std::size_t cell = 0; cell < row->statusCounts.size(); ++cell)
            if (const std::uint64_t count = row->statusCounts.sum(cell))
                counts[{row->name.path, cell / statusCells, cell % statusCells}] += count;
    prometheus::MetricFamily family{"portal_http_requests_total",
                                    "Answers, by method, route template and status",
                                    prometheus::MetricType::Counter,
                                    {}};
    for (const auto &[key, count] : counts) {
        const auto &[path, method, status] = key;
        prometheus::ClientMetric metric;
        metric.label = {
            {"method", std::string(methods[method])}, {"route", std::string(path)}, {"status", statusLabel(status)}};
        metric.counter.value = double(count);
        family.metric.push_back(std::move(metric));
    }
    return family;
}

prometheus::MetricFamily HttpMetrics::durationFamily() const
{
    std::map<std::string_view, prometheus::ClientMetric> metrics;
    for (const auto &row : m_rows) {
        prometheus::ClientMetric metric = exposed(row->durations);
        if (metric.histogram.sample_count == 0)
            continue;
        const auto [at, fresh] = metrics.try_emplace(row->name.path, std::move(metric));
        if (fresh) {
            at->second.label = {{"route", row->name.path}};
            continue;
        }
        auto &sum = at->second.histogram;
        sum.sample_count += metric.histogram.sample_count;
        sum.sample_sum += metric.histogram.sample_sum;
        for (std::size_t i = 0; i < sum.bucket.size(); ++i)
            sum.bucket[i].cumulative_count += metric.histogram.bucket[i].cumulative_count;
    }
    prometheus::MetricFamily family{"portal_http_request_duration_seconds",
                                    "From a request's first byte to the end of its answer, by route template",
                                    prometheus::MetricType::Histogram,
                                    {}};
    for (auto &[path, metric] : metrics)
        family.metric.push_back(std::move(metric));
    return family;
}

void HttpMetrics::answered(std::size_t route, std::string_view method, unsigned status,
                           std::chrono::nanoseconds took) noexcept
{
    Row &row = *m_rows[std::min(route, m_rows.size() - 1)];
    const unsigned known = status >= 100 && status < statusIndex.size() ? status : 500;
    row.statusCounts.add(methodIndex(method) * statusCells + statusIndex[known]);
    // 501 and 505 say that nobody understands such a request: no failure of the portal's.
    if (known >= 500 && known != 501 && known != 505 && !row.name.probe)
        row.unanswered.add(ServerError);
    else if (known == 429)
        row.unanswered.add(Refused);
    else if (known == 404)
        row.unanswered.add(NotFound);
    row.latencies.add(latency::bucketOf(took));
    if (!row.name.stream)
        row.durations.observe(took);
}

void HttpMetrics::advance(SteadyTime now)
{
    const std::lock_guard lock(m_windows);
    std::array<std::uint32_t, latency::bucketCount> latencies;
    for (const auto &row : m_rows) {
        // Errors first: an answer between the two readings is then never an error without being an answer.
        const Unanswered unanswered{row->unanswered.sum(ServerError), row->unanswered.sum(Refused),
                                    row->unanswered.sum(NotFound)};
        for (std::size_t bucket = 0; bucket < latencies.size(); ++bucket)
            latencies[bucket] = row->latencies.sum(bucket);
        row->window.advance(now, latencies, unanswered);
    }
}

HttpMetrics::Window HttpMetrics::window(SteadyTime now) const
{
    const std::lock_guard lock(m_windows);
    Window result;
    std::vector<const SlidingWindow *> timed;
    std::vector<const SlidingWindow *> streams;
    for (const auto &row : m_rows) {
        (row->name.stream ? streams : timed).push_back(&row->window);
        if (row->window.empty())
            continue;
        RouteWindow window{&row->name, row->window.figures(now)};
        if (window.figures.count > 0)
            result.routes.push_back(std::move(window));
    }
    result.all = SlidingWindow::merged(timed, now);
    result.timed = result.all.count;
    const WindowFigures rest = SlidingWindow::merged(streams, now);
    result.all.count += rest.count;
    result.all.unanswered += rest.unanswered;
    result.all.perSecond += rest.perSecond;
    std::stable_sort(result.routes.begin(), result.routes.end(),
                     [](const RouteWindow &a, const RouteWindow &b) { return a.figures.count > b.figures.count; });
    return result;
}

TrafficSlices HttpMetrics::slices(SteadyTime now) const
{
    using std::chrono::milliseconds;
    const std::lock_guard lock(m_windows);
    TrafficSlices result;
    std::map<SteadyTime, std::vector<TrafficSlices::Part>, std::greater<>> byTime;
    for (const auto &row : m_rows) {
        const SlidingWindow &window = row->window;
        const auto since = std::chrono::duration_cast<milliseconds>(now - window.started().value_or(now));
        result.covered = std::clamp(since, result.covered, TrafficSlices::span);
        result.answered += window.answeredInAll();
        result.unanswered += window.unansweredInAll();
        const auto route = std::uint32_t(result.routes.size());
        window.eachSlice(now, [&](SteadyTime time, const Unanswered &unanswered, const auto &hits) {
            byTime[time].push_back({route, unanswered, together(hits)});
        });
        if (!window.empty())
            result.routes.push_back({row->name.method, row->name.path, row->name.stream});
    }
    for (auto &[time, parts] : byTime)
        result.slices.push_back({std::chrono::duration_cast<milliseconds>(now - time), std::move(parts)});
    return result;
}

} // namespace portolan::telemetry
