// SPDX-License-Identifier: GPL-3.0-or-later
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

/// What an axis counts, so that its labels share one unit.
enum class AxisUnit {
    Plain,   ///< as its values are written
    Bytes,   ///< whose round numbers are those of 1024
    Seconds, ///< µs, ms or s; from a minute on as durations are written
};

/// "0", "0.5 MB", "1 MB", "1.5 MB": all in the unit of `top`. Empty for what has none: AxisUnit::Plain, minutes.
QString axisLabel(double value, double top, AxisUnit unit);

/// Round numbers from 0 up to and including `top`, about `wanted` of them. `binary`: round in units of 1024.
std::vector<double> roundSteps(double top, int wanted, bool binary);
/// Round moments of local time, about `wanted` of them.
std::vector<Tick> timeTicks(WallTime from, WallTime to, int wanted);

} // namespace portolan::ui
