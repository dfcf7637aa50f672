// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/series_map.h"

#include <algorithm>
#include <utility>

namespace portolan::stack {

namespace {

constexpr std::string_view bucket = "_bucket";
constexpr std::string_view count = "_count";

/// A file may write a histogram as its base name or as that of its buckets.
std::string baseOf(const std::string &histogram)
{
    return histogram.ends_with(bucket) ? histogram.substr(0, histogram.size() - bucket.size()) : histogram;
}

std::string with(const std::string &base, std::string_view ending)
{
    return base.empty() ? std::string() : base + std::string(ending);
}

bool isStatus(std::string_view text)
{
    return text.size() == 3 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

MetricsMap mapped(std::string requests, std::string status, std::string route, std::string histogram)
{
    MetricsMap map;
    map.requests = std::move(requests);
    map.status = std::move(status);
    map.route = std::move(route);
    map.histogram = std::move(histogram);
    return map;
}

/// 2.2. The time by view counts a request that raised twice (process_exception and process_response), the one around
/// all middlewares once: so that is the time of all, and the other only for the table of routes.
SeriesMaps djangoPrometheus()
{
    SeriesMap map;
    map.names = mapped("django_http_responses_total_by_status_view_method_total", "status", "view",
                       "django_http_requests_latency_including_middlewares_seconds");
    map.names.cacheHits = "django_cache_get_hits_total";
    map.names.cacheMisses = "django_cache_get_misses_total";
    map.routeHistogram = "django_http_requests_latency_seconds_by_view_method";
    SeriesMap older = map; // before 2.0 there was no status by view
    older.names.requests = "django_http_responses_total_by_status_total";
    older.names.route.clear();
    older.routeHistogram.clear();
    return {map, older};
}

/// 0.11. It reads stub_status, which knows neither status nor time.
SeriesMaps nginxExporter()
{
    SeriesMap map;
    map.names.requests = "nginx_http_requests_total";
    map.names.connections = "nginx_connections_active";
    return {map};
}

/// 0.23. Its counter has no path, its histogram all that the counter has, so requests are counted by that.
SeriesMaps flaskExporter()
{
    SeriesMap map;
    map.names =
        mapped("flask_http_request_duration_seconds_count", "status", "path", "flask_http_request_duration_seconds");
    SeriesMap counted = map; // where its default metrics were changed
    counted.names.requests = "flask_http_request_total";
    counted.names.route.clear();
    return {map, counted};
}

/// starlette_exporter, and starlette-prometheus, whose starlette_requests_total has no status.
SeriesMaps starlette()
{
    SeriesMap exporter, prometheus;
    exporter.names = mapped("starlette_requests_total", "status_code", "path", "starlette_request_duration_seconds");
    prometheus.names = mapped("starlette_responses_total", "status_code", "path_template",
                              "starlette_requests_processing_time_seconds");
    return {prometheus, exporter};
}

/// statsd_exporter without mappings of its own, fed by gunicorn's --statsd-host. It makes seconds of timers.
SeriesMaps statsd()
{
    SeriesMap map;
    map.names.requests = "gunicorn_requests";
    map.names.summary = "gunicorn_request_duration";
    map.statusName = "gunicorn_request_status_";
    return {map};
}

} // namespace

std::string SeriesMap::bucketName() const { return with(baseOf(names.histogram), bucket); }

std::string SeriesMap::routeBucketName() const { return with(baseOf(routeHistogram), bucket); }

std::string SeriesMap::countName() const { return with(baseOf(names.histogram), count); }

std::string SeriesMap::routeCountName() const { return with(baseOf(routeHistogram), count); }

std::string SeriesMap::requestsName() const
{
    if (!names.requests.empty())
        return names.requests;
    return names.histogram.empty() ? with(names.summary, count) : countName();
}

bool SeriesMap::wants(std::string_view name) const
{
    const auto is = [name](const std::string &one) { return !one.empty() && name == one; };
    const auto isOf = [name](const std::string &base, std::string_view ending) {
        return !base.empty() && name.size() == base.size() + ending.size() && name.starts_with(base) &&
               name.ends_with(ending);
    };
    const std::string histogram = baseOf(names.histogram), ofRoutes = baseOf(routeHistogram);
    return is(requestsName()) || isOf(histogram, bucket) || isOf(histogram, count) || isOf(ofRoutes, bucket) ||
           isOf(ofRoutes, count) || is(names.summary) || is(names.errors) || is(names.cacheHits) ||
           is(names.cacheMisses) || is(names.connections) ||
           (!statusName.empty() && name.starts_with(statusName) && isStatus(name.substr(statusName.size())));
}

std::string SeriesMap::pattern() const
{
    std::string all;
    const auto add = [&all](const std::string &name) {
        if (!name.empty())
            all.append(all.empty() ? "" : "|").append(name);
    };
    add(requestsName());
    for (const std::string &base : {baseOf(names.histogram), baseOf(routeHistogram)}) {
        add(with(base, bucket));
        add(with(base, count));
    }
    for (const std::string &name : {names.summary, names.errors, names.cacheHits, names.cacheMisses, names.connections})
        add(name);
    add(with(statusName, "[0-9]{3}"));
    return all;
}

bool wants(const SeriesMaps &maps, std::string_view name)
{
    return name == processStart || std::ranges::any_of(maps, [name](const SeriesMap &map) { return map.wants(name); });
}

SeriesMaps readyMap(std::string_view name)
{
    using Maker = SeriesMaps (*)();
    constexpr std::pair<std::string_view, Maker> table[] = {
        {"django-prometheus", djangoPrometheus},
        {"nginx-exporter", nginxExporter},
        {"prometheus-flask-exporter", flaskExporter},
        {"starlette", starlette},
        {"statsd", statsd},
    };
    const auto found = std::ranges::find(table, name, &std::pair<std::string_view, Maker>::first);
    return found == std::end(table) ? SeriesMaps{} : found->second();
}

SeriesMaps seriesMapsOf(const MetricsPart &part)
{
    const auto own = part.maps.find(part.map);
    if (own == part.maps.end())
        return readyMap(part.map);
    SeriesMap map;
    map.names = own->second;
    return {map};
}

} // namespace portolan::stack
