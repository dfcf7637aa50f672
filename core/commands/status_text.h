// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <cstddef>
#include <string>

namespace portolan::commands {

struct StatusStyle
{
    std::size_t width = 80; ///< columns of the terminal; lines are cut to it. Below 40 it is taken as 40
    bool colour = true;     ///< ANSI colours; false for NO_COLOR (https://no-color.org) and when it is no terminal
    bool utf8 = true;       ///< false: ASCII shapes
};

/// A snapshot as `portoland status` shows it: the verdict, then one line per resource with its zone (word, shape and
/// colour: the colour alone says nothing), value of limit with unit, age, and the time to the next zone; then links,
/// queue, traffic and the largest key families. Stale values are dimmed and say how old they are, unknown ones say why.
/// Ends with a newline. Columns that do not fit are left out from the right: first the time to the next zone, then the
/// age.
std::string statusText(const Snapshot &snapshot, const StatusStyle &options = {});

} // namespace portolan::commands
