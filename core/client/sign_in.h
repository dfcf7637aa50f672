// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/client/portal_address.h"
#include "core/client/waiters.h"
#include "core/net/http_message.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace portolan::client {

/// Who signs in to a portal.
struct Credentials
{
    std::string email; ///< empty: `secret` is an API token, or an access token; else the password of this account
    Secret secret;
};

/// What signs requests to one portal in. A token does it as it is. With a password a session is opened at the first
/// need; its access token is renewed at two thirds of its life (by the steady clock: whoever sets a clock ends none),
/// or at once when it is refused, and when the session itself has ended another one is opened.
///
/// A password that was refused is never tried again: failed sign-ins are counted, by the account and by the address,
/// and whoever runs a console unattended would lock himself and his neighbours out. All on the executor's thread.
class SignIn final : public std::enable_shared_from_this<SignIn>
{
public:
    /// Sends a request that is complete but for what signs in.
    using Send = std::function<awaitable<Result<net::HttpAnswer>>(net::HttpRequest)>;

    /// `clock` outlives it.
    SignIn(Credentials who, PortalAddress address, Executor executor, const Clock &clock, Send send);

    /// What goes with a request now. Who comes while somebody signs in waits with him. Unauthenticated
    /// "portal-password": the password is wrong, and so it stays. Timeout "portal-sign-in-slow": not by the deadline
    /// (of the machine's steady clock); who asks again finds what became of it. Others as the portal, or the way to it,
    /// has them; RateLimited and Unavailable with how long to wait.
    awaitable<Result<net::Headers>> headers(SteadyTime deadline);

    /// These headers were not taken (401). Whether others may be: who asks for them again gets new ones.
    bool refused(const net::Headers &headers);

    /// What is said where the portal takes who we are no longer. `why`: its own words.
    Error ended(Error why) const;

    void close(); ///< whoever waits is answered with Cancelled

private:
    void begin();
    awaitable<void> work();
    awaitable<Result<void>> logIn();
    awaitable<Result<void>> renew();
    awaitable<Result<std::string>> askCsrf();
    net::HttpRequest request(net::Verb verb, const char *path) const;
    Result<void> take(net::HttpAnswer answer);
    Error slow() const;
    Error refusedLogIn(Error why);
    net::Headers bearer(const Secret &token) const;

    const Credentials m_who;
    const PortalAddress m_address;
    const std::string m_where;
    const Executor m_executor;
    const Clock &m_clock;
    const Send m_send;

    Secret m_session; ///< the cookie's value; empty: none
    Secret m_token;   ///< the access token; empty: none
    SteadyTime m_renewAt{};
    SteadyTime m_expires{};
    SteadyTime m_notBefore{};      ///< the portal has said so
    std::optional<Error> m_failed; ///< the last attempt
    std::optional<Error> m_final;  ///< nothing is tried any more
    bool m_busy = false;
    bool m_closed = false;
    Waiters m_done;
};

} // namespace portolan::client
