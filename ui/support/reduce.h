// SPDX-License-Identifier: GPL-3.0-or-later
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
    bool any = false;  ///< something is known
    bool held = false; ///< no point begins here: it is what the one before covers
    bool gap = false;  ///< between them and the ones before nothing was known
    bool flat = false; ///< it covers more than the others: a minute among seconds is no way from one to the next
};

/// Whether it covers more than the others of its series: of before a restart only minutes are left.
bool isWide(const Point &point, std::chrono::seconds step);

/// One pass over the points, no memory but the answer: a million of them take a few milliseconds. A point holds for
/// what it covers, and until the next one where there is no gap: so the one before `from` shows at the left edge, and
/// where columns are finer than steps, each of them is known. What begins at or after `to` is left out.
std::vector<PixelColumn> reduce(const Series &series, WallTime from, WallTime to, int columns);

} // namespace portolan::ui
