#include "core/queue/chord_parts.h"

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/scripts.h"
#include "core/redis/client.h"

#include <array>

namespace portolan::queue {

namespace {

constexpr auto deadline = std::chrono::milliseconds(2000);
/// Members of a list that is encoded once more; so many bytes fit into one message.
constexpr std::size_t endsBytesMost = maxMessageBytes / 2;

enum Answer : std::int64_t { Missing, Last, Nested, TooLarge };

awaitable<Result<redis::Reply>> count(redis::Client &client, const Scripts &scripts, const ChordPart &part)
{
    const std::string group = keys::groupResult(part.groupId);
    const std::string ends = group + ".j";
    const std::string added = group + ".t";
    const std::string size = group + ".s";
    const std::array<std::string_view, 4> scriptKeys{ends, added, size, group};
    const std::string index = part.index ? std::to_string(*part.index) : "+inf";
    const std::string fallback = part.chordSize ? std::to_string(*part.chordSize) : "";
    const std::string most = std::to_string(endsBytesMost);
    const std::array<std::string_view, 5> arguments{part.member, index, part.taskId, fallback, most};
    co_return co_await client.eval(scripts.chordPart, scriptKeys, arguments, deadline);
}

Result<FollowUps> whatFollows(const Outcome &outcome, const ChordPart &part, const redis::Reply &reply)
{
    const CanvasSender &sender = outcome.sender;
    switch (reply.elements[0].integer) {
    case Last: {
        std::vector<std::string> ends;
        for (const redis::Reply &end : reply.elements.at(1).elements)
            ends.push_back(end.text);
        return afterChord(*outcome.source, part, ends, sender);
    }
    case Nested:
        return afterBrokenChord(*outcome.source, part,
                                "Join error: this worker cannot put the results of groups within a group together",
                                sender);
    case TooLarge:
        return afterBrokenChord(
            *outcome.source, part,
            "Join error: the results are over the bound of " + std::to_string(endsBytesMost) + " bytes", sender);
    default:
        return FollowUps();
    }
}

/// Redis is away or full. Else it will never let us (a key of another type, a right that is missing), and what else is
/// to be sent must not wait for it.
bool mayWorkLater(const Error &error)
{
    return error.kind != ErrorKind::Internal && error.code != "redis-rights" && error.code != "redis-auth" &&
           error.code != "redis-wrong-type";
}

/// The body would wait for ever.
Result<FollowUps> uncounted(const Outcome &outcome, const ChordPart &part, const Error &error)
{
    Result<FollowUps> broken = afterBrokenChord(
        *outcome.source, part, "Join error: its parts cannot be counted: " + error.message, outcome.sender);
    if (broken)
        broken->chord.clear(); // which there is none of
    return broken;
}

void say(Logger *logger, const Outcome &outcome, const ChordPart &part, const std::string &why)
{
    if (logger)
        logger->error(
            "the end of a part of a chord could not be counted, so its body is not called. Give the Redis user the "
            "keys celery-taskset-meta-*, if it lacks them",
            {{"task_id", outcome.id}, {"group", part.groupId}, {"error", why}});
}

} // namespace

awaitable<bool> countParts(redis::Client &client, const Scripts &scripts, std::deque<Outcome> &batch, Logger *logger)
{
    for (Outcome &outcome : batch) {
        // The end of one chord may be a part of the next.
        for (std::size_t step = 0; step < outcome.follow.size(); ++step) {
            while (!outcome.follow[step].parts.empty()) {
                const ChordPart part = outcome.follow[step].parts.back();
                const Result<redis::Reply> reply = co_await count(client, scripts, part);
                if (!reply && mayWorkLater(reply.error()))
                    co_return false;
                outcome.follow[step].parts.pop_back();
                Result<FollowUps> next = !reply                    ? uncounted(outcome, part, reply.error())
                                         : reply->elements.empty() ? FollowUps()
                                                                   : whatFollows(outcome, part, *reply);
                if (!reply)
                    say(logger, outcome, part, reply.error().message);
                if (!next)
                    say(logger, outcome, part, next.error().message);
                else if (!next->nothing())
                    outcome.follow.push_back(std::move(*next));
            }
        }
        if (!outcome.follow.empty()) {
            outcome.message = followUpsJson(outcome.follow);
            outcome.follow.clear();
        }
    }
    co_return true;
}

} // namespace portolan::queue
