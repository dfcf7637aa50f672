// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/broker.h"

#include "core/base/ids.h"
#include "core/base/json_numbers.h"
#include "core/queue/canvas.h"
#include "core/queue/control_message.h"
#include "core/queue/json_scan.h"
#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/long_integers.h"
#include "core/queue/scripts.h"
#include "core/queue/stored_results.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <boost/json/parse.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <mutex>

namespace portolan::queue {

namespace json = boost::json;

namespace {

constexpr std::size_t pageMost = 500;
constexpr auto rebindEvery = std::chrono::seconds(60);
constexpr std::chrono::milliseconds revokedFor = std::chrono::hours(3);
constexpr std::size_t revokedMost = 50'000;

std::string originOfThisProcess()
{
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    return "gen" + std::to_string(getpid()) + "@" + host.data();
}

/// The priority step in the key of a list; 0 where there is none of ours.
int stepIn(std::string_view list)
{
    const std::size_t mark = list.rfind(keys::separator);
    int step = 0;
    if (mark != list.npos)
        std::from_chars(list.data() + mark + keys::separator.size(), list.data() + list.size(), step);
    return step;
}

TaskSummary summaryOf(std::string raw, std::string queue, int step)
{
    TaskSummary summary;
    summary.queue = std::move(queue);
    summary.priority = step;
    const Result<Message> message = decode(std::move(raw));
    if (!message)
        return summary;
    summary.id = message->id;
    summary.name = message->task;
    summary.argsRepr = message->argsRepr;
    summary.kwargsRepr = message->kwargsRepr;
    summary.eta = message->eta;
    summary.priority = message->priority;
    summary.retries = message->retries;
    return summary;
}

/// The message in an entry of `unacked`, [message, exchange, routing key], by whoever wrote it.
std::optional<TaskSummary> takenSummary(std::string_view entry)
{
    json::parse_options options;
    options.max_depth = maxJsonDepth + 1;
    boost::system::error_code code;
    const json::value document = json::parse(json::string_view(entry.data(), entry.size()), code, {}, options);
    const json::array *parts = code ? nullptr : document.if_array();
    if (!parts || parts->size() != 3)
        return std::nullopt;
    const json::string *queue = (*parts)[2].if_string();
    TaskSummary summary =
        summaryOf(jsonText((*parts)[0]), queue ? std::string(queue->data(), queue->size()) : std::string(), 0);
    summary.taken = true;
    return summary;
}

std::uint64_t countOf(const redis::Reply &reply)
{
    return reply.type == redis::Reply::Type::Integer && reply.integer > 0 ? static_cast<std::uint64_t>(reply.integer)
                                                                          : 0;
}

/// The message without the chord and the chain it was part of: they ended with its first run, or go on without this
/// one.
Result<std::string> alone(const Message &message)
{
    Result<Payload> read = payload(message);
    if (!read)
        return read.error();
    boost::system::error_code code;
    json::value document = parseExactly(message.raw, code, maxJsonDepth);
    if (code || !document.is_object())
        return failure(ErrorKind::Protocol, "the message is not a JSON object");
    json::object &root = document.get_object();
    std::string body;
    if (message.protocol == 1) {
        Result<std::string> text = message.bodyEncoded ? decodeBase64(message.body) : message.body;
        if (!text)
            return text.error();
        const std::pair<std::string_view, std::string> none[] = {
            {"taskset", "null"}, {"group", "null"}, {"chord", "null"}};
        body = scan::withMembers(*text, none);
    } else {
        json::object &headers = root["headers"].as_object();
        headers["group"] = headers["group_index"] = nullptr;
        if (!hasFollowUps(read->embed))
            return text::ofValue(document);
        read->embed["chain"] = read->embed["chord"] = nullptr;
        text::appendValue(body, json::array{std::move(read->args), std::move(read->kwargs), std::move(read->embed)});
    }
    root["body"] = message.bodyEncoded ? encodeBase64(body) : body;
    return text::ofValue(document);
}

} // namespace

std::uint64_t Backlog::waiting() const
{
    std::uint64_t sum = 0;
    for (const QueueDepth &queue : queues)
        sum += queue.waiting;
    return sum;
}

struct Broker::Impl
{
    Impl(redis::Client &redisClient, const Clock &theClock, BrokerOptions theOptions)
        : client(redisClient), clock(theClock), options(std::move(theOptions))
    {}

    /// Whether the queue's binding is to be written again, now and then, should somebody have deleted it.
    bool bindingDue(const std::string &queue)
    {
        const SteadyTime now = clock.steady();
        const std::lock_guard lock(mutex);
        if (bound.size() > 10'000)
            bound.clear();
        const auto [found, isNew] = bound.try_emplace(queue, now);
        if (!isNew && now - found->second < rebindEvery)
            return false;
        found->second = now;
        return true;
    }

    /// Answers which of the command's replies is the push's.
    std::size_t append(redis::Command &command, const NewTask &task)
    {
        if (bindingDue(task.queue)) {
            std::string member = task.queue;
            member.append(keys::separator).append(keys::separator).append(task.queue);
            command.add("SADD", keys::binding(task.queue), member);
        }
        command.add("LPUSH", keys::list(task.queue, task.priority), encode(task, origin, replyTo));
        return command.count() - 1;
    }

    /// Only the push of a pipeline matters; SADD and PUBLISH may fail on a full Redis, or for want of rights.
    static std::optional<Error> refusal(const std::vector<redis::Reply> &replies, std::size_t push)
    {
        if (push < replies.size() && replies[push].isError())
            return redis::unavailable(redis::errorOf(replies[push]));
        return std::nullopt;
    }

    /// As append(), and the place in the same step.
    awaitable<Result<std::string>> pushWithPlace(NewTask task, Place place)
    {
        if (bindingDue(task.queue)) {
            std::string member = task.queue;
            member.append(keys::separator).append(keys::separator).append(task.queue);
            client.post(redis::Command("SADD", keys::binding(task.queue), member));
        }
        const std::string list = keys::list(task.queue, task.priority);
        const std::string message = encode(task, origin, replyTo);
        const std::string lease = std::to_string(place.lease.count());
        const std::array<std::string_view, 2> scriptKeys{list, place.key};
        const std::array<std::string_view, 5> arguments{message, task.queue, place.holder, lease, keys::wake};
        const Result<redis::Reply> pushed = co_await client.eval(scripts.enqueue, scriptKeys, arguments);
        if (!pushed)
            co_return redis::unavailable(pushed.error());
        co_return std::move(task.id);
    }

    awaitable<Result<std::string>> pushMessage(const std::string &queue, int priority, const std::string &raw,
                                               std::string id)
    {
        redis::Command command("LPUSH", keys::list(queue, priority), raw);
        command.add("PUBLISH", keys::wake, queue);
        Result<std::vector<redis::Reply>> replies = co_await client.pipeline(std::move(command));
        if (!replies)
            co_return replies.error();
        if (std::optional<Error> error = refusal(*replies, 0))
            co_return *error;
        co_return id;
    }

    redis::Client &client;
    const Clock &clock;
    const BrokerOptions options;
    const Scripts scripts;
    const std::string origin = originOfThisProcess();
    const std::string replyTo = uuid4();
    std::mutex mutex;
    std::map<std::string, SteadyTime, std::less<>> bound;
};

Broker::Broker(redis::Client &client, const Clock &clock, BrokerOptions options)
    : m_impl(std::make_unique<Impl>(client, clock, std::move(options)))
{}

Broker::~Broker() = default;

const BrokerOptions &Broker::options() const { return m_impl->options; }

awaitable<Result<std::string>> Broker::enqueue(NewTask task)
{
    if (Result<void> valid = validate(task); !valid)
        co_return valid.error();
    if (task.id.empty())
        task.id = newTaskId();
    redis::Command command;
    const std::size_t push = m_impl->append(command, task);
    command.add("PUBLISH", keys::wake, task.queue);
    Result<std::vector<redis::Reply>> replies = co_await m_impl->client.pipeline(std::move(command));
    if (!replies)
        co_return replies.error();
    if (std::optional<Error> error = Impl::refusal(*replies, push))
        co_return *error;
    co_return std::move(task.id);
}

awaitable<Result<std::string>> Broker::enqueue(NewTask task, Place place)
{
    if (Result<void> valid = validate(task); !valid)
        co_return valid.error();
    if (task.id.empty())
        task.id = newTaskId();
    co_return co_await m_impl->pushWithPlace(std::move(task), std::move(place));
}

awaitable<Result<Backlog>> Broker::backlog(std::vector<std::string> queues)
{
    redis::Command command("HLEN", keys::unacked);
    for (const std::string &queue : queues)
        for (const int step : keys::prioritySteps)
            command.add("LLEN", keys::list(queue, step));
    Result<std::vector<redis::Reply>> replies = co_await m_impl->client.pipeline(std::move(command));
    if (!replies)
        co_return replies.error();
    Backlog backlog;
    backlog.unacked = countOf((*replies)[0]);
    std::size_t at = 1;
    for (std::string &queue : queues) {
        QueueDepth depth{std::move(queue), 0};
        for (std::size_t i = 0; i < std::size(keys::prioritySteps); ++i)
            depth.waiting += countOf((*replies)[at++]);
        backlog.queues.push_back(std::move(depth));
    }
    co_return backlog;
}

awaitable<Result<void>> Broker::revoke(std::string id, bool terminate, std::string topic)
{
    if (id.empty() || id.size() > maxIdBytes)
        co_return failure(ErrorKind::Invalid, "a task id has 1 to 255 bytes");
    const std::string shown =
        resultJson(state::revoked,
                   failureJson({"TaskRevokedError", terminate ? "terminated" : "revoked", "celery.exceptions", {}}),
                   {id, {}, {}, m_impl->clock.wall()});
    const std::string key = keys::result(id);
    const std::string lifetime = std::to_string(revokedFor.count());
    const std::string most = std::to_string(revokedMost);
    const std::string expiry = std::to_string(m_impl->options.resultExpiry.count());
    const std::array<std::string_view, 4> scriptKeys{keys::revoked, key, keys::parked, keys::parkedMessages};
    const std::string channel = topic.empty() ? std::string() : keys::notify(topic);
    const std::array<std::string_view, 6> arguments{id, lifetime, most, shown, expiry, channel};
    const Result<redis::Reply> noted = co_await m_impl->client.eval(m_impl->scripts.revoke, scriptKeys, arguments);
    if (!noted)
        co_return noted.error();

    json::object request{{"task_id", id}, {"terminate", terminate}, {"signal", "SIGTERM"}};
    const ControlRequest control{"revoke", std::move(request), {}, {}, {}, 0, m_impl->clock.wall()};
    redis::Command command("PUBLISH", controlChannel(m_impl->options.database), encode(control));
    const Result<redis::Reply> told = co_await m_impl->client.run(std::move(command));
    // It is noted, and those that meet it find it so. Only what runs already has to hear of it.
    const bool runs = noted->text == state::started || noted->text == state::progress;
    if (!told && terminate && runs)
        co_return told.error();
    co_return Result<void>{};
}

awaitable<Result<WaitingTasks>> Broker::peek(std::string queue, std::size_t offset, std::size_t limit)
{
    co_return co_await peek(listsOf(queue), offset, limit);
}

awaitable<Result<WaitingTasks>> Broker::peek(std::vector<WaitingList> lists, std::size_t offset, std::size_t limit)
{
    constexpr std::string_view mostBytes = "4194304";
    constexpr std::string_view longestMessage = "1048576";
    WaitingTasks page;
    if (lists.empty() || limit == 0)
        co_return page;
    const std::vector<std::string_view> scriptKeys = [&] {
        std::vector<std::string_view> keys;
        for (const WaitingList &list : lists)
            keys.push_back(list.key);
        return keys;
    }();
    const std::string over = std::to_string(offset);
    const std::string most = std::to_string(std::min(limit, pageMost));
    const std::array<std::string_view, 4> arguments{over, most, mostBytes, longestMessage};
    Result<redis::Reply> reply = co_await m_impl->client.eval(m_impl->scripts.peek, scriptKeys, arguments);
    if (!reply)
        co_return reply.error();
    for (std::size_t i = 1; i + 1 < reply->elements.size(); i += 2) {
        const auto at = static_cast<std::size_t>(reply->elements[i].integer) - 1;
        if (at >= lists.size())
            continue;
        page.items.push_back(summaryOf(std::move(reply->elements[i + 1].text), lists[at].queue, stepIn(lists[at].key)));
        page.lists.push_back(at);
    }
    page.more = !reply->elements.empty() && reply->elements.front().integer != 0;
    co_return page;
}

awaitable<Result<TakenTasks>> Broker::taken(std::size_t limit)
{
    constexpr std::size_t mostBytes = 4 * 1024 * 1024;
    constexpr std::size_t largeStep = 256 * 1024;
    constexpr int many = 100, few = 20; // at once
    limit = std::min(limit, pageMost);
    TakenTasks page;
    std::string cursor = "0";
    std::size_t bytes = 0;
    int count = few;
    do {
        redis::Command command("HSCAN", keys::unacked, cursor, "COUNT", count);
        const Result<redis::Reply> reply = co_await m_impl->client.run(std::move(command));
        if (!reply)
            co_return reply.error();
        if (reply->elements.size() != 2)
            co_return failure(ErrorKind::Protocol, "HSCAN answered something else than a cursor and fields");
        const std::vector<redis::Reply> &fields = reply->elements[1].elements;
        std::size_t step = 0;
        for (std::size_t i = 1; i < fields.size(); i += 2) {
            step += fields[i].text.size();
            std::optional<TaskSummary> summary = takenSummary(fields[i].text);
            if (summary && page.items.size() < limit)
                page.items.push_back(std::move(*summary));
            else
                page.more = page.more || summary;
        }
        bytes += step;
        count = step < largeStep ? many : few;
        cursor = reply->elements[0].text;
    } while (cursor != "0" && page.items.size() < limit && bytes < mostBytes);
    page.more = page.more || cursor != "0";
    co_return page;
}

awaitable<Result<TaskResult>> Broker::result(std::string id)
{
    co_return co_await storedResult(m_impl->client, std::move(id));
}

awaitable<Result<std::vector<TaskResult>>> Broker::results(std::vector<std::string> ids)
{
    if (ids.size() > pageMost)
        co_return failure(ErrorKind::TooLarge, "more than 500 results in one call");
    co_return co_await storedResults(m_impl->client, std::move(ids));
}

awaitable<Result<std::vector<TaskSummary>>> Broker::kept(std::vector<std::string> ids)
{
    if (ids.size() > pageMost)
        co_return failure(ErrorKind::TooLarge, "more than 500 tasks in one call");
    std::vector<TaskSummary> all;
    if (ids.empty())
        co_return all;
    redis::Command command;
    command.begin(ids.size() + 1).argument("MGET");
    for (const std::string &id : ids)
        command.argument(keys::message(id));
    Result<redis::Reply> reply = co_await m_impl->client.run(std::move(command));
    if (!reply)
        co_return reply.error();
    for (redis::Reply &message : reply->elements) {
        if (message.isNil())
            continue;
        TaskSummary summary = summaryOf(std::move(message.text), {}, 0);
        if (!summary.id.empty())
            all.push_back(std::move(summary));
    }
    co_return all;
}

awaitable<Result<std::string>> Broker::rerun(std::string id)
{
    redis::Command command("GET", keys::message(id));
    const Result<redis::Reply> kept = co_await m_impl->client.run(std::move(command));
    if (!kept)
        co_return kept.error();
    const Result<Message> message = decode(kept->text);
    if (kept->isNil() || !message)
        co_return failure(ErrorKind::NotFound, "the message of task " + id + " is no longer there",
                          "only tasks that failed or were revoked lately can be run again");
    Changes changes;
    changes.id = newTaskId();
    changes.retries = 0;
    changes.redelivered = false;
    changes.setEta = true;
    changes.clearExpires = true;
    Result<std::string> raw = alone(*message);
    if (raw)
        raw = rewrite(*raw, changes);
    if (!raw)
        co_return raw.error();
    const std::string queue = message->routingKey.empty() ? m_impl->options.queue : message->routingKey;
    co_return co_await m_impl->pushMessage(queue, message->priority, *raw, *changes.id);
}

} // namespace portolan::queue
