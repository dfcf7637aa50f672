// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/task_service.h"

#include "core/base/ids.h"
#include "core/base/runtime.h"
#include "core/base/utf8.h"
#include "core/limits/ceilings.h"
#include "core/queue/broker.h"
#include "core/queue/worker_pool.h"

namespace portolan::portal {

namespace {

constexpr std::uint32_t endsAtOnce = 500;
constexpr std::size_t longestSubject = 64;

/// What a person knows the task again by.
std::optional<std::string> subjectOf(const boost::json::object &kwargs)
{
    const auto *symbol = kwargs.if_contains("symbol");
    if (!symbol || !symbol->is_string())
        return std::nullopt;
    return std::string(cutText(symbol->get_string(), longestSubject));
}

} // namespace

TaskService::TaskService(storage::TaskOwnerStore &owners, queue::Broker &broker, limits::Ceilings &ceilings,
                         const Clock &clock, Options options)
    : m_owners(owners), m_broker(broker), m_ceilings(ceilings), m_clock(clock), m_options(std::move(options))
{}

TaskService::~TaskService() = default;

std::string TaskService::topicOf(Id owner) { return formatId(owner); }

awaitable<Result<std::string>> TaskService::start(Id owner, std::string name, boost::json::object kwargs)
{
    queue::NewTask task;
    task.id = queue::newTaskId();
    task.name = name;
    std::optional<std::string> subject = subjectOf(kwargs);
    task.kwargs = std::move(kwargs);
    task.notify = topicOf(owner);
    task.queue = m_options.queue;
    if (const auto route = m_options.queues.find(name); route != m_options.queues.end())
        task.queue = route->second;

    const auto ceiling = m_options.ceilings.find(name);
    const bool counted = ceiling != m_options.ceilings.end();
    if (counted) {
        const auto place = co_await m_ceilings.acquire(ceiling->second.name, task.id, ceiling->second.most);
        if (!place)
            co_return place.error();
    }
    const std::string id = task.id;
    storage::TaskOwner row{id, owner, std::move(name), m_clock.wall(), {}, std::move(subject)};
    const auto noted = co_await m_owners.add(std::move(row));
    if (!noted) { // nothing was enqueued, so nothing is held, whatever kept the database from answering
        if (counted)
            co_await m_ceilings.release(ceiling->second.name, id);
        if (noted.error().kind == ErrorKind::Timeout) { // it may have been written all the same
            // In a statement of its own: what GCC 12 makes beside a co_await it destroys twice.
            const auto executor = co_await asio::this_coro::executor;
            spawn(executor, [this, id] { return forget(id); });
        }
        co_return noted.error();
    }
    Result<std::string> enqueued = id;
    if (counted) {
        queue::Place place{m_ceilings.keyOf(ceiling->second.name), id, m_ceilings.lease()};
        enqueued = co_await m_broker.enqueue(std::move(task), std::move(place));
    } else {
        enqueued = co_await m_broker.enqueue(std::move(task));
    }
    if (enqueued) {
        if (counted)
            m_ceilings.handedOver(ceiling->second.name, id);
    } else if (enqueued.error().kind != ErrorKind::Timeout) {
        if (counted)
            co_await m_ceilings.release(ceiling->second.name, id);
        co_await m_owners.remove(id);
    }
    // A time-out does not say that nothing happened. Where the task is queued its owner must stay, and its place was
    // prolonged in the same step; where it is not, the place runs out in seconds.
    co_return enqueued;
}

awaitable<void> TaskService::forget(std::string id) { (void)co_await m_owners.remove(std::move(id)); }

void TaskService::observe(const queue::TaskEvent &event, Executor executor)
{
    using Type = queue::TaskEvent::Type;
    const auto &message = *event.message;
    if (event.type == Type::Started && m_options.ceilings.contains(message.task)) {
        spawn(executor, [this, name = message.task, id = message.id] { return started(name, id); });
    } else if (event.type == Type::Succeeded || event.type == Type::Failed || event.type == Type::Revoked) {
        const bool ours = !message.notify.empty(); // as start() makes them
        if (ours || m_options.ceilings.contains(message.task))
            spawn(executor, [this, name = message.task, id = message.id, at = event.time, ours] {
                return ended(name, id, at, ours);
            });
    }
}

awaitable<void> TaskService::started(std::string name, std::string id)
{
    // One that has lost its place runs all the same.
    co_await m_ceilings.renew(m_options.ceilings.find(name)->second.name, std::move(id));
}

awaitable<void> TaskService::ended(std::string name, std::string id, WallTime at, bool ours)
{
    if (const auto ceiling = m_options.ceilings.find(name); ceiling != m_options.ceilings.end())
        (void)co_await m_ceilings.release(ceiling->second.name, id);
    if (ours)
        (void)co_await m_owners.end(std::move(id), at); // else it is seen by its age
}

awaitable<void> TaskService::noteEnds()
{
    const auto rows = co_await m_owners.latest(endsAtOnce);
    if (!rows)
        co_return;
    std::vector<std::string> open;
    for (const auto &row : *rows)
        if (!row.ended)
            open.push_back(row.taskId);
    if (open.empty())
        co_return;
    const auto results = co_await m_broker.results(open);
    if (!results)
        co_return;
    for (std::size_t i = 0; i < results->size() && i < open.size(); ++i)
        if ((*results)[i].ended())
            (void)co_await m_owners.end(open[i], (*results)[i].dateDone.value_or(m_clock.wall()));
}

awaitable<Result<storage::TaskOwner>> TaskService::owned(Id owner, std::string id)
{
    const auto notFound = [] { return failure(ErrorKind::NotFound, "There is no such task."); };
    {
        const std::lock_guard lock(m_mutex);
        if (const auto found = m_index.find(id); found != m_index.end()) {
            if (found->second->owner != owner)
                co_return notFound();
            co_return *found->second;
        }
    }
    co_return co_await stored(owner, std::move(id));
}

awaitable<Result<storage::TaskOwner>> TaskService::stored(Id owner, std::string id)
{
    const auto notFound = [] { return failure(ErrorKind::NotFound, "There is no such task."); };
    auto row = co_await m_owners.find(std::move(id));
    if (!row)
        co_return row.error().kind == ErrorKind::NotFound ? notFound() : row.error();
    {
        const std::lock_guard lock(m_mutex);
        const auto known = m_index.find(row->taskId);
        if (known != m_index.end()) {
            *known->second = *row;
        } else {
            m_recent.push_front(*row);
            m_index.emplace(m_recent.front().taskId, m_recent.begin());
            if (m_recent.size() > maxCached) {
                m_index.erase(m_recent.back().taskId);
                m_recent.pop_back();
            }
        }
    }
    if (row->owner != owner)
        co_return notFound();
    co_return row;
}

Task TaskService::merge(const storage::TaskOwner &owner, queue::TaskResult result) const
{
    Task task{owner.taskId, owner.name, owner.subject, result.state, std::move(result.progress),
              {},           {},         owner.created, {},           {}};
    task.started = result.started;
    if (result.ended()) {
        task.ended = result.dateDone;
        task.result = std::move(result.result);
    }
    if (result.failure) {
        task.error = std::move(result.failure);
        task.error->traceback.clear(); // ours to read in the log, not the user's
    }
    // Nothing stored means waiting, unless its end was seen, or until no task could still be waiting or running.
    const auto longest = m_options.timeLimit + m_options.resultsExpiry + std::chrono::hours(24);
    if (task.state == queue::state::pending && (owner.ended || m_clock.wall() - owner.created > longest)) {
        task.state = "EXPIRED";
        task.ended = owner.ended;
    }
    return task;
}

awaitable<Result<Task>> TaskService::find(Id owner, std::string id)
{
    auto row = co_await owned(owner, std::move(id));
    if (!row)
        co_return row.error();
    auto result = co_await m_broker.result(row->taskId);
    if (!result)
        co_return result.error();
    // No result can have expired before that; and a waiting task that is asked for again and again costs no query.
    const bool mayHaveExpired = m_clock.wall() - row->created >= m_options.resultsExpiry;
    if (mayHaveExpired && result->state == queue::state::pending && !row->ended) { // what is remembered may be older
        row = co_await stored(owner, row->taskId);
        if (!row)
            co_return row.error();
        if (row->ended) { // meanwhile, perhaps: an end is noted once its result is stored
            result = co_await m_broker.result(row->taskId);
            if (!result)
                co_return result.error();
        }
    }
    co_return merge(*row, std::move(*result));
}

awaitable<Result<TaskPage>> TaskService::list(Id owner, std::uint32_t limit, std::string cursor)
{
    auto rows = co_await m_owners.list(owner, limit, std::move(cursor));
    if (!rows)
        co_return rows.error();
    std::vector<std::string> ids;
    for (const auto &row : rows->items)
        ids.push_back(row.taskId);
    auto results = co_await m_broker.results(std::move(ids));
    if (!results)
        co_return results.error();
    TaskPage page;
    page.nextCursor = std::move(rows->nextCursor);
    for (std::size_t i = 0; i < rows->items.size() && i < results->size(); ++i)
        page.items.push_back(merge(rows->items[i], std::move((*results)[i])));
    co_return page;
}

awaitable<Result<void>> TaskService::revoke(Id owner, std::string id)
{
    auto row = co_await owned(owner, std::move(id));
    if (!row)
        co_return row.error();
    std::string topic = topicOf(owner);
    co_return co_await m_broker.revoke(row->taskId, true, std::move(topic));
}

awaitable<Result<Task>> TaskService::describe(Id owner, queue::TaskResult result)
{
    auto row = co_await owned(owner, result.id);
    if (!row)
        co_return row.error();
    co_return merge(*row, std::move(result));
}

} // namespace portolan::portal
