#pragma once

#include "core/api/history.h"

#include <vector>

namespace portolan::ui {

/// What the points that fall on one pixel column of a chart come to: their extremes are kept.
struct PixelColumn
{
    double low = 0;
    double high = 0;
    double mean = 0;
    bool any = false; ///< there are points
    bool gap = false; ///< between them and the ones before nothing was known
};

/// One pass over the points, no memory but the answer: a million of them take a few milliseconds. Points outside of
/// from … to are left out.
std::vector<PixelColumn> reduce(const Series &series, WallTime from, WallTime to, int columns);

} // namespace portolan::ui
