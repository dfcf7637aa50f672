// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"

#include <deque>
#include <optional>

namespace portolan::ui {

/// How a queue's backlog changes, from the samples of the last half minute.
class BacklogPace final
{
public:
    /// One without a backlog, or from before the last, begins anew; one that was added already is none.
    void add(WallTime time, const QueueFigures &queue);
    /// Tasks per second, positive while it grows; nothing before 5 s of samples.
    std::optional<double> growth() const;
    /// What comes in, at least: what it grows by and what this portal's own worker ends meanwhile. What other workers
    /// end comes beside it, and they do not say how much; nothing where they end more than comes in.
    std::optional<double> arrivals() const;
    std::size_t samples() const { return m_samples.size(); } ///< that are kept

private:
    struct Sample
    {
        WallTime time;
        double backlog;
    };
    std::deque<Sample> m_samples;
    std::optional<double> m_ended;
};

} // namespace portolan::ui
