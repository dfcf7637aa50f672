// SPDX-License-Identifier: GPL-3.0-or-later
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
    /// `logHealth`: whether requests to /health are logged like others.
    HttpObserver(telemetry::HttpMetrics &metrics, const Clock &clock, Logger &logger, bool logHealth = true)
        : m_metrics(metrics), m_clock(clock), m_logger(logger), m_logHealth(logHealth)
    {}

    void answered(const http::Request &request, const http::Route *route, unsigned status,
                  std::chrono::nanoseconds took, std::size_t bytes) override;
    void explained(const http::Request &request, const http::Route *route, std::string_view cause) override;
    void refused(const http::Request &request, std::string_view why) override;
    void failed(const http::Request &request, const http::Route *route, std::string_view what) override;

private:
    bool mayWarn();

    telemetry::HttpMetrics &m_metrics;
    const Clock &m_clock;
    Logger &m_logger;
    const bool m_logHealth;
    static constexpr unsigned warningsPerSecond = 10;
    std::atomic<std::int64_t> m_second{0};
    std::atomic<unsigned> m_warnings{0};
};

} // namespace portolan::server
