// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/audit.h"
#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <atomic>
#include <functional>
#include <optional>
#include <string>

namespace portolan {
class BlockingPool;
class IdGenerator;
class Logger;
} // namespace portolan
namespace portolan::storage {
class AuditStore;
class UsersStore;
} // namespace portolan::storage

namespace portolan::portal {

class AuditSpool;

/// What record() takes of a result.
template <class T> std::optional<Error> errorOf(const Result<T> &result)
{
    return result ? std::nullopt : std::optional<Error>(result.error());
}

/// How an entry says what became of it: "done", or the error's code, or its kind.
std::string auditOutcome(const std::optional<Error> &error);

/// The one way into the audit log for services of the portal. The service that executes a change calls record() once,
/// with the outcome, also when it failed.
class AuditLog final
{
public:
    /// `deployment`: how this portal calls itself. All references outlive this.
    AuditLog(storage::AuditStore &store, storage::UsersStore &users, IdGenerator &ids, const Clock &clock,
             Logger &logger, std::string deployment);

    /// Told of each entry besides, and by whom it was; from any thread, quick, does not throw. Set before the first
    /// record().
    using Told = std::function<void(const AuditEntry &entry, const Principal &by)>;
    void onRecorded(Told told) { m_told = std::move(told); }

    /// Where entries wait that the database does not take, and the threads that may block on it; both outlive this. At
    /// most once, before the first record().
    void keepIn(AuditSpool &spool, BlockingPool &files);

    /// `error`: nothing if it was done. Never fails for the caller: an entry that the database does not take is spooled
    /// and stored later, and one that cannot be spooled either goes to the log as an error line with all it says.
    awaitable<void> record(Actor actor, std::string action, std::string subject, std::string detail,
                           std::optional<Error> error = std::nullopt);

    /// Stores what waits in the spool, if the database takes it. Cheap when nothing waits.
    awaitable<void> deliver();

private:
    awaitable<void> spool(AuditEntry entry, Error why);

    storage::AuditStore &m_store;
    storage::UsersStore &m_users;
    IdGenerator &m_ids;
    const Clock &m_clock;
    Logger &m_logger;
    const std::string m_deployment;
    AuditSpool *m_spool = nullptr;
    BlockingPool *m_files = nullptr;
    std::atomic<bool> m_delivering{false};
    Told m_told;
};

} // namespace portolan::portal
