// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

namespace portolan {

/// The last answer to a question that costs something, for whoever asks the same again soon. What changed in between is
/// told by a number that the caller makes (0 where nothing can): an answer of another one does not count.
/// Any thread.
template <class Asked, class Told> class KeptAnswer final
{
public:
    /// `life`: 0 keeps none.
    explicit KeptAnswer(std::chrono::milliseconds life = std::chrono::milliseconds(0)) : m_life(life) {}

    /// Before it is used.
    void setLife(std::chrono::milliseconds life) { m_life = life; }

    std::optional<Told> find(const Asked &question, std::uint64_t change, SteadyTime now) const
    {
        const std::lock_guard lock(m_mutex);
        const bool same = m_kept && m_kept->change == change && m_kept->question == question;
        return same && now - m_kept->time < m_life ? std::optional(m_kept->answer) : std::nullopt;
    }

    void keep(Asked question, std::uint64_t change, const Told &answer, SteadyTime now)
    {
        if (m_life <= std::chrono::milliseconds(0))
            return;
        const std::lock_guard lock(m_mutex);
        m_kept.emplace(Kept{std::move(question), change, answer, now});
    }

private:
    struct Kept
    {
        Asked question;
        std::uint64_t change;
        Told answer;
        SteadyTime time;
    };
    std::chrono::milliseconds m_life;
    mutable std::mutex m_mutex;
    std::optional<Kept> m_kept;
};

} // namespace portolan
