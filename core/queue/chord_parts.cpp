// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/chord_parts.h"

#include "core/base/logging.h"
#include "core/queue/canvas_signature.h"
#include "core/queue/keys.h"
#include "core/queue/results.h"
#include "core/queue/scripts.h"
#include "core/redis/client.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

namespace portolan::queue {

namespace {

constexpr auto deadline = std::chrono::milliseconds(2000);
/// Members of a list that is encoded once more; so many bytes fit into one message.
constexpr std::size_t endsBytesMost = maxMessageBytes / 2;

enum Answer : std::int64_t { Missing, Last, TooLarge };

struct Where
{
    redis::Client &client;
    const Scripts &scripts;
    std::string_view owned; ///< keys::owned()
};

bool lacksRight(const Error &error) { return error.code == "redis-rights" || error.code == "redis-auth"; }

/// Redis is away or full. Else it will never let us (a key of another type, a right that is missing), and what else is
/// to be sent must not wait for it.
bool mayWorkLater(const Error &error)
{
    return error.kind != ErrorKind::Internal && !lacksRight(error) && error.code != "redis-wrong-type";
}

/// A client that cannot sign in answers so too, for as long as it is away: a right is missing only where Redis says so
/// itself. That can be done again, for it changes nothing the second time.
awaitable<Result<redis::Reply>> eval(const Where &where, const redis::Script &script,
                                     std::span<const std::string_view> scriptKeys,
                                     std::span<const std::string_view> arguments)
{
    Result<redis::Reply> reply = co_await where.client.eval(script, scriptKeys, arguments, deadline);
    if (reply || !lacksRight(reply.error()))
        co_return reply;
    if (where.client.state() == redis::Client::State::Ready)
        reply = co_await where.client.eval(script, scriptKeys, arguments, deadline);
    if (!reply && lacksRight(reply.error()) && where.client.state() != redis::Client::State::Ready)
        co_return failure(ErrorKind::Unavailable, reply.error().message);
    co_return reply;
}

/// What is stored of an end for which there is no room.
std::string shortEnd(const ChordPart &part)
{
    const std::string why = "there was no room for its result: Redis was full, or its chord has more than " +
                            std::to_string(endsBytesMost) + " bytes of results";
    return chordMember(part.taskId, state::failure, failureJson({"ResultDropped", why, "portolan", {}}));
}

awaitable<Result<redis::Reply>> count(const Where &where, const Outcome &outcome, const ChordPart &part)
{
    const std::string group = keys::groupResult(part.groupId);
    const std::string ends = group + ".j";
    const std::string added = group + ".t";
    const std::string size = group + ".s";
    const std::string bytes = group + ".b";
    const std::array<std::string_view, 7> scriptKeys{ends, added, size, group, bytes, where.owned, keys::unacked};
    const std::string index = part.index ? std::to_string(*part.index) : "+inf";
    const std::string fallback = part.chordSize ? std::to_string(*part.chordSize) : "";
    const std::string most = std::to_string(endsBytesMost);
    const std::string instead = shortEnd(part);
    const std::array<std::string_view, 7> arguments{part.member,      index,  part.taskId, fallback, most,
                                                    outcome.delivery, instead};
    co_return co_await eval(where, where.scripts.chordPart, scriptKeys, arguments);
}

awaitable<Result<redis::Reply>> store(const Where &where, const FollowUps::Size &size)
{
    const std::string group = keys::groupResult(size.groupId);
    const std::string key = group + ".s";
    const std::array<std::string_view, 2> scriptKeys{key, group};
    const std::string parts = std::to_string(size.parts);
    const std::array<std::string_view, 2> arguments{parts, size.arranged};
    co_return co_await eval(where, where.scripts.chordSize, scriptKeys, arguments);
}

FollowUps whatFollows(const Outcome &outcome, const ChordPart &part, const redis::Reply &reply)
{
    const CanvasSender &sender = outcome.sender;
    if (reply.elements.empty())
        return {};
    switch (reply.elements[0].integer) {
    case Last: {
        std::vector<std::string> ends;
        for (const redis::Reply &end : reply.elements.at(1).elements)
            ends.push_back(end.text);
        return afterChord(*outcome.source, part, ends, reply.elements.at(2).text, sender);
    }
    case TooLarge:
        return afterBrokenChord(
            *outcome.source, part,
            "Join error: the results are over the bound of " + std::to_string(endsBytesMost) + " bytes", sender);
    default:
        return {};
    }
}

/// The body would wait for ever.
FollowUps uncounted(const Outcome &outcome, const ChordPart &part, const std::string &why)
{
    FollowUps broken = afterBrokenChord(*outcome.source, part, why, outcome.sender);
    broken.broken = std::exchange(broken.chord, {}); // each of its parts brings this about
    return broken;
}

void say(Logger *logger, std::string_view what, const Outcome &outcome, std::string_view group, const std::string &why)
{
    if (logger)
        logger->error(std::string(what) + ", so its body is not called. Give the Redis user the keys "
                                          "celery-taskset-meta-*, if it lacks them",
                      {{"task_id", outcome.id}, {"group", group}, {"error", why}});
}

/// The header is not sent: it would run for a body that is not called.
FollowUps unsized(const Outcome &outcome, FollowUps &step, const FollowUps::Size &size, const Error &error)
{
    const std::string why = "Join error: its size cannot be stored: " + error.message;
    FollowUps broken = uncounted(outcome, {size.groupId, {}, {}, {}, size.body, {}}, why);
    const auto at = [&step](std::size_t index) { return step.messages.begin() + static_cast<std::ptrdiff_t>(index); };
    const std::string failure = failureJson({"ChordError", why, "celery.exceptions", {}});
    for (auto task = at(size.first); task != at(size.afterLast); ++task)
        broken.results.push_back(
            {task->id, resultJson(state::failure, failure, {task->id, outcome.id, {}, outcome.sender.now})});
    step.messages.erase(at(size.first), at(size.afterLast));
    std::erase_if(step.sizes, [&size](const FollowUps::Size &within) { return within.first >= size.first; });
    return broken;
}

/// What ends with a task that cannot be put into its queue, itself included.
FollowUps endOf(const Outcome &outcome, const FollowUp &refused, std::string_view why)
{
    const std::string text = "it was to follow another task and could not be put into its queue: " + std::string(why);
    const std::string failure = failureJson({"OperationalError", text, "kombu.exceptions", {}});
    FollowUps ending;
    const Result<Message> message = decode(refused.message);
    Result<Payload> read = message ? payload(*message) : Result<Payload>(message.error());
    if (read) {
        Result<FollowUps> next = afterFailure(*message, read->embed, state::failure, failure, outcome.sender);
        if (!next) {
            read->embed.erase("errbacks");
            next = afterFailure(*message, read->embed, state::failure, failure, outcome.sender);
        }
        if (next)
            ending = std::move(*next);
    }
    ending.results.push_back(
        {refused.id,
         resultJson(state::failure, failure,
                    {refused.id, outcome.id, message ? message->groupId : std::string(), outcome.sender.now})});
    return ending;
}

/// False: Redis did not answer, and it may be done again.
awaitable<bool> storeSizes(const Where &where, Outcome &outcome, std::size_t step, Logger *logger)
{
    while (!outcome.follow[step].sizes.empty()) {
        const FollowUps::Size size = outcome.follow[step].sizes.back();
        const Result<redis::Reply> stored = co_await store(where, size);
        if (!stored && mayWorkLater(stored.error()))
            co_return false;
        outcome.follow[step].sizes.pop_back();
        if (stored)
            continue;
        say(logger, "the size of a chord could not be stored", outcome, size.groupId, stored.error().message);
        FollowUps broken = unsized(outcome, outcome.follow[step], size, stored.error());
        outcome.follow.push_back(std::move(broken));
    }
    co_return true;
}

} // namespace

awaitable<bool> countParts(redis::Client &client, const Scripts &scripts, std::string_view owned,
                           std::deque<Outcome> &batch, Logger *logger)
{
    const Where where{client, scripts, owned};
    for (Outcome &outcome : batch) {
        // The end of one chord may be a part of the next.
        for (std::size_t step = 0; step < outcome.follow.size(); ++step) {
            const bool sized = co_await storeSizes(where, outcome, step, logger);
            if (!sized)
                co_return false;
            while (!outcome.follow[step].parts.empty()) {
                const ChordPart part = outcome.follow[step].parts.back();
                const Result<redis::Reply> reply = co_await count(where, outcome, part);
                if (!reply && mayWorkLater(reply.error()))
                    co_return false;
                outcome.follow[step].parts.pop_back();
                if (!reply)
                    say(logger, "the end of a part of a chord could not be counted", outcome, part.groupId,
                        reply.error().message);
                FollowUps next = reply ? whatFollows(outcome, part, *reply)
                                       : uncounted(outcome, part,
                                                   "Join error: its parts cannot be counted: " + reply.error().message);
                if (!next.nothing())
                    outcome.follow.push_back(std::move(next));
            }
        }
        if (!outcome.follow.empty())
            outcome.message = followUpsJson(outcome.follow);
    }
    co_return true;
}

void endRefused(Outcome &outcome, const std::map<std::string_view, std::string_view> &refused)
{
    std::map<std::string, FollowUps> broken;
    for (FollowUps &step : outcome.follow) {
        std::vector<FollowUp> messages = std::exchange(step.messages, {});
        for (FollowUp &one : messages) {
            const auto why = refused.find(one.id);
            if (why == refused.end()) {
                step.messages.push_back(std::move(one));
                continue;
            }
            FollowUps ending = endOf(outcome, one, why->second);
            for (FollowUps::Size &size : ending.sizes) {
                size.first += step.messages.size();
                size.afterLast += step.messages.size();
                step.sizes.push_back(std::move(size));
            }
            std::ranges::move(ending.results, std::back_inserter(step.results));
            std::ranges::move(ending.messages, std::back_inserter(step.messages));
            for (const ChordPart &part : ending.parts)
                if (!broken.contains(part.groupId))
                    broken[part.groupId] = uncounted(
                        outcome, part, "Join error: a part of it cannot be sent: " + std::string(why->second));
        }
    }
    for (auto &[group, step] : broken)
        outcome.follow.push_back(std::move(step));
}

} // namespace portolan::queue
