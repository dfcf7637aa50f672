// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/api_token.h"
#include "core/api/audit.h"
#include "core/api/history.h"
#include "core/api/log.h"
#include "core/api/route.h"
#include "core/api/snapshot.h"
#include "core/api/task.h"
#include "core/api/user.h"

#include <boost/describe/class.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Everything a console can ask of a deployment: one struct a question, with the answer it has and the line that says
/// where it is found over HTTP, listed once in Questions. From that list follow the typed front of Deployment, the
/// server's routes and their part of the OpenAPI document, the list of what a deployment can answer, and the remote
/// client: a new page needs a new question, and no protocol of its own.
///
/// Over HTTP a question's members are its parameters (base/json_query.h), those in braces of the path among them. An
/// answer that is a list is written as `{"items":[…],"next_cursor":null}` (base/json_answer.h).
namespace portolan {

/// What was measured over time.
struct HistoryQuestion
{
    using Answer = std::vector<Series>;
    HistoryQuery query;
};
BOOST_DESCRIBE_STRUCT(HistoryQuestion, (), (query))
constexpr Route routeOf(Tag<HistoryQuestion>)
{
    return {Method::Get, "/api/admin/history", Role::Operator, "What was measured over time"};
}

/// What happened, oldest first, at most 500: the last ones.
struct EventsQuestion
{
    using Answer = std::vector<Event>;
    WallTime from{}; ///< inclusive
    WallTime to{};   ///< exclusive
    static constexpr std::string_view queryRequired[] = {"from", "to"};
};
BOOST_DESCRIBE_STRUCT(EventsQuestion, (), (from, to))
constexpr Route routeOf(Tag<EventsQuestion>)
{
    return {Method::Get, "/api/admin/events", Role::Operator, "What happened, oldest first: the last 500"};
}

struct ClientPage
{
    std::vector<ClientInfo> items;
    std::optional<std::string> nextCursor; ///< nothing: this was the last page
    std::uint64_t total = 0;               ///< of all pages
    std::optional<Age> age;                ///< since Redis was asked; nothing: not known
    bool operator==(const ClientPage &) const = default;
};
BOOST_DESCRIBE_STRUCT(ClientPage, (), (items, nextCursor, total, age))

/// Connections to Redis, oldest first, a page of them. Where a plan bounds what Redis is asked, they are of a while ago
/// at first; whoever asks for them makes the next ones come sooner.
struct ClientsQuestion
{
    using Answer = ClientPage;
    static constexpr std::uint32_t most = 10'000; ///< as many as Redis lets in by default
    std::uint32_t limit = 100;                    ///< 1–most
    std::string cursor = {};                      ///< ClientPage::nextCursor of the page before; empty: the first page
    static constexpr std::pair<std::string_view, std::uint32_t> queryMost[] = {{"limit", most}};
};
BOOST_DESCRIBE_STRUCT(ClientsQuestion, (), (limit, cursor))
constexpr Route routeOf(Tag<ClientsQuestion>)
{
    return {Method::Get, "/api/admin/redis/clients", Role::Operator, "Who is connected to Redis, oldest first"};
}

/// Tasks that wait, that are held, that run and that ended.
struct TasksQuestion
{
    using Answer = TaskList;
    TaskQuery query;
};
BOOST_DESCRIBE_STRUCT(TasksQuestion, (), (query))
constexpr Route routeOf(Tag<TasksQuestion>)
{
    return {Method::Get, "/api/admin/tasks", Role::Operator, "Tasks that wait, that are held, that run and that ended"};
}

/// Every worker that answers, the deployment's own first. Takes as long as the slowest, at most a second.
struct WorkersQuestion
{
    using Answer = std::vector<WorkerInfo>;
};
BOOST_DESCRIBE_STRUCT(WorkersQuestion, (), ())
constexpr Route routeOf(Tag<WorkersQuestion>)
{
    return {Method::Get, "/api/admin/workers", Role::Operator, "Workers that answer, ours and Celery's"};
}

/// The processes of the deployment with each one's part of it, by name; those that are gone for a quarter of an hour.
struct InstancesQuestion
{
    using Answer = std::vector<InstanceFigures>;
};
BOOST_DESCRIBE_STRUCT(InstancesQuestion, (), ())
constexpr Route routeOf(Tag<InstancesQuestion>)
{
    return {Method::Get, "/api/admin/instances", Role::Operator, "The processes of the deployment"};
}

/// Registered users, a page of them.
struct UsersQuestion
{
    using Answer = UserPage;
    UserQuery query;
};
BOOST_DESCRIBE_STRUCT(UsersQuestion, (), (query))
constexpr Route routeOf(Tag<UsersQuestion>) { return {Method::Get, "/api/admin/users", Role::Operator, "Finds users"}; }

/// How much of each limit a user has used. NotFound: there is no such user.
struct LimitUseQuestion
{
    using Answer = std::vector<LimitUse>;
    Id id = 0;
};
BOOST_DESCRIBE_STRUCT(LimitUseQuestion, (), (id))
constexpr Route routeOf(Tag<LimitUseQuestion>)
{
    return {Method::Get, "/api/admin/users/{id}/limits/use", Role::Operator,
            "How much of each limit the user has used"};
}

/// The sessions of a user, last seen first. NotFound: there is no such user.
struct SessionsQuestion
{
    using Answer = std::vector<SessionEntry>;
    Id id = 0;
};
BOOST_DESCRIBE_STRUCT(SessionsQuestion, (), (id))
constexpr Route routeOf(Tag<SessionsQuestion>)
{
    return {Method::Get, "/api/admin/users/{id}/sessions", Role::Operator, "The user's sign-ins, last seen first"};
}

/// The tokens that consoles and scripts are let in by, by name; those too that have expired.
struct TokensQuestion
{
    using Answer = std::vector<ApiToken>;
};
BOOST_DESCRIBE_STRUCT(TokensQuestion, (), ())
constexpr Route routeOf(Tag<TokensQuestion>)
{
    return {Method::Get, "/api/admin/tokens", Role::Admin, "API tokens, by name", true};
}

/// Who did what, newest first, a page of it.
struct AuditQuestion
{
    using Answer = AuditPage;
    AuditQuery query;
};
BOOST_DESCRIBE_STRUCT(AuditQuestion, (), (query))
constexpr Route routeOf(Tag<AuditQuestion>)
{
    return {Method::Get, "/api/admin/audit", Role::Operator, "Who changed what, newest first"};
}

/// What the portal wrote into its log lately, newest first, a page of it. Each instance keeps its own. Unsupported: the
/// log of another instance. NotFound: there is no such instance.
struct LogQuestion
{
    using Answer = LogPage;
    LogQuery query;
};
BOOST_DESCRIBE_STRUCT(LogQuestion, (), (query))
constexpr Route routeOf(Tag<LogQuestion>)
{
    return {Method::Get, "/api/admin/log", Role::Operator, "The last lines of the log, newest first"};
}

/// One of Questions, as whoever asks finds it here.
struct QuestionOffer
{
    std::string path; ///< of its route
    Role role = Role::Admin;
    Capability capability; ///< and why not
    bool operator==(const QuestionOffer &) const = default;
};
BOOST_DESCRIBE_STRUCT(QuestionOffer, (), (path, role, capability))

/// One kind of action, as whoever asks finds it here.
struct ActionOffer
{
    std::string name;        ///< in ActionTraits
    Role role = Role::Admin; ///< the least there is; what exactly is asked for may raise it
    Capability capability;   ///< and why not
    bool operator==(const ActionOffer &) const = default;
};
BOOST_DESCRIBE_STRUCT(ActionOffer, (), (name, role, capability))

/// A process of the deployment.
struct InstanceOffer
{
    std::string name;
    std::string version; ///< of the program
    bool operator==(const InstanceOffer &) const = default;
};
BOOST_DESCRIBE_STRUCT(InstanceOffer, (), (name, version))

struct DeploymentAnswer
{
    std::string name;
    std::string tier;
    std::string version;
    bool production = false;
    std::vector<InstanceOffer> instances; ///< those that are up, by name; none before the first sample
    Role role = Role::Anonymous;          ///< of whoever asks
    std::vector<QuestionOffer> questions;
    std::vector<ActionOffer> actions;
    bool operator==(const DeploymentAnswer &) const = default;
};
BOOST_DESCRIBE_STRUCT(DeploymentAnswer, (), (name, tier, version, production, instances, role, questions, actions))

/// What this deployment is, and what it answers and does for whoever asks: an end that is older or runs without Redis
/// says so before a page asks.
struct DeploymentQuestion
{
    using Answer = DeploymentAnswer;
};
BOOST_DESCRIBE_STRUCT(DeploymentQuestion, (), ())
constexpr Route routeOf(Tag<DeploymentQuestion>)
{
    return {Method::Get, "/api/admin/deployment", Role::Operator,
            "What this portal is, and what it answers and does for whoever asks"};
}

/// All of them. Adding one is its struct, its route, and its place here; what answers questions does not compile until
/// it answers this one too.
using Questions = boost::mp11::mp_list<HistoryQuestion, EventsQuestion, ClientsQuestion, TasksQuestion, WorkersQuestion,
                                       InstancesQuestion, UsersQuestion, LimitUseQuestion, SessionsQuestion,
                                       TokensQuestion, AuditQuestion, LogQuestion, DeploymentQuestion>;
static_assert(boost::mp11::mp_is_set<Questions>::value);

} // namespace portolan
