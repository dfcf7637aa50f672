// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/calendar.h"

#include <algorithm>

namespace portolan::market {

namespace {

using namespace std::chrono;

/// Gregorian Easter by the anonymous algorithm (Meeus, Astronomical Algorithms, chapter 8).
sys_days easter(year of)
{
    const int y = int(of);
    const int a = y % 19;
    const int b = y / 100;
    const int c = y % 100;
    const int d = b / 4;
    const int e = b % 4;
    const int g = (8 * b + 13) / 25;
    const int h = (19 * a + b - d - g + 15) % 30;
    const int i = c / 4;
    const int k = c % 4;
    const int l = (32 + 2 * e + 2 * i - h - k) % 7;
    const int m = (a + 11 * h + 22 * l) / 451;
    const int n = h + l - 7 * m + 114;
    return sys_days(of / month(unsigned(n / 31)) / day(unsigned(n % 31 + 1)));
}

/// Whether `day` is the working day on which a holiday of that date is kept.
bool keeps(sys_days day, sys_days holiday, bool saturdayCounts = true)
{
    const weekday on(holiday);
    if (on == Saturday)
        return saturdayCounts && day == holiday - days(1);
    return day == (on == Sunday ? holiday + days(1) : holiday);
}

bool isHoliday(sys_days day)
{
    const year_month_day date(day);
    const year y = date.year();
    const auto is = [&](const auto &weekdayDate) { return day == sys_days(y / weekdayDate); };
    return keeps(day, sys_days(y / January / 1), false) || is(January / Monday[3]) || is(February / Monday[3]) ||
           day == easter(y) - days(2) || is(May / Monday[last]) ||
           (int(y) >= 2022 && keeps(day, sys_days(y / June / 19))) || keeps(day, sys_days(y / July / 4)) ||
           is(September / Monday[1]) || is(November / Thursday[4]) || keeps(day, sys_days(y / December / 25));
}

} // namespace

bool isTradingDay(sys_days day)
{
    const weekday on(day);
    return on != Saturday && on != Sunday && !isHoliday(day);
}

sys_days previousTradingDay(sys_days day)
{
    do
        day -= days(1);
    while (!isTradingDay(day));
    return day;
}

sys_days lastFinishedDay(WallTime time)
{
    const auto today = floor<days>(time);
    return isTradingDay(today) && time - today >= closingTime ? today : previousTradingDay(today);
}

double sessionFraction(WallTime time)
{
    const auto since = time - floor<days>(time) - openingTime;
    const double fraction = duration<double>(since) / duration<double>(closingTime - openingTime);
    return std::clamp(fraction, 0.0, 1.0);
}

} // namespace portolan::market
