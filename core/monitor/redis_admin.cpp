// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/redis_admin.h"

#include "core/api/action.h"
#include "core/base/utf8.h"
#include "core/monitor/sampler.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace portolan::monitor {
namespace {

constexpr std::size_t longestReason = 500;
constexpr std::size_t longestList = 900; ///< an audit text has 1 KiB
constexpr std::chrono::milliseconds lookAgain{50};

Error wrongCount()
{
    return badField("Between 1 and 1000 connections can be closed at once.", "/ids", "must have 1–1000 elements");
}

/// "client:42", "clients:42,43,44"; a list too long to be written ends in "…".
std::string subjectOf(const std::vector<std::uint64_t> &ids)
{
    std::string text = ids.size() == 1 ? "client:" : "clients:";
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (text.size() > longestList)
            return text + ",…";
        text.append(i ? "," : "").append(std::to_string(ids[i]));
    }
    return text;
}

std::string outcomeOf(const CleanupStatus &status)
{
    return "deleted " + std::to_string(status.removed) + " keys, about " + std::to_string(status.bytes) + " bytes";
}

} // namespace

RedisAdmin::RedisAdmin(redis::Client *redis, AuditSink audit) : m_redis(redis), m_audit(std::move(audit)) {}

void RedisAdmin::connect(const Sampler &sampler, Cleanup *cleanup)
{
    m_sampler = &sampler;
    m_cleanup = cleanup;
}

std::shared_ptr<const std::vector<ClientInfo>> RedisAdmin::clients() const
{
    return m_sampler ? m_sampler->clients() : nullptr;
}

std::string RedisAdmin::describe(const std::vector<std::uint64_t> &ids) const
{
    const auto all = clients();
    std::string text;
    if (!all)
        return text;
    for (const ClientInfo &client : *all) {
        if (std::ranges::find(ids, client.id) == ids.end())
            continue;
        if (text.size() > longestList)
            return text + "; …";
        text.append(text.empty() ? "" : "; ");
        text.append(client.name).append(" ").append(client.address).append(", last ").append(client.command);
    }
    return text;
}

awaitable<Result<std::size_t>> RedisAdmin::closeClients(Actor actor, std::vector<std::uint64_t> ids)
{
    if (!m_redis)
        co_return failure(ErrorKind::Unsupported, "This portal has no Redis.");
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (ids.empty() || ids.size() > mostClosed)
        co_return wrongCount();
    AuditNote note{actor.principal,      std::string(cutText(actor.reason, longestReason)),
                   "redis.client.close", subjectOf(ids),
                   describe(ids),        std::nullopt};
    const auto closed = co_await kill(ids);
    if (closed.has_error())
        note.error = closed.error();
    else if (ids.size() > 1)
        note.detail = "closed " + std::to_string(*closed) + " of " + std::to_string(ids.size()) + ": " + note.detail;
    if (m_audit)
        co_await m_audit(std::move(note));
    co_return closed;
}

awaitable<Result<std::size_t>> RedisAdmin::kill(const std::vector<std::uint64_t> &ids)
{
    // Redis skips the connection this comes over (SKIPME), so the portal cannot cut its own branch off.
    redis::Command command;
    for (const auto id : ids)
        command.add("CLIENT", "KILL", "ID", id);
    const Result<std::vector<redis::Reply>> replies = co_await m_redis->pipeline(std::move(command));
    if (replies.has_error())
        co_return replies.error();
    std::size_t closed = 0;
    for (const redis::Reply &reply : *replies) {
        if (reply.isError()) {
            Error refused = redis::errorOf(reply);
            refused.message = "Redis refused to close a connection: " + redis::plainText(reply) + ".";
            co_return refused;
        }
        closed += reply.integer > 0 ? 1 : 0;
    }
    if (closed == 0)
        co_return failure(ErrorKind::NotFound,
                          ids.size() == 1 ? "There is no such connection, or it is the portal's own."
                                          : "None of these connections exists any more, save the portal's own.");
    co_return closed;
}

awaitable<Result<CleanupStatus>> RedisAdmin::cleanUp(Actor actor, CleanupRequest request)
{
    if (!m_cleanup)
        co_return failure(ErrorKind::Unsupported, "This portal has no Redis to clean up.");
    const bool dryRun = request.dryRun;
    AuditNote note{actor.principal,
                   std::string(cutText(actor.reason, longestReason)),
                   "redis.cleanup",
                   "family:" + request.family,
                   {},
                   {}};
    Cleanup::Finished finished;
    if (m_audit || m_sampler) {
        finished = [audit = m_audit, sampler = m_sampler, note](CleanupStatus status) -> awaitable<void> {
            if (sampler && status.removed > 0)
                sampler->recount();
            if (!audit)
                co_return;
            AuditNote done = note;
            done.detail = outcomeOf(status);
            if (status.state != CleanupState::Done)
                done.error =
                    failure(status.state == CleanupState::Cancelled ? ErrorKind::Cancelled : ErrorKind::Internal,
                            status.detail);
            co_await audit(std::move(done));
        };
    }
    const bool allowed = dryRun || actor.principal.role >= cleanupRole(request.family);
    auto started = allowed ? m_cleanup->start(std::move(request), std::move(finished))
                           : Result<CleanupStatus>(failure(ErrorKind::Forbidden,
                                                           "Only an administrator may delete these keys: it signs "
                                                           "people out, or lets them begin their limits anew.",
                                                           "Ask an administrator; a preview (dry_run) is yours."));
    if (started.has_error() && m_audit && !dryRun) {
        note.error = started.error();
        co_await m_audit(std::move(note));
    }
    co_return started;
}

awaitable<CleanupStatus> RedisAdmin::settled(CleanupStatus started, std::chrono::milliseconds most) const
{
    const auto executor = co_await asio::this_coro::executor;
    Timer timer(executor);
    CleanupStatus status = std::move(started);
    for (auto waited = lookAgain; waited <= most && status.state == CleanupState::Running; waited += lookAgain) {
        timer.expires_after(lookAgain);
        error_code ignored;
        co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
        const auto now = cleanupStatus();
        if (!now || now->id != status.id)
            break;
        status = *now;
    }
    co_return status;
}

std::optional<CleanupStatus> RedisAdmin::cleanupStatus() const
{
    return m_cleanup ? m_cleanup->status() : std::nullopt;
}

Result<void> RedisAdmin::cancelCleanup(std::string_view id)
{
    if (!m_cleanup)
        return failure(ErrorKind::NotFound, "No cleanup is under way.");
    return m_cleanup->cancel(id);
}

} // namespace portolan::monitor
