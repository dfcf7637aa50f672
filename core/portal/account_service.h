// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/api/user.h"
#include "core/auth/passwords.h"
#include "core/auth/sessions.h"
#include "core/auth/tokens.h"
#include "core/base/asio.h"
#include "core/base/ids.h"
#include "core/portal/failed_sign_ins.h"
#include "core/storage/session_list_store.h"
#include "core/storage/users_store.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace portolan::portal {

/// Accounts and signing in. Coroutines resume on the caller's executor; any thread. Storage's and Redis' errors pass
/// through beside those named.
class AccountService final
{
public:
    /// All outlive this.
    AccountService(storage::UsersStore &users, storage::SessionListStore &list, auth::Sessions &sessions,
                   auth::Passwords &passwords, const auth::AccessTokens &tokens, IdGenerator &ids, const Clock &clock);

    struct Credentials
    {
        std::string email;
        Secret password;
    };
    /// Where a sign-in comes from, for the list of sessions.
    struct Origin
    {
        std::string address;
        std::string agent;
    };

    /// A new user of role User. Invalid: `/email`, `/password`. Conflict (code `email-taken`). Unavailable: too many
    /// passwords are being hashed.
    awaitable<Result<User>> registerUser(Credentials credentials);

    struct SignedIn
    {
        User user;
        auth::SessionToken token; ///< for the cookie
        std::string accessToken;
        std::chrono::seconds expiresIn{0};
    };
    /// Always a new session, whatever the caller had. Unauthenticated (code `bad-credentials`): wrong address or
    /// password, which of both is not said and takes as long. A disabled user is told so (Forbidden, `user-disabled`)
    /// only after the right password. Full (`redis-full`), Unavailable.
    awaitable<Result<SignedIn>> signIn(Credentials credentials, Origin origin);

    /// Called for every sign-in that is not let in (not for those that could not be decided), with the address of mail
    /// as it was typed and where the attempt came from. On the caller's thread; must not block. Before the first call.
    using SignInFailed = std::function<void(SignInFailure, std::string_view email, std::string_view address)>;
    void onSignInFailed(SignInFailed handler) { m_onSignInFailed = std::move(handler); }

    /// Ends one session.
    awaitable<Result<void>> signOut(auth::SessionId session);
    /// Ends all sessions of a user, everywhere: after a change of role or password, and for disabled users.
    awaitable<Result<void>> signOutEverywhere(Id user);

    struct AccessToken
    {
        User user;
        std::string token;
        std::chrono::seconds expiresIn{0};
    };
    /// A fresh access token for a session that is signed in. Unauthenticated: its user is gone or disabled.
    awaitable<Result<AccessToken>> accessToken(auth::SessionId session, Principal who);

    /// No query as long as the user is in the cache. Unauthenticated: gone or disabled.
    awaitable<Result<std::shared_ptr<const User>>> user(Id id);

private:
    static Error retryLater(Error error);
    /// `why` is told where nobody is let in; it outlives the coroutine.
    awaitable<Result<SignedIn>> decide(Credentials credentials, Origin origin, std::optional<SignInFailure> &why);
    awaitable<void> hashAgain(storage::UserRecord &record, Secret password);
    awaitable<Result<SignedIn>> open(storage::UserRecord record, Origin origin);

    storage::UsersStore &m_users;
    storage::SessionListStore &m_list;
    auth::Sessions &m_sessions;
    auth::Passwords &m_passwords;
    const auth::AccessTokens &m_tokens;
    IdGenerator &m_ids;
    const Clock &m_clock;
    SignInFailed m_onSignInFailed;
};

} // namespace portolan::portal
