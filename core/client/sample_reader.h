// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/snapshot.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace portolan::client {

/// How closely a portal is looked at.
enum class Look : std::uint8_t {
    Closely,   ///< all of it, every second
    AtAGlance, ///< the verdict and its readings, every five seconds: one of many in a list
};

/// How often samples come.
constexpr std::chrono::seconds everyOf(Look look) { return std::chrono::seconds(look == Look::Closely ? 1 : 5); }

/// The path of the stream with what is asked of it. One that knows no wishes sends everything every second.
std::string streamPath(Look look, bool knowsWishes);

/// A message of the stream, of this version or another. AtAGlance: of whatever it has, only what was asked for is read.
Result<Snapshot> readSample(std::string_view text, Look look);

} // namespace portolan::client
