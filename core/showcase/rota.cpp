// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/rota.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace portolan::showcase {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<std::string_view, 6> symbols{"AAPL", "MSFT", "GOOG", "AMZN", "NVDA", "TSLA"};
constexpr std::size_t longestNote = 512; ///< of an answer's text that is sent back
constexpr seconds unnamedWait{60};       ///< of a refusal without Retry-After

/// `text` with every {name} replaced; false where the value is missing.
bool replace(std::string &text, std::string_view name, std::string_view value)
{
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size())) {
        if (value.empty())
            return false;
        text.replace(at, name.size(), value);
    }
    return true;
}

bool isMembers(const Habit &habit) { return habit.who == Who::Member || habit.who == Who::Hasty; }

/// A string member of a JSON answer, if it can stand in a header or a path.
std::string noteOf(const boost::json::object &answer, std::string_view member)
{
    const auto *value = answer.if_contains(member);
    if (!value || !value->is_string() || value->get_string().size() > longestNote)
        return {};
    const auto &text = value->get_string();
    const bool plain = std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.' || c == '=';
    });
    return plain ? std::string(text) : std::string();
}

} // namespace

/// What one habit is at.
struct Rota::Round
{
    const Habit *habit = nullptr;
    std::size_t index = 0;
    bool there = true;     ///< somebody has this habit
    bool visiting = false; ///< between the first step and the last
    bool asking = false;   ///< an errand is under way
    SteadyTime due{};      ///< of the next step, or of the next visit
    SteadyTime begun{};    ///< the visit
    std::size_t step = 0;
    std::uint64_t serial = 0; ///< of the errand under way
    std::optional<std::size_t> member;
    unsigned refusals = 0;           ///< during the visit
    milliseconds wait{0};            ///< after the last 5xx; 0: there was another answer since
    std::vector<SteadyTime> barred;  ///< per member: not before; one entry for those who are no members
    std::string symbol, token, task; ///< of the visit
    std::vector<std::string> tasks;  ///< put into the queue by the visit
};

Rota::Rota(std::span<const Habit> habits, const Company &company, const Clock &clock, std::uint64_t seed, Bounds bounds)
    : m_habits(habits), m_company(company), m_clock(clock), m_bounds(bounds), m_random(seed), m_gone(company.members)
{
    const SteadyTime now = m_clock.steady();
    m_rounds.resize(m_habits.size());
    for (std::size_t i = 0; i < m_habits.size(); ++i) {
        Round &round = m_rounds[i];
        round.habit = &m_habits[i];
        round.index = i;
        round.there = present(m_habits[i]);
        round.due = now + m_habits[i].first;
        round.barred.resize(std::max<std::size_t>(1, company.members), SteadyTime::min());
    }
}

Rota::~Rota() = default;

bool Rota::present(const Habit &habit) const
{
    const bool queues = std::ranges::any_of(
        habit.steps, [](const Step &step) { return step.kind == StepKind::Task || step.kind == StepKind::Keep; });
    if (habit.steps.empty() || (queues && !m_company.queue))
        return false;
    switch (habit.who) {
    case Who::Member:
        return m_company.members > 0;
    case Who::Hasty:
        return m_company.members > 1;
    case Who::Stranger:
        return m_company.strangers;
    case Who::Probe:
    case Who::Program:
        break;
    }
    return true;
}

std::optional<Errand> Rota::take()
{
    const SteadyTime now = m_clock.steady();
    for (;;) {
        const auto at = next();
        if (!at || *at > now)
            return std::nullopt;
        const auto found = std::ranges::min_element(m_rounds, {}, [](const Round &round) {
            return !round.there || round.asking ? SteadyTime::max() : round.due;
        });
        Round &round = *found;
        if (!round.visiting && !begin(round, now))
            continue;
        Errand errand;
        if (!fill(round, errand)) { // an answer lacked what this step needs
            finish(round, now);
            continue;
        }
        if (errand.kind == StepKind::Task) {
            round.tasks.push_back(newTaskId());
            errand.tasks = {round.tasks.back()};
        }
        errand.serial = round.serial = ++m_serial;
        round.asking = true;
        ++m_underWay;
        m_begun.push_back(now);
        if (m_begun.size() > m_bounds.perSecond)
            m_begun.pop_front();
        return errand;
    }
}

std::optional<SteadyTime> Rota::next() const
{
    // After no answer one asks before the others do.
    if (m_underWay >= (m_wait.count() > 0 ? 1 : m_bounds.atOnce))
        return std::nullopt;
    auto earliest = SteadyTime::max();
    for (const Round &round : m_rounds)
        if (round.there && !round.asking)
            earliest = std::min(earliest, round.due);
    if (earliest == SteadyTime::max())
        return std::nullopt;
    if (m_begun.size() >= m_bounds.perSecond)
        earliest = std::max(earliest, m_begun.front() + seconds(1));
    return std::max(earliest, m_restUntil);
}

/// False: nobody can come now; the round knows when to look again, or that nobody will.
bool Rota::begin(Round &round, SteadyTime now)
{
    const SteadyTime from = notBefore(round);
    if (from > now) {
        round.there = from != SteadyTime::max();
        round.due = from;
        return false;
    }
    round.visiting = true;
    round.begun = now;
    round.step = 0;
    round.refusals = 0;
    round.member = isMembers(*round.habit) ? std::optional(pickMember(round, now)) : std::nullopt;
    round.symbol = symbols[m_random.below(symbols.size())];
    round.token.clear();
    round.task.clear();
    round.tasks.clear();
    return true;
}

bool Rota::isOf(const Habit &habit, std::size_t member) const
{
    if (m_gone[member])
        return false;
    const bool last = member + 1 == m_gone.size();
    return m_gone.size() == 1 || last == (habit.who == Who::Hasty);
}

SteadyTime Rota::notBefore(const Round &round) const
{
    if (!isMembers(*round.habit))
        return round.barred.front();
    auto earliest = SteadyTime::max();
    for (std::size_t i = 0; i < m_gone.size(); ++i)
        if (isOf(*round.habit, i))
            earliest = std::min(earliest, round.barred[i]);
    return earliest;
}

/// Somebody who can come now: there is one.
std::size_t Rota::pickMember(const Round &round, SteadyTime now)
{
    const std::size_t count = m_gone.size();
    std::size_t member = m_random.below(std::uint32_t(count));
    while (!isOf(*round.habit, member) || round.barred[member] > now)
        member = (member + 1) % count;
    return member;
}

bool Rota::fill(const Round &round, Errand &errand) const
{
    const Step &step = round.habit->steps[round.step];
    errand.habit = round.index;
    errand.kind = step.kind;
    errand.who = round.habit->who;
    errand.member = round.member;
    errand.target = step.target;
    errand.body = step.body;
    errand.paths = step.paths;
    errand.softLimit = step.softLimit;
    if (step.kind == StepKind::Keep)
        errand.tasks = round.tasks;
    if (step.kind == StepKind::Post)
        errand.token = round.token;
    for (std::string *text : {&errand.target, &errand.body})
        if (!replace(*text, "{symbol}", round.symbol) || !replace(*text, "{task}", round.task))
            return false;
    return true;
}

void Rota::done(const Errand &errand, const Outcome &outcome)
{
    Round &round = m_rounds.at(errand.habit);
    if (!round.asking || round.serial != errand.serial)
        return;
    round.asking = false;
    --m_underWay;
    const SteadyTime now = m_clock.steady();
    if (outcome.status == 0)
        return unanswered(round, now);
    m_wait = milliseconds(0);
    if (outcome.status >= 500)
        return failed(round, outcome, now);
    round.wait = milliseconds(0);
    if (outcome.status == 401 && round.member)
        return signedOut(round, now);
    if (outcome.status == 429 && ++round.refusals >= round.habit->insists)
        return refused(round, outcome, now);
    boost::system::error_code bad;
    const auto answer = boost::json::parse(outcome.body, bad);
    if (const auto *members = bad ? nullptr : answer.if_object()) {
        if (auto token = noteOf(*members, "csrf_token"); !token.empty())
            round.token = std::move(token);
        if (auto task = noteOf(*members, "task_id"); !task.empty())
            round.task = std::move(task);
    }
    const milliseconds pause = round.habit->steps[round.step].pause;
    if (++round.step == round.habit->steps.size())
        return finish(round, now);
    round.due = now + pause;
}

void Rota::finish(Round &round, SteadyTime now)
{
    round.visiting = false;
    round.due = std::max(now + milliseconds(1), round.begun + spread(round.habit->every));
}

void Rota::refused(Round &round, const Outcome &outcome, SteadyTime now)
{
    const seconds told = std::clamp(outcome.retryAfter.value_or(unnamedWait), seconds(1), round.habit->patience);
    round.barred[round.member.value_or(0)] = now + told;
    finish(round, now);
}

void Rota::failed(Round &round, const Outcome &outcome, SteadyTime now)
{
    round.wait = std::min(round.wait.count() > 0 ? 2 * round.wait : m_bounds.firstWait, m_bounds.longestWait);
    const milliseconds told =
        std::clamp<milliseconds>(outcome.retryAfter.value_or(seconds(0)), {}, m_bounds.longestWait);
    finish(round, now);
    round.due = std::max(round.due, now + std::max(round.wait, told));
}

void Rota::unanswered(Round &round, SteadyTime now)
{
    // What was under way together fails together, and counts once.
    if (now >= m_restUntil) {
        m_wait = std::min(m_wait.count() > 0 ? 2 * m_wait : m_bounds.firstWait, m_bounds.longestWait);
        m_restUntil = now + m_wait;
    }
    finish(round, now);
}

void Rota::signedOut(Round &round, SteadyTime now)
{
    m_gone[*round.member] = true;
    finish(round, now);
}

milliseconds Rota::spread(milliseconds mean)
{
    const auto half = std::uint32_t(mean.count() / 2);
    return mean - milliseconds(half / 2) + milliseconds(half > 0 ? m_random.below(half) : 0);
}

/// As RFC 9562 has version 4, of the generator's bits.
std::string Rota::newTaskId()
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
    for (char &c : id) {
        if (c == 'x')
            c = digits[m_random.below(16)];
        else if (c == 'y')
            c = digits[8 + m_random.below(4)];
    }
    return id;
}

} // namespace portolan::showcase
