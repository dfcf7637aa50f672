// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/redis_actions.h"

#include "core/console/service_actions.h"
#include "core/monitor/redis_admin.h"

#include <algorithm>

namespace portolan::console {

namespace {

constexpr std::size_t mostSamples = 20;
constexpr std::chrono::seconds previewPatience{10};
constexpr std::chrono::seconds cleanupPatience{20};

void addSample(ActionPreview &preview, Touched touched)
{
    if (preview.sample.size() < mostSamples)
        preview.sample.push_back(std::move(touched));
}

} // namespace

awaitable<Result<ActionPreview>> previewOf(monitor::RedisAdmin &redis, CloseClients action)
{
    const auto all = redis.clients();
    if (!all)
        co_return failure(ErrorKind::Unavailable, "The connections are not known yet.", "Try again in a second.");
    ActionPreview found;
    std::string name;
    bool sameName = true;
    std::uint64_t count = 0;
    for (const auto &client : *all) {
        if (std::ranges::find(action.ids, client.id) == action.ids.end())
            continue;
        sameName = sameName && (count == 0 || name == client.name);
        name = client.name;
        ++count;
        addSample(found, {.name = client.name, .id = client.address, .detail = client.command});
    }
    if (count == 0)
        co_return failure(ErrorKind::NotFound, "None of these connections exists any more.");
    found.facts.push_back({.kind = FactKind::ConnectionsClosed, .name = sameName ? name : "", .count = count});
    found.count = count;
    co_return found;
}

awaitable<Result<ActionPreview>> previewOf(monitor::RedisAdmin &redis, CleanUpFamily action)
{
    Actor nobody{{0, Role::Admin}, {}}; // a preview is noted nowhere
    const auto run = co_await runCleanup(redis, action, true, std::move(nobody), previewPatience);
    if (!run)
        co_return run.error();
    const auto &status = *run;
    if (status.state == monitor::CleanupState::Failed)
        co_return failure(ErrorKind::Internal, "The preview failed: " + status.detail);
    const bool all = status.state == monitor::CleanupState::Done;
    if (status.state == monitor::CleanupState::Running) // so that the cleanup itself need not wait for it
        (void)redis.cancelCleanup(status.id);
    ActionPreview found;
    found.count = status.matched;
    found.nothing = all && status.matched == 0;
    if (found.nothing) {
        found.facts.push_back({.kind = FactKind::NoKeys, .name = action.family, .time = action.idle});
    } else {
        found.facts.push_back({.kind = FactKind::KeysDeleted,
                               .name = action.family,
                               .count = status.matched,
                               .bytes = status.bytes,
                               .atLeast = !all});
        if (action.idle)
            found.facts.push_back({.kind = FactKind::OnlyIdleKeys, .time = action.idle});
        found.facts.push_back({.kind = FactKind::FamilyLost, .name = action.family});
    }
    found.bytes = status.bytes;
    for (const auto &key : status.sample)
        addSample(found, {.name = key});
    co_return found;
}

awaitable<Result<ActionOutcome>> carryOut(monitor::RedisAdmin &redis, CleanUpFamily action, Actor actor)
{
    const auto run = co_await runCleanup(redis, action, false, std::move(actor), cleanupPatience);
    if (!run)
        co_return run.error();
    const auto &status = *run;
    if (status.state == monitor::CleanupState::Failed)
        co_return failure(ErrorKind::Internal, "The cleanup failed: " + status.detail);
    if (status.state == monitor::CleanupState::Cancelled)
        co_return failure(ErrorKind::Cancelled, "The cleanup was cancelled; keys deleted until then: " +
                                                    std::to_string(status.removed) + ".");
    auto done = outcomeOf({.kind = FactKind::KeysDeleted, .name = action.family, .count = status.removed}, status.id);
    if (status.state == monitor::CleanupState::Running)
        done.facts.push_back({.kind = FactKind::CleanupGoesOn});
    co_return done;
}

awaitable<Result<monitor::CleanupStatus>> runCleanup(monitor::RedisAdmin &redis, CleanUpFamily action, bool dryRun,
                                                     Actor actor, std::chrono::seconds patience)
{
    monitor::CleanupRequest wanted{std::move(action.family), dryRun, action.idle};
    auto started = co_await redis.cleanUp(std::move(actor), std::move(wanted));
    if (!started)
        co_return started.error();
    co_return co_await redis.settled(std::move(*started), patience);
}

} // namespace portolan::console
