// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/audit.h"
#include "core/api/history.h"
#include "core/api/route.h"
#include "core/api/snapshot.h"
#include "core/api/task.h"
#include "core/api/user.h"

#include <boost/describe/class.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <vector>

/// Everything a console can ask of a deployment: one struct a question, with the answer it has and the line that says
/// where it is found over HTTP, listed once in Questions. From that list follow the typed front of Deployment, the
/// server's routes and their part of the OpenAPI document, the list of what a deployment can answer, and the remote
/// client: a new page needs a new question, and no protocol of its own.
namespace portolan {

/// What was measured over time.
struct HistoryQuestion
{
    using Answer = std::vector<Series>;
    HistoryQuery query;
};
constexpr Route routeOf(Tag<HistoryQuestion>) { return {Method::Get, "/api/admin/history", Role::Operator}; }

/// What happened, oldest first, at most 500: the last ones.
struct EventsQuestion
{
    using Answer = std::vector<Event>;
    WallTime from{}; ///< inclusive
    WallTime to{};   ///< exclusive
};
constexpr Route routeOf(Tag<EventsQuestion>) { return {Method::Get, "/api/admin/events", Role::Operator}; }

/// Every connection to Redis, oldest first.
struct ClientsQuestion
{
    using Answer = std::vector<ClientInfo>;
};
constexpr Route routeOf(Tag<ClientsQuestion>) { return {Method::Get, "/api/admin/redis/clients", Role::Operator}; }

/// Tasks that wait, that are held, that run and that ended.
struct TasksQuestion
{
    using Answer = TaskList;
    TaskQuery query;
};
constexpr Route routeOf(Tag<TasksQuestion>) { return {Method::Get, "/api/admin/tasks", Role::Operator}; }

/// Every worker that answers, the deployment's own first. Takes as long as the slowest, at most a second.
struct WorkersQuestion
{
    using Answer = std::vector<WorkerInfo>;
};
constexpr Route routeOf(Tag<WorkersQuestion>) { return {Method::Get, "/api/admin/workers", Role::Operator}; }

/// The processes of the deployment with each one's part of it, by name; those that are gone for a quarter of an hour.
struct InstancesQuestion
{
    using Answer = std::vector<InstanceFigures>;
};
constexpr Route routeOf(Tag<InstancesQuestion>) { return {Method::Get, "/api/admin/instances", Role::Operator}; }

/// Registered users, a page of them.
struct UsersQuestion
{
    using Answer = UserPage;
    UserQuery query;
};
constexpr Route routeOf(Tag<UsersQuestion>) { return {Method::Get, "/api/admin/users", Role::Operator}; }

/// How much of each limit a user has used. NotFound: there is no such user.
struct LimitUseQuestion
{
    using Answer = std::vector<LimitUse>;
    Id id = 0;
};
constexpr Route routeOf(Tag<LimitUseQuestion>)
{
    return {Method::Get, "/api/admin/users/{id}/limits/use", Role::Operator};
}

/// The sessions of a user, last seen first. NotFound: there is no such user.
struct SessionsQuestion
{
    using Answer = std::vector<SessionEntry>;
    Id id = 0;
};
constexpr Route routeOf(Tag<SessionsQuestion>)
{
    return {Method::Get, "/api/admin/users/{id}/sessions", Role::Operator};
}

/// Who did what, newest first, a page of it.
struct AuditQuestion
{
    using Answer = AuditPage;
    AuditQuery query;
};
constexpr Route routeOf(Tag<AuditQuestion>) { return {Method::Get, "/api/admin/audit", Role::Operator}; }

/// All of them. Adding one is its struct, its route, and its place here; what answers questions does not compile until
/// it answers this one too.
using Questions =
    boost::mp11::mp_list<HistoryQuestion, EventsQuestion, ClientsQuestion, TasksQuestion, WorkersQuestion,
                         InstancesQuestion, UsersQuestion, LimitUseQuestion, SessionsQuestion, AuditQuestion>;
static_assert(boost::mp11::mp_is_set<Questions>::value);

} // namespace portolan
