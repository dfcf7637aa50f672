// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/log_ring.h"

#include <boost/describe/enum.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace portolan {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };
BOOST_DESCRIBE_ENUM(LogLevel, Debug, Info, Warning, Error)

enum class LogFormat : std::uint8_t { Json, Text };
BOOST_DESCRIBE_ENUM(LogFormat, Json, Text)

struct LogOptions
{
    LogFormat format = LogFormat::Json;
    LogLevel level = LogLevel::Info;
    std::size_t queue = 8192; ///< lines that may wait for a slow standard error; above it the oldest are dropped
    /// Where lines go, without the newline, one at a time, on the logger's own thread. Empty: standard error.
    std::function<void(std::string_view line)> write = {};
};

/// One named value of a log line. Views need to live only for the call.
struct LogField
{
    using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;
    std::string_view key;
    Value value;

    LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
    LogField(std::string_view name, const char *text) : key(name), value(std::string_view(text)) {}
    LogField(std::string_view name, const std::string &text) : key(name), value(std::string_view(text)) {}
    LogField(std::string_view name, bool yes) : key(name), value(yes) {}
    LogField(std::string_view name, std::floating_point auto number) : key(name), value(double(number)) {}
    LogField(std::string_view name, std::signed_integral auto number) : key(name), value(std::int64_t(number)) {}
    LogField(std::string_view name, std::unsigned_integral auto number) : key(name), value(std::uint64_t(number)) {}
};

/// Structured logs: one line per event. As JSON: {"time":…,"level":"info","message":…,"request_id":…, fields…}; as
/// text: `2026-01-01T00:00:00.000Z info  message key=value …`. Pass it on as `Logger &`. Any thread; a call formats the
/// line and hands it to a thread of the logger's own: it never waits for the terminal or the disk. What the bounded
/// queue has no room for is dropped and counted, and the next line that gets through says how many.
///
/// Values of fields whose name isSecretName() are written as ***, and every text passes maskSecrets() (masking.h).
/// Write fixed messages and put what varies into fields: logger.warn("redis is away", {{"endpoint", text}}).
class Logger final
{
public:
    using Fields = std::initializer_list<LogField>;

    /// The clock must outlive this.
    explicit Logger(const Clock &clock, LogOptions options = {});
    ~Logger(); ///< writes what waits, for at most 3 s
    Logger(const Logger &) = delete;
    Logger &operator=(const Logger &) = delete;

    /// Whether a line of this level would be written; to skip costly preparation.
    bool enabled(LogLevel level) const { return level >= m_level; }

    /// `requestId`: of the HTTP request this belongs to, or empty.
    void log(LogLevel level, std::string_view message, Fields fields = {}, std::string_view requestId = {});
    void debug(std::string_view message, Fields fields = {}) { log(LogLevel::Debug, message, fields); }
    void info(std::string_view message, Fields fields = {}) { log(LogLevel::Info, message, fields); }
    void warn(std::string_view message, Fields fields = {}) { log(LogLevel::Warning, message, fields); }
    void error(std::string_view message, Fields fields = {}) { log(LogLevel::Error, message, fields); }

    std::uint64_t dropped() const; ///< lines lost so far
    /// The last lines, masked as all are; also those that were dropped.
    const LogRing &recent() const;
    /// Blocks until everything logged before is written, or false after `within`. Not on an I/O thread.
    bool flush(std::chrono::milliseconds within = std::chrono::seconds(5));

private:
    struct Impl;
    const LogLevel m_level;
    std::unique_ptr<Impl> m_impl;
};

} // namespace portolan
