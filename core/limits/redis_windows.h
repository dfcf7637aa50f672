// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/limits/decision.h"

#include <cstdint>
#include <string>
#include <string_view>

/// What scripts that put windowsLua() in front of themselves are told and answer.
namespace portolan::limits {

/// resources/scripts/windows.lua, to put in front of a script.
std::string windowsLua();

/// The block's tag in windows.lua.
std::uint8_t tagOf(Category category, bool additional);

/// Times inside the scripts' values: milliseconds since 2020-01-01.
WallTime timeOfScript(std::uint64_t milliseconds);
/// The u48 a script takes instead of asking the clock: Unix milliseconds; 0 for null.
std::uint64_t testTimeOf(const Clock *clock);

} // namespace portolan::limits
