// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/action.h"
#include "core/api/result.h"
#include "core/http/router.h"

#include <functional>
#include <string>

namespace portolan::console {

/// Actions that have a route of their own beside /api/admin/actions/{action} (console_routes.h), whose answers are not
/// ActionOutcome:
///
/// | route | action | answer |
/// |---|---|---|
/// | `PUT /api/admin/workers` `{concurrency, node?}`   | worker.resize      | `{concurrency}` |
/// | `POST /api/admin/tasks/{id}/revoke` `{terminate?}`| task.revoke        | 204, also for one that has ended |
/// | `POST /api/admin/tasks/{id}/rerun`                | task.rerun         | 202 `{task_id}`: of the new one |
/// | `DELETE /api/admin/users/{id}`                    | user.delete        | 204 |
/// | `DELETE /api/admin/users/{id}/sessions`           | user.sign-out      | 204 |
/// | `DELETE /api/admin/redis/clients/{id}`            | redis.client.close | 204 |
/// | `DELETE /api/admin/tokens/{name}`                 | token.revoke       | 204 |
///
/// Each takes a `reason` for the audit log: in its body, a DELETE as a query parameter. It does what the action does,
/// by the same function, so roles, checks, errors and the one audit entry are the same. Routes that can do more than an
/// action can are with the services whose work both are: /api/admin/users in core/portal, cleanup in core/monitor.
class ActionRoutes final
{
public:
    /// `perform`: performAction(). Called for each request that names something.
    using Perform = std::function<awaitable<Result<ActionOutcome>>(Action action, Actor actor)>;
    explicit ActionRoutes(Perform perform) : m_perform(std::move(perform)) {}

    /// This outlives the router.
    void mount(http::Router &router);

private:
    struct Asked
    {
        Action action;
        std::string reason;
    };
    using Read = Result<Asked> (*)(const http::Request &request);
    using Answer = http::Response (*)(const ActionOutcome &done);
    static Result<Asked> resize(const http::Request &request);
    static Result<Asked> revoke(const http::Request &request);
    static Result<Asked> rerun(const http::Request &request);
    template <class A> static Result<Asked> ofUser(const http::Request &request);
    static Result<Asked> closeClient(const http::Request &request);
    static Result<Asked> revokeToken(const http::Request &request);
    http::Handler handle(Read read, Answer answer);

    const Perform m_perform;
};

} // namespace portolan::console
