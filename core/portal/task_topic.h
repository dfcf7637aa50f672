// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/portal/realtime.h"

namespace portolan::queue {
class ResultEvents;
}

namespace portolan::portal {

class TaskService;

/// The topic `tasks`: every state change of one's own tasks, wherever they run, as `GET /api/tasks/{id}` shows them.
/// While the look-up of an owner is under way newer states replace older ones: at most 256 tasks wait.
class TaskTopic final : public TopicSource
{
public:
    TaskTopic(TaskService &tasks, queue::ResultEvents &events);
    Result<std::shared_ptr<void>> subscribe(const Principal &principal, std::string_view argument, Executor executor,
                                            TopicSink sink) override;

private:
    TaskService &m_tasks;
    queue::ResultEvents &m_events;
};

} // namespace portolan::portal
