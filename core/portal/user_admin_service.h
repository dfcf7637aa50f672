// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/audit.h"
#include "core/api/secret.h"
#include "core/api/user.h"
#include "core/base/asio.h"
#include "core/portal/audit_log.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan::auth {
class Passwords;
}
namespace portolan::storage {
class LimitsStore;
class SessionListStore;
} // namespace portolan::storage

namespace portolan::portal {

/// What the user's other services must do when an admin changes something.
struct UserAdminHooks
{
    /// Ends all sessions of a user, everywhere (AccountService::signOutEverywhere).
    std::function<awaitable<Result<void>>(Id user)> signOut;
    /// A user's own windows changed (limits::LimitsTable::forget); quick, does not throw.
    std::function<void(Id user)> limitsChanged;
};

/// The one place that executes what admins change of users; each change writes one audit entry, done or failed. Reading
/// leaves none. Coroutines resume on the caller's executor; any thread. Storage's errors pass through beside those
/// named.
class UserAdminService final
{
public:
    /// All references outlive it.
    UserAdminService(storage::UsersStore &users, storage::LimitsStore &limits, storage::SessionListStore &sessions,
                     storage::AuditStore &audit, auth::Passwords &passwords, AuditLog &log, IdGenerator &ids,
                     const Clock &clock, UserAdminHooks hooks);

    awaitable<Result<UserPage>> page(UserQuery query);
    awaitable<Result<std::shared_ptr<const User>>> user(Id id); ///< NotFound
    awaitable<Result<AuditPage>> audit(AuditQuery query);

    struct NewUser
    {
        std::string email;
        std::optional<Secret> password; ///< without one the user comes in by password reset or an identity provider
        Role role = Role::User;
    };
    /// Invalid: `/email`, `/password`, `/role`. Conflict (code `email-taken`). Forbidden: by an API token, which gives
    /// nobody access (token_rights.h).
    awaitable<Result<User>> create(Actor actor, NewUser wanted);

    struct Change
    {
        std::optional<std::string> email;
        std::optional<Secret> password;
        std::optional<Role> role;
        std::optional<bool> disabled;
    };
    /// All of it or nothing; answers the user as it is then. A new role, a new password and disabling end the user's
    /// sessions. Invalid: nothing to change, or as create(). NotFound. Conflict: `email-taken`, `last-admin`.
    /// Forbidden: an API token changes no address, password and role, and enables nobody; it may disable.
    awaitable<Result<User>> change(Actor actor, Id id, Change wanted);

    /// The account with its sessions and limits, for good; answers it as it was. What it did stays in the audit log.
    /// NotFound, after what sessions such an account may have left were ended: an earlier call may have got no further
    /// than the row. Conflict: `last-admin`.
    awaitable<Result<User>> remove(Actor actor, Id id);

    using Limits = std::map<Category, std::string>; ///< windows in the grammar of core/limits/grammar.h
    awaitable<Result<Limits>> limits(Id id);        ///< NotFound
    /// Replaces all of the user's own windows; a category that is not named falls back to the tier's. Answers them in
    /// canonical form. Invalid: `/limits/<category>`. NotFound.
    awaitable<Result<Limits>> setLimits(Actor actor, Id id, Limits wanted);

    awaitable<Result<std::vector<SessionEntry>>> sessions(Id id); ///< last seen first; NotFound
    awaitable<Result<void>> signOut(Actor actor, Id id);          ///< NotFound, as remove()

private:
    awaitable<Result<User>> tryCreate(const Principal &by, NewUser wanted);
    awaitable<Result<User>> tryChange(const Principal &by, Id id, Change wanted, std::string &detail);
    awaitable<Result<User>> tryRemove(Id id);
    awaitable<Result<Limits>> trySetLimits(Id id, Limits wanted, std::string &detail);
    awaitable<Result<void>> trySignOut(Id id);
    awaitable<Result<void>> endSessions(Id id);

    storage::UsersStore &m_users;
    storage::LimitsStore &m_limits;
    storage::SessionListStore &m_sessions;
    storage::AuditStore &m_audit;
    auth::Passwords &m_passwords;
    AuditLog &m_log;
    IdGenerator &m_ids;
    const Clock &m_clock;
    const UserAdminHooks m_hooks;
};

} // namespace portolan::portal
