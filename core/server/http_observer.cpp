// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/http_observer.h"

#include "core/base/ids.h"
#include "core/base/logging.h"

#include <boost/beast/http/verb.hpp>

namespace portolan::server {

namespace {

/// Who asked, as the log names them: no address of a user.
std::string callerName(const Principal &who)
{
    if (!who.token.empty())
        return "token:" + who.token;
    return who.userId != 0 ? formatId(who.userId) : std::string();
}

} // namespace

void HttpObserver::answered(const http::Request &request, const http::Route *route, unsigned status,
                            std::chrono::nanoseconds took, std::size_t)
{
    const std::string_view method = boost::beast::http::to_string(request.method);
    m_metrics.answered(route ? route->index : telemetry::HttpMetrics::noRoute, method, status, took);
    const bool refused = status == 429;
    const bool senseless = status == 501 || status == 505;           // the client's fault
    const bool notReady = status == 503 && request.path == "/ready"; // logged where the reason is
    const auto level = notReady || senseless ? LogLevel::Debug
                       : status >= 500       ? LogLevel::Error
                       : refused             ? LogLevel::Warning
                                             : LogLevel::Debug;
    if (level == LogLevel::Debug && !m_logHealth && request.path == "/health")
        return;
    if (!m_logger.enabled(level) || (level != LogLevel::Debug && !mayWarn()))
        return;
    m_logger.log(level,
                 status >= 500 ? "request failed"
                 : refused     ? "request over its limit"
                               : "request",
                 {{"method", method},
                  {"route", route ? std::string_view(route->path) : std::string_view("other")},
                  {"status", status},
                  {"milliseconds", std::chrono::duration<double, std::milli>(took).count()},
                  {"user", callerName(request.principal)},
                  {"address", request.address}},
                 request.id);
}

void HttpObserver::explained(const http::Request &request, const http::Route *route, std::string_view cause)
{
    if (!m_logger.enabled(LogLevel::Error) || !mayWarn())
        return;
    m_logger.log(LogLevel::Error, "what a request needs is away or failed",
                 {{"route", route ? std::string_view(route->path) : std::string_view("other")}, {"why", cause}},
                 request.id);
}

void HttpObserver::refused(const http::Request &request, std::string_view why)
{
    if (!m_logger.enabled(LogLevel::Warning) || !mayWarn())
        return;
    m_logger.log(LogLevel::Warning, "request refused", {{"why", why}, {"address", request.address}}, request.id);
}

void HttpObserver::failed(const http::Request &request, const http::Route *route, std::string_view what)
{
    m_logger.log(LogLevel::Error, "a handler threw: a bug",
                 {{"route", route ? std::string_view(route->path) : std::string_view("other")}, {"what", what}},
                 request.id);
}

bool HttpObserver::mayWarn()
{
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(m_clock.steady().time_since_epoch()).count();
    if (m_second.exchange(now, std::memory_order_relaxed) != now)
        m_warnings.store(0, std::memory_order_relaxed);
    return m_warnings.fetch_add(1, std::memory_order_relaxed) < warningsPerSecond;
}

} // namespace portolan::server
