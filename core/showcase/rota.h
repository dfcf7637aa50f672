// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/market/random.h"
#include "core/showcase/cast.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace portolan::showcase {

/// Whom there is to visit. Habits of those who are not there are left out.
struct Company
{
    std::size_t members = 0; ///< signed in; one alone is never hasty
    bool strangers = true;   ///< they can come from an address of their own
    bool queue = true;       ///< there is one
};

/// What visitors never exceed, whatever the table says and whatever the portal answers.
struct Bounds
{
    std::size_t atOnce = 6;                       ///< errands under way
    std::size_t perSecond = 8;                    ///< errands begun in any second
    std::chrono::milliseconds firstWait{1000};    ///< after no answer, or a 5xx; doubles with each …
    std::chrono::milliseconds longestWait{60000}; ///< … up to this
};

/// A step that is due, filled in.
struct Errand
{
    std::size_t habit = 0; ///< its index in the table
    std::uint64_t serial = 0;
    StepKind kind = StepKind::Get;
    Who who = Who::Member;
    std::optional<std::size_t> member{}; ///< which of them
    std::string target{};
    std::string body{};
    std::string token{}; ///< of a post: for X-CSRF-Token; empty: none
    std::uint32_t paths = 0;
    std::chrono::milliseconds softLimit{0};
    std::vector<std::string> tasks{}; ///< ids: of a task its own, of Keep those of the visit
};

/// What became of it. Status 0: no answer came. What is asked of the queue answers with HTTP's numbers too.
struct Outcome
{
    int status = 0;
    std::string body{};
    std::optional<std::chrono::seconds> retryAfter{};
};

/// When who does what: the table, a clock and a random generator, and what came back. No I/O, no thread: take() and do
/// what is due, say what came of it, look again at next(). The same seed, the same times and the same outcomes give the
/// same errands.
///
/// - A habit is at one visit at a time; a step waits for the answer to the one before.
/// - Who is refused (429) leaves, and comes back when he was told to (Retry-After), within his patience.
/// - Who gets a 5xx leaves; the habit rests for a time that doubles.
/// - Without an answer everybody rests for a time that doubles; then one asks before the others do.
/// - A member who gets a 401 was signed out by somebody, and does not come back.
///
/// Not thread-safe.
class Rota final
{
public:
    /// Table and clock outlive it. Of the members the last is the hasty one.
    Rota(std::span<const Habit> habits, const Company &company, const Clock &clock, std::uint64_t seed,
         Bounds bounds = {});
    ~Rota();

    /// What is due now; nothing until next() or an outcome. Each must be told to done().
    std::optional<Errand> take();
    /// When take() may have something, later than now if it just had nothing. nullopt: not before an outcome comes.
    std::optional<SteadyTime> next() const;
    /// Of an errand that was told already: nothing happens.
    void done(const Errand &errand, const Outcome &outcome);

    std::size_t underWay() const { return m_underWay; }

private:
    struct Round;
    bool present(const Habit &habit) const;
    bool begin(Round &round, SteadyTime now);
    bool isOf(const Habit &habit, std::size_t member) const; ///< and is still there
    SteadyTime notBefore(const Round &round) const;          ///< somebody can come; max: nobody ever
    std::size_t pickMember(const Round &round, SteadyTime now);
    bool fill(const Round &round, Errand &errand) const;
    void finish(Round &round, SteadyTime now);
    void refused(Round &round, const Outcome &outcome, SteadyTime now);
    void failed(Round &round, const Outcome &outcome, SteadyTime now);
    void unanswered(Round &round, SteadyTime now);
    void signedOut(Round &round, SteadyTime now);
    std::chrono::milliseconds spread(std::chrono::milliseconds mean);
    std::string newTaskId();

    const std::span<const Habit> m_habits;
    const Company m_company;
    const Clock &m_clock;
    const Bounds m_bounds;
    market::Xoshiro m_random;
    std::vector<Round> m_rounds;    ///< one a habit
    std::vector<bool> m_gone;       ///< members
    std::deque<SteadyTime> m_begun; ///< the last errands, at most `perSecond`
    std::size_t m_underWay = 0;
    std::uint64_t m_serial = 0;
    std::chrono::milliseconds m_wait{0}; ///< after no answer; 0: there was one
    SteadyTime m_restUntil{};
};

} // namespace portolan::showcase
