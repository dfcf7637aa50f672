// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "core/api/tier.h"

#include <optional>

/// When a traffic light changes. Thresholds are ZoneLimits of the tier; values and thresholds are in the unit of the
/// resource. Pure but for the state a ZoneTracker keeps; time comes from outside.
namespace portolan::monitor {

/// The zone of a resource over time. A worse zone is entered when the value has been beyond its threshold for
/// `limits.enter` without a break, and left when it has been below the threshold less `limits.margin` for
/// `limits.leave` without a break: with red above 25 MB, 24.9 MB keeps red, 24 MB leaves it (below 24.25 MB).
///
/// Each threshold is watched by itself, so a fall from red to deep in the green goes to green in one step, and 24 MB
/// leaves red for yellow. A first value below yellow is green at once; beyond, the zone is Unknown until `enter` has
/// passed: not enough was seen to call it either. Unknown values show Unknown at once and stop both timers; the zone
/// comes back as it was if they end within `leave`, else everything starts anew.
/// One caller at a time; times must not go back.
class ZoneTracker final
{
public:
    explicit ZoneTracker(ZoneLimits limits, bool redWhenReached = false)
        : m_limits(limits), m_redWhenReached(redWhenReached)
    {}

    /// The zone after a value (nullopt: unknown) was seen at `now`. Call it about once a second: between two calls the
    /// value is taken to have been on the side of the later one.
    Zone update(std::optional<double> value, SteadyTime now);

    Zone zone() const { return m_zone; }
    std::optional<SteadyTime> since() const { return m_since; } ///< of the present zone

    /// New thresholds (a tier was changed): judged by them from the next value on.
    void setLimits(const ZoneLimits &limits) { m_limits = limits; }

private:
    struct Latch
    {
        bool on = false;
        std::optional<SteadyTime> beyondSince;
        std::optional<SteadyTime> belowSince;
        void update(bool beyond, bool below, const ZoneLimits &limits, SteadyTime now);
    };
    Zone decide(double value) const;

    ZoneLimits m_limits;
    bool m_redWhenReached;
    Latch m_yellow;
    Latch m_red;
    Zone m_zone = Zone::Unknown;
    std::optional<SteadyTime> m_since;
    std::optional<SteadyTime> m_unknownSince;
    bool m_settled = false; ///< a zone was known since everything last started anew
};

/// The threshold that bounds `zone` above, if there is a worse zone.
std::optional<double> nextThreshold(Zone zone, const ZoneLimits &limits);

} // namespace portolan::monitor
