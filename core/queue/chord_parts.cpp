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
    CanvasSender sender = outcome.sender;
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

void say(Logger *logger, const Outcome &outcome, const ChordPart &part, const std::string &why)
{
    if (logger)
        logger->error("the end of a part of a chord could not be counted, so its body may never be called",
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
                if (!reply && reply.error().kind != ErrorKind::Internal)
                    co_return false;
                outcome.follow[step].parts.pop_back();
                if (!reply || reply->elements.empty()) {
                    say(logger, outcome, part, reply ? "no answer" : reply.error().message);
                    continue;
                }
                Result<FollowUps> next = whatFollows(outcome, part, *reply);
                if (!next)
                    say(logger, outcome, part, next.error().message);
                else if (!next->chord.empty())
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
