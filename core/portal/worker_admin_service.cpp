// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/worker_admin_service.h"

#include "core/portal/task_service.h"
#include "core/queue/remote_client.h"
#include "core/queue/worker_pool.h"

#include <algorithm>

namespace portolan::portal {
namespace {

constexpr std::chrono::milliseconds askTimeout{1000};
constexpr std::uint32_t mostThreads = 1024;

const boost::json::value *at(const boost::json::value &value, std::string_view pointer)
{
    boost::system::error_code failed;
    return value.find_pointer(pointer, failed);
}

std::uint64_t countAt(const boost::json::value &value, std::string_view pointer)
{
    const auto *found = at(value, pointer);
    if (!found)
        return 0;
    if (found->is_array())
        return found->get_array().size();
    boost::system::error_code failed;
    const auto number = found->to_number<std::uint64_t>(failed);
    return failed ? 0 : number;
}

/// A reply to `stats`, by Celery or by us. `pool.processes` is what is there; `max-concurrency` stays at the start
/// value.
WorkerAdminService::Worker workerOf(std::string node, const boost::json::value &stats)
{
    WorkerAdminService::Worker worker;
    worker.node = std::move(node);
    worker.concurrency = countAt(stats, "/pool/processes");
    if (worker.concurrency == 0)
        worker.concurrency = countAt(stats, "/pool/max-concurrency");
    if (const auto *totals = at(stats, "/total"); totals && totals->is_object()) {
        for (const auto &[name, count] : totals->get_object())
            worker.totals.emplace(name, count.is_int64() ? static_cast<std::uint64_t>(count.get_int64()) : 0);
    }
    return worker;
}

Error noSuchNode(const std::string &node)
{
    return failure(ErrorKind::NotFound, "No worker named '" + node + "' answers.",
                   "GET /api/admin/workers lists those that do.");
}

} // namespace

WorkerAdminService::WorkerAdminService(queue::Broker &broker, queue::WorkerPool &pool, queue::RemoteClient &remote,
                                       storage::TaskOwnerStore &owners, AuditLog &audit, const Clock &clock,
                                       std::vector<std::string> queues)
    : m_broker(broker),
      m_pool(pool),
      m_remote(remote),
      m_owners(owners),
      m_audit(audit),
      m_clock(clock),
      m_queues(std::move(queues))
{}

void WorkerAdminService::connect(const queue::QueueDirectory &queues, std::chrono::milliseconds answersKept)
{
    m_directory = &queues;
    m_keptWorkers.setLife(answersKept);
}

awaitable<Result<std::vector<WorkerAdminService::Worker>>> WorkerAdminService::workers()
{
    const std::uint64_t change = m_changes;
    if (auto kept = m_keptWorkers.find(true, change, m_clock.steady()))
        co_return std::move(*kept);
    auto workers = co_await askWorkers();
    m_keptWorkers.keep(true, change, workers, m_clock.steady());
    co_return workers;
}

awaitable<std::vector<WorkerAdminService::Worker>> WorkerAdminService::askWorkers()
{
    std::vector<Worker> workers;
    const auto status = m_pool.status();
    Worker own{status.node, true, status.concurrency, status.active.size(), status.totals, status.queues};
    workers.push_back(std::move(own));
    const auto stats = co_await m_remote.ask("stats", {}, {}, askTimeout);
    if (!stats)
        co_return workers; // Redis is away: what runs here is still known
    std::vector<std::string> others;
    for (const auto &[node, reply] : *stats) {
        if (node == status.node)
            continue;
        workers.push_back(workerOf(node, reply));
        others.push_back(node);
    }
    if (others.empty())
        co_return workers;
    const auto active = co_await m_remote.ask("active", {}, others, askTimeout);
    if (active) {
        for (auto &worker : workers) {
            if (const auto found = active->find(worker.node); found != active->end() && !worker.here)
                worker.active = found->second.is_array() ? found->second.get_array().size() : 0;
        }
    }
    co_return workers;
}

awaitable<Result<void>> WorkerAdminService::resize(Actor actor, std::uint32_t concurrency, std::string node)
{
    if (concurrency > mostThreads)
        co_return badField("A worker can have 0 to 1024 threads.", "/concurrency", "0 to 1024");
    const bool here = node.empty() || node == m_pool.node();
    Result<void> done{};
    if (here)
        m_pool.resize(concurrency);
    else
        done = co_await resizeRemote(concurrency, node);
    ++m_changes;
    std::string subject = "worker:" + (here ? m_pool.node() : node);
    co_await m_audit.record(std::move(actor), "worker.resize", std::move(subject),
                            "concurrency: " + std::to_string(concurrency), errorOf(done));
    co_return done;
}

awaitable<Result<void>> WorkerAdminService::resizeRemote(std::uint32_t concurrency, std::string node)
{
    const std::vector<std::string> destination{node};
    const auto stats = co_await m_remote.ask("stats", {}, destination, askTimeout);
    if (!stats)
        co_return stats.error();
    const auto found = stats->find(node);
    if (found == stats->end())
        co_return noSuchNode(node);
    const auto present = workerOf(node, found->second).concurrency;
    if (present == concurrency)
        co_return Result<void>();
    const bool grow = concurrency > present;
    // Tells a worker of ours that somebody means it, and not every worker there is; Celery's pass it over.
    boost::json::object arguments{{"n", grow ? concurrency - present : present - concurrency},
                                  {"portolan_operator", true}};
    std::string method = grow ? "pool_grow" : "pool_shrink";
    const auto reply = co_await m_remote.ask(std::move(method), std::move(arguments), destination, askTimeout);
    if (!reply)
        co_return reply.error();
    const auto answer = reply->find(node);
    if (answer == reply->end())
        co_return failure(ErrorKind::Timeout, "The worker '" + node + "' did not answer in time.");
    if (const auto *refused = at(answer->second, "/error"); refused && refused->is_string())
        co_return failure(ErrorKind::Unsupported,
                          "The worker '" + node + "' refuses: " + std::string(refused->get_string()) + ".");
    co_return Result<void>();
}

awaitable<Result<queue::WaitingTasks>> WorkerAdminService::waiting(std::vector<queue::WaitingList> lists,
                                                                   std::size_t over, std::size_t most)
{
    return m_broker.peek(std::move(lists), over, most);
}

awaitable<Result<queue::TakenTasks>> WorkerAdminService::taken() { return m_broker.taken(500); }

std::vector<queue::WaitingList> WorkerAdminService::listsOf(const std::string &queue) const
{
    std::vector<queue::WaitingList> lists;
    if (m_directory)
        lists = m_directory->filled();
    if (!queue.empty())
        std::erase_if(lists, [&](const auto &list) { return list.queue != queue; });
    // Before the first sample, and of a queue that was not met yet.
    const std::vector<std::string> named = queue.empty() ? m_queues : std::vector<std::string>{queue};
    if (lists.empty())
        for (const std::string &name : named)
            std::ranges::move(queue::listsOf(name), std::back_inserter(lists));
    return lists;
}

awaitable<Result<void>> WorkerAdminService::revoke(Actor actor, std::string id, bool terminate)
{
    const auto owner = co_await m_owners.find(id); // nobody's, or not known now: then nobody is told
    std::string topic = owner ? TaskService::topicOf(owner->owner) : std::string();
    const bool nowhere = !owner && co_await isNowhere(id);
    Result<void> done =
        failure(ErrorKind::NotFound, "There is no such task.", "GET /api/admin/tasks lists those that wait or run.");
    if (!nowhere)
        done = co_await m_broker.revoke(id, terminate, std::move(topic));
    ++m_changes;
    std::string detail = terminate ? "also while it runs" : "";
    co_await m_audit.record(std::move(actor), "task.revoke", "task:" + id, std::move(detail), errorOf(done));
    co_return done;
}

awaitable<bool> WorkerAdminService::isNowhere(std::string id)
{
    if (!m_gone)
        co_return false;
    std::vector<std::string> queues = m_queues;
    if (m_directory)
        for (const auto &list : m_directory->filled())
            if (std::ranges::find(queues, list.queue) == queues.end())
                queues.push_back(list.queue);
    std::vector<std::string> ids;
    ids.push_back(std::move(id));
    const auto gone = co_await m_gone(std::move(ids), std::move(queues));
    co_return gone && !gone->empty();
}

awaitable<Result<std::string>> WorkerAdminService::rerun(Actor actor, std::string id)
{
    auto owner = co_await m_owners.find(id); // a task may be nobody's: one a Celery client enqueued
    if (!owner && owner.error().kind != ErrorKind::NotFound)
        co_return owner.error();
    auto again = co_await m_broker.rerun(id);
    ++m_changes;
    if (again && owner) {
        storage::TaskOwner row{*again, owner->owner, owner->name, m_clock.wall(), {}, owner->subject};
        const auto noted = co_await m_owners.add(std::move(row));
        if (!noted)
            again = noted.error();
    }
    std::string detail = again ? "as task:" + *again : std::string();
    co_await m_audit.record(std::move(actor), "task.rerun", "task:" + id, std::move(detail), errorOf(again));
    co_return again;
}

} // namespace portolan::portal
