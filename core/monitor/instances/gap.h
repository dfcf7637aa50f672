// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/monitor/kept_series.h"
#include "core/storage/history_points.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace portolan::monitor::instances {

/// So many label sets of a name are taken for one gap as history keeps at once, whoever tells them.
class LabelBounds final
{
public:
    void drop(std::vector<storage::SeriesRows> &series)
    {
        std::erase_if(series, [this](const storage::SeriesRows &one) { return !has(one.metric); });
    }

private:
    bool has(const Metric &metric)
    {
        if (metric.labels.empty())
            return true;
        auto &sets = m_sets[metric.name];
        if (sets.contains(metric.labels.begin()->second))
            return true;
        if (sets.size() > KeptSeries::mostOfName || m_count >= KeptSeries::most)
            return false;
        ++m_count;
        sets.insert(metric.labels.begin()->second);
        return true;
    }

    std::map<std::string, std::set<std::string>> m_sets;
    std::size_t m_count = 0;
};

/// A time that is missing in the history, and what became of it.
struct Gap
{
    WallTime from; ///< 1970: there is nothing before it
    WallTime to;
    WallTime until; ///< what is not told yet ends there
    SteadyTime due;
    SteadyTime given;                  ///< up
    bool between = false;              ///< it is a hole in the seconds too
    std::set<std::string> told = {};   ///< those that have told all they have
    std::set<std::string> failed = {}; ///< that were asked since `due` and have not
    std::set<std::string> givers = {};
    WallTime hoursUntil = {}; ///< of before then hours were taken, and no minutes are
    std::size_t bytes = 0;
    std::uint64_t rows = 0;
    std::uint64_t minutes = 0; ///< of these
    bool begun = false;
    bool warned = false;
    LabelBounds labels = {};
};

} // namespace portolan::monitor::instances
