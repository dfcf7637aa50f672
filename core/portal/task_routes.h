// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/router.h"

namespace portolan::portal {

class TaskService;

/// `POST /start-analysis`, `GET /api/tasks`, `GET /api/tasks/{id}`, `DELETE /api/tasks/{id}`.
class TaskRoutes final
{
public:
    explicit TaskRoutes(TaskService &tasks) : m_tasks(tasks) {}
    void mount(http::Router &router);

private:
    awaitable<http::Response> startAnalysis(http::Request &request);
    awaitable<http::Response> list(http::Request &request);

    TaskService &m_tasks;
};

} // namespace portolan::portal
