// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/task.h"
#include "core/console/portal_services.h"

namespace portolan::console {

/// Joins what is known of tasks in different places: the queue's lists (Redis), what this process's workers do, stored
/// states (Redis) and whose they are (database). Coroutine on the services' executor. Invalid: bad limit; otherwise
/// errors of Redis and the database.
awaitable<Result<TaskList>> listTasks(PortalServices services, TaskQuery query);

/// One task as far as it is known without walking through the queue: name, state, owner. PENDING and no name for an id
/// that nobody knows.
awaitable<Result<TaskInfo>> findTask(PortalServices services, std::string id);

} // namespace portolan::console
