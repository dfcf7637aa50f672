// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/telemetry/sliding_window.h"
#include "core/telemetry/traffic_slices.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace portolan::telemetry {

class Registry;

/// A route as telemetry knows it: nothing of HTTP but names.
struct RouteName
{
    std::string method;  ///< "GET"
    std::string path;    ///< the template, never a path
    bool stream = false; ///< takes as long as it is open: WebSocket, event stream. Not in the response time
    bool probe = false;  ///< says by a 5xx that the portal is not ready: no error, or asking would make one
};

/// Counts answers: per route, method and status for Prometheus, and over the last 60 s for percentiles.
///
/// answered() is for the connections' threads: at most five relaxed additions to counters of the thread's own CPU, no
/// lock, no allocation, no clock. advance() once a second, from one thread; figures() from any.
class HttpMetrics final
{
public:
    static constexpr std::size_t noRoute = std::size_t(-1);

    /// `routes` by their dense index (http::Route::index). Registers portal_http_requests_total and
    /// portal_http_request_duration_seconds, which the registry's text reads from here.
    HttpMetrics(Registry &registry, std::vector<RouteName> routes,
                std::chrono::seconds window = std::chrono::seconds(60));
    ~HttpMetrics();
    HttpMetrics(const HttpMetrics &) = delete;
    HttpMetrics &operator=(const HttpMetrics &) = delete;

    /// `route`: the index, or noRoute where none matched. `method` as the client sent it; anything unusual counts as
    /// "other". `status` 100–599, anything else counts as 500; rare ones share a label ("4xx"). `took` of a stream is
    /// not counted in the histogram.
    void answered(std::size_t route, std::string_view method, unsigned status, std::chrono::nanoseconds took) noexcept;

    void advance(SteadyTime now);

    struct RouteWindow
    {
        const RouteName *route; ///< lives as long as this object
        WindowFigures figures;
    };
    struct Window
    {
        WindowFigures all;               ///< counts of all routes, percentiles without streams
        std::uint64_t timed = 0;         ///< how many answers the percentiles rest on
        std::vector<RouteWindow> routes; ///< those with answers, most first
    };
    /// As of the last advance().
    Window window(SteadyTime now) const;

    /// The same window, not summed up: for other instances of the deployment. Routes in the order they were given.
    TrafficSlices slices(SteadyTime now) const;

private:
    struct Row;
    prometheus::MetricFamily requestFamily() const;
    prometheus::MetricFamily durationFamily() const;

    std::vector<std::unique_ptr<Row>> m_rows; ///< one per route, then "other"
    mutable std::mutex m_windows;             ///< of the rows' windows
};

} // namespace portolan::telemetry
