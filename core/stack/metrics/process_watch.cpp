// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/process_watch.h"

#include <algorithm>

namespace portolan::stack {

namespace {

/// Clocks of two machines, and Date has whole seconds.
constexpr double clocksDiffer = 5;
constexpr std::size_t mostStarts = 64;

using Page = CounterBook::Page;

} // namespace

Page ProcessWatch::seen(std::optional<double> start, std::optional<double> far)
{
    ++m_page;
    const auto before = std::exchange(m_start, start);
    const auto lastFar = std::exchange(m_far, far);
    if (m_page == 1 || start.has_value() != before.has_value()) {
        unsettle(enough);
        return Page::Baseline;
    }
    if (start == before)
        return Page::Next;
    const auto known = std::ranges::find(m_starts, *start, &Start::time);
    const bool back = known != m_starts.end();
    std::erase_if(m_starts, [&](const Start &one) { return one.time == *before; });
    m_starts.push_back({*before, m_page});
    if (m_starts.size() > mostStarts)
        m_starts.pop_front();
    if (back) {
        proven();
        return Page::Baseline;
    }
    if (*start > *before && lastFar && *start >= *lastFar - clocksDiffer) {
        m_totals.clear();
        return Page::Restarted;
    }
    unsettle(enough); // one that ran beside the one before
    return Page::Baseline;
}

void ProcessWatch::counted(double total, bool fell)
{
    if (fell) {
        const bool back =
            std::ranges::any_of(m_totals, [total](double earlier) { return earlier > 0 && earlier <= total; });
        m_fell.push_back(m_page);
        if (back)
            m_backs.push_back(m_page);
        unsettle(back ? memory : enough);
    }
    while (!m_fell.empty() && m_fell.front() + close <= m_page)
        m_fell.pop_front();
    while (!m_backs.empty() && m_backs.front() + memory <= m_page)
        m_backs.pop_front();
    if (m_fell.size() >= 2 || m_backs.size() >= 2)
        proven();
    m_totals.push_back(total);
    if (m_totals.size() > memory)
        m_totals.pop_front();
    ++m_calm;
    if (m_several && m_calm > memory) {
        m_several = false;
        m_starts.clear();
        m_totals.clear();
        m_needed = 0;
    }
}

void ProcessWatch::unsettle(unsigned needed)
{
    m_calm = 0;
    m_needed = needed;
}

void ProcessWatch::proven()
{
    m_several = true;
    m_calm = 0;
    m_needed = memory;
}

} // namespace portolan::stack
