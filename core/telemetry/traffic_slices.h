// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/telemetry/sliding_window.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace portolan::telemetry {

/// The last 60 s of all routes as a value: what was answered, cut by when that was, so that whoever reads it elsewhere
/// and later can leave out what has become too old meanwhile.
struct TrafficSlices
{
    struct Route
    {
        std::string method; ///< "GET"
        std::string path;   ///< the template; "other": no route matched
        bool stream = false;
        auto operator<=>(const Route &) const = default;
    };
    struct Hit
    {
        std::uint16_t bucket = 0; ///< below latency::bucketCount
        std::uint32_t count = 0;
        bool operator==(const Hit &) const = default;
    };
    /// Of one route in one slice.
    struct Part
    {
        std::uint32_t route = 0; ///< index in `routes`
        Unanswered unanswered;
        std::vector<Hit> hits; ///< by bucket, ascending
        bool operator==(const Part &) const = default;
    };
    struct Slice
    {
        std::chrono::milliseconds age{0}; ///< of its newest answer, at most
        std::vector<Part> parts;          ///< by route, ascending
        bool operator==(const Slice &) const = default;
    };

    static constexpr std::chrono::milliseconds span{60'000}; ///< no slice is older

    std::chrono::milliseconds covered{0}; ///< how much of the span the process has seen: less soon after its start
    std::uint64_t answered = 0;           ///< since the start
    Unanswered unanswered;                ///< since the start
    std::vector<Route> routes;            ///< those with answers in a slice
    std::vector<Slice> slices;            ///< youngest first
    bool operator==(const TrafficSlices &) const = default;
};

} // namespace portolan::telemetry
