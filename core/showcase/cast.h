// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

/// Who visits a portal that is shown, what each of them does, how often, and from which address: a table. rota.h reads
/// it.
namespace portolan::showcase {

enum class Who : std::uint8_t {
    Member,   ///< one of those who are signed in, but for the last of them: another each time
    Hasty,    ///< the last of them, to whom alone the tier's limits apply as they are (see Demonstration)
    Stranger, ///< nobody who is signed in, from an address of his own: his refusals are not everybody's on this machine
    Probe,    ///< the same from everybody's address: asks only what is not limited
    Program,  ///< another program that puts tasks into the queue
};

enum class StepKind : std::uint8_t {
    Get,  ///< a request
    Post, ///< … with the CSRF token that an earlier answer of the same visit had, where there was one
    Task, ///< puts an analysis into the queue, past the portal's HTTP; of the member, or nobody's
    Keep, ///< the results of the visit's tasks live on for `keptFor` instead of the tier's time
};

/// Texts are filled in: {symbol} is that of the visit, {task} the id that an earlier answer had.
struct Step
{
    StepKind kind = StepKind::Get;
    std::string_view target{};          ///< path with query; of a task its symbol
    std::string_view body{};            ///< JSON; of a post
    std::chrono::milliseconds pause{0}; ///< before the next step
    std::uint32_t paths = 0;            ///< of a task
    /// Of a task: when it is told to give up; 0: the worker's.
    std::chrono::milliseconds softLimit{0};
};

/// What somebody does again and again: a visit is all steps, one after the other.
struct Habit
{
    std::string_view name;
    Who who = Who::Member;
    std::chrono::milliseconds first{0};  ///< of the first visit, after the start
    std::chrono::milliseconds every{0};  ///< from visit to visit on average; each is up to a quarter off
    std::span<const Step> steps{};       ///
    unsigned insists = 1;                ///< refusals (429) after which he leaves; others leave at the first
    std::chrono::seconds patience{3600}; ///< the longest that a refusal keeps him away
};

inline constexpr std::chrono::hours keptFor{1};
inline constexpr std::uint32_t programHorizon = 64; ///< trading days: as many as a result lists, some 10 KB

/// The visitors of `--demo`. What a whole hour of them comes to on the tier `small`: two requests a second, 8 users of
/// 15, one answer in thirty refused, one task in twenty-five failed, some 900 kept results (11 MB of 30), and less than
/// a twentieth of one core.
std::span<const Habit> cast();

} // namespace portolan::showcase
