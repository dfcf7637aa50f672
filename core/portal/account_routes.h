// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/user.h"
#include "core/auth/csrf.h"
#include "core/http/router.h"

#include <chrono>
#include <string>

namespace portolan::portal {

class AccountService;

/// POST /auth/register, /auth/login, /auth/logout, /auth/token, GET /auth/csrf, GET /api/me.
class AccountRoutes final
{
public:
    /// All outlive the router. `secureCookies`: in production the cookie is Secure whatever the connection is.
    AccountRoutes(AccountService &accounts, const auth::CsrfTokens &csrf, std::chrono::seconds sessionLifetime,
                  bool secureCookies);
    void mount(http::Router &router);

private:
    awaitable<http::Response> registerUser(http::Request &request);
    awaitable<http::Response> login(http::Request &request);
    awaitable<http::Response> logout(http::Request &request);
    awaitable<http::Response> token(http::Request &request);
    awaitable<http::Response> csrf(http::Request &request);
    awaitable<http::Response> me(http::Request &request);
    std::string cookie(const http::Request &request, std::string_view value, std::chrono::seconds life) const;

    AccountService &m_accounts;
    const auth::CsrfTokens &m_csrf;
    const std::chrono::seconds m_lifetime;
    const bool m_secureCookies;
};

/// A user as writeJson() writes it, at a tenth of the cost: /api/me is asked more often than anything else.
std::string userJson(const User &user);

} // namespace portolan::portal
