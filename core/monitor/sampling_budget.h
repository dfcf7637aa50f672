// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace portolan::monitor {

/// What a Redis plan allows; 0: it does not bound it. A private Redis: both.
struct PlanLimits
{
    double commandsPerSecond = 0;
    double bytesPerMonth = 0; ///< sent by Redis
};

/// How often Redis is asked, so that the portal by itself stays within a tenth of what its plan allows.
///
/// Of that tenth a part is kept for looking for tasks and keeping the lease; the rest is for rounds. There are two
/// kinds: plain ones (memory, connections, queues), and those with details (key families, clients, sizes of keys),
/// which cost several times as much and come more rarely. Both have the interval at which their measured cost fits; so
/// have steps of the search for lists, which each round takes one of, while somebody looks; and so has what instances
/// tell each other, which Redis sends to each of them.
///
/// What is not spent of a month's traffic is put by, at most a day's worth: with that Redis is asked more often while
/// somebody looks or a figure is near its threshold, until it is used up. Commands are bounded by the second and cannot
/// be put by: while somebody looks they may take up to a ninth, so that with what pages ask for themselves it stays
/// below a fifth; else a tenth all the same.
///
/// The plan is the deployment's: where several instances are up, each has its part of the tenth. Only whose figures
/// somebody looks at may spend as if it were alone, since the others are at rest meanwhile. What each needs for its
/// tasks and its lease is not divided, for each needs it.
///
/// No I/O. One caller at a time.
class SamplingBudget final
{
public:
    /// `often`: the interval where nothing bounds it.
    SamplingBudget(PlanLimits limits, std::chrono::milliseconds often, SteadyTime now);

    bool bounded() const { return m_limits.commandsPerSecond > 0 || m_limits.bytesPerMonth > 0; }

    /// Whether somebody looks, whether a figure is near or beyond its threshold, and how many instances are up, with
    /// this one. Each second or so.
    void update(bool watched, bool near, std::size_t instances, SteadyTime now);

    bool due(SteadyTime now) const;
    bool detailsDue(SteadyTime now) const;
    /// Whether a step of the search for lists is due by itself, without a round: while somebody looks and rounds are
    /// further apart than what is left for it.
    bool searchDue(SteadyTime now) const;

    /// A round was made; what Redis counted for it.
    void spent(std::uint64_t commands, std::uint64_t bytes, bool details, SteadyTime now);
    void searched(std::uint64_t commands, std::uint64_t bytes, SteadyTime now); ///< such a step was made
    /// Instances told each other what they do.
    void exchanged(std::uint64_t commands, std::uint64_t bytes);
    /// Redis sent so much more, once: an instance took the history it had missed.
    void paid(std::uint64_t bytes);
    /// How far apart they are to do so, at least, up to 10 min; 0: as they like.
    std::chrono::milliseconds exchangeInterval() const { return m_exchangeInterval; }
    /// There was no answer: the next round is due at the usual interval of a second.
    void failed(SteadyTime now);

    const SamplingFigures &figures() const { return m_figures; }

    static constexpr double share = 0.1; ///< of the plan
    static constexpr double month = 30.0 * 86400;

private:
    struct Cost
    {
        double commands = 0;
        double bytes = 0;
        void add(double moreCommands, double moreBytes);
    };
    /// Fractions of the monitor's share that rounds of one kind may take.
    struct Part
    {
        double commands;
        double bytes; ///< 0: what was put by pays for them
    };
    std::chrono::milliseconds interval(const Cost &cost, Part part, std::chrono::milliseconds least,
                                       std::chrono::milliseconds most) const;
    double byteRate() const { return m_limits.bytesPerMonth * share / month / m_instances; }

    const PlanLimits m_limits;
    const std::chrono::milliseconds m_often;
    SamplingFigures m_figures;
    std::chrono::milliseconds m_detailsInterval;
    std::optional<std::chrono::milliseconds> m_searchInterval; ///< nothing: not by itself
    // What is expected before the first.
    Cost m_plain{8, 500};
    Cost m_details{60, 4000};
    Cost m_search{6, 200};
    Cost m_exchange{2, 600};
    std::chrono::milliseconds m_exchangeInterval{0};
    double m_saved = 0; ///< bytes
    double m_instances = 1;
    double m_commandShare = share; ///< of the plan's, this instance's
    SteadyTime m_updated;
    bool m_usedUp = false;
    SteadyTime m_asked{};
    SteadyTime m_askedDetails{};
    SteadyTime m_searched{};
    bool m_failed = false;
    bool m_first = true;
};

} // namespace portolan::monitor
