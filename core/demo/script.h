// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/catalogue.h"
#include "core/api/history.h"
#include "core/api/tier.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::demo {

/// How a figure goes over time. Deterministic: the same seed and second give the same value.
struct Curve
{
    double base = 0;
    double swing = 0;     ///< amplitude over a day
    double noise = 0;     ///< amplitude from one moment to the next
    double climb = 0;     ///< per second, from `climbFrom` on
    double climbFrom = 0; ///< seconds since the start of the demo; negative: before it, and until then it was calm
    double most = 1e18;
};

/// One scripted situation.
struct Situation
{
    std::string_view name = {};
    std::string_view about = {};
    std::map<std::string_view, Curve> curves = {}; ///< by metric: those that differ from all-green
    std::optional<double> redisAwaySince = {};     ///< seconds since the start
    std::optional<double> lostSince = {};          ///< from then on no sample comes
    bool noWorkers = false;                        ///< nobody takes tasks, and nobody has since the start of the demo
    bool empty = false;                            ///< a portal in which nothing has happened yet
    bool longNames = false;                        ///< names as long as they get
    std::optional<double> hangsSince = {}; ///< one of three instances, in seconds since the start; else there is one
    std::string_view climbingFamily = {};  ///< the key family that takes what memory grows by
    std::size_t waitingTasks = 3;          ///< at the start of the demo
};

/// All of them, all-green first.
const std::vector<Situation> &situations();
/// By name; null where there is none.
const Situation *findSituation(std::string_view name);

/// The figures of a situation at any moment, before the start of the demo too.
class Script final
{
public:
    Script(const Situation &situation, std::uint64_t seed) : m_situation(situation), m_seed(seed) {}

    const Situation &situation() const { return m_situation; }
    /// Of a metric that has no label; `second` since the start of the demo; negative before it. Nothing where it is not
    /// known.
    std::optional<double> value(std::string_view metric, double second) const;
    /// What an action changed: from `second` on the metric is `by` more.
    void shift(std::string_view metric, double second, double by) { m_shifts.push_back({metric, second, by}); }
    double climb(std::string_view metric) const;
    double most(std::string_view metric) const; ///< it climbs no higher

    /// The points of one series as Deployment::history() answers them; `from` and `to` are seconds since the start,
    /// `finest` are those that a point covers at least.
    Series series(std::string_view metric, double from, double to, std::uint32_t most, WallTime start,
                  double finest = 1) const;

private:
    struct Shift
    {
        std::string_view metric;
        double second;
        double by;
    };
    const Curve &curve(std::string_view metric) const;
    bool known(std::string_view metric, double second) const;
    double at(std::string_view metric, double second) const;

    const Situation &m_situation;
    std::uint64_t m_seed;
    std::vector<Shift> m_shifts;
};

/// The traffic lights of the demo's tier, as `small` has them on a Redis plan: one for each resource.
struct Light
{
    Resource resource;
    double limit; ///< 0: none
    double yellow;
    double red;
};
const std::vector<Light> &lights();
constexpr std::string_view metricOf(const Light &light) { return kindOf(light.resource).name; }

/// How much a point covers, in seconds, as a deployment chooses it; `finest` at least.
double stepFor(double from, double to, std::uint32_t most, double finest);
/// How many moments of it are looked at.
constexpr int samplesOf(double step) { return step > 1 ? 6 : 1; }

} // namespace portolan::demo
