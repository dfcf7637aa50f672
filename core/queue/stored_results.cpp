// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/stored_results.h"

#include "core/queue/keys.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <cstddef>
#include <optional>

namespace portolan::queue {

namespace {

constexpr std::string_view wrongType = "redis-wrong-type";

TaskResult ofAnotherType(const std::string &id)
{
    return unreadableResult(id, "a stored task result is not what Celery writes: its key holds another type");
}

TaskResult resultOf(const redis::Reply &reply, const std::string &id)
{
    if (reply.type == redis::Reply::Type::String)
        return readResult(reply.text, id);
    TaskResult pending;
    pending.id = id;
    return pending;
}

/// MGET answers for a key of another type as for one that is not there. One cheap question tells whether any of these
/// is; only then each is asked for.
awaitable<std::optional<Error>> readOtherTypes(redis::Client &client, std::vector<TaskResult *> absent)
{
    redis::Command exist;
    exist.begin(absent.size() + 1).argument("EXISTS");
    for (const TaskResult *result : absent)
        exist.argument(keys::result(result->id));
    const Result<redis::Reply> there = co_await client.run(std::move(exist));
    if (!there)
        co_return there.error();
    if (there->integer == 0)
        co_return std::nullopt;
    redis::Command get;
    for (const TaskResult *result : absent)
        get.add("GET", keys::result(result->id));
    const Result<std::vector<redis::Reply>> replies = co_await client.pipeline(std::move(get));
    if (!replies)
        co_return replies.error();
    for (std::size_t i = 0; i < absent.size() && i < replies->size(); ++i) {
        const redis::Reply &reply = (*replies)[i];
        TaskResult &result = *absent[i];
        if (!reply.isError())
            result = resultOf(reply, std::string(result.id));
        else if (Error error = redis::errorOf(reply); error.code == wrongType)
            result = ofAnotherType(std::string(result.id));
        else
            co_return error;
    }
    co_return std::nullopt;
}

} // namespace

awaitable<Result<TaskResult>> storedResult(redis::Client &client, std::string id)
{
    redis::Command command("GET", keys::result(id));
    const Result<redis::Reply> reply = co_await client.run(std::move(command));
    if (!reply && reply.error().code == wrongType)
        co_return ofAnotherType(id);
    if (!reply)
        co_return reply.error();
    co_return resultOf(*reply, id);
}

awaitable<Result<std::vector<TaskResult>>> storedResults(redis::Client &client, std::vector<std::string> ids)
{
    std::vector<TaskResult> results;
    if (ids.empty())
        co_return results;
    redis::Command command;
    command.begin(ids.size() + 1).argument("MGET");
    for (const std::string &id : ids)
        command.argument(keys::result(id));
    const Result<redis::Reply> reply = co_await client.run(std::move(command));
    if (!reply)
        co_return reply.error();
    for (std::size_t i = 0; i < ids.size() && i < reply->elements.size(); ++i)
        results.push_back(resultOf(reply->elements[i], ids[i]));
    std::vector<TaskResult *> absent;
    for (std::size_t i = 0; i < results.size(); ++i)
        if (reply->elements[i].isNil())
            absent.push_back(&results[i]);
    if (!absent.empty())
        if (std::optional<Error> error = co_await readOtherTypes(client, std::move(absent)))
            co_return *std::move(error);
    co_return results;
}

} // namespace portolan::queue
