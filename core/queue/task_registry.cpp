// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/task_registry.h"

#include <boost/json/object.hpp>

namespace portolan::queue {

namespace {

Result<boost::json::value> noop(TaskContext &context)
{
    return boost::json::value(boost::json::object{{"args", context.args()}, {"kwargs", context.kwargs()}});
}

} // namespace

TaskRegistry::TaskRegistry()
{
    TaskOptions options;
    options.trackStarted = false;
    add("portal.noop", noop, options);
}

void TaskRegistry::add(std::string name, TaskHandler handler, TaskOptions options)
{
    m_entries.insert_or_assign(std::move(name), Entry{std::move(handler), std::move(options)});
}

const TaskRegistry::Entry *TaskRegistry::find(std::string_view name) const
{
    const auto found = m_entries.find(name);
    return found == m_entries.end() ? nullptr : &found->second;
}

std::vector<std::string> TaskRegistry::names() const
{
    std::vector<std::string> names;
    for (const auto &entry : m_entries)
        names.push_back(entry.first);
    return names;
}

} // namespace portolan::queue
