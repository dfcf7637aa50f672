// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/task_board.h"

#include "core/base/json_numbers.h"
#include "core/base/settings.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/queue/broker.h"
#include "core/queue/worker_pool.h"
#include "core/storage/task_owner_store.h"
#include "core/storage/text.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace portolan::console {
namespace {

constexpr std::uint32_t mostOfAPlace = 500;
constexpr std::size_t longestArguments = 1024;
constexpr std::size_t longestResult = 4096;

std::string argumentsOf(const std::string &args, const std::string &kwargs)
{
    const bool none = args.empty() || args == "()" || args == "[]";
    if (none)
        return storage::fitText(kwargs, longestArguments);
    return storage::fitText(kwargs.empty() || kwargs == "{}" ? args : args + " " + kwargs, longestArguments);
}

TaskInfo infoOf(const queue::TaskSummary &summary)
{
    TaskInfo info;
    info.id = summary.id;
    info.name = summary.name;
    info.queue = summary.queue;
    // Some worker has it; only of our own is it known whether it runs.
    info.place = summary.taken ? TaskPlace::Reserved : TaskPlace::Waiting;
    info.arguments = argumentsOf(summary.argsRepr, summary.kwargsRepr);
    info.eta = summary.eta;
    info.priority = summary.priority;
    return info;
}

TaskInfo infoOf(const queue::HeldTask &held, TaskPlace place)
{
    TaskInfo info;
    info.id = held.id;
    info.name = held.name;
    info.queue = held.routingKey;
    info.place = place;
    info.arguments = argumentsOf(held.argsRepr, held.kwargsRepr);
    info.started = held.started;
    info.eta = held.eta;
    info.priority = held.priority;
    return info;
}

void addResult(TaskInfo &info, const queue::TaskResult &result)
{
    info.state = result.state;
    if (!info.started)
        info.started = result.started;
    info.progress = result.progress;
    if (result.failure) {
        info.error = result.failure->type;
        if (!result.failure->message.empty())
            info.error += (info.error.empty() ? "" : ": ") + result.failure->message;
        info.error = storage::fitText(info.error, longestResult);
    }
    if (result.ended()) {
        info.place = TaskPlace::Ended;
        info.ended = result.dateDone;
        if (result.state == queue::state::success)
            info.result = storage::fitText(jsonText(result.result), longestResult);
    } else if (info.place == TaskPlace::Reserved && result.state != queue::state::pending &&
               result.state != queue::state::retry) {
        info.place = TaskPlace::Running; // in another process; a state of the task's own is one of a running task
    }
}

std::string queueOf(const Settings &settings, const std::string &task)
{
    const auto &routes = settings.tier().taskRoutes;
    const auto found = routes.find(task);
    return found == routes.end() ? settings.tier().taskQueue : found->second;
}

/// The list while it is put together: each task once, at the place that is known best.
class Board
{
public:
    explicit Board(const TaskQuery &query) : m_query(query) {}

    void add(TaskInfo info)
    {
        if (!m_query.queue.empty() && info.queue != m_query.queue)
            return;
        const auto [at, isNew] = m_index.try_emplace(info.id, m_items.size());
        if (isNew)
            m_items.push_back(std::move(info));
        else if (info.place != TaskPlace::Waiting)
            m_items[at->second] = std::move(info);
    }
    bool has(const std::string &id) const { return m_index.contains(id); }
    std::vector<TaskInfo> &items() { return m_items; }

    /// In the order people want, at most `limit` of each place.
    TaskList take(bool complete) &&
    {
        constexpr std::array order{TaskPlace::Running, TaskPlace::Reserved, TaskPlace::Scheduled, TaskPlace::Waiting,
                                   TaskPlace::Ended};
        std::ranges::stable_sort(m_items, [&](const TaskInfo &a, const TaskInfo &b) {
            if (a.place == TaskPlace::Ended && b.place == TaskPlace::Ended)
                return a.ended > b.ended;
            return std::ranges::find(order, a.place) < std::ranges::find(order, b.place);
        });
        TaskList list;
        list.complete = complete;
        std::array<std::uint32_t, 5> counts{};
        for (auto &item : m_items) {
            if (++counts[static_cast<std::size_t>(item.place)] > m_query.limit)
                list.complete = false;
            else
                list.items.push_back(std::move(item));
        }
        return list;
    }

private:
    const TaskQuery &m_query;
    std::vector<TaskInfo> m_items;
    std::unordered_map<std::string, std::size_t> m_index;
};

void addOwn(Board &board, const queue::WorkerStatus &status)
{
    for (const auto &task : status.active)
        board.add(infoOf(task, TaskPlace::Running));
    for (const auto &task : status.reserved)
        board.add(infoOf(task, TaskPlace::Reserved));
    for (const auto &task : status.scheduled)
        board.add(infoOf(task, TaskPlace::Scheduled));
}

/// Tasks users started lately, which are in no list any more: their results say how they ended.
awaitable<Result<bool>> addEnded(PortalServices services, Board &board, std::uint32_t limit)
{
    const auto latest = co_await services.owners.latest(limit);
    if (!latest)
        co_return latest.error();
    std::vector<std::string> ids;
    for (const auto &task : *latest)
        ids.push_back(task.taskId);
    const auto results = co_await services.broker.results(std::move(ids));
    if (!results)
        co_return results.error();
    for (std::size_t i = 0; i < latest->size() && i < results->size(); ++i) {
        const auto &task = (*latest)[i];
        if (!(*results)[i].ended() || board.has(task.taskId))
            continue;
        TaskInfo info;
        info.id = task.taskId;
        info.name = task.name;
        info.queue = queueOf(services.settings, task.name);
        info.place = TaskPlace::Ended;
        board.add(std::move(info));
    }
    co_return latest->size() < limit;
}

awaitable<Result<void>> addStates(PortalServices services, std::vector<TaskInfo> &items)
{
    constexpr std::size_t atOnce = 500;
    for (std::size_t from = 0; from < items.size(); from += atOnce) {
        std::vector<std::string> ids;
        for (std::size_t i = from; i < std::min(items.size(), from + atOnce); ++i)
            ids.push_back(items[i].id);
        const auto results = co_await services.broker.results(std::move(ids));
        if (!results)
            co_return results.error();
        for (std::size_t i = 0; i < results->size() && from + i < items.size(); ++i)
            addResult(items[from + i], (*results)[i]);
    }
    co_return Result<void>();
}

/// Of those that ended, what they were called with is known as long as they can be run again.
awaitable<Result<void>> addArguments(PortalServices services, std::vector<TaskInfo> &items)
{
    constexpr std::size_t atOnce = 500;
    std::unordered_map<std::string, TaskInfo *> ended;
    std::vector<std::string> ids;
    for (auto &item : items) {
        if (item.place == TaskPlace::Ended && ids.size() < atOnce) {
            ended.emplace(item.id, &item);
            ids.push_back(item.id);
        }
    }
    const auto kept = co_await services.broker.kept(std::move(ids));
    if (!kept)
        co_return kept.error();
    for (const auto &task : *kept) {
        if (const auto found = ended.find(task.id); found != ended.end()) {
            found->second->arguments = argumentsOf(task.argsRepr, task.kwargsRepr);
            found->second->rerunnable = true;
        }
    }
    co_return Result<void>();
}

awaitable<Result<void>> addOwners(PortalServices services, std::vector<TaskInfo> &items)
{
    constexpr std::size_t atOnce = 2000;
    std::unordered_map<std::string, storage::TaskOwner> known;
    std::unordered_map<Id, std::string> addresses;
    for (std::size_t from = 0; from < items.size(); from += atOnce) {
        std::vector<std::string> ids;
        for (std::size_t i = from; i < std::min(items.size(), from + atOnce); ++i)
            ids.push_back(items[i].id);
        const auto owners = co_await services.owners.findMany(std::move(ids));
        if (!owners)
            co_return owners.error();
        for (const auto &one : *owners)
            known.emplace(one.taskId, one);
    }
    for (auto &item : items) {
        if (const auto found = known.find(item.id); found != known.end()) {
            item.owner = found->second.owner;
            item.created = found->second.created;
        }
        if (item.owner == 0)
            continue;
        auto [address, isNew] = addresses.try_emplace(item.owner);
        if (isNew) {
            const auto user = co_await services.users.user(item.owner);
            if (user)
                address->second = (*user)->email;
        }
        item.ownerAddress = address->second;
    }
    co_return Result<void>();
}

} // namespace

awaitable<Result<TaskList>> listTasks(PortalServices services, TaskQuery query)
{
    if (query.limit < 1 || query.limit > mostOfAPlace)
        co_return badField("Between 1 and 500 tasks can be listed of each place.", "/limit", "must be 1–500");
    const std::uint64_t change = services.workers.changes();
    if (auto kept = services.taskLists.find(query, change, services.clock.steady()))
        co_return std::move(*kept);
    const std::uint32_t oneMore = std::min(query.limit + 1, mostOfAPlace);
    const auto lists = co_await services.workers.tasks(query.queue, 0, oneMore);
    if (!lists)
        co_return lists.error();
    Board board(query);
    for (const auto &task : lists->taken)
        board.add(infoOf(task));
    addOwn(board, services.pool.status());
    for (const auto &task : lists->waiting)
        board.add(infoOf(task));
    const auto all = co_await addEnded(services, board, oneMore);
    if (!all)
        co_return all.error();
    const auto states = co_await addStates(services, board.items());
    if (!states)
        co_return states.error();
    const auto arguments = co_await addArguments(services, board.items());
    if (!arguments)
        co_return arguments.error();
    const auto owners = co_await addOwners(services, board.items());
    if (!owners)
        co_return owners.error();
    const bool complete = *all && lists->waiting.size() < mostOfAPlace && lists->taken.size() < mostOfAPlace;
    TaskList list = std::move(board).take(complete);
    services.taskLists.keep(query, change, list, services.clock.steady());
    co_return list;
}

awaitable<Result<TaskInfo>> findTask(PortalServices services, std::string id)
{
    TaskInfo info;
    info.id = id;
    const auto status = services.pool.status();
    for (const auto &[held, place] :
         {std::pair(&status.active, TaskPlace::Running), std::pair(&status.reserved, TaskPlace::Reserved),
          std::pair(&status.scheduled, TaskPlace::Scheduled)}) {
        for (const auto &task : *held)
            if (task.id == id)
                info = infoOf(task, place);
    }
    const auto result = co_await services.broker.result(id);
    if (!result)
        co_return result.error();
    addResult(info, *result);
    const auto owner = co_await services.owners.find(id);
    if (!owner && owner.error().kind != ErrorKind::NotFound)
        co_return owner.error();
    if (owner) {
        info.name = owner->name;
        info.owner = owner->owner;
        info.created = owner->created;
    }
    co_return info;
}

} // namespace portolan::console
