// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/stack/metrics/counter_book.h"

#include <cstdint>
#include <deque>
#include <optional>

namespace portolan::stack {

/// Whether all pages come from one process. Several workers behind one address (gunicorn -w 4) each count for
/// themselves, and each answer is that of another one: its counters are a part, and their differences nonsense. A
/// library has to be told to count for all of them (PROMETHEUS_MULTIPROC_DIR for Python's).
///
/// By process_start_time_seconds: a process that has been replaced never answers again, so one that comes back is
/// proof. Where there is none, by the total of requests: one that falls back to where it has been before, twice within
/// `memory` pages, or that falls twice within `close` pages. One thread at a time.
class ProcessWatch final
{
public:
    static constexpr unsigned enough = 8; ///< pages of one process, before its figures are told
    static constexpr unsigned close = 5;
    static constexpr unsigned memory = 12; ///< and so many of one process until it is believed again

    /// What the process of a page is to that before. `start`: of the process, Unix seconds; `far`: the time there when
    /// the page was made, where it was told.
    CounterBook::Page seen(std::optional<double> start, std::optional<double> far);

    /// Behind that: the total of requests on the page, and whether it, or a part of it, fell.
    void counted(double total, bool fell);

    bool several() const { return m_several; }         ///< processes take turns
    bool named() const { return m_start.has_value(); } ///< the last page said when its process began
    bool settled() const { return !m_several && m_calm >= m_needed; }

private:
    struct Start
    {
        double time = 0;
        std::uint64_t page = 0; ///< that it was last seen on
    };
    void unsettle(unsigned needed);
    void proven();

    std::optional<double> m_start;
    std::optional<double> m_far;
    std::deque<Start> m_starts;                ///< of the processes before
    std::deque<double> m_totals;               ///< the last at the end; since the last change of process
    std::deque<std::uint64_t> m_fell, m_backs; ///< pages
    std::uint64_t m_page = 0;
    unsigned m_calm = 0; ///< pages of one process, one after the other
    unsigned m_needed = enough;
    bool m_several = false;
};

} // namespace portolan::stack
