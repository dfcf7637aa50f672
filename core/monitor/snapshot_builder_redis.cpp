// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/names.h"
#include "core/monitor/client_figures.h"
#include "core/monitor/snapshot_builder.h"
#include "core/monitor/snapshot_parts.h"

#include <algorithm>
#include <utility>

/// What Redis answered, as the builder keeps it.
namespace portolan::monitor {

void SnapshotBuilder::redisAnswered(const RoundPlan &plan, RoundAnswer answer, std::chrono::nanoseconds took,
                                    queue::QueueDirectory &queues)
{
    const SteadyTime now = m_clock.steady();
    if (plan.searchOnly) {
        m_loadScript = answer.scriptMissing;
        m_plain = m_plain || answer.scriptRefused;
        queues.seen(answer.search);
        noteNotTold(plan, answer.notTold);
        m_rounds += answer.load;
        m_budget.searched(answer.load.commands, answer.load.bytes, now);
        return;
    }
    if (m_runId && answer.info.server.runId && *m_runId != *answer.info.server.runId) {
        m_estimator.clear();
        m_taskWatch.clear();
        m_queues.clear();
        queues.clear();
    } else {
        queues.seen(answer.search);
    }
    m_runId = answer.info.server.runId;
    m_redisTime = now;
    m_loadScript = answer.scriptMissing;
    m_plain = m_plain || answer.scriptRefused;
    setLink(m_redis, took);
    noteNotTold(plan, answer.notTold);
    m_rounds += answer.load;
    m_budget.spent(answer.load.commands, answer.load.bytes, plan.details || plan.clientList, now);
    readInfo(answer.info, answer.keys);
    if (answer.clients)
        readClients(*answer.clients);
    m_queue = m_queues.read(answer, queues);
    if (lacks(m_notTold, "queue"))
        m_queue.waiting.reset(); // what was not told of every queue is no sum
    m_taskWatch.answered(answer, now, m_clock.wall());
    const std::vector<std::string> names = m_queues.names();
    if (plan.details)
        m_estimator.setMeasured(answer.measured, names);
    if (plan.recounts && answer.draws)
        m_estimator.recount();
    else
        m_recount |= plan.recounts;
    if (answer.draws)
        m_estimator.addDraws(*answer.draws, names, now);
    const Unknown otherwise = lacks(m_notTold, "redis") ? Unknown::NotTold : Unknown::NotAvailable;
    m_lights.measure(Resource::RedisMemory, real(m_redisFigures.usedMemory), otherwise);
    // Without INFO the list of clients says how many there are.
    const auto connections = m_redisFigures.connectedClients ? m_redisFigures.connectedClients
                             : lacks(m_notTold, "redis") && !lacks(m_notTold, "clients") ? m_clientFigures.total
                                                                                         : std::nullopt;
    m_lights.measure(Resource::RedisConnections, real(connections), otherwise);
}

void SnapshotBuilder::noteNotTold(const RoundPlan &plan, std::vector<NotTold> notTold)
{
    std::erase_if(m_notTold, [&](const NotTold &old) { return plan.asks(old.part) || lacks(notTold, old.part); });
    m_notTold.insert(m_notTold.end(), std::make_move_iterator(notTold.begin()), std::make_move_iterator(notTold.end()));
}

void SnapshotBuilder::redisFailed(const Error &error)
{
    setLink(m_redis, error);
    m_budget.failed(m_clock.steady());
    for (const auto &[resource, name] : enumNames<Resource>)
        if (linkOf(resource) == "redis")
            m_lights.measure(resource, std::nullopt, Unknown::Away);
}

std::chrono::milliseconds SnapshotBuilder::exchanged(std::uint64_t commands, std::uint64_t bytes)
{
    m_rounds.commands += commands;
    m_rounds.bytes += bytes;
    if (commands > 0)
        m_budget.exchanged(commands, bytes);
    return m_budget.exchangeInterval();
}

void SnapshotBuilder::paid(std::uint64_t commands, std::uint64_t bytes)
{
    m_rounds.commands += commands;
    m_rounds.bytes += bytes;
    m_budget.paid(bytes);
}

void SnapshotBuilder::readInfo(const redis::Info &info, std::optional<std::uint64_t> keys)
{
    const SteadyTime now = m_clock.steady();
    RedisFigures figures;
    figures.version = info.server.version.value_or("");
    if (info.server.uptime)
        figures.uptime = std::chrono::seconds(*info.server.uptime);
    figures.usedMemory = info.memory.used;
    figures.usedMemoryPeak = info.memory.peak;
    figures.usedMemoryRss = info.memory.resident;
    figures.usedMemoryOverhead = info.memory.overhead;
    // One that hides its bound says 0 in INFO and has another.
    figures.maxmemory = info.memory.max.value_or(0) > 0 ? info.memory.max : m_redisLimits.maxMemory;
    if (!figures.maxmemory)
        figures.maxmemory = info.memory.max;
    figures.maxmemoryPolicy = info.memory.policy.value_or(m_redisLimits.policy);
    figures.fragmentation = info.memory.fragmentation;
    figures.connectedClients = info.clients.connected;
    figures.maxClients = info.clients.max ? info.clients.max : m_redisLimits.maxClients;
    figures.blockedClients = info.clients.blocked;
    figures.commands = info.stats.commands;
    figures.commandsPerSecond = info.stats.commandsPerSecond;
    figures.evictedKeys = info.stats.evicted;
    figures.expiredKeys = info.stats.expired;
    figures.rejectedConnections = info.stats.rejectedConnections;
    figures.keys = keys;
    figures.appendOnly = info.persistence.aofEnabled;
    figures.loading = info.persistence.loading;
    if (info.persistence.rdbSaving)
        figures.saving = *info.persistence.rdbSaving || info.persistence.aofRewriting.value_or(false);
    if (info.persistence.rdbLastSaveOk)
        figures.lastSaveOk = *info.persistence.rdbLastSaveOk && info.persistence.aofLastWriteOk.value_or(true);
    if (info.stats.hits && info.stats.misses) {
        if (m_hits.fell(*info.stats.hits) || m_misses.fell(*info.stats.misses)) {
            // All of them begin anew together: one is taken from the other.
            for (Rate *rate : {&m_hits, &m_misses, &m_ownHits, &m_ownMisses})
                rate->clear();
        }
        m_hits.add(*info.stats.hits, now);
        m_misses.add(*info.stats.misses, now);
        m_ownHits.add(m_rounds.hits + m_searching.hits, now);
        m_ownMisses.add(m_rounds.misses + m_searching.misses, now);
        const auto others = [](const Rate &all, const Rate &own) {
            return std::max(0.0, double(all.growth().value_or(0)) - double(own.growth().value_or(0)));
        };
        const double hits = others(m_hits, m_ownHits);
        const double all = hits + others(m_misses, m_ownMisses);
        if (all >= leastLookups)
            figures.hitRatio = hits / all;
    }
    if (info.stats.evicted) {
        m_evicted.add(*info.stats.evicted, now);
        figures.evictedPerSecond = m_evicted.perSecond();
    }
    m_ownCommands.add(m_rounds.commands + m_searching.commands, now);
    figures.ownCommandsPerSecond = m_ownCommands.perSecond();
    m_redisFigures = std::move(figures);
    m_lights.bound(Resource::RedisMemory, real(m_redisFigures.maxmemory));
    m_lights.bound(Resource::RedisConnections, real(m_redisFigures.maxClients));
    readPlan(info);
}

void SnapshotBuilder::readPlan(const redis::Info &info)
{
    const SteadyTime now = m_clock.steady();
    // What is no longer told is unknown, not what it was.
    const auto follow = [now](Rate &rate, const std::optional<std::uint64_t> &total) {
        if (total)
            rate.add(*total, now);
        else
            rate.clear();
    };
    follow(m_allCommands, info.stats.commands);
    follow(m_traffic, info.stats.netOutput);
    m_trafficTold = info.stats.netOutput.has_value();
    m_ownBytes.add(m_rounds.bytes + m_searching.bytes, now);
    m_plan.commandsPerSecond = m_allCommands.perSecond();
    m_plan.trafficPerSecond = m_traffic.perSecond();
    m_plan.trafficPerMonth.reset();
    // What a moment says about a month is nothing, least of all that in which the portal filled its caches.
    if (m_plan.trafficPerSecond && now - m_started >= leastForMonth)
        m_plan.trafficPerMonth = *m_plan.trafficPerSecond * SamplingBudget::month;
    m_plan.ownTrafficPerSecond = m_ownBytes.perSecond();
}

void SnapshotBuilder::readClients(const std::vector<redis::ClientEntry> &entries)
{
    m_clientsTime = m_clock.steady();
    m_clients = std::make_shared<const std::vector<ClientInfo>>(clientsOf(entries));
    m_clientFigures = clientFigures(*m_clients);
}

} // namespace portolan::monitor
