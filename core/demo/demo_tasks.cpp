// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/demo_data.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace portolan::demo {

namespace {

constexpr std::array symbols{"AAPL", "MSFT", "SAP.DE", "NVDA", "TSLA", "BAS.DE", "AMZN", "NESN.SW"};
constexpr std::size_t mostKept = 400;
constexpr std::uint64_t paths = 10'000; ///< that an analysis simulates

TaskProgress pathsOf(std::uint64_t done)
{
    return {done, paths, "paths " + std::to_string(done) + " of " + std::to_string(paths)};
}

int rank(TaskPlace place)
{
    switch (place) {
    case TaskPlace::Running:
        return 0;
    case TaskPlace::Reserved:
        return 1;
    case TaskPlace::Scheduled:
        return 2;
    case TaskPlace::Waiting:
        return 3;
    case TaskPlace::Ended:
        break;
    }
    return 4;
}

} // namespace

DemoTasks::DemoTasks(const Situation &situation, std::uint64_t seed, WallTime start)
    : m_seed(seed), m_longNames(situation.longNames), m_refill(!situation.empty)
{
    if (situation.empty)
        return;
    using std::chrono::seconds;
    const Script script(situation, seed);
    const seconds oldest(std::int64_t(script.value(metric::oldestTask, 0).value_or(6)));
    for (int i = 0; i < 24; ++i) {
        const seconds ago(900 - i * 30);
        TaskInfo task = make(start - oldest - ago);
        task.started = start - ago + seconds(4);
        end(task, *task.started + seconds(9 + i % 7));
        m_tasks.push_back(std::move(task));
    }
    const auto add = [&](TaskPlace place, const char *state, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            // Those that wait came evenly since the oldest did, and what was taken before it came before it.
            const bool waits = place == TaskPlace::Waiting;
            TaskInfo task =
                make(start - oldest - (waits ? -oldest * std::int64_t(i) / std::int64_t(count) : seconds(60 - i % 50)));
            task.place = place;
            task.state = state;
            if (place == TaskPlace::Running) {
                task.started = start - seconds(12 - std::int64_t(i) * 5);
                task.progress = pathsOf(1500 + 3500 * i);
            }
            if (place == TaskPlace::Scheduled)
                task.eta = start + seconds(240);
            m_tasks.push_back(std::move(task));
        }
    };
    if (!situation.noWorkers) {
        add(TaskPlace::Running, "PROGRESS", 2);
        add(TaskPlace::Reserved, "RECEIVED", 1);
        add(TaskPlace::Scheduled, "RECEIVED", 1);
    }
    add(TaskPlace::Waiting, "PENDING", situation.waitingTasks);
}

TaskInfo DemoTasks::make(WallTime created)
{
    const std::uint64_t number = m_next++;
    TaskInfo task;
    char id[40];
    std::snprintf(id, sizeof id, "%08x-%04x-4d3e-9b1f-%012x", unsigned(number * 2654435761u + m_seed),
                  unsigned(number * 40503u & 0xffff), unsigned(number));
    task.id = id;
    const bool refresh = number % 5 == 3;
    task.name = refresh ? "portal.refresh" : "portal.analysis";
    if (m_longNames)
        task.name += ".monte_carlo_outlook_with_dividends_and_currency_conversion";
    task.queue = "celery";
    task.arguments = refresh ? R"([], {"watchlist": 12})"
                             : std::string(R"([], {"symbol": ")") + symbols[number % symbols.size()] +
                                   R"(", "horizon_days": 90, "paths": 10000, "user_id": 7000000004})";
    task.created = created;
    task.owner = 7'000'000'001ull + number % 9;
    return task;
}

void DemoTasks::end(TaskInfo &task, WallTime now)
{
    task.place = TaskPlace::Ended;
    task.ended = now;
    task.rerunnable = true;
    task.progress.reset();
    const bool failed = std::hash<std::string>()(task.id) % 11 == 3;
    task.state = failed ? "FAILURE" : "SUCCESS";
    if (failed)
        task.error = "Unavailable: the market data provider did not answer within 10 s";
    else
        task.result = R"({"expected": 0.071, "low": -0.124, "high": 0.283, "paths": 10000})";
    ++m_endedTotal;
}

TaskList DemoTasks::list(const TaskQuery &query, std::size_t page) const
{
    TaskList list;
    std::array<std::size_t, 5> taken{};
    std::vector<const TaskInfo *> sorted;
    for (const TaskInfo &task : m_tasks)
        sorted.push_back(&task);
    std::ranges::stable_sort(sorted, [](const TaskInfo *a, const TaskInfo *b) {
        if (rank(a->place) != rank(b->place))
            return rank(a->place) < rank(b->place);
        return a->place == TaskPlace::Ended && a->ended > b->ended;
    });
    for (const TaskInfo *task : sorted) {
        if (!query.queue.empty() && task->queue != query.queue)
            continue;
        const std::size_t before = taken[std::size_t(task->place)]++;
        if (before / query.limit == page)
            list.items.push_back(*task);
        else if (before / query.limit > page)
            list.complete = false;
    }
    if (!list.complete)
        list.nextCursor = std::to_string(page + 1);
    return list;
}

void DemoTasks::forgetEnded()
{
    std::erase_if(m_tasks, [](const TaskInfo &task) { return task.place == TaskPlace::Ended; });
}

const TaskInfo *DemoTasks::find(const std::string &id) const
{
    const auto found = std::ranges::find(m_tasks, id, &TaskInfo::id);
    return found == m_tasks.end() ? nullptr : &*found;
}

void DemoTasks::advance(WallTime now, std::size_t concurrency)
{
    if (!m_refill)
        return;
    for (TaskInfo &task : m_tasks) {
        if (task.place != TaskPlace::Running)
            continue;
        task.progress = pathsOf(std::min(paths, (task.progress ? task.progress->done : 0) + 600));
        if (task.progress->done == paths)
            end(task, now);
    }
    if (concurrency == 0)
        return;
    for (const TaskPlace from : {TaskPlace::Reserved, TaskPlace::Waiting}) {
        for (TaskInfo &task : m_tasks) {
            if (task.place != from || count(TaskPlace::Running) >= concurrency)
                continue;
            task.place = TaskPlace::Running;
            task.state = "PROGRESS";
            task.started = now;
            task.progress = pathsOf(0);
        }
    }
    while (m_tasks.size() > mostKept) {
        const auto oldest = std::ranges::find(m_tasks, TaskPlace::Ended, &TaskInfo::place);
        if (oldest == m_tasks.end())
            break;
        m_tasks.erase(oldest);
    }
}

void DemoTasks::fill(std::size_t waiting, WallTime now)
{
    for (std::size_t there = count(TaskPlace::Waiting); m_refill && there < waiting; ++there) {
        m_tasks.push_back(make(now));
        m_tasks.back().state = "PENDING";
    }
}

WallTime DemoTasks::oldestWaiting(WallTime now) const
{
    for (const TaskInfo &task : m_tasks)
        if (task.place == TaskPlace::Waiting)
            now = std::min(now, task.created.value_or(now));
    return now;
}

void DemoTasks::revoke(const std::string &id, WallTime now)
{
    const auto found = std::ranges::find(m_tasks, id, &TaskInfo::id);
    if (found == m_tasks.end())
        return;
    found->place = TaskPlace::Ended;
    found->state = "REVOKED";
    found->error = "TaskRevokedError: revoked";
    found->ended = now;
    found->rerunnable = found->started.has_value(); // else no worker has met it yet, and its message still waits
    found->progress.reset();
}

std::string DemoTasks::rerun(const std::string &id, WallTime now)
{
    const TaskInfo *original = find(id);
    if (!original)
        return {};
    const std::string name = original->name;
    const std::string arguments = original->arguments;
    TaskInfo task = make(now);
    task.name = name;
    task.arguments = arguments;
    task.state = "PENDING";
    m_tasks.push_back(task);
    return task.id;
}

std::uint64_t DemoTasks::count(TaskPlace place) const
{
    return std::uint64_t(std::ranges::count(m_tasks, place, &TaskInfo::place));
}

} // namespace portolan::demo
