// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// Durations and sizes as settings, tiers and the command line write them, and as a terminal shows them.
namespace portolan {

/// A whole number and one of `ms` `s` `m` `h` `d`: "500ms" "900s" "15m" "24h" "7d". Nothing else: no sign, no fraction,
/// no bare number (a bare "0" is fine). Invalid otherwise, and above 100 years.
Result<std::chrono::milliseconds> parseDuration(std::string_view text);

/// The shortest text parseDuration() reads back to the same value: 900 s → "15m". Not negative.
std::string formatDuration(std::chrono::milliseconds value);

/// A whole number and one of `B` `KB` `MB` `GB` `TB`, steps of 1024: "30MB" is 30 × 1024². One space between them is
/// fine, so is a bare "0". Invalid otherwise, and above 2^63 − 1.
Result<std::uint64_t> parseSize(std::string_view text);

/// The shortest text parseSize() reads back to the same value: 31457280 → "30MB".
std::string formatSize(std::uint64_t bytes);

/// For people, about three digits, unit always named: "18.7 MB", "512 B".
std::string humanSize(std::uint64_t bytes);

/// For people, at most two units: "350 ms", "4.2 s", "15 min", "2 h 5 min", "3 d 4 h". Negative ones get a minus.
std::string humanDuration(std::chrono::nanoseconds value);

/// With so many decimals and a point, whatever the locale: 0.5 → "0.50". For protocols and for people alike.
std::string fixedText(double value, int decimals);

/// For people: 1234567 → "1,234,567".
std::string humanCount(std::uint64_t value);

} // namespace portolan
