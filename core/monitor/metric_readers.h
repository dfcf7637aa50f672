// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::monitor {

/// What a snapshot says of one metric of the catalogue (core/api/catalogue.h).
struct Figure
{
    std::string_view name;
    std::string label; ///< the value of the one label it has; UTF-8, at most longestLabel bytes. Empty: it has none
    double value = 0;  ///< in the metric's unit; finite
};

inline constexpr std::size_t longestLabel = 128;

/// As a figure's label has it: bytes that are no UTF-8 replaced, cut at a character.
std::string labelOf(std::string_view given);

/// Whether what Redis said is still what holds.
bool isFresh(const Snapshot &snapshot, const std::optional<Age> &age);

/// All that it says; nothing of what is unknown, or older than it should be, or a rate over the first seconds after a
/// start. Each metric has a reader: without one this does not compile.
std::vector<Figure> figuresOf(const Snapshot &snapshot);
/// Of one metric of the catalogue.
std::vector<Figure> figuresOf(const Snapshot &snapshot, std::string_view name);

} // namespace portolan::monitor
