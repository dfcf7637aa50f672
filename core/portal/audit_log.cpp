#include "core/portal/audit_log.h"

#include "core/base/ids.h"
#include "core/base/logging.h"
#include "core/base/names.h"
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
    if (entry.actorId != 0) {
        const auto user = co_await m_users.cached(entry.actorId);
        entry.actor = user ? (*user)->email : "user:" + formatId(entry.actorId);
    } else if (entry.role == Role::Operator) {
        entry.actor = "local operator"; // through the control socket of the data directory
    }
    const auto stored = co_await m_store.append(entry);
    if (!stored) {
        m_logger.error("an audit entry could not be stored", {{"action", entry.action},
                                                              {"subject", entry.subject},
                                                              {"actor", entry.actor},
                                                              {"outcome", entry.outcome},
                                                              {"detail", entry.detail},
                                                              {"why", stored.error().message}});
    }
}

} // namespace portolan::portal
