// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/queue/message.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a Celery client wants to happen once a task has ended ("canvas": chains, groups, chords, links). It travels
/// with the task, in the last part of its body, and whoever runs the task sends what follows: to any worker, ours or
/// not. https://docs.celeryq.dev/en/stable/userguide/canvas.html
///
/// A signature is an object of "task", "args", "kwargs", "options", "subtask_type" and "immutable"; those of chains,
/// groups and chords hold others. A chain's rest is in reverse order: the next one is the last.
namespace portolan::queue {

class TaskRegistry;

/// Bounds of what one task's end may send; beyond them nothing of it is sent.
inline constexpr std::size_t followUpsMost = 10'000;
inline constexpr std::size_t followUpBytesMost = 16 * 1024 * 1024;

/// A message to be put into a queue.
struct FollowUp
{
    std::string queue;
    int priority = 0;
    std::string id;
    std::string message;
};

/// The end of one part of a chord. The chord's body is called when the last one has ended.
struct ChordPart
{
    std::string groupId;
    std::string taskId;
    std::optional<std::int64_t> index;
    std::string member;                    ///< JSON: [1, task id, state, result], as Celery's workers count them
    boost::json::object body;              ///< signature
    std::optional<std::int64_t> chordSize; ///< from clients before Celery 5.1, which store none
};

/// All that one task's end brings about. Carried out in the step that ends the task, in this order.
struct FollowUps
{
    /// A chord that begins: what Redis must know before a part of it can end.
    struct Size
    {
        std::string groupId;
        std::int64_t parts = 0;
        boost::json::object body{};
        std::string arranged{};               ///< JSON: the header's results, where groups are among them
        std::size_t first = 0, afterLast = 0; ///< its header in `messages`, and whatever chords are in that
    };
    struct Stored
    {
        std::string id;
        std::string result; ///< JSON
    };
    std::string chord{};           ///< the rest only while this chord has not been called
    std::string broken{};          ///< the rest once only, as the parts of this chord cannot be counted
    std::vector<Size> sizes{};     ///< to be stored first (countParts()); each after those within it
    std::vector<Stored> results{}; ///< of tasks that will never run; stored where nothing is
    std::vector<FollowUp> messages{};
    std::vector<ChordPart> parts{}; ///< to be counted first (countParts())
    std::string children{"[]"};     ///< JSON for the task's own result

    bool nothing() const { return sizes.empty() && results.empty() && messages.empty() && parts.empty(); }
};

/// Of the worker that sends it.
struct CanvasSender
{
    std::string origin;                     ///< "gen<pid>@<host>"
    std::string ownQueue;                   ///< for signatures that name none: of tasks registered here …
    const TaskRegistry *registry = nullptr; ///< … and others go to Celery's default, `celery`. Must outlive it
    WallTime now{};
};

/// Whether anything at all follows a task with this Payload::embed.
[[nodiscard]] bool hasFollowUps(const boost::json::object &embed);

/// What follows a task that returned `value`. Refused::FollowUp when it cannot be sent, and why.
[[nodiscard]] Result<FollowUps> afterSuccess(const Message &message, const boost::json::object &embed,
                                             const boost::json::value &value, const CanvasSender &sender);

/// What follows one that ended as `state` (FAILURE or REVOKED); `failure` is failureJson(). The rest of its chain ends
/// likewise; errbacks are called for a failure, as Celery does.
[[nodiscard]] Result<FollowUps> afterFailure(const Message &message, const boost::json::object &embed,
                                             std::string_view state, std::string_view failure,
                                             const CanvasSender &sender);

/// What follows the last part of a chord; `members` as they were counted, `arranged` as it is stored for a header whose
/// results are groups too.
[[nodiscard]] FollowUps afterChord(const Message &message, const ChordPart &last,
                                   const std::vector<std::string> &members, std::string_view arranged,
                                   const CanvasSender &sender);

/// Ends a chord whose body cannot be called: with the reason, also where its errbacks cannot be called either.
[[nodiscard]] FollowUps afterBrokenChord(const Message &message, const ChordPart &last, std::string_view why,
                                         const CanvasSender &sender);

/// The same for finish.lua: JSON, an array of arrays. `sizes` must have been stored, `parts` counted.
[[nodiscard]] std::string followUpsJson(const std::vector<FollowUps> &steps);

} // namespace portolan::queue
