#pragma once

#include "core/http/server.h"
#include "core/telemetry/http_metrics.h"

#include <atomic>

namespace portolan {
class Clock;
class Logger;
} // namespace portolan

namespace portolan::server {

/// Counts answers and logs the ones a person should know of: bugs and 5xx as errors, refusals for a limit as warnings
/// (at most 10 lines a second), every request at level debug.
class HttpObserver final : public http::ServerObserver
{
public:
    HttpObserver(telemetry::HttpMetrics &metrics, const Clock &clock, Logger &logger)
        : m_metrics(metrics), m_clock(clock), m_logger(logger)
    {}

    void answered(const http::Request &request, const http::Route *route, unsigned status,
                  std::chrono::nanoseconds took, std::size_t bytes) override;
    void explained(const http::Request &request, const http::Route *route, std::string_view cause) override;
    void failed(const http::Request &request, const http::Route *route, std::string_view what) override;

private:
    bool mayWarn();

    telemetry::HttpMetrics &m_metrics;
    const Clock &m_clock;
    Logger &m_logger;
    static constexpr unsigned warningsPerSecond = 10;
    std::atomic<std::int64_t> m_second{0};
    std::atomic<unsigned> m_warnings{0};
};

} // namespace portolan::server
