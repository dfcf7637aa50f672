// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "core/api/tier.h"
#include "core/monitor/trend.h"
#include "core/monitor/zones.h"

#include <optional>
#include <vector>

namespace portolan::monitor {

/// The traffic light of every resource: what was measured, judged by the tier's thresholds over time. A resource the
/// tier sets no threshold for has a reading too, which says so (Unknown::NoLimit) beside its value. One caller at a
/// time.
class Lights final
{
public:
    /// `clock` outlives it.
    Lights(const Tier &tier, const Clock &clock);

    /// What was measured, just now or at `at`; nothing: why not. Unknown::Away keeps the last value, which counts until
    /// it is stale; any other reason drops it.
    void measure(Resource resource, std::optional<double> value, Unknown otherwise,
                 std::optional<SteadyTime> at = std::nullopt);

    /// What the server itself says its limit is (nothing, 0: none). The smaller of it and the tier's holds, and the
    /// thresholds go with it: full is full, whatever the plan allows.
    void bound(Resource resource, std::optional<double> told);

    /// Nothing limits it here, whatever the tier says: a Redis of one's own has no plan.
    void lift(Resource resource);

    /// One for each resource, in the order of the enumeration, as they stand now.
    std::vector<Reading> readings();

    /// An older value no longer counts for its zone: two samples were missed.
    void setStaleAfter(std::chrono::milliseconds age) { m_staleAfter = age; }

private:
    struct Light
    {
        Resource resource;
        ZoneLimits limits;
        bool limited; ///< it has zones
        std::optional<double> limit;
        ZoneLimits planned;          ///< as the tier has them
        std::optional<double> total; ///< as the tier has it
        ZoneTracker tracker;
        Trend trend;
        std::optional<double> value{};
        std::optional<SteadyTime> measured{};
        Unknown unknown = Unknown::NotYet;
    };
    Reading reading(Light &light) const;

    const Clock &m_clock;
    std::chrono::milliseconds m_staleAfter{5000};
    std::vector<Light> m_lights;
};

} // namespace portolan::monitor
