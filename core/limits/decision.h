// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/limits/window_spec.h"

#include <chrono>
#include <cstdint>
#include <string_view>

/// How requests are counted in windows, in this process (memory_rate_limiter.h) and in Redis
/// (resources/scripts/windows.lua, as the admission of requests uses it).
///
/// All windows of all checks are looked at and counted as one step: either each has room
/// and counts one more, or none does. Never more than its count passes a window, whoever else counts at the same time.
///
/// Moving windows of up to 256 requests remember each request. Larger ones join requests that are closer together than
/// 1/256 of the window into one entry with the time of the last: never exceeded, and freed up to 1/256 late.
namespace portolan::limits {

/// One caller's windows of one category.
struct Check
{
    std::string_view key; ///< of keys.h
    Category category = Category::Default;
    /// Windows an address has in addition to those of who is signed in; counted apart from the former.
    bool additional = false;
    const WindowSpec *spec = nullptr;
};

/// The tightest window of all that were checked (fewest remaining; ties: latest reset), after this request.
struct Decision
{
    bool allowed = true;
    bool limited = false; ///< there was a window at all; without, the rest means nothing
    std::uint32_t limit = 0;
    std::uint32_t remaining = 0;
    WallTime reset{}; ///< fixed: when it is forgotten. Moving: when its oldest request leaves it
    WallTime now{};   ///< by the clock that counted
    /// How long until a place is free; only if refused.
    std::chrono::milliseconds retryAfter() const { return std::chrono::ceil<std::chrono::milliseconds>(reset - now); }
    bool operator==(const Decision &) const = default;
};

/// Of a moving window: how many requests it remembers each for itself.
inline constexpr std::uint32_t exactMovingEntries = 256;

} // namespace portolan::limits
