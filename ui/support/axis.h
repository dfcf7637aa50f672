#pragma once

#include "core/api/clock.h"

#include <QString>
#include <vector>

namespace portolan::ui {

struct Tick
{
    double value; ///< in the axis's unit; of a time axis seconds since its beginning
    QString label;
};

/// Round numbers from 0 up to and including `top`, about `wanted` of them. `binary`: round in units of 1024.
std::vector<double> roundSteps(double top, int wanted, bool binary);
/// Round moments of local time, about `wanted` of them.
std::vector<Tick> timeTicks(WallTime from, WallTime to, int wanted);

} // namespace portolan::ui
