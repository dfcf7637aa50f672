// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/user.h"
#include "core/storage/database.h"
#include "core/storage/email.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace portolan::storage {

class UserCache;

/// A user's row: what the GUI may see, and what only signing in needs.
struct UserRecord : User
{
    std::string passwordHash;   ///< as auth/passwords made it; empty: cannot sign in with a password
    WallTime passwordChanged{}; ///< sessions older than this are void
    bool operator==(const UserRecord &) const = default;
};

/// What to change of an account; the rest stays.
struct UserChange
{
    std::optional<std::string> email{};
    std::optional<Role> role{};
    std::optional<bool> disabled{};
    std::optional<std::string> passwordHash{};
};

/// Accounts. Every call may answer Unavailable, Timeout, Full or Internal, as Database::run() and errors.cpp
/// say; below are the others. Coroutines resume on the caller's executor; from any thread.
class UsersStore final
{
public:
    /// `cache`: told of every change; may be null. Both outlive this.
    explicit UsersStore(Database &database, UserCache *cache = nullptr);

    /// `user.id`, `created` and the rest are the caller's; the address is normalised here. Conflict (code
    /// `email-taken`): somebody has it. Invalid: not an address.
    awaitable<Result<User>> add(UserRecord user);

    /// NotFound.
    awaitable<Result<UserRecord>> find(Id id);
    awaitable<Result<UserRecord>> findByEmail(std::string email);
    /// find() without the password hash through the cache given to the constructor; for what is asked on every request.
    awaitable<Result<std::shared_ptr<const User>>> cached(Id id);

    /// NotFound. Each returns the user as it was before, for the audit entry. `unlessLastAdmin`: Conflict (code
    /// `last-admin`) if nobody who is an admin and not disabled would be left.
    awaitable<Result<User>> setPassword(Id id, std::string hash, WallTime when);
    /// All or none. The address: Conflict as add().
    awaitable<Result<User>> change(Id id, UserChange change, WallTime when, bool unlessLastAdmin = true);
    /// The account with its sessions and limits; answers it as it was. NotFound; `unlessLastAdmin` as above.
    awaitable<Result<User>> remove(Id id, bool unlessLastAdmin = true);
    awaitable<Result<void>> touchSignIn(Id id, WallTime when);

    /// Invalid: bad limit or cursor. Prefix and plain pages are index ranges in every order; what is filtered otherwise
    /// examines at most `scanBound` users per page and goes on from there with the next cursor.
    awaitable<Result<UserPage>> page(UserQuery query);
    static constexpr std::uint32_t scanBound = 250'000;
    static constexpr std::uint32_t maxPage = 500;

    /// All users. On PostgreSQL the planner's estimate above 100,000 (counting a million takes too long), exact below.
    awaitable<Result<std::uint64_t>> count();

    // For the command line and the seeding of demos, which may block.
    Result<User> addBlocking(UserRecord user);
    Result<UserRecord> findByEmailBlocking(std::string email);
    Result<User> setRoleBlocking(Id id, Role role, bool unlessLastAdmin = true);
    Result<User> setDisabledBlocking(Id id, bool disabled, bool unlessLastAdmin = true);
    Result<User> setPasswordBlocking(Id id, std::string hash, WallTime when);
    Result<UserPage> pageBlocking(UserQuery query);

private:
    Database &m_database;
    UserCache *m_cache;
};

} // namespace portolan::storage
