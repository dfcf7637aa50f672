// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan {

/// Where a task is.
enum class TaskPlace : std::uint8_t {
    Waiting,   ///< in the queue
    Scheduled, ///< taken, held for its time
    Reserved,  ///< taken by a worker, not started
    Running,
    Ended,
};
BOOST_DESCRIBE_ENUM(TaskPlace, Waiting, Scheduled, Reserved, Running, Ended)

/// How far a task is, in units of its own.
struct TaskProgress
{
    std::uint64_t done = 0;
    std::uint64_t total = 0; ///< 0: not known
    std::string note;
    bool operator==(const TaskProgress &) const = default;
};
BOOST_DESCRIBE_STRUCT(TaskProgress, (), (done, total, note))

/// 0–1; nothing: not known.
inline std::optional<double> fractionOf(const TaskProgress &progress)
{
    if (progress.total == 0)
        return std::nullopt;
    return std::min(1.0, double(progress.done) / double(progress.total));
}

/// A task as operators see it.
struct TaskInfo
{
    std::string id;
    std::string name;
    std::string queue;
    TaskPlace place = TaskPlace::Waiting;
    std::string state;                    ///< Celery's names, PROGRESS, EXPIRED
    std::string arguments;                ///< as the message shows them, cut to 1,024 bytes
    std::string result;                   ///< JSON of what it returned, cut to 4,096 bytes; empty: none
    std::string error;                    ///< "ValueError: …"; empty: none
    std::optional<TaskProgress> progress; ///< nothing: it reported none, or has ended
    std::optional<WallTime> created;
    std::optional<WallTime> started;
    std::optional<WallTime> ended;
    std::optional<WallTime> eta;
    int priority = 0;         ///< 0 is the highest
    Id owner = 0;             ///< 0: nobody's, or not known
    bool rerunnable = false;  ///< its message is kept, so it can be enqueued again
    std::string ownerAddress; ///< e-mail; empty: nobody's, not known, or an account that is gone
    bool operator==(const TaskInfo &) const = default;
};
BOOST_DESCRIBE_STRUCT(TaskInfo, (),
                      (id, name, queue, place, state, arguments, result, error, progress, created, started, ended, eta,
                       priority, owner, rerunnable, ownerAddress))

/// Waiting and taken tasks, and those that ended lately: a page of them. A task that stays where it is is on one page;
/// one that moves on in between may be on two or on none.
struct TaskQuery
{
    std::string queue;         ///< empty: all
    std::uint32_t limit = 100; ///< of each place on a page; 1–500
    std::string cursor = {};   ///< TaskList::nextCursor of the page before; empty: the first page
    bool operator==(const TaskQuery &) const = default;
    static constexpr std::pair<std::string_view, std::uint32_t> queryMost[] = {{"limit", 500}};
};
BOOST_DESCRIBE_STRUCT(TaskQuery, (), (queue, limit, cursor))

struct TaskList
{
    std::vector<TaskInfo> items; ///< running first, then taken, waiting (next to run first), ended (last first)
    bool complete = true;        ///< false: there are others after these, on further pages or beyond what is looked at
    std::optional<std::string> nextCursor = {}; ///< nothing: this was the last page
    bool operator==(const TaskList &) const = default;
};
BOOST_DESCRIBE_STRUCT(TaskList, (), (items, complete, nextCursor))

/// A worker that answers: the deployment's own, another instance's, or Celery's.
struct WorkerInfo
{
    std::string node;
    bool own = false;
    std::uint64_t concurrency = 0; ///< tasks it runs at once
    std::uint64_t active = 0;      ///< tasks running
    std::uint64_t ended = 0;       ///< since its start
    std::vector<std::string> queues;
    bool operator==(const WorkerInfo &) const = default;
};
BOOST_DESCRIBE_STRUCT(WorkerInfo, (), (node, own, concurrency, active, ended, queues))

/// What a user has used of one limit.
struct LimitUse
{
    Category category = Category::Api;
    std::string window; ///< "200 per day"
    std::uint64_t used = 0;
    std::uint64_t limit = 0;
    std::optional<WallTime> reset; ///< nothing: nothing is used
    bool operator==(const LimitUse &) const = default;
};
BOOST_DESCRIBE_STRUCT(LimitUse, (), (category, window, used, limit, reset))

} // namespace portolan
