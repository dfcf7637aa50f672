// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/price_fields.h"

#include "core/base/time_format.h"
#include "core/base/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace portolan::market {

namespace {

constexpr std::array<std::string_view, 5> blanks{" ", "\t", "\u00a0", "\u2009", "\u202f"};
constexpr std::array<std::string_view, 2> apostrophes{"'", "\u2019"};
constexpr std::array<std::string_view, 10> currencies{"$",      "\u20ac", "\u00a3", "\u00a5", "\u20b9",
                                                      "\u20a9", "\u20ba", "\u20bd", "\u20aa", "\u20bf"};
constexpr std::size_t quotedText = 24; ///< of a field, in a message

template <class Set> std::string_view without(std::string_view text, const Set &around)
{
    for (bool again = true; again;) {
        again = false;
        for (const std::string_view one : around) {
            if (text.starts_with(one) && !one.empty()) {
                text.remove_prefix(one.size());
                again = true;
            } else if (text.ends_with(one)) {
                text.remove_suffix(one.size());
                again = true;
            }
        }
    }
    return text;
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

template <class T> bool number(std::string_view text, T &to)
{
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), to);
    return !text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// Blanks and currency around it gone, marks of groups that are no point and no comma made one.
std::string bare(std::string_view text)
{
    text = without(without(without(text, blanks), currencies), blanks);
    std::string clean;
    while (!text.empty()) {
        const auto starts = [&](std::string_view one) { return text.starts_with(one); };
        const auto blank = std::ranges::find_if(blanks, starts);
        const auto apostrophe = std::ranges::find_if(apostrophes, starts);
        if (blank == blanks.end() && apostrophe == apostrophes.end()) {
            clean += text.front();
            text.remove_prefix(1);
            continue;
        }
        clean += '\'';
        text.remove_prefix(blank != blanks.end() ? blank->size() : apostrophe->size());
    }
    return clean;
}

/// The digits of a whole number in groups: three each, the first up to three; in India two but for the last. Nothing:
/// it is none.
std::optional<std::string> grouped(std::string_view text, char mark)
{
    std::string digits;
    std::size_t groups = 0;
    for (std::string_view rest = text;; ++groups) {
        const auto end = rest.find(mark);
        const std::string_view group = rest.substr(0, end);
        const bool last = end == rest.npos;
        const bool fits = groups == 0 ? !group.empty() && (last || (group.size() <= 3 && group.front() != '0'))
                          : last      ? group.size() == 3
                                      : group.size() == 2 || group.size() == 3;
        if (!fits || !std::ranges::all_of(group, isDigit))
            return std::nullopt;
        digits += group;
        if (last)
            return digits;
        rest.remove_prefix(end + 1);
    }
}

/// Read with this mark before decimals; `groups`: the other one.
std::optional<double> readAs(std::string_view text, char decimal, char groups)
{
    const auto point = text.find(decimal);
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction = point == text.npos ? std::string_view() : text.substr(point + 1);
    std::string plain;
    if (!whole.empty()) {
        const auto digits = grouped(whole, whole.find('\'') != whole.npos ? '\'' : groups);
        if (!digits)
            return std::nullopt;
        plain = *digits;
    }
    if (point != text.npos)
        plain += "." + std::string(fraction);
    double value = 0;
    if (!std::ranges::all_of(fraction, isDigit) || !number(plain, value))
        return std::nullopt;
    return value;
}

struct TwoReadings
{
    std::optional<double> point, comma; ///< before decimals
};

TwoReadings readingsOf(const std::string &text) { return {readAs(text, '.', ','), readAs(text, ',', '.')}; }

bool isMissing(const std::string &text)
{
    const std::string lower = trimmedLower(text);
    return lower.empty() || lower == "-" || lower == "null" || lower == "nan" || lower == "n/a";
}

/// 1 where the text does not end in a mark of size.
double takeFactor(std::string &text)
{
    if (text.empty())
        return 1;
    const char last = char(text.back() | 0x20);
    const double factor = last == 'k' ? 1e3 : last == 'm' ? 1e6 : last == 'b' ? 1e9 : 1;
    if (factor > 1)
        text.pop_back();
    return factor;
}

struct ThreeNumbers
{
    unsigned first = 0;
    unsigned second = 0;
    unsigned third = 0;
    char mark = '\0';
};

/// "01/31/2026", "31.01.2026", "2026/01/31"
std::optional<ThreeNumbers> threeNumbers(std::string_view text)
{
    const auto one = text.find_first_of("/.-");
    ThreeNumbers date;
    if (one == text.npos)
        return std::nullopt;
    date.mark = text[one];
    const auto two = text.find(date.mark, one + 1);
    if (two == text.npos || !number(text.substr(0, one), date.first) ||
        !number(text.substr(one + 1, two - one - 1), date.second) || !number(text.substr(two + 1), date.third))
        return std::nullopt;
    return date;
}

constexpr unsigned leastYear = 1000;
constexpr const char *noSuchDay = "there is no such day; a date must be written as 2026-01-31";

/// Whether month and day of it may be either way round.
bool isOpen(const ThreeNumbers &date) { return date.mark != '.' && date.first < leastYear && date.third >= leastYear; }

using TimeOfDay = std::optional<std::chrono::milliseconds>;

DateStyle::Date wrongDate(std::string why) { return {{}, {}, std::move(why)}; }

DateStyle::Date dayOf(unsigned year, unsigned month, unsigned day, TimeOfDay time)
{
    constexpr unsigned firstYear = 1678, lastYear = 2261; // what the clock holds
    if (month > 12 || day > 31 || year < firstYear || year > lastYear)
        return wrongDate(noSuchDay);
    const std::chrono::year_month_day date{std::chrono::year(int(year)), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (!date.ok())
        return wrongDate(noSuchDay);
    return {WallTime(std::chrono::sys_days(date).time_since_epoch()), time, {}};
}

/// Digits alone: 20260131, or since 1970.
DateStyle::Date fromDigits(std::string_view text, TimeOfDay time)
{
    std::uint64_t value = 0;
    constexpr std::size_t dateDigits = 8;
    if (!number(text, value))
        return wrongDate("date must be written as 2026-01-31");
    if (text.size() == dateDigits)
        return dayOf(unsigned(value / 10000), unsigned(value / 100 % 100), unsigned(value % 100), time);
    std::chrono::milliseconds since{};
    if (text.size() == 9 || text.size() == 10)
        since = std::chrono::seconds(value);
    else if (text.size() == 12 || text.size() == 13)
        since = std::chrono::milliseconds(value);
    else
        return wrongDate("date must be written as 2026-01-31, or in seconds or milliseconds since 1970");
    const auto day = std::chrono::floor<std::chrono::days>(since);
    if (day > std::chrono::sys_days(std::chrono::year(2261) / 12 / 31).time_since_epoch())
        return wrongDate(noSuchDay);
    return {WallTime(day), since - day, {}};
}

} // namespace

TimeOfDay timeOfDay(std::string_view text)
{
    text = without(text, blanks);
    const auto take = [&text](std::size_t most) {
        const auto digits = std::size_t(std::ranges::find_if_not(text.substr(0, most), isDigit) - text.begin());
        unsigned value = 0;
        const bool any = number(text.substr(0, digits), value);
        text.remove_prefix(digits);
        return any ? std::optional(value) : std::nullopt;
    };
    const auto marked = [&text](char mark) {
        const bool is = text.size() > 1 && text[0] == mark && isDigit(text[1]);
        text.remove_prefix(is ? 1 : 0);
        return is;
    };
    auto hours = take(6);
    std::optional<unsigned> minutes = 0, seconds = 0, thousandths = 0;
    if (!hours)
        return std::nullopt;
    if (marked(':')) {
        minutes = take(2);
        if (marked(':'))
            seconds = take(2);
        if (marked('.')) {
            const std::size_t before = text.size();
            thousandths = take(3);
            for (auto digits = before - text.size(); digits < 3; ++digits)
                thousandths = *thousandths * 10;
        }
    } else { // 0930, 93000
        const bool has = *hours >= 10000;
        seconds = has ? *hours % 100 : 0;
        minutes = *hours / (has ? 100 : 1) % 100;
        hours = *hours / (has ? 10000 : 100);
    }
    while (!text.empty() && (isDigit(text[0]) || text[0] == ' '))
        text.remove_prefix(1);
    const bool halves = text.size() > 1 && (text[1] == '.' || (text[1] | 0x20) == 'm');
    const char half = halves ? char(text[0] | 0x20) : '\0';
    if (half == 'a' || half == 'p') {
        if (*hours < 1 || *hours > 12)
            return std::nullopt;
        hours = *hours % 12 + (half == 'p' ? 12 : 0);
    }
    if (*hours > 23 || *minutes > 59 || *seconds > 60)
        return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + std::chrono::seconds(*seconds) +
           std::chrono::milliseconds(*thousandths);
}

std::string trimmedLower(std::string_view text)
{
    text = without(text, blanks);
    std::string lower(text);
    for (char &c : lower)
        c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c == '_' ? ' ' : c;
    return lower;
}

void NumberStyle::observe(std::string_view text, Seen &seen)
{
    std::string clean = bare(text);
    takeFactor(clean);
    const TwoReadings readings = readingsOf(clean);
    if (clean.find_first_of(".,") == clean.npos || readings.point.has_value() == readings.comma.has_value())
        return;
    (readings.point ? seen.point : seen.comma) = true;
}

std::optional<char> NumberStyle::decimalOf(const Seen &seen)
{
    if (seen.point == seen.comma)
        return std::nullopt;
    return seen.point ? '.' : ',';
}

NumberStyle::Number NumberStyle::price(std::string_view text) const
{
    const std::string clean = bare(text);
    if (isMissing(clean))
        return {Reading::Missing, 0};
    const auto [point, comma] = readingsOf(clean);
    if (!point && !comma) { // with a sign or an exponent
        double value = 0;
        return number(std::string_view(clean), value) ? Number{Reading::Good, value} : Number{};
    }
    if (!point || !comma || *point == *comma)
        return {Reading::Good, point ? *point : *comma};
    const Seen seen = all();
    // Who separates fields by commas does not write one before decimals, unless the file shows it.
    const bool points = m_separator == ',' && !seen.comma && clean.find('.') != clean.npos;
    const auto decimal = points ? std::optional('.') : decimalOf(seen);
    if (!decimal)
        return {Reading::TwoWays, 0};
    return {Reading::Good, *decimal == '.' ? *point : *comma};
}

NumberStyle::Number NumberStyle::volume(std::string_view text) const
{
    std::string clean = bare(text);
    if (isMissing(clean))
        return {Reading::Missing, 0};
    const double factor = takeFactor(clean);
    const auto [point, comma] = readingsOf(clean);
    if (!point && !comma) {
        double value = 0;
        return number(std::string_view(clean), value) ? Number{Reading::Good, value * factor} : Number{};
    }
    if (!point || !comma)
        return {Reading::Good, (point ? *point : *comma) * factor};
    const auto decimal = factor > 1 ? decimalOf(all()).value_or('.') : decimalOf(m_volumes);
    const double value = !decimal ? std::max(*point, *comma) : *decimal == '.' ? *point : *comma;
    return {Reading::Good, value * factor};
}

void DateStyle::observe(std::string_view text)
{
    text = without(text, blanks);
    const auto date = threeNumbers(text.substr(0, text.find(' ')));
    if (!date || !isOpen(*date))
        return;
    m_dayFirst = m_dayFirst || date->first > 12;
    m_monthFirst = m_monthFirst || date->second > 12;
}

DateStyle::Date DateStyle::read(std::string_view text) const
{
    text = without(text, blanks);
    const auto end = text.find_first_of(" T");
    const std::string_view date = text.substr(0, end);
    const TimeOfDay time = end == text.npos ? std::nullopt : timeOfDay(text.substr(end + 1));
    if (!date.empty() && std::ranges::all_of(date, isDigit))
        return fromDigits(date, time);
    const auto numbers = threeNumbers(date);
    if (!numbers || (numbers->first < leastYear && numbers->third < leastYear))
        return wrongDate("date must be written as 2026-01-31, not \"" + toUtf8(cutText(text, quotedText)) + '"');
    if (numbers->first >= leastYear)
        return dayOf(numbers->first, numbers->second, numbers->third, time);
    if (numbers->mark == '.')
        return dayOf(numbers->third, numbers->second, numbers->first, time);
    if (numbers->first <= 12 && numbers->second <= 12 && numbers->first != numbers->second &&
        m_monthFirst == m_dayFirst)
        return wrongDate("its date may be read in two ways; write it as 2026-01-31");
    const bool monthFirst = numbers->second > 12 || (numbers->first <= 12 && m_monthFirst);
    return dayOf(numbers->third, monthFirst ? numbers->first : numbers->second,
                 monthFirst ? numbers->second : numbers->first, time);
}

} // namespace portolan::market
