// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/showcase/rota.h"
#include "tests/fakes/manual_clock.h"

#include <QtGlobal>
#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Hours of visitors that take no time: a rota, a clock that jumps from one thing to the next, and portals that answer.
namespace portolan::showcase {
using namespace std::chrono_literals;

inline constexpr Company everybody{.members = 8};

struct Played
{
    SteadyTime at;
    Errand errand;
    Outcome outcome;
};
using Portal = std::function<Outcome(const Errand &, SteadyTime)>;

/// Fixed windows, as a portal counts them: of requests that were let in.
class Window
{
public:
    Window(unsigned most, std::chrono::seconds length) : m_most(most), m_length(length) {}

    std::optional<std::chrono::seconds> refuses(SteadyTime now)
    {
        if (m_count == 0 || now - m_begun >= m_length) {
            m_begun = now;
            m_count = 0;
        }
        if (m_count >= m_most)
            return std::chrono::ceil<std::chrono::seconds>(m_begun + m_length - now);
        ++m_count;
        return std::nullopt;
    }

private:
    unsigned m_most;
    std::chrono::seconds m_length;
    SteadyTime m_begun{};
    unsigned m_count = 0;
};

inline Outcome ok(const Errand &errand)
{
    if (errand.target == "/auth/csrf")
        return {200, R"({"csrf_token":"a-token"})", {}};
    if (errand.target == "/start-analysis")
        return {202, R"({"task_id":"a-task"})", {}};
    return {errand.target == "/auth/login" ? 401 : errand.target.starts_with("/reports") ? 404 : 200, {}, {}};
}

/// A portal of the tier `small`, in which all but the hasty one have windows of their own.
inline Portal small()
{
    struct Counted
    {
        Window minute;
        Window hour;
    };
    const auto counted = std::make_shared<std::map<std::size_t, Counted>>();
    const auto guesses = std::make_shared<Counted>(Counted{Window(2, 1min), Window(5, 1h)});
    return [counted, guesses](const Errand &errand, SteadyTime now) -> Outcome {
        Counted *windows = nullptr;
        if (errand.target == "/auth/login") {
            windows = guesses.get();
        } else if (errand.member && errand.target.starts_with("/api/")) {
            const bool hasty = *errand.member + 1 == everybody.members;
            const Counted fresh =
                hasty ? Counted{Window(8, 1min), Window(30, 1h)} : Counted{Window(30, 1min), Window(500, 1h)};
            windows = &counted->try_emplace(*errand.member, fresh).first->second;
        }
        if (windows) {
            if (const auto left = windows->minute.refuses(now))
                return {429, {}, left};
            if (const auto left = windows->hour.refuses(now))
                return {429, {}, left};
        }
        return ok(errand);
    };
}

/// One run of a rota. Its clock is the rota's.
struct Stage
{
    std::vector<Played> play(Rota &rota, std::chrono::milliseconds length, const Portal &portal,
                             std::chrono::milliseconds takes = 20ms);

    ManualClock clock;
    std::size_t mostAtOnce = 0;                 ///< errands under way, since somebody set this
    std::multimap<SteadyTime, Played> underWay; ///< by when they are answered, also beyond the end of a play
};

/// What happens in that time, in order. Fails where the rota would have its thread look again at once.
inline std::vector<Played> Stage::play(Rota &rota, std::chrono::milliseconds length, const Portal &portal,
                                       std::chrono::milliseconds takes)
{
    const SteadyTime end = clock.steady() + length;
    std::vector<Played> played;
    for (;;) {
        const SteadyTime now = clock.steady();
        while (auto errand = rota.take()) {
            Outcome outcome = portal(*errand, now);
            played.push_back({now, std::move(*errand), std::move(outcome)});
            underWay.emplace(now + takes, played.back());
            mostAtOnce = std::max(mostAtOnce, underWay.size());
        }
        const auto next = rota.next();
        if (next && *next <= now)
            qFatal("nothing is due, and is to be looked for again at once");
        if (!next && underWay.empty())
            return played;
        SteadyTime until = next.value_or(SteadyTime::max());
        if (!underWay.empty())
            until = std::max(now, std::min(until, underWay.begin()->first));
        if (until > end) {
            clock.advance(end - now);
            return played;
        }
        clock.advance(until - now);
        while (!underWay.empty() && underWay.begin()->first <= until) {
            const auto answered = underWay.extract(underWay.begin());
            rota.done(answered.mapped().errand, answered.mapped().outcome);
        }
    }
}

} // namespace portolan::showcase
