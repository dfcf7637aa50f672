// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/time_format.h"

#include "core/base/utf8.h"

#include <fmt/compile.h>

namespace portolan {

namespace {

using namespace std::chrono;

Error badTime(std::string_view text, const char *expected)
{
    return failure(ErrorKind::Invalid, '"' + std::string(cutText(text, 64)) + "\" is not a time", expected);
}

/// Exactly `width` digits at `at`, which moves behind them; -1 if there are none.
int number(std::string_view text, std::size_t &at, std::size_t width)
{
    if (at + width > text.size())
        return -1;
    int value = 0;
    for (const std::size_t end = at + width; at < end; ++at) {
        if (text[at] < '0' || text[at] > '9')
            return -1;
        value = value * 10 + (text[at] - '0');
    }
    return value;
}

bool skip(std::string_view text, std::size_t &at, char expected)
{
    if (at >= text.size() || text[at] != expected)
        return false;
    ++at;
    return true;
}

bool readDate(std::string_view text, std::size_t &at, sys_days &date)
{
    const int year = number(text, at, 4);
    if (year < 1678 || year > 2261 || !skip(text, at, '-'))
        return false;
    const int month = number(text, at, 2);
    if (month < 1 || !skip(text, at, '-'))
        return false;
    const int day = number(text, at, 2);
    if (day < 1)
        return false;
    const year_month_day value{std::chrono::year(year), std::chrono::month(unsigned(month)),
                               std::chrono::day(unsigned(day))};
    date = value.ok() ? sys_days(value) : sys_days{};
    return value.ok();
}

bool readFraction(std::string_view text, std::size_t &at, nanoseconds &fraction)
{
    if (!skip(text, at, '.'))
        return true;
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits)
        if (digits < 9)
            value = value * 10 + (text[at] - '0');
    for (std::size_t missing = digits; missing < 9; ++missing)
        value *= 10;
    fraction = nanoseconds(value);
    return digits > 0 && digits <= 9;
}

bool readOffset(std::string_view text, std::size_t &at, minutes &offset)
{
    if (skip(text, at, 'Z') || skip(text, at, 'z'))
        return true;
    const bool minus = skip(text, at, '-');
    if (!minus && !skip(text, at, '+'))
        return false;
    const int hour = number(text, at, 2);
    if (hour < 0 || hour > 23 || !skip(text, at, ':'))
        return false;
    const int minute = number(text, at, 2);
    offset = minutes(hour * 60 + minute) * (minus ? -1 : 1);
    return minute >= 0 && minute <= 59;
}

bool readClock(std::string_view text, std::size_t &at, nanoseconds &time)
{
    const int hour = number(text, at, 2);
    if (hour < 0 || hour > 23 || !skip(text, at, ':'))
        return false;
    const int minute = number(text, at, 2);
    if (minute < 0 || minute > 59 || !skip(text, at, ':'))
        return false;
    const int second = number(text, at, 2);
    nanoseconds fraction{0};
    if (second < 0 || second > 60 || !readFraction(text, at, fraction))
        return false;
    time = hours(hour) + minutes(minute) + seconds(second) + fraction;
    return true;
}

} // namespace

std::string formatTime(WallTime time)
{
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<milliseconds>(time - day));
    // Every answer about a user has some of these: with snprintf() they were 6 % of the work for /api/me.
    return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z"), int(date.year()),
                       unsigned(date.month()), unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count(), clock.subseconds().count());
}

Result<WallTime> parseTime(std::string_view text)
{
    std::size_t at = 0;
    sys_days date;
    nanoseconds clock{0};
    minutes offset{0};
    const bool good = readDate(text, at, date) && (skip(text, at, 'T') || skip(text, at, 't')) &&
                      readClock(text, at, clock) && readOffset(text, at, offset) && at == text.size();
    if (!good)
        return badTime(text, "Write it as 2026-01-01T00:00:00Z");
    return time_point_cast<WallTime::duration>(date + clock - offset);
}

} // namespace portolan
