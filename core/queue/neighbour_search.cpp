// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/neighbour_search.h"

#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/message.h"
#include "core/queue/neighbour_answers.h"
#include "core/queue/remote_client.h"
#include "core/queue/worker_pool.h"
#include "core/redis/client.h"

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <array>
#include <functional>

namespace portolan::queue {

namespace {

namespace json = boost::json;
using Replies = std::map<std::string, json::value>;

constexpr std::size_t namesMost = 16;
constexpr std::size_t nodesMost = 1000;
constexpr auto settling = std::chrono::seconds(30); ///< a worker that has just announced itself may not answer yet
constexpr std::string_view pidbox = ".pidbox";
constexpr std::int64_t scanStepsMost = 20;          ///< at once, of 1,000 keys …
constexpr auto scanEvery = std::chrono::seconds(5); ///< … and one more after each of these
constexpr std::size_t exchangesMost = 16;
constexpr std::uint64_t busyFor = 5; ///< seconds since its last command
constexpr int lookTimes = 5;
constexpr auto lookTwice = std::chrono::milliseconds(20);
constexpr int heldMost = 20;         ///< messages others hold that are looked at
constexpr auto heldFor = 3600;       ///< seconds: kombu's own visibility timeout; older ones nobody may want any more
constexpr std::size_t windowOf = 50; ///< messages of a place in a long queue that is looked at

/// How much of what waits is looked at: all of it up to so many, and beyond that as many places of `windowOf`.
struct Depth
{
    std::size_t messages;
    std::size_t bytes;
};
constexpr Depth depthOf(NeighbourSearch::Why why)
{
    return why == NeighbourSearch::Why::Start ? Depth{10'000, 32 * 1024 * 1024} : Depth{1'000, 4 * 1024 * 1024};
}
constexpr std::string_view windowBytes = "1048576";
constexpr std::string_view messageBytes = "4194305"; ///< one more than decode() reads

void add(std::vector<std::string> &list, std::string_view name)
{
    std::string readable = text::toUtf8(name.substr(0, maxIdBytes));
    if (list.size() < namesMost && std::ranges::find(list, readable) == list.end())
        list.push_back(std::move(readable));
}

/// Waits for messages, or its last command did: workers ask again and again, each second as a rule.
bool pops(const redis::ClientEntry &client)
{
    constexpr std::string_view commands[] = {"brpop", "blpop", "brpoplpush", "blmove", "blmpop"};
    return std::ranges::find(commands, client.command) != std::end(commands);
}

bool isForeign(const redis::ClientEntry &client, unsigned database)
{
    return client.database.value_or(0) == database && !client.name.starts_with(redis::commandsName);
}

bool isBusy(const redis::ClientEntry &client)
{
    return client.flags.find('b') != std::string::npos || client.idle.value_or(0) <= busyFor;
}

} // namespace

NeighbourSearch::NeighbourSearch(redis::Client &client, RemoteClient &remote, WorkerPool &pool, const Clock &clock,
                                 unsigned database, std::chrono::milliseconds patience)
    : m_client(client), m_remote(remote), m_pool(pool), m_clock(clock), m_database(database), m_patience(patience)
{}

bool NeighbourSearch::isOurNode(std::string_view node) { return node.starts_with("portolan-"); }

awaitable<Result<std::set<std::string>>> NeighbourSearch::signs()
{
    Result<std::set<std::string>> found = co_await announced();
    if (!found)
        co_return found.error();
    for (const redis::ClientEntry &popper : co_await poppers(1))
        found->insert(popper.address);
    co_return found;
}

/// What a client did last is all that Redis tells, and between two messages that is something else. So who was seen to
/// pop does so as long as its connection lives. Answers those of them that are busy.
std::vector<redis::ClientEntry> NeighbourSearch::sawPoppers(std::string_view clientList, bool *othersBusy)
{
    const std::lock_guard lock(m_mutex);
    std::vector<redis::ClientEntry> found;
    std::set<std::uint64_t> still;
    for (redis::ClientEntry &client : redis::parseClientList(clientList)) {
        if (!isForeign(client, m_database))
            continue;
        const bool busy = isBusy(client);
        if (m_poppers.contains(client.id) || (busy && pops(client))) {
            still.insert(client.id);
            if (busy)
                found.push_back(std::move(client));
        } else if (busy && othersBusy) {
            *othersBusy = true;
        }
    }
    m_poppers = std::move(still);
    return found;
}

/// Who is busy with something is looked at up to `times` times.
awaitable<std::vector<redis::ClientEntry>> NeighbourSearch::poppers(int times)
{
    std::vector<redis::ClientEntry> found;
    for (int time = 1;; ++time) {
        redis::Command command("CLIENT", "LIST", "TYPE", "normal");
        const Result<redis::Reply> reply = co_await m_client.run(std::move(command));
        if (!reply || reply->isError())
            co_return found;
        bool anyBusy = false;
        found = sawPoppers(reply->text, &anyBusy);
        if (!found.empty() || !anyBusy || time >= times || m_stopping)
            co_return found;
        Timer timer(co_await asio::this_coro::executor, lookTwice);
        co_await timer.async_wait(asio::as_tuple(use_awaitable));
    }
}

awaitable<bool> NeighbourSearch::othersMayTake()
{
    const Result<std::set<std::string>> nodes = co_await announced();
    if (!nodes || std::ranges::any_of(*nodes, std::not_fn(&NeighbourSearch::isOurNode)))
        co_return true;
    redis::Command command("CLIENT", "LIST", "TYPE", "normal");
    const Result<redis::Reply> reply = co_await m_client.run(std::move(command));
    if (!reply || reply->isError())
        co_return true;
    (void)sawPoppers(reply->text);
    const std::lock_guard lock(m_mutex);
    co_return !m_poppers.empty();
}

std::set<std::string> NeighbourSearch::known() const
{
    const std::lock_guard lock(m_mutex);
    std::set<std::string> nodes;
    for (const auto &[node, since] : m_seen)
        nodes.insert(node);
    return nodes;
}

bool NeighbourSearch::soon() const
{
    const std::lock_guard lock(m_mutex);
    return m_soon;
}

/// Where workers with a control_exchange of their own, or without fanout_prefix, listen.
std::vector<std::string> NeighbourSearch::otherChannels() const
{
    const std::lock_guard lock(m_mutex);
    std::vector<std::string> channels;
    for (const std::string &exchange : m_exchanges) {
        if (exchange != "celery")
            channels.push_back("/" + std::to_string(m_database) + "." + exchange + std::string(pidbox));
        channels.push_back(exchange + std::string(pidbox));
    }
    return channels;
}

/// Whether another thousand keys may be looked at now.
bool NeighbourSearch::mayScan()
{
    const std::lock_guard lock(m_mutex);
    const SteadyTime now = m_clock.steady();
    if (!m_scannedAt)
        m_scannedAt = now - scanStepsMost * scanEvery;
    m_scannedAt = std::max(*m_scannedAt, now - scanStepsMost * scanEvery);
    if (*m_scannedAt + scanEvery > now)
        return false;
    *m_scannedAt += scanEvery;
    return true;
}

/// A control_exchange is known by its binding. What it costs does not grow with the number of keys: the next look goes
/// on where this one ended. Where SCAN is not allowed only Celery's own name is known.
awaitable<bool> NeighbourSearch::findExchanges()
{
    const std::string start = keys::binding("");
    bool found = false;
    while (!m_stopping && mayScan()) {
        std::string cursor;
        {
            const std::lock_guard lock(m_mutex);
            cursor = m_cursor;
        }
        redis::Command command("SCAN", cursor, "COUNT", 1000, "MATCH", start + "*" + std::string(pidbox));
        const Result<redis::Reply> reply = co_await m_client.run(std::move(command));
        const std::lock_guard lock(m_mutex);
        if (!reply || reply->elements.size() != 2) {
            m_complete = m_complete || (!reply && reply.error().code == "redis-rights");
            co_return found;
        }
        m_cursor = reply->elements[0].text;
        for (const redis::Reply &key : reply->elements[1].elements) {
            std::string_view exchange = key.text;
            exchange.remove_prefix(start.size());
            exchange.remove_suffix(pidbox.size());
            if (!exchange.starts_with("reply.") && exchange.size() <= maxIdBytes && m_exchanges.size() < exchangesMost)
                found = m_exchanges.emplace(exchange).second || found;
        }
        if (m_cursor == "0") {
            m_complete = true;
            co_return found;
        }
    }
    co_return found;
}

bool NeighbourSearch::complete() const
{
    const std::lock_guard lock(m_mutex);
    return m_complete;
}

awaitable<Result<std::set<std::string>>> NeighbourSearch::announced()
{
    std::vector<std::string> exchanges;
    redis::Command command;
    {
        const std::lock_guard lock(m_mutex);
        exchanges.assign(m_exchanges.begin(), m_exchanges.end());
    }
    for (const std::string &exchange : exchanges)
        command.add("SMEMBERS", keys::binding(exchange + std::string(pidbox)));
    const Result<std::vector<redis::Reply>> bindings = co_await m_client.pipeline(std::move(command));
    if (!bindings)
        co_return bindings.error();
    std::set<std::string> nodes;
    for (std::size_t i = 0; i < bindings->size() && i < exchanges.size(); ++i) {
        const std::string ending = "." + exchanges[i] + std::string(pidbox);
        for (const redis::Reply &member : (*bindings)[i].elements) {
            std::string_view queue = member.text;
            if (const std::size_t last = queue.rfind(keys::separator); last != std::string_view::npos)
                queue.remove_prefix(last + keys::separator.size());
            if (queue.ends_with(ending) && nodes.size() < nodesMost)
                nodes.emplace(queue.substr(0, queue.size() - ending.size()));
        }
    }
    co_return nodes;
}

awaitable<Result<void>> NeighbourSearch::findWorkers(Neighbours &found, const std::vector<std::string> &queues)
{
    const Result<std::set<std::string>> nodes = co_await announced();
    if (!nodes)
        co_return nodes.error();
    const std::vector<std::string> channels = otherChannels();
    const Result<Replies> answers = co_await m_remote.ask("active_queues", {}, {}, m_patience, channels);
    if (!answers && (answers.error().code == "redis-rights" || answers.error().code == "redis-auth")) {
        // Nobody can be asked here: PUBLISH is blocked, or the channel is not this user's. Who is announced counts as
        // silent, but for portals, which share a queue by design; without anybody, work goes on.
        const std::lock_guard lock(m_mutex);
        for (const std::string &node : *nodes)
            if (node != m_pool.node() && !isOurNode(node))
                add(found.silent, node);
        m_soon = false;
        co_return Result<void>();
    }
    if (!answers)
        co_return answers.error();
    std::vector<std::string> suspects;
    std::size_t elsewhere = 0;
    for (const auto &[node, answer] : *answers) {
        if (node != m_pool.node() && takesFrom(answer, queues))
            suspects.push_back(node);
        else if (!isOurNode(node))
            ++elsewhere;
    }
    if (!suspects.empty() && !m_stopping) {
        const Result<Replies> stats = co_await m_remote.ask("stats", {}, suspects, m_patience, channels);
        if (!stats)
            co_return stats.error();
        for (const std::string &node : suspects) {
            const auto told = stats->find(node);
            if (told == stats->end() && isOurNode(node))
                add(found.silent, node); // a portal on a loaded machine answers late: no reason to hold back for good
            else if (told == stats->end() || !isOurs(told->second))
                add(found.workers, node);
        }
    }
    // A member of the binding outlives a worker that was killed: silent is who still listens, or has just come.
    std::vector<std::string> missing;
    for (const std::string &node : *nodes)
        if (!answers->contains(node))
            missing.push_back(node);
    std::uint64_t listening = 0;
    if (!missing.empty()) {
        const Result<std::uint64_t> told = co_await m_remote.tell("clock", {}, {}, channels);
        if (!told)
            co_return told.error();
        listening = *told;
    }
    {
        const std::lock_guard lock(m_mutex);
        m_elsewhere = elsewhere;
    }
    noteNodes(found, *nodes, missing, listening > answers->size());
    co_return Result<void>();
}

void NeighbourSearch::noteNodes(Neighbours &found, const std::set<std::string> &nodes,
                                const std::vector<std::string> &missing, bool othersListen)
{
    const SteadyTime now = m_clock.steady();
    const std::lock_guard lock(m_mutex);
    std::map<std::string, SteadyTime> since;
    for (const std::string &node : nodes) {
        const auto known = m_seen.find(node);
        since[node] = known != m_seen.end() ? known->second : m_sawAny ? now : SteadyTime::min();
    }
    m_seen = std::move(since);
    m_sawAny = true;
    for (const std::string &node : missing)
        if (othersListen || (m_seen[node] != SteadyTime::min() && now - m_seen[node] < settling))
            add(found.silent, node);
    m_soon = !found.silent.empty();
}

bool NeighbourSearch::seeMessage(Neighbours &found, std::string raw) const
{
    Message readable;
    const Result<Message> message = decode(std::move(raw), &readable);
    const std::string &name = message ? message->task : readable.task;
    if (name.empty())
        ++found.unreadable;
    else if (!m_pool.registry().find(name))
        add(found.tasks, name);
    return found.tasks.size() < namesMost;
}

awaitable<Result<void>> NeighbourSearch::findTasks(Neighbours &found, const std::vector<std::string> &queues, Why why)
{
    std::vector<std::string> lists;
    redis::Command command;
    for (const std::string &queue : queues)
        for (const int step : keys::prioritySteps) {
            lists.push_back(keys::list(queue, step));
            command.add("LLEN", lists.back());
        }
    if (lists.empty())
        co_return Result<void>();
    const Result<std::vector<redis::Reply>> lengths = co_await m_client.pipeline(std::move(command));
    if (!lengths)
        co_return lengths.error();
    std::size_t waiting = 0;
    for (const redis::Reply &length : *lengths)
        waiting += static_cast<std::size_t>(std::max<std::int64_t>(length.integer, 0));
    const Depth depth = depthOf(why);
    const bool all = waiting <= depth.messages;
    const std::size_t places = all ? 1 : depth.messages / windowOf;
    const std::vector<std::string_view> scriptKeys(lists.begin(), lists.end());
    std::size_t bytes = 0;
    for (std::size_t place = 0; place < places && bytes <= depth.bytes; ++place) {
        std::size_t at = all ? 0 : place * ((waiting - windowOf) / (places - 1));
        const std::size_t end = all ? waiting : at + windowOf;
        while (at < end && bytes <= depth.bytes && !m_stopping) { // of large messages fewer
            const std::string over = std::to_string(at);
            const std::string most = std::to_string(end - at);
            const std::array<std::string_view, 4> arguments{over, most, windowBytes, messageBytes};
            Result<redis::Reply> part = co_await m_client.eval(m_scripts.peek, scriptKeys, arguments);
            if (!part)
                co_return part.error();
            const std::size_t messages = part->elements.empty() ? 0 : (part->elements.size() - 1) / 2;
            for (std::size_t i = 0; i < messages; ++i) {
                bytes += part->elements[2 + 2 * i].text.size();
                if (!seeMessage(found, std::move(part->elements[2 + 2 * i].text)))
                    co_return Result<void>();
            }
            at = messages == 0 ? end : at + messages;
        }
    }
    co_return Result<void>();
}

/// Programs that pop lists on this database and belong to nobody who has said from which: Celery's workers without
/// remote control, or those of other languages. That alone is no sign; with a task nobody here knows it is one.
awaitable<void> NeighbourSearch::findPoppers(Neighbours &found, const std::vector<std::string> &queues)
{
    const std::vector<redis::ClientEntry> popping = co_await poppers(lookTimes);
    // Who asks workers something waits for the answers likewise: celery inspect, Flower.
    redis::Command asking("SMEMBERS", keys::binding(keys::replyExchange));
    const Result<redis::Reply> askers = co_await m_client.run(std::move(asking));
    // Whoever is silent may be one of them, and nobody knows yet from which lists: then it is waited for.
    auto explained =
        static_cast<std::size_t>(std::ranges::count_if(found.silent, std::not_fn(&NeighbourSearch::isOurNode)));
    if (askers)
        explained += static_cast<std::size_t>(
            std::ranges::count_if(askers->elements, [](const redis::Reply &asker) { return !isOurNode(asker.text); }));
    {
        const std::lock_guard lock(m_mutex);
        explained += m_elsewhere;
    }
    if (popping.size() > explained)
        for (const redis::ClientEntry &client : popping)
            add(found.workers,
                "the program at " + client.address + (client.name.empty() ? "" : " (" + client.name + ")"));
    if (found.workers.empty())
        co_await findHeld(found, queues);
}

/// Messages of our queues that somebody else has taken lately.
awaitable<void> NeighbourSearch::findHeld(Neighbours &found, const std::vector<std::string> &queues)
{
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(m_clock.wall().time_since_epoch()).count();
    redis::Command command("ZREVRANGEBYSCORE", keys::unackedIndex, "+inf", now - heldFor, "LIMIT", 0, 500);
    const Result<redis::Reply> tags = co_await m_client.run(std::move(command));
    if (!tags)
        co_return;
    int looked = 0;
    for (const redis::Reply &tag : tags->elements) {
        if (tag.text.find(':') != std::string::npos) // <instance>:<number> is a worker's of ours
            continue;
        if (++looked > heldMost)
            co_return;
        redis::Command get("HGET", keys::unacked, tag.text);
        const Result<redis::Reply> entry = co_await m_client.run(std::move(get));
        for (const std::string &queue : queues) {
            std::string ending;
            text::appendString(ending, queue);
            if (entry && entry->text.ends_with(ending + "]")) {
                add(found.workers, "a program that holds tasks of " + queue + " (unacked)");
                co_return;
            }
        }
    }
}

awaitable<Result<Neighbours>> NeighbourSearch::look(Why why)
{
    Neighbours found;
    const std::vector<std::string> queues = m_pool.status().queues;
    if (why == Why::Start || why == Why::UnknownTask)
        co_await findExchanges();
    const Result<void> workers = co_await findWorkers(found, queues);
    if (!workers)
        co_return workers.error();
    if (m_stopping)
        co_return found;
    if (why != Why::Check)
        if (const Result<void> tasks = co_await findTasks(found, queues, why); !tasks)
            co_return tasks.error();
    if (found.areForeign())
        add(found.tasks, "messages that are no tasks");
    if (why == Why::Start)
        (void)co_await poppers(1); // who is seen now is known later
    if (why == Why::UnknownTask && found.workers.empty())
        co_await findPoppers(found, queues);
    co_return found;
}

} // namespace portolan::queue
