// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_query.h"

#include "core/api/catalogue.h"
#include "core/base/json_pointer.h"
#include "core/base/time_format.h"
#include "core/base/utf8.h"

namespace portolan {

std::string writeQuery(const QueryParameters &parameters)
{
    std::string query;
    const auto encode = [&query](std::string_view text) {
        constexpr std::string_view hex = "0123456789ABCDEF";
        for (const char c : text) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                               std::string_view("-._~").find(c) != std::string_view::npos;
            if (plain) {
                query += c;
                continue;
            }
            const auto byte = static_cast<unsigned char>(c);
            query += '%';
            query += hex[byte >> 4];
            query += hex[byte & 0xf];
        }
    };
    for (const auto &[name, value] : parameters) {
        if (!query.empty())
            query += '&';
        encode(name);
        query += '=';
        encode(value);
    }
    return query;
}

namespace detail {

namespace {

/// Names may be anything, and are told to whoever sent them.
std::string pointerTo(std::string_view name)
{
    std::string pointer;
    appendPointerStep(pointer, toUtf8(name));
    return pointer;
}

} // namespace

Wrong readValue(std::string_view text, std::string &to)
{
    to = text;
    return {};
}

Wrong readValue(std::string_view text, bool &to)
{
    if (text != "true" && text != "false")
        return "must be true or false";
    to = text == "true";
    return {};
}

Wrong readValue(std::string_view text, WallTime &to)
{
    const auto time = parseTime(text);
    if (!time)
        return "must be a time like 2026-01-01T00:00:00Z";
    to = *time;
    return {};
}

Wrong readValue(std::string_view text, std::chrono::seconds &to)
{
    std::uint32_t count = 0;
    auto wrong = readValue(text, count);
    if (!wrong)
        to = std::chrono::seconds(count);
    return wrong;
}

/// A name of the catalogue has one label at most, so a value may hold what would separate several.
Wrong readValue(std::string_view text, Metric &to)
{
    const auto open = text.find('{');
    to.name = text.substr(0, open);
    to.labels.clear();
    if (open == std::string_view::npos)
        return {};
    const auto equals = text.find('=', open);
    if (open == 0 || equals == std::string_view::npos || equals == open + 1 || !text.ends_with('}'))
        return "must be a metric like queue_depth{queue=celery}";
    const auto label = text.substr(open + 1, equals - open - 1);
    to.labels.emplace(label, text.substr(equals + 1, text.size() - equals - 2));
    return {};
}

Wrong readId(std::string_view text, Id &to)
{
    const auto id = parseId(text);
    if (!id)
        return "must be an id";
    to = *id;
    return {};
}

Wrong noneOf(const std::vector<std::string_view> &names)
{
    std::string wrong = "must be one of";
    for (const auto name : names)
        wrong.append(wrong.ends_with("of") ? " " : ", ").append(name);
    return wrong;
}

Wrong notBetween(std::int64_t least, std::uint64_t most)
{
    return "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

QueryReader::QueryReader(const QueryParameters &parameters, const QueryLimits &limits)
    : m_parameters(parameters),
      m_taken(parameters.size()),
      m_noText(parameters.size()),
      m_errors(parameters.size() > limits.parameters ? 1 : limits.errors)
{
    if (parameters.size() > limits.parameters)
        m_errors.add("", "has more than " + std::to_string(limits.parameters) + " parameters"); // and nothing else
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto &[name, value] = parameters[i];
        const bool tooLong = value.size() > limits.text;
        m_noText[i] = tooLong || !isUtf8(value) || value.find('\0') != std::string::npos;
        if (m_noText[i])
            m_errors.add(pointerTo(name),
                         tooLong ? "is longer than " + std::to_string(limits.text) + " bytes" : "is no text");
    }
}

std::vector<std::size_t> QueryReader::take(std::string_view name, bool several)
{
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < m_parameters.size(); ++i) {
        if (m_taken[i] || m_parameters[i].first != name)
            continue;
        m_taken[i] = true;
        if (several || found.empty())
            found.push_back(i);
        else
            m_errors.add('/' + std::string(name), "is there twice");
    }
    return found;
}

std::optional<Error> QueryReader::end()
{
    for (std::size_t i = 0; i < m_parameters.size(); ++i) {
        if (!m_taken[i])
            m_errors.add(pointerTo(m_parameters[i].first), "is not known");
    }
    return m_errors.empty() ? std::nullopt : std::optional(m_errors.error());
}

std::string textOfValue(const std::string &value) { return value; }
std::string textOfValue(bool value) { return value ? "true" : "false"; }
std::string textOfValue(std::chrono::seconds value) { return std::to_string(value.count()); }
std::string textOfValue(WallTime value) { return formatTime(value); }
std::string textOfValue(const Metric &value) { return textOf(value); }

} // namespace detail

} // namespace portolan
