// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/grammar.h"

#include <algorithm>
#include <array>
#include <optional>

namespace portolan::limits {

namespace {

struct UnitName
{
    std::string_view name;
    Unit unit;
    std::int64_t seconds;
};

constexpr std::int64_t day = 24 * 3600;
constexpr std::array<UnitName, 6> units{{{"second", Unit::Second, 1},
                                         {"minute", Unit::Minute, 60},
                                         {"hour", Unit::Hour, 3600},
                                         {"day", Unit::Day, day},
                                         {"month", Unit::Month, 30 * day},
                                         {"year", Unit::Year, 360 * day}}};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool isLetter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

class Parser final
{
public:
    explicit Parser(std::string_view text) : m_text(text) {}

    Result<Windows> windows()
    {
        if (m_text.size() > maxText)
            return fail(maxText, "at most " + std::to_string(maxText) + " characters");
        Windows result;
        for (;;) {
            const std::size_t start = next();
            auto one = window();
            if (!one)
                return one.error();
            if (std::ranges::any_of(result, [&](const Window &other) {
                    return other.length() == one->length() && other.moving == one->moving;
                }))
                return fail(start, "a window of another length, there is one of this length already");
            if (result.size() == maxWindows)
                return fail(start, "no more than " + std::to_string(maxWindows) + " windows");
            result.push_back(*one);
            if (next() == m_text.size())
                return result;
            if (const char c = m_text[m_at]; c != ';' && c != ',' && c != '|')
                return fail(m_at, one->moving ? "';' or the end" : "';', 'moving' or the end");
            ++m_at;
        }
    }

private:
    Result<Window> window()
    {
        Window result;
        const std::size_t start = next();
        const auto count = number(maxCount);
        if (!count)
            return fail(start, "a number of requests, 0 to " + std::to_string(maxCount));
        result.count = static_cast<std::uint32_t>(*count);
        if (const std::size_t at = next(); !slash() && word() != "per")
            return fail(at, "'per' or '/'");
        if (const std::size_t at = next(); at < m_text.size() && isDigit(m_text[at])) {
            const auto multiple = number(maxMultiple);
            if (!multiple || *multiple == 0)
                return fail(at, "a number of units, 1 to " + std::to_string(maxMultiple));
            result.multiple = static_cast<std::uint16_t>(*multiple);
        }
        const std::size_t at = next();
        const auto unit = unitOf(word());
        if (!unit)
            return fail(at, "second, minute, hour, day, month or year");
        result.unit = *unit;
        if (result.length() > maxLength)
            return fail(start, "a window of at most ten years");
        const std::size_t before = m_at;
        next();
        if (word() == "moving")
            result.moving = true;
        else
            m_at = before;
        return result;
    }

    /// Skips blanks; where it stands then.
    std::size_t next()
    {
        while (m_at < m_text.size() && (m_text[m_at] == ' ' || m_text[m_at] == '\t'))
            ++m_at;
        return m_at;
    }

    bool slash()
    {
        if (m_at == m_text.size() || m_text[m_at] != '/')
            return false;
        ++m_at;
        return true;
    }

    /// Small letters of the word that starts here; empty if none does.
    std::string word()
    {
        std::string result;
        while (m_at < m_text.size() && isLetter(m_text[m_at]))
            result += lower(m_text[m_at++]);
        return result;
    }

    std::optional<std::uint64_t> number(std::uint64_t most)
    {
        if (m_at == m_text.size() || !isDigit(m_text[m_at]))
            return std::nullopt;
        std::uint64_t value = 0;
        for (; m_at < m_text.size() && isDigit(m_text[m_at]); ++m_at) {
            value = value * 10 + static_cast<std::uint64_t>(m_text[m_at] - '0');
            if (value > most)
                return std::nullopt;
        }
        return value;
    }

    static std::optional<Unit> unitOf(std::string_view word)
    {
        for (const auto &unit : units)
            if (word == unit.name || (word.size() == unit.name.size() + 1 && word.back() == 's' &&
                                      word.substr(0, unit.name.size()) == unit.name))
                return unit.unit;
        return std::nullopt;
    }

    static Error fail(std::size_t at, const std::string &expected)
    {
        const std::string detail = "column " + std::to_string(at + 1) + ": expected " + expected;
        return {ErrorKind::Invalid,
                "limit-syntax",
                "The limit makes no sense at " + detail + ".",
                "Write limits like \"50 per day; 10 per hour; 3 per 2 minutes moving\".",
                {{"", detail}},
                std::chrono::seconds{0}};
    }

    const std::string_view m_text;
    std::size_t m_at = 0;
};

} // namespace

std::chrono::milliseconds Window::length() const
{
    return std::chrono::seconds(units[static_cast<std::size_t>(unit)].seconds * multiple);
}

Result<Windows> parse(std::string_view text) { return Parser(text).windows(); }

std::string format(const Windows &windows)
{
    std::string text;
    for (const auto &window : windows) {
        text.append(text.empty() ? "" : "; ").append(std::to_string(window.count)).append(" per ");
        if (window.multiple != 1)
            text.append(std::to_string(window.multiple)).append(" ");
        text.append(units[static_cast<std::size_t>(window.unit)].name);
        text.append(window.multiple != 1 ? "s" : "").append(window.moving ? " moving" : "");
    }
    return text;
}

} // namespace portolan::limits
