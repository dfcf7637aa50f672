// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/monitor/instances/roster.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace portolan::monitor::instances {

/// What became of others, until it is told: each is an event of the time line and a line of the log, and whoever may
/// publish on the channel could make up thousands a second. So of a name only one of each kind is told at a time, and
/// of all of them `saved` at once and one a second in the long run; what is beyond is forgotten. Not thread-safe.
class ChangeQueue final
{
public:
    static constexpr std::size_t saved = 128;
    static constexpr std::chrono::seconds answerEvery{10};

    void add(const std::vector<Change> &changes);
    /// What is to be told now, in its order.
    std::vector<Change> take(SteadyTime now);
    /// Whether to tell of oneself now, whatever the pace, for somebody is new who has heard of nobody yet: every
    /// answerEvery at most, for all that have come until then.
    bool answers(SteadyTime now);

private:
    std::vector<Change> m_waiting;
    std::optional<SteadyTime> m_taken;
    double m_left = double(saved);
    bool m_newcomer = false;
    std::optional<SteadyTime> m_answered;
};

} // namespace portolan::monitor::instances
