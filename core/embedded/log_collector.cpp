// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/log_collector.h"

#include "core/base/json_numbers.h"
#include "core/base/names.h"
#include "core/base/time_format.h"
#include "core/base/units.h"

#include <boost/json/parse.hpp>

#include <cmath>
#include <utility>

namespace portolan::embedded {
namespace {

WallTime timeOf(std::string_view text)
{
    const auto time = parseTime(text);
    return time ? *time : WallTime{};
}

/// "4.65084E-1" is right, and nobody reads it: "0.465".
std::string numberText(double number)
{
    constexpr int usual = 3, small = 6;
    std::string plain = fixedText(number, number != 0 && std::abs(number) < 0.01 ? small : usual);
    if (plain.find('.') != plain.npos) {
        plain.erase(plain.find_last_not_of('0') + 1);
        if (plain.ends_with('.'))
            plain.pop_back();
    }
    return plain;
}

std::string textOf(const boost::json::value &value)
{
    if (value.is_double())
        return numberText(value.get_double());
    const auto *text = value.if_string();
    const bool plain = text && !text->empty() && text->find_first_of(" \"=\t\n") == boost::json::string::npos;
    return plain ? std::string(*text) : jsonText(value);
}

} // namespace

LogLine parseLogLine(std::string_view json)
{
    LogLine line;
    boost::system::error_code bad;
    const auto value = boost::json::parse(json, bad);
    if (bad || !value.is_object()) {
        line.message = json;
        return line;
    }
    std::string fields;
    for (const auto &[key, member] : value.get_object()) {
        const auto *text = member.if_string();
        if (key == "time" && text)
            line.time = timeOf(*text);
        else if (key == "level" && text)
            line.level = enumFromName<LogLine::Level>(*text).value_or(LogLine::Level::Info);
        else if (key == "message" && text)
            line.message = *text;
        else
            fields.append(" ").append(key).append("=").append(textOf(member));
    }
    line.message += fields;
    return line;
}

void LogCollector::add(std::string_view json)
{
    auto line = parseLogLine(json);
    const std::lock_guard lock(m_mutex);
    const bool first = m_lines.empty();
    m_lines.push_back(std::move(line));
    if (m_lines.size() > most) {
        m_lines.pop_front();
        ++m_dropped;
    }
    if (first && m_waiting)
        m_waiting();
}

std::vector<LogLine> LogCollector::take()
{
    const std::lock_guard lock(m_mutex);
    std::vector<LogLine> lines;
    if (m_dropped > 0 && !m_lines.empty()) {
        lines.push_back({m_lines.front().time, LogLine::Level::Warning,
                         "log lines left out: too many at once count=" + std::to_string(m_dropped)});
        m_dropped = 0;
    }
    std::move(m_lines.begin(), m_lines.end(), std::back_inserter(lines));
    m_lines.clear();
    return lines;
}

void LogCollector::close()
{
    const std::lock_guard lock(m_mutex);
    m_waiting = nullptr;
}

} // namespace portolan::embedded
