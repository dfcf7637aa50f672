// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/audit_log.h"

#include "core/base/blocking_pool.h"
#include "core/base/ids.h"
#include "core/base/logging.h"
#include "core/base/names.h"
#include "core/portal/audit_spool.h"
#include "core/storage/audit_store.h"
#include "core/storage/users_store.h"

namespace portolan::portal {

std::string auditOutcome(const std::optional<Error> &error)
{
    if (!error)
        return "done";
    return error->code.empty() ? std::string(enumName(error->kind)) : error->code;
}

AuditLog::AuditLog(storage::AuditStore &store, storage::UsersStore &users, IdGenerator &ids, const Clock &clock,
                   Logger &logger, std::string deployment)
    : m_store(store), m_users(users), m_ids(ids), m_clock(clock), m_logger(logger), m_deployment(std::move(deployment))
{}

awaitable<void> AuditLog::record(Actor actor, std::string action, std::string subject, std::string detail,
                                 std::optional<Error> error)
{
    AuditEntry entry;
    entry.id = m_ids.next();
    entry.at = m_clock.wall();
    entry.actorId = actor.principal.userId;
    entry.role = actor.principal.role;
    entry.action = std::move(action);
    entry.subject = std::move(subject);
    entry.deployment = m_deployment;
    entry.outcome = auditOutcome(error);
    entry.reason = std::move(actor.reason);
    entry.detail = std::move(detail);
    entry.actor = "system";
    if (!actor.principal.token.empty()) {
        entry.actor = "token:" + actor.principal.token; // no address of a user has that form
    } else if (entry.actorId != 0) {
        const auto user = co_await m_users.cached(entry.actorId);
        entry.actor = user ? (*user)->email : "user:" + formatId(entry.actorId);
    } else if (entry.role == Role::Operator) {
        entry.actor = "local operator"; // through the control socket of the data directory
    }
    if (m_told)
        m_told(entry, actor.principal);
    const auto stored = co_await m_store.append(entry);
    if (!stored)
        co_await spool(std::move(entry), stored.error());
}

void AuditLog::keepIn(AuditSpool &spool, BlockingPool &files)
{
    m_spool = &spool;
    m_files = &files;
}

awaitable<void> AuditLog::spool(AuditEntry entry, Error why)
{
    Result<void> kept = failure(ErrorKind::Unavailable, "There is no spool.");
    if (m_spool)
        kept = co_await m_files->run([this, &entry] { return m_spool->add(entry); });
    if (kept) {
        m_logger.warn(
            "an audit entry waits for the database",
            {{"action", entry.action}, {"subject", entry.subject}, {"waiting", m_spool->size()}, {"why", why.message}});
        co_return;
    }
    m_logger.error("an audit entry could not be stored", {{"action", entry.action},
                                                          {"subject", entry.subject},
                                                          {"actor", entry.actor},
                                                          {"outcome", entry.outcome},
                                                          {"reason", entry.reason},
                                                          {"detail", entry.detail},
                                                          {"why", why.message},
                                                          {"spool", kept.error().message}});
}

awaitable<void> AuditLog::deliver()
{
    if (!m_spool || m_spool->size() == 0 || m_delivering.exchange(true))
        co_return;
    const std::vector<AuditEntry> waiting = m_spool->entries();
    std::size_t stored = 0;
    for (const AuditEntry &entry : waiting) {
        const auto done = co_await m_store.append(entry);
        // One that is there was stored by a process that died before it could take it out.
        if (!done && done.error().kind != ErrorKind::Conflict)
            break;
        ++stored;
    }
    if (stored == waiting.size()) {
        (void)co_await m_files->run([this, stored] {
            m_spool->clear(stored);
            return Result<void>();
        });
        m_logger.info("audit entries that waited for the database are stored", {{"entries", stored}});
    }
    m_delivering = false;
}

} // namespace portolan::portal
