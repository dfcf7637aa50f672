// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/account_service.h"

#include <utility>

namespace portolan::portal {

namespace {

/// Longer than any password that can be set: not worth a hashing.
constexpr std::size_t longestPassword = 512;

Error badCredentials()
{
    Error error = failure(ErrorKind::Unauthenticated, "The e-mail address or the password is wrong.");
    error.code = "bad-credentials";
    return error;
}

Error disabledUser()
{
    Error error = failure(ErrorKind::Forbidden, "This account is disabled.", "Ask an administrator.");
    error.code = "user-disabled";
    return error;
}

Error noLonger() { return failure(ErrorKind::Unauthenticated, "This account is gone or disabled."); }

} // namespace

AccountService::AccountService(storage::UsersStore &users, storage::SessionListStore &list, auth::Sessions &sessions,
                               auth::Passwords &passwords, const auth::AccessTokens &tokens, IdGenerator &ids,
                               const Clock &clock)
    : m_users(users),
      m_list(list),
      m_sessions(sessions),
      m_passwords(passwords),
      m_tokens(tokens),
      m_ids(ids),
      m_clock(clock)
{}

awaitable<Result<User>> AccountService::registerUser(Credentials credentials)
{
    auto email = storage::newEmail(credentials.email);
    const auto fit = auth::checkPassword(credentials.password.reveal(), email ? *email : std::string());
    if (!email || !fit) {
        Error error = email ? fit.error() : email.error();
        if (!email && !fit) {
            const Error more = fit.error();
            error.fields.insert(error.fields.end(), more.fields.begin(), more.fields.end());
        }
        co_return error;
    }
    auto hash = co_await m_passwords.hash(std::move(credentials.password));
    if (!hash)
        co_return retryLater(hash.error());
    storage::UserRecord record;
    record.id = m_ids.next();
    record.email = std::move(*email);
    record.role = Role::User;
    record.created = m_clock.wall();
    record.passwordHash = std::move(*hash);
    record.passwordChanged = record.created;
    co_return co_await m_users.add(std::move(record));
}

Error AccountService::retryLater(Error error)
{
    if (error.kind == ErrorKind::Unavailable && error.retryAfter.count() == 0)
        error.retryAfter = std::chrono::seconds(1);
    return error;
}

awaitable<Result<AccountService::SignedIn>> AccountService::signIn(Credentials credentials, Origin origin)
{
    const std::string email = credentials.email;
    const std::string address = origin.address;
    std::optional<SignInFailure> why;
    auto result = co_await decide(std::move(credentials), std::move(origin), why);
    if (!result && result.error().code == "user-disabled")
        why = SignInFailure::Disabled;
    if (m_onSignInFailed && why)
        m_onSignInFailed(*why, email, address);
    co_return result;
}

awaitable<Result<AccountService::SignedIn>> AccountService::decide(Credentials credentials, Origin origin,
                                                                   std::optional<SignInFailure> &why)
{
    const auto email = storage::normalizeEmail(credentials.email);
    if (!email || credentials.password.size() > longestPassword) {
        why = email ? SignInFailure::WrongPassword : SignInFailure::UnknownAccount;
        co_return badCredentials();
    }
    auto record = co_await m_users.findByEmail(*email);
    if (!record && record.error().kind != ErrorKind::NotFound)
        co_return record.error();
    const Secret password = credentials.password;
    // Named first: GCC 12 destroys a temporary of a conditional expression twice when it is in a co_await.
    std::string stored = record ? record->passwordHash : std::string();
    const auto verdict = co_await m_passwords.verify(std::move(credentials.password), std::move(stored));
    if (!verdict)
        co_return retryLater(verdict.error());
    if (!verdict->right) {
        why = record ? SignInFailure::WrongPassword : SignInFailure::UnknownAccount;
        co_return badCredentials();
    }
    if (record->disabled)
        co_return disabledUser();
    if (verdict->outdated)
        co_await hashAgain(*record, password);
    co_return co_await open(std::move(*record), std::move(origin));
}

awaitable<void> AccountService::hashAgain(storage::UserRecord &record, Secret password)
{
    auto hash = co_await m_passwords.hash(std::move(password));
    if (!hash)
        co_return; // the old one is still good; the next sign-in tries again
    const auto stored = co_await m_users.setPassword(record.id, *hash, record.passwordChanged);
    if (stored)
        record.passwordHash = std::move(*hash);
}

awaitable<Result<AccountService::SignedIn>> AccountService::open(storage::UserRecord record, Origin origin)
{
    const auto created = co_await m_sessions.create(record.id, record.role);
    if (!created)
        co_return created.error();
    // Whoever disables a user writes that down first and ends the sessions then. Reading again after having made one
    // closes the gap in which it would have been made too late to be ended.
    auto now = co_await m_users.find(record.id);
    if (!now || now->disabled || now->role != record.role || now->passwordHash != record.passwordHash) {
        const auto destroyed = co_await m_sessions.destroy(created->id);
        if (!destroyed)
            co_return destroyed.error();
        if (!now)
            co_return now.error().kind == ErrorKind::NotFound ? badCredentials() : now.error();
        if (now->disabled)
            co_return disabledUser();
        co_return badCredentials();
    }
    const auto when = m_clock.wall();
    // A session that could not be listed works all the same; only the list lacks it.
    SessionEntry entry{std::string(created->id.view()), record.id, when, when, std::move(origin.address),
                       std::move(origin.agent)};
    const auto dropped = co_await m_list.add(std::move(entry));
    if (dropped)
        for (const auto &old : *dropped)
            if (const auto id = auth::SessionId::parse(old.id))
                (void)co_await m_sessions.destroy(*id);
    (void)co_await m_users.touchSignIn(record.id, when);
    now->lastSignIn = when;
    std::string accessToken = m_tokens.issue(created->id, record.id, record.role);
    User user = std::move(static_cast<User &>(*now));
    co_return SignedIn{std::move(user), created->token, std::move(accessToken), m_tokens.lifetime()};
}

awaitable<Result<void>> AccountService::signOut(auth::SessionId session)
{
    auto destroyed = co_await m_sessions.destroy(session);
    if (!destroyed)
        co_return destroyed;
    (void)co_await m_list.remove(std::string(session.view())); // trimmed by age if it stays
    co_return destroyed;
}

awaitable<Result<void>> AccountService::signOutEverywhere(Id user)
{
    auto destroyed = co_await m_sessions.destroyAll(user);
    // They are void already; deleting those that are listed frees their memory at once.
    const auto listed = co_await m_list.removeAll(user);
    if (listed)
        for (const auto &entry : *listed)
            if (const auto id = auth::SessionId::parse(entry.id))
                (void)co_await m_sessions.destroy(*id);
    co_return destroyed;
}

awaitable<Result<AccountService::AccessToken>> AccountService::accessToken(auth::SessionId session, Principal who)
{
    const auto found = co_await user(who.userId);
    if (!found)
        co_return found.error();
    co_return AccessToken{**found, m_tokens.issue(session, who.userId, who.role), m_tokens.lifetime()};
}

awaitable<Result<std::shared_ptr<const User>>> AccountService::user(Id id)
{
    auto found = co_await m_users.cached(id);
    if (!found && found.error().kind == ErrorKind::NotFound)
        co_return noLonger();
    if (found && (*found)->disabled)
        co_return noLonger();
    co_return found;
}

} // namespace portolan::portal
