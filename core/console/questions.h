// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/questions.h"
#include "core/console/portal_services.h"

/// What a portal in this process answers: one overload for each of Questions. Coroutines on the services' executor;
/// errors are those of the service that knows, which HTTP asks as well.
namespace portolan::console {

/// Invalid: no such metric, or a bad number of points.
awaitable<Result<std::vector<Series>>> answer(PortalServices services, HistoryQuestion question);
awaitable<Result<std::vector<Event>>> answer(PortalServices services, EventsQuestion question);
/// Unavailable: no Redis, or nothing has been heard of its connections yet.
awaitable<Result<std::vector<ClientInfo>>> answer(PortalServices services, ClientsQuestion question);
/// Invalid: bad limit.
awaitable<Result<TaskList>> answer(PortalServices services, TasksQuestion question);
awaitable<Result<std::vector<WorkerInfo>>> answer(PortalServices services, WorkersQuestion question);
/// Unavailable: nothing was measured yet.
awaitable<Result<std::vector<InstanceFigures>>> answer(PortalServices services, InstancesQuestion question);
/// Invalid: bad limit, or a cursor of another question.
awaitable<Result<UserPage>> answer(PortalServices services, UsersQuestion question);
awaitable<Result<std::vector<LimitUse>>> answer(PortalServices services, LimitUseQuestion question);
awaitable<Result<std::vector<SessionEntry>>> answer(PortalServices services, SessionsQuestion question);
/// Invalid: bad limit or cursor.
awaitable<Result<AuditPage>> answer(PortalServices services, AuditQuestion question);

} // namespace portolan::console
