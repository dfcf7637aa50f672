// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/users_store.h"

#include "core/storage/errors.h"
#include "core/storage/user_cache.h"
#include "core/storage/user_pages.h"
#include "core/storage/users_table.h"

#include <algorithm>

namespace portolan::storage {
namespace {

/// Serialises what could leave no admin. SQLite's transactions are serial anyway.
constexpr std::string_view lockAdmins = "SELECT pg_advisory_xact_lock(8101259017166155119)";

Error notFound() { return failure(ErrorKind::NotFound, "There is no such user."); }

Error emailTaken(const std::string &email)
{
    Error error = failure(ErrorKind::Conflict, "There is an account with the address " + email + " already.");
    error.code = "email-taken";
    return error;
}

Error lastAdmin()
{
    Error error =
        failure(ErrorKind::Conflict, "This is the last admin who can sign in.", "Make somebody else an admin first.");
    error.code = "last-admin";
    return error;
}

Result<UserRecord> findWhere(DatabaseConnection &connection, std::string_view where, const Values &values)
{
    auto found = selectOne(connection, users.select(where), values, readUser);
    if (found.has_error())
        return found.error();
    if (!*found)
        return notFound();
    return std::move(**found);
}

Result<User> insertUser(DatabaseConnection &connection, UserRecord user)
{
    auto email = newEmail(user.email);
    if (email.has_error())
        return email.error();
    user.email = *email;
    user.deceptive = isDeceptiveEmail(user.email);
    auto done = users.insert(connection, user);
    if (done.has_error())
        return done.error().code == codeUnique ? emailTaken(user.email) : done.error();
    return static_cast<User>(user);
}

/// Reads the row, locks it, checks, writes `assignment` ("role = ?") and answers what was there before.
template <class Check>
Result<User> change(DatabaseConnection &connection, Id id, std::string_view assignment, Value value, Check check)
{
    return transaction(connection, [&]() -> Result<User> {
        const bool postgres = connection.dialect() == Dialect::PostgreSql;
        auto before = findWhere(connection, postgres ? "WHERE id = ? FOR UPDATE" : "WHERE id = ?", valuesOf(id));
        if (before.has_error())
            return before.error();
        if (Result<void> allowed = check(*before); allowed.has_error())
            return allowed.error();
        auto done =
            execute(connection, "UPDATE users SET " + std::string(assignment) + " WHERE id = ?", {value, toValue(id)});
        if (done.has_error())
            return done.error();
        return static_cast<User>(*before);
    });
}

/// Whether an admin other than `id` could still sign in.
Result<void> anotherAdmin(DatabaseConnection &connection, Id id)
{
    if (connection.dialect() == Dialect::PostgreSql)
        if (auto locked = executeOnce(connection, lockAdmins); locked.has_error())
            return locked.error();
    auto other = selectOne(connection, "SELECT id FROM users WHERE role = ? AND disabled = 0 AND id <> ? LIMIT 1",
                           valuesOf(Role::Admin, id), [](const Row &row) { return row.integer(0); });
    if (other.has_error())
        return other.error();
    if (!*other)
        return lastAdmin();
    return {};
}

Result<User> changeRole(DatabaseConnection &connection, Id id, Role role, bool unlessLastAdmin)
{
    return change(connection, id, "role = ?", toValue(role), [&](const UserRecord &before) -> Result<void> {
        const bool loses = before.role == Role::Admin && !before.disabled && role != Role::Admin;
        return loses && unlessLastAdmin ? anotherAdmin(connection, id) : Result<void>();
    });
}

Result<User> changeDisabled(DatabaseConnection &connection, Id id, bool disabled, bool unlessLastAdmin)
{
    return change(connection, id, "disabled = ?", toValue(disabled), [&](const UserRecord &before) -> Result<void> {
        const bool loses = before.role == Role::Admin && !before.disabled && disabled;
        return loses && unlessLastAdmin ? anotherAdmin(connection, id) : Result<void>();
    });
}

Result<User> changePassword(DatabaseConnection &connection, Id id, std::string hash, WallTime when)
{
    return transaction(connection, [&]() -> Result<User> {
        auto before =
            change(connection, id, "password_hash = ?", hash, [](const UserRecord &) { return Result<void>(); });
        if (before.has_error())
            return before;
        auto done = execute(connection, "UPDATE users SET password_changed = ? WHERE id = ?", valuesOf(when, id));
        if (done.has_error())
            return done.error();
        return before;
    });
}

Result<User> changeEmail(DatabaseConnection &connection, Id id, std::string_view email)
{
    auto normal = newEmail(email);
    if (normal.has_error())
        return normal.error();
    auto before = change(connection, id, "email = ?", *normal, [](const UserRecord &) { return Result<void>(); });
    if (before.has_error() && before.error().code == codeUnique)
        return emailTaken(*normal);
    return before;
}

Result<User> changeAll(DatabaseConnection &connection, Id id, const UserChange &wanted, WallTime when,
                       bool unlessLastAdmin)
{
    return transaction(connection, [&]() -> Result<User> {
        auto before = findWhere(connection, "WHERE id = ?", valuesOf(id));
        if (before.has_error())
            return before.error();
        Result<User> done = static_cast<User>(*before);
        if (wanted.email)
            done = changeEmail(connection, id, *wanted.email);
        if (wanted.role && !done.has_error())
            done = changeRole(connection, id, *wanted.role, unlessLastAdmin);
        if (wanted.disabled && !done.has_error())
            done = changeDisabled(connection, id, *wanted.disabled, unlessLastAdmin);
        if (wanted.passwordHash && !done.has_error())
            done = changePassword(connection, id, *wanted.passwordHash, when);
        if (done.has_error())
            return done;
        return static_cast<User>(*before);
    });
}

Result<User> removeUser(DatabaseConnection &connection, Id id, bool unlessLastAdmin)
{
    return transaction(connection, [&]() -> Result<User> {
        const bool postgres = connection.dialect() == Dialect::PostgreSql;
        auto before = findWhere(connection, postgres ? "WHERE id = ? FOR UPDATE" : "WHERE id = ?", valuesOf(id));
        if (before.has_error())
            return before.error();
        if (before->role == Role::Admin && !before->disabled && unlessLastAdmin)
            if (auto other = anotherAdmin(connection, id); other.has_error())
                return other.error();
        for (const char *statement : {"DELETE FROM user_sessions WHERE user_id = ?",
                                      "DELETE FROM user_limits WHERE user_id = ?", "DELETE FROM users WHERE id = ?"}) {
            auto done = execute(connection, statement, valuesOf(id));
            if (done.has_error())
                return done.error();
        }
        return static_cast<User>(*before);
    });
}

Result<std::uint64_t> countUsers(DatabaseConnection &connection)
{
    constexpr std::int64_t exactBelow = 100'000;
    const auto number = [](const Row &row) { return row.integer(0); };
    if (connection.dialect() == Dialect::PostgreSql) {
        auto estimate = selectOne(
            connection, "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE oid = 'users'::regclass", {}, number);
        if (estimate.has_error())
            return estimate.error();
        if (estimate->value_or(0) > exactBelow)
            return static_cast<std::uint64_t>(**estimate);
    }
    auto count = selectOne(connection, "SELECT count(*) FROM users", {}, number);
    if (count.has_error())
        return count.error();
    return static_cast<std::uint64_t>(count->value_or(0));
}

/// `work` (DatabaseConnection &) → Result<User>, and tells the cache on the pool's thread: also when the caller is gone
/// by then.
template <class F> auto telling(UserCache *cache, Id id, F work)
{
    return [cache, id, work = std::move(work)](DatabaseConnection &connection) {
        auto result = work(connection);
        // Also after an error: a lost connection may have written after all.
        if (cache)
            cache->forget(id);
        return result;
    };
}

} // namespace

// These hand run()'s coroutine on instead of awaiting it: one frame less, and GCC 12 destroys a temporary closure that
// owns memory twice when it stands in a co_await expression.

UsersStore::UsersStore(Database &database, UserCache *cache) : m_database(database), m_cache(cache) {}

awaitable<Result<User>> UsersStore::add(UserRecord user)
{
    return m_database.run([user = std::move(user)](DatabaseConnection &c) { return insertUser(c, user); });
}

awaitable<Result<UserRecord>> UsersStore::find(Id id)
{
    return m_database.run([id](DatabaseConnection &c) { return findWhere(c, "WHERE id = ?", valuesOf(id)); });
}

awaitable<Result<UserRecord>> UsersStore::findByEmail(std::string email)
{
    return m_database.run([email = std::move(email)](DatabaseConnection &c) -> Result<UserRecord> {
        const auto normal = normalizeEmail(email);
        if (normal.has_error())
            return notFound();
        return findWhere(c, "WHERE email = ?", valuesOf(*normal));
    });
}

awaitable<Result<std::shared_ptr<const User>>> UsersStore::cached(Id id)
{
    std::uint64_t ticket = 0;
    if (m_cache)
        if (auto hit = m_cache->get(id, ticket))
            co_return hit;
    auto found = co_await find(id);
    if (found.has_error())
        co_return found.error();
    auto user = std::make_shared<const User>(static_cast<User &>(*found));
    if (m_cache)
        m_cache->put(user, ticket);
    co_return user;
}

awaitable<Result<User>> UsersStore::setPassword(Id id, std::string hash, WallTime when)
{
    return m_database.run(telling(m_cache, id, [id, hash = std::move(hash), when](DatabaseConnection &c) {
        return changePassword(c, id, hash, when);
    }));
}

awaitable<Result<User>> UsersStore::change(Id id, UserChange change, WallTime when, bool unlessLastAdmin)
{
    return m_database.run(
        telling(m_cache, id, [id, change = std::move(change), when, unlessLastAdmin](DatabaseConnection &c) {
            return changeAll(c, id, change, when, unlessLastAdmin);
        }));
}

awaitable<Result<User>> UsersStore::remove(Id id, bool unlessLastAdmin)
{
    return m_database.run(
        telling(m_cache, id, [=](DatabaseConnection &c) { return removeUser(c, id, unlessLastAdmin); }));
}

awaitable<Result<void>> UsersStore::touchSignIn(Id id, WallTime when)
{
    return m_database.run(telling(m_cache, id, [id, when](DatabaseConnection &c) -> Result<void> {
        auto done = execute(c, "UPDATE users SET last_sign_in = ? WHERE id = ?", valuesOf(when, id));
        if (done.has_error())
            return done.error();
        return *done ? Result<void>() : notFound();
    }));
}

awaitable<Result<UserPage>> UsersStore::page(UserQuery query)
{
    return m_database.run([query = std::move(query)](DatabaseConnection &c) { return readUserPage(c, query); });
}

awaitable<Result<std::uint64_t>> UsersStore::count()
{
    return m_database.run([](DatabaseConnection &c) { return countUsers(c); });
}

Result<User> UsersStore::addBlocking(UserRecord user)
{
    return m_database.runBlocking([&](DatabaseConnection &c) { return insertUser(c, user); });
}

Result<UserRecord> UsersStore::findByEmailBlocking(std::string email)
{
    const auto normal = normalizeEmail(email);
    if (normal.has_error())
        return notFound();
    return m_database.runBlocking(
        [&](DatabaseConnection &c) { return findWhere(c, "WHERE email = ?", valuesOf(*normal)); });
}

Result<User> UsersStore::setRoleBlocking(Id id, Role role, bool unlessLastAdmin)
{
    return m_database.runBlocking(
        telling(m_cache, id, [=](DatabaseConnection &c) { return changeRole(c, id, role, unlessLastAdmin); }));
}

Result<User> UsersStore::setDisabledBlocking(Id id, bool disabled, bool unlessLastAdmin)
{
    return m_database.runBlocking(
        telling(m_cache, id, [=](DatabaseConnection &c) { return changeDisabled(c, id, disabled, unlessLastAdmin); }));
}

Result<User> UsersStore::setPasswordBlocking(Id id, std::string hash, WallTime when)
{
    return m_database.runBlocking(
        telling(m_cache, id, [=](DatabaseConnection &c) { return changePassword(c, id, hash, when); }));
}

Result<UserPage> UsersStore::pageBlocking(UserQuery query)
{
    return m_database.runBlocking([&](DatabaseConnection &c) { return readUserPage(c, query); });
}

} // namespace portolan::storage
