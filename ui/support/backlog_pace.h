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
    void add(WallTime time, const QueueFigures &queue); ///< one without a backlog, or from before the last, begins anew
    /// Tasks per second, positive while it grows; nothing before 5 s of samples.
    std::optional<double> growth() const;
    /// What comes in: what it grows by and what ends meanwhile, as far as this portal's own worker ends it. Nothing
    /// where it shrinks by more: other workers end the rest, and do not say how much.
    std::optional<double> arrivals() const;

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
