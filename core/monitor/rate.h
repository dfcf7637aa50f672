// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace portolan::monitor {

/// How fast a counter grows, over the last `span`. One that fell (its server started anew) begins again.
class Rate final
{
public:
    /// `least`: what covers less says nothing of a pace.
    explicit Rate(std::chrono::seconds span, std::chrono::seconds least = std::chrono::seconds(0))
        : m_span(span), m_least(least)
    {}

    void add(std::uint64_t total, SteadyTime now)
    {
        if (!m_points.empty() && total < m_points.back().total)
            m_points.clear();
        m_points.push_back({now, total});
        while (m_points.size() > 2 && now - m_points[1].time >= m_span)
            m_points.pop_front();
    }
    void clear() { m_points.clear(); }
    bool fell(std::uint64_t total) const { return !m_points.empty() && total < m_points.back().total; }

    /// The time its growth is of; nothing before the second value.
    std::optional<std::chrono::nanoseconds> covered() const
    {
        if (m_points.size() < 2)
            return std::nullopt;
        return m_points.back().time - m_points.front().time;
    }

    /// Growth within the span; nothing before the second value.
    std::optional<std::uint64_t> growth() const
    {
        if (m_points.size() < 2)
            return std::nullopt;
        return m_points.back().total - m_points.front().total;
    }
    /// Nothing before the second value, and before `least` is covered.
    std::optional<double> perSecond() const
    {
        const auto grown = growth();
        if (!grown || m_points.back().time <= m_points.front().time || *covered() < m_least)
            return std::nullopt;
        return double(*grown) / std::chrono::duration<double>(m_points.back().time - m_points.front().time).count();
    }

private:
    struct Point
    {
        SteadyTime time;
        std::uint64_t total;
    };
    std::chrono::seconds m_span;
    std::chrono::seconds m_least;
    std::deque<Point> m_points;
};

} // namespace portolan::monitor
