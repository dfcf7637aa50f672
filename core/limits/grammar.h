// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::limits {

/// The length of a unit is Flask-Limiter's (package `limits`): a month is 30 days and a year 12 such months.
enum class Unit : std::uint8_t { Second, Minute, Hour, Day, Month, Year };

/// "8 per minute", "5 per 2 minutes", "100 per hour moving".
///
/// A fixed window starts with its first counted request, counts until `length()` has passed, and then is forgotten. In
/// a moving one, no span of `length()`, wherever it starts, holds more than `count` requests.
struct Window
{
    std::uint32_t count = 0;    ///< requests, 0–1,000,000,000; 0 refuses everything
    std::uint16_t multiple = 1; ///< units, 1–4095
    Unit unit = Unit::Minute;
    bool moving = false;

    std::chrono::milliseconds length() const;
    bool operator==(const Window &) const = default;
};

/// At most `maxWindows` of them; all apply at once.
using Windows = std::vector<Window>;

inline constexpr std::size_t maxWindows = 8;
inline constexpr std::uint32_t maxCount = 1'000'000'000;
inline constexpr std::uint16_t maxMultiple = 4095;
inline constexpr std::chrono::hours maxLength{24 * 360 * 10}; ///< ten years
inline constexpr std::size_t maxText = 512;                   ///< bytes of a whole text

/// Reads windows separated by `;` `,` or `|`: `N per [M] unit[s] [moving]` or `N/[M] unit[s] [moving]`, in any case,
/// with blanks (space, tab) anywhere between words. Empty text is an error: "no limit" is no text at all.
///
/// Invalid, code `limit-syntax`; the message names the column (from 1) and what was expected there, and `fields` has
/// one entry with an empty pointer, for whoever knows where the text came from to fill in. Two windows of the same
/// length and kind are refused: one of them would be without effect.
Result<Windows> parse(std::string_view text);

/// The canonical way to write them: "50 per day; 10 per hour; 3 per 2 minutes moving". parse() reads it back.
std::string format(const Windows &windows);

} // namespace portolan::limits
