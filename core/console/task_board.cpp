// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/task_board.h"

#include "core/base/json_numbers.h"
#include "core/base/settings.h"
#include "core/console/task_pages.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/queue/broker.h"
#include "core/queue/worker_pool.h"
#include "core/storage/task_owner_store.h"
#include "core/storage/text.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

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

/// Whether a worker is at it: STARTED, PROGRESS, or a state of the task's own.
bool runs(const queue::TaskResult &result)
{
    return !result.ended() && result.state != queue::state::pending && result.state != queue::state::retry;
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
    } else if (info.place == TaskPlace::Reserved && runs(result)) {
        info.place = TaskPlace::Running; // in another process
    }
}

std::string queueOf(const Settings &settings, const std::string &task)
{
    const auto &routes = settings.tier().taskRoutes;
    const auto found = routes.find(task);
    return found == routes.end() ? settings.tier().taskQueue : found->second;
}

/// What workers hold, each task once, at the place that is known best.
class Held
{
public:
    explicit Held(const std::string &queue) : m_queue(queue) {}

    void add(TaskInfo info)
    {
        if (!m_queue.empty() && info.queue != m_queue)
            return;
        const auto [at, isNew] = m_index.try_emplace(info.id, m_items.size());
        if (isNew)
            m_items.push_back(std::move(info));
        else
            m_items[at->second] = std::move(info);
    }
    bool has(const std::string &id) const { return m_index.contains(id); }
    std::vector<TaskInfo> &items() { return m_items; }

private:
    const std::string &m_queue;
    std::vector<TaskInfo> m_items;
    std::unordered_map<std::string, std::size_t> m_index;
};

awaitable<Result<bool>> addHeld(PortalServices services, Held &held)
{
    const auto taken = co_await services.workers.taken();
    if (!taken)
        co_return taken.error();
    for (const auto &task : taken->items)
        held.add(infoOf(task));
    const queue::WorkerStatus status = services.pool.status();
    for (const auto &task : status.active)
        held.add(infoOf(task, TaskPlace::Running));
    for (const auto &task : status.reserved)
        held.add(infoOf(task, TaskPlace::Reserved));
    for (const auto &task : status.scheduled)
        held.add(infoOf(task, TaskPlace::Scheduled));
    co_return !taken->more;
}

using Ids = std::unordered_set<std::string>;

/// Tasks users started lately whose results say how they ended, except those that were `going` on a moment ago.
awaitable<Result<void>> findEnded(PortalServices services, TasksFound &found, const Ids &going,
                                  const TaskCursor &cursor, std::uint32_t limit)
{
    constexpr std::uint32_t fewest = 100; // where all results of so many are gone, those before are gone too
    const std::uint32_t most = std::clamp(limit + 1, fewest, mostOfAPlace);
    std::optional<storage::TaskOwnerStore::Before> before;
    if (cursor.ended)
        before = {cursor.ended->created, cursor.ended->id};
    const auto rows = co_await services.owners.latest(most, std::move(before));
    if (!rows)
        co_return rows.error();
    std::vector<std::string> ids;
    for (const auto &task : *rows)
        ids.push_back(task.taskId);
    const auto results = co_await services.broker.results(std::move(ids));
    if (!results)
        co_return results.error();
    bool any = false;
    for (std::size_t i = 0; i < rows->size() && i < results->size(); ++i) {
        const auto &task = (*rows)[i];
        const bool gone = task.ended && (*results)[i].state == queue::state::pending;
        any = any || !gone;
        if (!(*results)[i].ended() || going.contains(task.taskId))
            continue;
        TaskInfo info;
        info.id = task.taskId;
        info.name = task.name;
        info.queue = queueOf(services.settings, task.name);
        info.place = TaskPlace::Ended;
        info.created = task.created;
        addResult(info, (*results)[i]);
        found.ended.push_back(std::move(info));
    }
    if (any && rows->size() == most)
        found.endedUntil = {rows->back().created, rows->back().taskId};
    co_return Result<void>();
}

awaitable<Result<void>> addStates(PortalServices services, TasksFound &found)
{
    constexpr std::size_t atOnce = 500;
    std::vector<TaskInfo *> items;
    for (auto &task : found.held)
        items.push_back(&task);
    for (auto &one : found.line)
        items.push_back(&one.task);
    for (std::size_t from = 0; from < items.size(); from += atOnce) {
        std::vector<std::string> ids;
        for (std::size_t i = from; i < std::min(items.size(), from + atOnce); ++i)
            ids.push_back(items[i]->id);
        const auto results = co_await services.broker.results(std::move(ids));
        if (!results)
            co_return results.error();
        for (std::size_t i = 0; i < results->size() && from + i < items.size(); ++i)
            addResult(*items[from + i], (*results)[i]);
    }
    co_return Result<void>();
}

/// What was revoked may still stand in line or be in a worker's hands; of those that are somebody's findEnded() tells.
/// Answers which of the others go on.
awaitable<Result<Ids>> leaveOutEnded(PortalServices services, TasksFound &found)
{
    constexpr std::size_t atOnce = 1000;
    Ids going;
    std::vector<std::string> over;
    const auto sort = [&](const TaskInfo &task) {
        if (task.place == TaskPlace::Ended)
            over.push_back(task.id);
        else
            going.insert(task.id);
    };
    std::ranges::for_each(found.held, sort);
    std::ranges::for_each(found.line, sort, &TasksFound::InLine::task);
    Ids owned;
    while (!over.empty()) {
        const auto first = over.end() - std::ptrdiff_t(std::min(over.size(), atOnce));
        std::vector<std::string> some(first, over.end());
        over.erase(first, over.end());
        const auto owners = co_await services.owners.findMany(std::move(some));
        if (!owners)
            co_return owners.error();
        for (const auto &one : *owners)
            owned.insert(one.taskId);
    }
    std::erase_if(found.held, [&](const TaskInfo &task) { return owned.contains(task.id); });
    for (auto &one : found.line)
        one.elsewhere = one.elsewhere || owned.contains(one.task.id);
    co_return going;
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

/// Whatever else is known of those on a page.
awaitable<Result<void>> complete(PortalServices services, std::vector<TaskInfo> &items)
{
    const auto arguments = co_await addArguments(services, items);
    if (!arguments)
        co_return arguments.error();
    co_return co_await addOwners(services, items);
}

awaitable<Result<TasksFound>> findTasks(PortalServices services, const TaskQuery &query, const TaskCursor &cursor)
{
    TasksFound found;
    LineReader read = [&workers = services.workers](std::vector<queue::WaitingList> lists, std::size_t over,
                                                    std::size_t most) {
        return workers.waiting(std::move(lists), over, most);
    };
    auto lists = services.workers.listsOf(query.queue);
    auto line = co_await readLine(std::move(read), std::move(lists), cursor.line, query.limit);
    if (!line)
        co_return line.error();
    Held held(query.queue);
    const auto all = co_await addHeld(services, held);
    if (!all)
        co_return all.error();
    found.all = *all;
    for (const auto &[task, mark] : line->tasks)
        found.line.push_back({infoOf(task), mark, held.has(task.id)});
    found.moreInLine = line->more;
    found.held = std::move(held.items());
    const auto states = co_await addStates(services, found);
    if (!states)
        co_return states.error();
    const auto going = co_await leaveOutEnded(services, found);
    if (!going)
        co_return going.error();
    const auto ended = co_await findEnded(services, found, *going, cursor, query.limit);
    if (!ended)
        co_return ended.error();
    if (!query.queue.empty())
        std::erase_if(found.ended, [&](const TaskInfo &task) { return task.queue != query.queue; });
    co_return found;
}

} // namespace

awaitable<Result<TaskList>> listTasks(PortalServices services, TaskQuery query)
{
    if (query.limit < 1 || query.limit > mostOfAPlace)
        co_return badField("Between 1 and 500 tasks can be listed of each place.", "/limit", "must be 1–500");
    const auto cursor = parseTaskCursor(query.cursor);
    if (!cursor)
        co_return cursor.error();
    const std::uint64_t change = services.workers.changes();
    if (auto kept = services.taskLists.find(query, change, services.clock.steady()))
        co_return std::move(*kept);
    auto found = co_await findTasks(services, query, *cursor);
    if (!found)
        co_return found.error();
    TaskList list = taskPage(std::move(*found), *cursor, query.limit);
    const auto completed = co_await complete(services, list.items);
    if (!completed)
        co_return completed.error();
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
    if (info.place == TaskPlace::Waiting && runs(*result))
        info.place = TaskPlace::Running; // in another process
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
