// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/logging.h"

#include "core/base/masking.h"
#include "core/base/names.h"
#include "core/base/time_format.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>

namespace portolan {

namespace {

constexpr std::size_t longestText = 4096; ///< bytes of one value; the rest is cut

/// Length of the well-formed UTF-8 sequence at `at` (RFC 3629), 0 if there is none.
std::size_t sequenceLength(std::string_view text, std::size_t at)
{
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const unsigned first = byte(at);
    if (first < 0x80)
        return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(at + i) & 0xc0) != 0x80)
            return 0;
    const unsigned second = byte(at + 1);
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || beyond ? 0 : length;
}

/// Escapes what JSON and a terminal must not see raw; broken UTF-8 becomes U+FFFD, so a line is always valid.
void appendEscaped(std::string &to, std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t at = 0; at < text.size();) {
        if (at >= longestText) {
            to += "…";
            return;
        }
        const std::size_t length = sequenceLength(text, at);
        const char c = text[at];
        if (length == 0)
            to += "\xef\xbf\xbd";
        else if (c == '"' || c == '\\')
            (to += '\\') += c;
        else if (c == '\n')
            to += "\\n";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            ((to += "\\u00") += digits[static_cast<unsigned char>(c) >> 4]) += digits[c & 15];
        else
            to.append(text.substr(at, length));
        at += std::max<std::size_t>(length, 1);
    }
}

void appendQuoted(std::string &to, std::string_view text)
{
    to += '"';
    appendEscaped(to, text);
    to += '"';
}

void appendNumber(std::string &to, auto number)
{
    std::array<char, 32> text{};
    const auto written = std::to_chars(text.data(), text.data() + text.size(), number);
    to.append(text.data(), written.ptr);
}

void appendScalar(std::string &to, const LogField::Value &value)
{
    if (const auto *yes = std::get_if<bool>(&value))
        to += *yes ? "true" : "false";
    else if (const auto *real = std::get_if<double>(&value); real && !std::isfinite(*real))
        to += "null";
    else if (real)
        appendNumber(to, *real);
    else if (const auto *whole = std::get_if<std::int64_t>(&value))
        appendNumber(to, *whole);
    else if (const auto *natural = std::get_if<std::uint64_t>(&value))
        appendNumber(to, *natural);
}

void appendJsonField(std::string &line, const LogField &field)
{
    line += ',';
    appendQuoted(line, field.key);
    line += ':';
    if (isSecretName(field.key))
        appendQuoted(line, maskedText);
    else if (const auto *text = std::get_if<std::string_view>(&field.value))
        appendQuoted(line, maskSecrets(*text));
    else
        appendScalar(line, field.value);
}

void appendTextField(std::string &line, const LogField &field)
{
    (line += ' ').append(field.key) += '=';
    const auto *text = std::get_if<std::string_view>(&field.value);
    if (isSecretName(field.key))
        line += maskedText;
    else if (!text)
        appendScalar(line, field.value);
    else if (text->empty() || text->find_first_of(" \"=\t\n") != std::string_view::npos)
        appendQuoted(line, maskSecrets(*text));
    else
        appendEscaped(line, maskSecrets(*text));
}

std::string formatLine(LogFormat format, WallTime time, LogLevel level, std::string_view message,
                       std::string_view requestId, Logger::Fields fields)
{
    std::string line;
    line.reserve(256);
    if (format == LogFormat::Text) {
        line.append(formatTime(time)).append(1, ' ').append(enumName(level));
        line.append(8 - enumName(level).size(), ' ');
        appendEscaped(line, maskSecrets(message));
        if (!requestId.empty())
            appendTextField(line, {"request_id", requestId});
        for (const auto &field : fields)
            appendTextField(line, field);
        return line;
    }
    line.append("{\"time\":\"").append(formatTime(time)).append("\",\"level\":\"").append(enumName(level));
    line += "\",\"message\":";
    appendQuoted(line, maskSecrets(message));
    if (!requestId.empty())
        appendJsonField(line, {"request_id", requestId});
    for (const auto &field : fields)
        appendJsonField(line, field);
    return line += '}';
}

LogLine::Level levelOf(LogLevel level)
{
    switch (level) {
    case LogLevel::Debug:
        return LogLine::Level::Debug;
    case LogLevel::Info:
        return LogLine::Level::Info;
    case LogLevel::Warning:
        return LogLine::Level::Warning;
    case LogLevel::Error:
        return LogLine::Level::Error;
    }
    return LogLine::Level::Info;
}

/// As it is kept: its message, and its fields as text; its time it is given there.
LogLine keptLine(LogLevel level, std::string_view message, std::string_view requestId, Logger::Fields fields)
{
    LogLine line{.time = {}, .level = levelOf(level)};
    appendEscaped(line.message, maskSecrets(message));
    if (!requestId.empty())
        appendTextField(line.message, {"request_id", requestId});
    for (const auto &field : fields)
        appendTextField(line.message, field);
    return line;
}

/// Waits for room as long as nobody gives up: a terminal that is stopped must not keep the process from ending. A pipe
/// that poll() calls writable takes PIPE_BUF bytes without blocking.
void writeToStandardError(std::string_view line, const std::atomic<bool> &giveUp)
{
    std::string whole(line);
    whole += '\n';
    for (std::string_view rest = whole; !rest.empty() && !giveUp;) {
        pollfd ready{STDERR_FILENO, POLLOUT, 0};
        if (::poll(&ready, 1, 100) <= 0)
            continue;
        const auto written = ::write(STDERR_FILENO, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return; // nobody is left to tell
        if (written > 0)
            rest.remove_prefix(std::size_t(written));
    }
}

} // namespace

/// The sink runs on the one thread of the pool, so its own members need no lock.
struct Logger::Impl
{
    class Sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex>
    {
    public:
        explicit Sink(Impl &impl) : m_impl(impl) {}

    private:
        void sink_it_(const spdlog::details::log_msg &message) override
        {
            const std::uint64_t lost = m_impl.pool->overrun_counter();
            if (lost > m_told) {
                const std::uint64_t count = lost - std::exchange(m_told, lost);
                m_impl.write(formatLine(m_impl.format, m_impl.clock.wall(), LogLevel::Warning,
                                        "log lines dropped: the log is read too slowly", {}, {{"count", count}}));
            }
            m_impl.write({message.payload.data(), message.payload.size()});
            const std::lock_guard lock(m_impl.mutex);
            ++m_impl.written;
            m_impl.wrote.notify_all();
        }
        void flush_() override {}

        Impl &m_impl;
        std::uint64_t m_told = 0;
    };

    Impl(const Clock &time, LogOptions options)
        : clock(time),
          format(options.format),
          write(options.write ? std::move(options.write)
                              : [this](std::string_view line) { writeToStandardError(line, giveUp); }),
          pool(std::make_shared<spdlog::details::thread_pool>(std::max<std::size_t>(options.queue, 1), 1,
                                                              [] { pthread_setname_np(pthread_self(), "log"); })),
          logger(std::make_shared<spdlog::async_logger>("portolan", std::make_shared<Sink>(*this), pool,
                                                        spdlog::async_overflow_policy::overrun_oldest))
    {
        logger->set_level(spdlog::level::trace);
    }

    const Clock &clock;
    LogRing recent;
    const LogFormat format;
    const std::function<void(std::string_view)> write;
    std::mutex mutex;
    std::condition_variable wrote;
    std::uint64_t written = 0;
    std::atomic<std::uint64_t> posted{0};
    std::atomic<bool> giveUp{false};
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

Logger::Logger(const Clock &clock, LogOptions options)
    : m_level(options.level), m_impl(std::make_unique<Impl>(clock, std::move(options)))
{}

Logger::~Logger()
{
    flush(std::chrono::seconds(3));
    m_impl->giveUp = true;
    m_impl->logger.reset();
    m_impl->pool.reset(); // joins its thread
}

void Logger::log(LogLevel level, std::string_view message, Fields fields, std::string_view requestId)
{
    if (!enabled(level))
        return;
    const WallTime now = m_impl->recent.add(keptLine(level, message, requestId, fields), m_impl->clock);
    const std::string line = formatLine(m_impl->format, now, level, message, requestId, fields);
    m_impl->posted.fetch_add(1);
    m_impl->logger->log(spdlog::level::info, spdlog::string_view_t(line));
}

std::uint64_t Logger::dropped() const { return m_impl->pool->overrun_counter(); }

const LogRing &Logger::recent() const { return m_impl->recent; }

bool Logger::flush(std::chrono::milliseconds within)
{
    const auto deadline = std::chrono::steady_clock::now() + within;
    const std::uint64_t until = m_impl->posted.load();
    std::unique_lock lock(m_impl->mutex);
    // Overruns are counted without the mutex: look again now and then.
    while (m_impl->written + dropped() < until) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        m_impl->wrote.wait_for(lock, std::chrono::milliseconds(20));
    }
    return true;
}

} // namespace portolan
