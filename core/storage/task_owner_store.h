// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/storage/database.h"

#include <boost/describe/class.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan::storage {

/// Whose task it is. The task itself lives in the queue and in Redis; this outlives its result.
struct TaskOwner
{
    std::string taskId;
    Id owner = 0;
    std::string name; ///< "portal.analysis"
    WallTime created{};
    std::optional<WallTime> ended{};      ///< as the portal's own workers saw it
    std::optional<std::string> subject{}; ///< what it is about, for people: a stock's symbol
    bool operator==(const TaskOwner &) const = default;
};
BOOST_DESCRIBE_STRUCT(TaskOwner, (), (taskId, owner, name, created, ended, subject))

struct TaskOwnerPage
{
    std::vector<TaskOwner> items;
    std::optional<std::string> nextCursor;
};

class TaskOwnerStore final
{
public:
    explicit TaskOwnerStore(Database &database);
    ~TaskOwnerStore();

    /// One task. Calls made while another is being written go together into the next statement, so that a storm of them
    /// costs few commits. Conflict: the id is taken.
    awaitable<Result<void>> add(TaskOwner task);

    awaitable<Result<TaskOwner>> find(std::string taskId); ///< NotFound
    /// Newest first. `limit`: 1–500. Invalid: bad limit or cursor.
    awaitable<Result<TaskOwnerPage>> list(Id owner, std::uint32_t limit, std::string cursor);
    /// Notes that it ended then, unless that is known already. Fine for a task that is nobody's.
    awaitable<Result<void>> end(std::string taskId, WallTime at);
    struct Before
    {
        WallTime created{};
        std::string taskId;
    };
    /// Of everybody, newest first, those after the one named; for operators. `limit`: 1–500.
    awaitable<Result<std::vector<TaskOwner>>> latest(std::uint32_t limit, std::optional<Before> before = {});
    /// Those of these tasks that are somebody's, in no order; at most 2,000 ids.
    awaitable<Result<std::vector<TaskOwner>>> findMany(std::vector<std::string> taskIds);
    awaitable<Result<void>> remove(std::string taskId); ///< the task could not be enqueued after all
    /// Removes entries made before then, at most 10,000 a call; returns how many.
    awaitable<Result<std::uint64_t>> expire(WallTime before);

private:
    struct Batch;
    Database &m_database;
    std::shared_ptr<Batch> m_batch;
};

} // namespace portolan::storage
