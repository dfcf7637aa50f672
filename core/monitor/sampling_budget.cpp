// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/sampling_budget.h"

#include "core/monitor/instances/share.h"

#include <algorithm>
#include <cmath>

namespace portolan::monitor {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Kept for looking for tasks, for the lease and the like; bytes a second.
constexpr double reservedBytes = 30;
constexpr milliseconds idleLeast = seconds(5);
constexpr milliseconds idleMost = seconds(60);
constexpr milliseconds detailsLeast = seconds(30);
constexpr milliseconds detailsMost = seconds(3600);
constexpr milliseconds closeDetailsLeast = seconds(5);
/// Rounds are made by a tick of about a second that is never exact.
constexpr milliseconds slack{200};
constexpr double day = 86400;
constexpr double hour = 3600;

} // namespace

SamplingBudget::SamplingBudget(PlanLimits limits, milliseconds often, SteadyTime now)
    : m_limits(limits), m_often(often), m_detailsInterval(often), m_updated(now)
{
    // An hour's worth, so that starting again and again does not pay.
    m_saved = byteRate() * hour;
    update(false, false, 1, now);
}

void SamplingBudget::Cost::add(double moreCommands, double moreBytes)
{
    // A round that costs more counts at once, one that costs less little by little.
    const auto follow = [](double &value, double now) { value = now > value ? now : value + 0.2 * (now - value); };
    follow(commands, moreCommands);
    follow(bytes, moreBytes);
}

milliseconds SamplingBudget::interval(const Cost &cost, Part part, milliseconds least, milliseconds most) const
{
    double wanted = 0;
    if (m_limits.commandsPerSecond > 0)
        wanted = std::max(wanted, cost.commands / (m_limits.commandsPerSecond * m_commandShare * part.commands));
    if (m_limits.bytesPerMonth > 0 && part.bytes > 0)
        wanted = std::max(wanted, cost.bytes / (byteRate() * part.bytes));
    return std::clamp(milliseconds(std::int64_t(std::min(wanted, hour) * 1000)), least, most);
}

void SamplingBudget::update(bool watched, bool near, std::size_t instances, SteadyTime now)
{
    if (!bounded()) {
        m_figures.interval = m_often;
        m_figures.staleAfter = m_figures.detailsStaleAfter = std::max<milliseconds>(seconds(5), 2 * m_often);
        m_detailsInterval = m_often;
        return;
    }
    m_instances = double(std::max<std::size_t>(instances, 1));
    m_commandShare = share / (watched ? 1 : m_instances);
    const double passed = std::chrono::duration<double>(now - m_updated).count();
    m_updated = now;
    const double most = byteRate() * day;
    m_saved = std::min(most, m_saved + passed * std::max(0.0, byteRate() - reservedBytes));
    if (m_limits.bytesPerMonth > 0) {
        if (m_saved <= 0)
            m_usedUp = true;
        else if (m_saved >= most / 100) // some minutes' worth
            m_usedUp = false;
        m_figures.left = std::clamp(m_saved / most, 0.0, 1.0);
    }
    m_searchInterval.reset();
    const bool closer = (watched || near) && !m_usedUp;
    m_figures.pace = !watched && !near ? SamplingPace::Idle
                     : m_usedUp        ? SamplingPace::Saving
                     : watched         ? SamplingPace::Watched
                                       : SamplingPace::Near;
    if (!closer) {
        m_figures.interval = interval(m_plain, {0.2, 0.35}, idleLeast, idleMost);
        m_detailsInterval = interval(m_details, {0.15, 0.3}, detailsLeast, detailsMost);
    } else {
        m_figures.interval = interval(m_plain, watched ? Part{0.5, 0} : Part{0.3, 0}, m_often, idleMost);
        m_detailsInterval =
            interval(m_details, watched ? Part{0.25, 0} : Part{0.15, 0}, closeDetailsLeast, detailsMost);
        if (watched)
            m_searchInterval = interval(m_search, {0.35, 0}, m_often, idleMost);
    }
    m_exchangeInterval = interval(m_exchange, closer ? Part{0.05, 0} : Part{0.05, 0.1}, closer ? m_often : idleLeast,
                                  instances::longestEvery);
    const auto stale = [](milliseconds interval) {
        return std::max<milliseconds>(seconds(5), 2 * interval + seconds(1));
    };
    m_figures.staleAfter = stale(m_figures.interval);
    m_figures.detailsStaleAfter = stale(m_detailsInterval);
}

bool SamplingBudget::due(SteadyTime now) const
{
    return m_first || m_failed || !bounded() || now - m_asked + slack >= m_figures.interval;
}

bool SamplingBudget::detailsDue(SteadyTime now) const
{
    return m_first || !bounded() || now - m_askedDetails + slack >= m_detailsInterval;
}

bool SamplingBudget::searchDue(SteadyTime now) const
{
    return m_searchInterval && !m_first && !m_failed &&
           now - std::max(m_searched, m_asked) + slack >= *m_searchInterval;
}

void SamplingBudget::searched(std::uint64_t commands, std::uint64_t bytes, SteadyTime now)
{
    m_searched = now;
    m_search.add(double(commands), double(bytes));
    m_saved = std::max(-byteRate() * hour, m_saved - double(bytes));
}

void SamplingBudget::exchanged(std::uint64_t commands, std::uint64_t bytes)
{
    m_exchange.add(double(commands), double(bytes));
    m_saved = std::max(-byteRate() * hour, m_saved - double(bytes));
}

void SamplingBudget::paid(std::uint64_t bytes) { m_saved = std::max(-byteRate() * hour, m_saved - double(bytes)); }

void SamplingBudget::spent(std::uint64_t commands, std::uint64_t bytes, bool details, SteadyTime now)
{
    m_first = m_failed = false;
    m_asked = now;
    if (details)
        m_askedDetails = now;
    (details ? m_details : m_plain).add(double(commands), double(bytes));
    m_saved = std::max(-byteRate() * hour, m_saved - double(bytes));
}

void SamplingBudget::failed(SteadyTime now)
{
    m_failed = true;
    m_asked = now;
}

} // namespace portolan::monitor
