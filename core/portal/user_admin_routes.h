// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/router.h"

namespace portolan::portal {

class UserAdminService;

/// Operators read, admins change; lists are questions (core/api/questions.h), deleting and signing
/// out are actions (core/console/action_routes.h):
/// `/api/admin/users` POST
/// `/api/admin/users/{id}` GET PATCH
/// `/api/admin/users/{id}/limits` GET PUT DELETE: `{"limits":{"api":"400 per day"}}`
/// Changes take a `reason` for the audit log: in the body, for DELETE as a query parameter.
class UserAdminRoutes final
{
public:
    explicit UserAdminRoutes(UserAdminService &users) : m_users(users) {}
    void mount(http::Router &router);

private:
    void mountUsers(http::Router &router);
    void mountParts(http::Router &router);
    awaitable<http::Response> create(http::Request &request);
    awaitable<http::Response> user(http::Request &request);
    awaitable<http::Response> change(http::Request &request);
    awaitable<http::Response> limits(http::Request &request);
    awaitable<http::Response> setLimits(http::Request &request);
    awaitable<http::Response> dropLimits(http::Request &request);

    UserAdminService &m_users;
};

} // namespace portolan::portal
