// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/router.h"

namespace portolan::portal {

class WorkerAdminService;

/// `PUT /api/admin/workers`, `POST /api/admin/tasks/{id}/revoke`, `POST /api/admin/tasks/{id}/rerun`: for operators.
class WorkerAdminRoutes final
{
public:
    explicit WorkerAdminRoutes(WorkerAdminService &workers) : m_workers(workers) {}
    void mount(http::Router &router);

private:
    awaitable<http::Response> resize(http::Request &request);
    awaitable<http::Response> revoke(http::Request &request);
    awaitable<http::Response> rerun(http::Request &request);

    WorkerAdminService &m_workers;
};

} // namespace portolan::portal
