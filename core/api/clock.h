// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>

namespace portolan {

using WallTime = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;

/// The only source of time for code whose behaviour depends on it. Safe from any thread.
class Clock
{
public:
    virtual ~Clock() = default;
    virtual WallTime wall() const = 0;     ///< for what a person or another machine reads
    virtual SteadyTime steady() const = 0; ///< for durations and deadlines; never goes back
};

} // namespace portolan
