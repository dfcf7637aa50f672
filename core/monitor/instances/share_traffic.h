// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/telemetry/traffic_slices.h"

#include <chrono>
#include <cstddef>

namespace portolan::monitor::instances {

inline constexpr std::size_t maxMethodBytes = 16;
inline constexpr std::size_t maxPathBytes = 200;

/// What counts together because there is no room for its name.
inline telemetry::TrafficSlices::Route otherRoute(bool stream) { return {"other", "other", stream}; }

/// Whether others can be told of a route by its name.
bool hasShownName(const telemetry::TrafficSlices::Route &route);

/// The same answers in fewer pieces, in the one order that encodeShare() writes: slices of `width` (of their ages: 0 up
/// to `width`, and so on), each as old as its youngest answer; the `mostRoutes` routes with the most answers by name,
/// all others, and those whose name cannot be shown, as "other", streams by themselves. What is older than the span, or
/// was not asked, is left out. Condensed again alike, it stays as it is.
telemetry::TrafficSlices condensed(const telemetry::TrafficSlices &traffic, std::chrono::milliseconds width,
                                   std::size_t mostRoutes);

} // namespace portolan::monitor::instances
