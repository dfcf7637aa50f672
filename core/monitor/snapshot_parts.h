// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace portolan::monitor {

inline bool lacks(const std::vector<NotTold> &parts, std::string_view part)
{
    return std::ranges::find(parts, part, &NotTold::part) != parts.end();
}

template <class T> std::optional<double> real(const std::optional<T> &value)
{
    return value ? std::optional(double(*value)) : std::nullopt;
}

} // namespace portolan::monitor
