// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/user_admin_service.h"

#include "core/auth/passwords.h"
#include "core/base/ids.h"
#include "core/base/names.h"
#include "core/limits/grammar.h"
#include "core/portal/token_rights.h"
#include "core/storage/audit_store.h"
#include "core/storage/limits_store.h"
#include "core/storage/session_list_store.h"
#include "core/storage/users_store.h"

#include <utility>

namespace portolan::portal {
namespace {

Result<void> checkRole(Role role)
{
    if (role == Role::Anonymous)
        return badField("A user cannot have that role.", "/role", "must be user, operator or admin");
    return {};
}

std::string subjectOf(Id id) { return "user:" + formatId(id); }

std::string_view yesOrNo(bool value) { return value ? "yes" : "no"; }

/// "role: user → operator; disabled: no → yes". Passwords are only said to have changed.
std::string describe(const User &before, const storage::UserChange &change)
{
    std::string text;
    const auto add = [&](std::string_view what, std::string_view from, std::string_view to) {
        text.append(text.empty() ? "" : "; ").append(what).append(": ").append(from).append(" → ").append(to);
    };
    if (change.email)
        add("email", before.email, *change.email);
    if (change.role)
        add("role", enumName(before.role), enumName(*change.role));
    if (change.disabled)
        add("disabled", yesOrNo(before.disabled), yesOrNo(*change.disabled));
    if (change.passwordHash)
        text.append(text.empty() ? "" : "; ").append("new password");
    return text;
}

std::string actionOf(const UserAdminService::Change &wanted)
{
    const int parts =
        wanted.email.has_value() + wanted.password.has_value() + wanted.role.has_value() + wanted.disabled.has_value();
    if (parts != 1)
        return "user.change";
    if (wanted.disabled)
        return *wanted.disabled ? "user.disable" : "user.enable";
    return wanted.email ? "user.email" : wanted.role ? "user.role" : "user.password";
}

std::string describe(const std::vector<LimitOverride> &limits)
{
    std::string text;
    for (const auto &limit : limits)
        text.append(text.empty() ? "" : ", ").append(enumName(limit.category)).append(" ").append(limit.windows);
    return text.empty() ? "the tier's" : text;
}

UserAdminService::Limits asMap(const std::vector<LimitOverride> &limits)
{
    UserAdminService::Limits map;
    for (const auto &limit : limits)
        map.emplace(limit.category, limit.windows);
    return map;
}

/// In canonical form; every wrong one is named.
Result<std::vector<LimitOverride>> checkLimits(const UserAdminService::Limits &wanted)
{
    std::vector<LimitOverride> overrides;
    Error wrong = failure(ErrorKind::Invalid, "These limits cannot be set.");
    for (const auto &[category, text] : wanted) {
        const std::string pointer = "/limits/" + std::string(enumName(category));
        if (category == Category::Admin || category == Category::Unlimited) {
            wrong.fields.push_back({pointer, "This category has no windows."});
            continue;
        }
        const auto windows = limits::parse(text);
        if (windows.has_error())
            wrong.fields.push_back({pointer, windows.error().message});
        else
            overrides.push_back({category, limits::format(*windows)});
    }
    if (!wrong.fields.empty())
        return wrong;
    return overrides;
}

} // namespace

UserAdminService::UserAdminService(storage::UsersStore &users, storage::LimitsStore &limits,
                                   storage::SessionListStore &sessions, storage::AuditStore &audit,
                                   auth::Passwords &passwords, AuditLog &log, IdGenerator &ids, const Clock &clock,
                                   UserAdminHooks hooks)
    : m_users(users),
      m_limits(limits),
      m_sessions(sessions),
      m_audit(audit),
      m_passwords(passwords),
      m_log(log),
      m_ids(ids),
      m_clock(clock),
      m_hooks(std::move(hooks))
{}

awaitable<Result<UserPage>> UserAdminService::page(UserQuery query) { return m_users.page(std::move(query)); }
awaitable<Result<std::shared_ptr<const User>>> UserAdminService::user(Id id) { return m_users.cached(id); }
awaitable<Result<AuditPage>> UserAdminService::audit(AuditQuery query) { return m_audit.page(std::move(query)); }

awaitable<Result<User>> UserAdminService::create(Actor actor, NewUser wanted)
{
    std::string detail = "email: " + wanted.email + "; role: " + std::string(enumName(wanted.role));
    auto created = co_await tryCreate(actor.principal, std::move(wanted));
    std::string subject = created.has_error() ? "user" : subjectOf(created->id);
    co_await m_log.record(std::move(actor), "user.create", std::move(subject), std::move(detail), errorOf(created));
    co_return created;
}

awaitable<Result<User>> UserAdminService::tryCreate(const Principal &by, NewUser wanted)
{
    if (const auto may = checkNotByToken(by); !may)
        co_return may.error();
    if (auto role = checkRole(wanted.role); role.has_error())
        co_return role.error();
    auto email = storage::newEmail(wanted.email);
    if (email.has_error())
        co_return email.error();
    storage::UserRecord user;
    user.email = *email;
    user.role = wanted.role;
    if (wanted.password) {
        if (auto good = auth::checkPassword(wanted.password->reveal(), user.email); good.has_error())
            co_return good.error();
        auto hash = co_await m_passwords.hash(std::move(*wanted.password));
        if (hash.has_error())
            co_return hash.error();
        user.passwordHash = *hash;
    }
    user.id = m_ids.next();
    user.created = user.passwordChanged = m_clock.wall();
    co_return co_await m_users.add(std::move(user));
}

awaitable<Result<User>> UserAdminService::change(Actor actor, Id id, Change wanted)
{
    std::string action = actionOf(wanted);
    std::string detail;
    auto changed = co_await tryChange(actor.principal, id, std::move(wanted), detail);
    co_await m_log.record(std::move(actor), std::move(action), subjectOf(id), std::move(detail), errorOf(changed));
    co_return changed;
}

awaitable<Result<User>> UserAdminService::tryChange(const Principal &by, Id id, Change wanted, std::string &detail)
{
    const bool givesAccess = wanted.email || wanted.password || wanted.role || !wanted.disabled.value_or(true);
    if (const auto may = checkNotByToken(by); givesAccess && !may)
        co_return may.error();
    storage::UserChange change;
    change.role = wanted.role;
    change.disabled = wanted.disabled;
    if (!wanted.email && !wanted.password && !wanted.role && !wanted.disabled)
        co_return failure(ErrorKind::Invalid, "There is nothing to change.", "Name email, password, role or disabled.");
    if (wanted.role)
        if (auto role = checkRole(*wanted.role); role.has_error())
            co_return role.error();
    auto found = co_await m_users.find(id);
    if (found.has_error())
        co_return found.error();
    std::string email = found->email;
    if (wanted.email) {
        auto normal = storage::newEmail(*wanted.email);
        if (normal.has_error())
            co_return normal.error();
        change.email = email = *normal;
    }
    if (wanted.password) {
        if (auto good = auth::checkPassword(wanted.password->reveal(), email); good.has_error())
            co_return good.error();
        auto hash = co_await m_passwords.hash(std::move(*wanted.password));
        if (hash.has_error())
            co_return hash.error();
        change.passwordHash = *hash;
    }
    detail = describe(*found, change);
    auto before = co_await m_users.change(id, change, m_clock.wall());
    if (before.has_error())
        co_return before;
    detail = describe(*before, change); // it may have been changed in between
    const bool endsSessions =
        change.passwordHash || (change.role && *change.role != before->role) || change.disabled.value_or(false);
    if (endsSessions && m_hooks.signOut) {
        auto ended = co_await m_hooks.signOut(id);
        if (ended.has_error()) {
            Error error = ended.error();
            error.message = "The user was changed, but open sessions could not be ended: " + error.message;
            co_return error;
        }
    }
    auto after = co_await m_users.find(id);
    if (after.has_error())
        co_return after.error();
    co_return static_cast<User>(*after);
}

awaitable<Result<User>> UserAdminService::remove(Actor actor, Id id)
{
    auto removed = co_await tryRemove(id);
    std::string detail;
    if (removed.has_value())
        detail = "email: " + removed->email + "; role: " + std::string(enumName(removed->role));
    co_await m_log.record(std::move(actor), "user.delete", subjectOf(id), std::move(detail), errorOf(removed));
    co_return removed;
}

awaitable<Result<User>> UserAdminService::tryRemove(Id id)
{
    auto removed = co_await m_users.remove(id);
    if (removed.has_error() && removed.error().kind != ErrorKind::NotFound)
        co_return removed;
    if (removed.has_value() && m_hooks.limitsChanged)
        m_hooks.limitsChanged(id);
    // After the row has gone: nobody can sign in any more. Where it had gone before, this may be the second try.
    auto ended = co_await endSessions(id);
    if (ended.has_error()) {
        Error error = ended.error();
        error.message = "The account was deleted, but open sessions could not be ended: " + error.message;
        error.hint = "Delete it again, which ends them.";
        co_return error;
    }
    co_return removed;
}

awaitable<Result<void>> UserAdminService::endSessions(Id id)
{
    if (!m_hooks.signOut)
        co_return Result<void>();
    co_return co_await m_hooks.signOut(id);
}

awaitable<Result<UserAdminService::Limits>> UserAdminService::limits(Id id)
{
    auto known = co_await m_users.cached(id);
    if (known.has_error())
        co_return known.error();
    auto list = co_await m_limits.list(id);
    if (list.has_error())
        co_return list.error();
    co_return asMap(*list);
}

awaitable<Result<UserAdminService::Limits>> UserAdminService::setLimits(Actor actor, Id id, Limits wanted)
{
    std::string detail;
    auto set = co_await trySetLimits(id, std::move(wanted), detail);
    co_await m_log.record(std::move(actor), "user.limits", subjectOf(id), std::move(detail), errorOf(set));
    co_return set;
}

awaitable<Result<UserAdminService::Limits>> UserAdminService::trySetLimits(Id id, Limits wanted, std::string &detail)
{
    auto overrides = checkLimits(wanted);
    if (overrides.has_error())
        co_return overrides.error();
    auto before = co_await m_limits.replace(id, *overrides, m_clock.wall());
    if (before.has_error())
        co_return before.error();
    detail = describe(*before) + " → " + describe(*overrides);
    if (m_hooks.limitsChanged)
        m_hooks.limitsChanged(id);
    co_return asMap(*overrides);
}

awaitable<Result<std::vector<SessionEntry>>> UserAdminService::sessions(Id id)
{
    auto known = co_await m_users.cached(id);
    if (known.has_error())
        co_return known.error();
    co_return co_await m_sessions.list(id);
}

awaitable<Result<void>> UserAdminService::signOut(Actor actor, Id id)
{
    auto done = co_await trySignOut(id);
    co_await m_log.record(std::move(actor), "user.sign-out", subjectOf(id), "all sessions", errorOf(done));
    co_return done;
}

awaitable<Result<void>> UserAdminService::trySignOut(Id id)
{
    auto known = co_await m_users.cached(id);
    if (known.has_error() && known.error().kind != ErrorKind::NotFound)
        co_return known.error();
    // Also where the row has gone, and its sessions could not be ended then.
    auto ended = co_await endSessions(id);
    if (ended.has_error())
        co_return ended;
    auto removed = co_await m_sessions.removeAll(id);
    if (removed.has_error())
        co_return removed.error();
    if (known.has_error())
        co_return known.error();
    co_return Result<void>();
}

} // namespace portolan::portal
