// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/api/task.h"

#include <boost/json/value.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace portolan::redis {
class Subscriber;
}

/// Task states and results as Celery's Redis backend stores them: JSON under `celery-task-meta-<id>`, written with an
/// expiry and published on the channel of the same name. A stored SUCCESS is never overwritten.
namespace portolan::queue {

/// Celery's state names. PENDING is what is not stored; PROGRESS is ours, with {done, total, note} as its result. Of
/// others' tasks the usual spellings are understood: current/total, percent, description, [3, 10], 0.3, …
namespace state {
inline constexpr std::string_view pending = "PENDING";
inline constexpr std::string_view started = "STARTED";
inline constexpr std::string_view progress = "PROGRESS";
inline constexpr std::string_view retry = "RETRY";
inline constexpr std::string_view success = "SUCCESS";
inline constexpr std::string_view failure = "FAILURE";
inline constexpr std::string_view revoked = "REVOKED";
} // namespace state

using Progress = TaskProgress;

/// Why a task did not succeed, in Celery's shape.
struct TaskFailure
{
    std::string type;      ///< exc_type: "ValueError", "TimeLimitExceeded", "WorkerLostError", …
    std::string message;   ///< exc_message, its elements joined
    std::string module;    ///< exc_module
    std::string traceback; ///< text for people
    bool operator==(const TaskFailure &) const = default;
};
BOOST_DESCRIBE_STRUCT(TaskFailure, (), (type, message, module, traceback))

struct TaskResult
{
    std::string id;
    std::string state{state::pending};
    boost::json::value result;          ///< SUCCESS: what the task returned, integers over 64 bits as text; else null
    std::optional<Progress> progress;   ///< PROGRESS, and states of a task's own whose meta has such figures
    std::optional<TaskFailure> failure; ///< FAILURE, RETRY, REVOKED
    std::optional<WallTime> dateDone;   ///< when it was written
    std::optional<WallTime> started;    ///< when the run began; known of tasks with NewTask::notify run by our workers

    bool ended() const { return state == state::success || state == state::failure || state == state::revoked; }
};

/// Reads what is stored (or published) for a task, by whoever wrote it. Protocol when it is no such JSON. A success
/// whose result is not JSON (Python writes NaN and Infinity) is FAILURE "ResultNotJson", saying which and where; a
/// FAILURE that a task stored itself has its meta as the message.
[[nodiscard]] Result<TaskResult> parseResult(std::string_view json);
/// The same for the task of that id, and what cannot be read is an outcome too: FAILURE "ResultUnreadable" and why.
[[nodiscard]] TaskResult readResult(std::string_view json, std::string_view id);
[[nodiscard]] TaskResult unreadableResult(std::string_view id, std::string why);

/// What goes into a stored result besides the outcome.
struct ResultOrigin
{
    std::string_view id;
    std::string_view parentId{};
    std::string_view groupId{};
    WallTime done{};
    std::optional<WallTime> started{}; ///< a member of ours, which Celery passes over
    std::string_view children{"[]"};   ///< JSON: the tasks that follow it, as Celery writes them
};
/// The JSON Celery would store. `result` is JSON text already.
[[nodiscard]] std::string resultJson(std::string_view state, std::string_view result, const ResultOrigin &origin,
                                     std::string_view traceback = {});
/// `result` of FAILURE, RETRY and REVOKED: {"exc_type", "exc_message", "exc_module"}.
[[nodiscard]] std::string failureJson(const TaskFailure &failure);

/// Task states as they change, in any process.
///
/// A page that shows one user's tasks enqueues them with NewTask::notify and calls watchTopic(): one subscription for
/// all of them, wherever our workers run them. A pattern over all results, which are also published on their tasks' own
/// channels, would bring every result of every task to every instance; it is not offered.
class ResultEvents final
{
public:
    using Handler = std::function<void(const TaskResult &)>; ///< on the subscriber's executor; must not block

    explicit ResultEvents(redis::Subscriber &subscriber);

    /// Until the returned token is dropped. Look at the stored results once after this: a task may have ended before.
    [[nodiscard]] std::shared_ptr<void> watchTopic(std::string_view topic, Handler handler);

private:
    redis::Subscriber &m_subscriber;
};

} // namespace portolan::queue
