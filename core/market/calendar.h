// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <chrono>

/// The trading calendar of the simulated market: Monday to Friday without the holidays of the New York Stock Exchange
/// (its Rule 7.2: a holiday on a Saturday is kept on the Friday before, save New Year's Day; on a Sunday on the Monday
/// after).
namespace portolan::market {

/// Open from 14:30 to 21:00 UTC, which is 9:30 to 16:00 in New York's winter; the simulation has no summer time.
inline constexpr std::chrono::minutes openingTime{14 * 60 + 30};
inline constexpr std::chrono::minutes closingTime{21 * 60};

bool isTradingDay(std::chrono::sys_days day);
std::chrono::sys_days previousTradingDay(std::chrono::sys_days day); ///< the last one before `day`

/// The latest trading day that is over at `time`.
std::chrono::sys_days lastFinishedDay(WallTime time);

/// How much of its day's trading time has passed at `time`: 0 before the opening, 1 from the close on.
double sessionFraction(WallTime time);

} // namespace portolan::market
