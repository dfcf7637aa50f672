// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/fact.h"
#include "core/api/result.h"
#include "core/api/user.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Everything a console can do to a deployment: one struct an action, listed once in Action and described once in
/// traitsOf(). Over HTTP its members are the body, beside `reason`, of POST /api/admin/actions/{name} and of
/// /api/admin/preview/{name}. Values only; who carries one out is Deployment, who decides whether it may be is the
/// console's gate.
namespace portolan {

/// Ends connections to Redis. Their owners may connect again.
struct CloseClients
{
    std::vector<std::uint64_t> ids; ///< of CLIENT LIST; 1–1000
    bool operator==(const CloseClients &) const = default;
};
BOOST_DESCRIBE_STRUCT(CloseClients, (), (ids))

/// Deletes the keys of one family from Redis.
struct CleanUpFamily
{
    std::string family;
    std::optional<std::chrono::seconds> idle; ///< only keys nobody has read or written for so long
    bool operator==(const CleanUpFamily &) const = default;
};
BOOST_DESCRIBE_STRUCT(CleanUpFamily, (), (family, idle))

/// How many tasks a worker runs at once.
struct ResizeWorker
{
    std::uint32_t concurrency = 0; ///< 0–1024
    std::string node;              ///< empty: the deployment's own worker
    bool operator==(const ResizeWorker &) const = default;
    static constexpr std::string_view jsonDefaulted[] = {"node"};
};
BOOST_DESCRIBE_STRUCT(ResizeWorker, (), (concurrency, node))

/// Keeps tasks from running, or ends them while they run.
struct RevokeTasks
{
    std::vector<std::string> ids; ///< 1–mostTasksAtOnce
    bool terminate = true;        ///< also those that run; false: those go on
    bool operator==(const RevokeTasks &) const = default;
    static constexpr std::string_view jsonDefaulted[] = {"terminate"};
};
BOOST_DESCRIBE_STRUCT(RevokeTasks, (), (ids, terminate))

/// Enqueues tasks again with their original arguments.
struct RerunTasks
{
    std::vector<std::string> ids; ///< 1–mostTasksAtOnce
    bool operator==(const RerunTasks &) const = default;
};
BOOST_DESCRIBE_STRUCT(RerunTasks, (), (ids))

constexpr std::size_t mostTasksAtOnce = 100;

/// A new account with a password made up for it, which the outcome tells once (ActionOutcome::secret).
struct CreateUser
{
    std::string email;
    Role role = Role::User;
    bool operator==(const CreateUser &) const = default;
    static constexpr std::string_view jsonDefaulted[] = {"role"};
};
BOOST_DESCRIBE_STRUCT(CreateUser, (), (email, role))

/// A new role, or whether the account may sign in. Ends the user's sessions.
struct ChangeUser
{
    Id id = 0;
    std::optional<Role> role;
    std::optional<bool> disabled;
    bool operator==(const ChangeUser &) const = default;
};
BOOST_DESCRIBE_STRUCT(ChangeUser, (), (id, role, disabled))

/// A new password made up for the account, told once as CreateUser's. Ends the user's sessions.
struct ResetPassword
{
    Id id = 0;
    bool operator==(const ResetPassword &) const = default;
};
BOOST_DESCRIBE_STRUCT(ResetPassword, (), (id))

/// Ends all sessions of a user.
struct SignOutUser
{
    Id id = 0;
    bool operator==(const SignOutUser &) const = default;
};
BOOST_DESCRIBE_STRUCT(SignOutUser, (), (id))

/// Deletes an account with its sessions and limits. What the audit log says of it stays.
struct DeleteUser
{
    Id id = 0;
    bool operator==(const DeleteUser &) const = default;
};
BOOST_DESCRIBE_STRUCT(DeleteUser, (), (id))

/// Ends an API token: who comes with it is no longer let in, within ten seconds at every instance.
struct RevokeToken
{
    std::string name;
    bool operator==(const RevokeToken &) const = default;
};
BOOST_DESCRIBE_STRUCT(RevokeToken, (), (name))

using Action = std::variant<CloseClients, CleanUpFamily, ResizeWorker, RevokeTasks, RerunTasks, CreateUser, ChangeUser,
                            ResetPassword, SignOutUser, DeleteUser, RevokeToken>;

/// What the console knows of an action without looking into it. Some of it depends on what exactly is asked for: to
/// stop a worker loses something, to let it grow does not.
struct ActionTraits
{
    std::string_view name; ///< stable; as in the audit log
    Role role;             ///< the least that may do it
    bool needsRedis = false;
    bool destructive = false;  ///< something is lost: its preview is shown before
    bool disruptive = false;   ///< whoever uses the portal notices: the preview is shown in production, and elsewhere
                               ///< when it counts somebody or something that is interrupted
    bool asks = false;         ///< nothing is lost, but it adds what people should know of: its preview is shown before
    bool needsSession = false; ///< no API token may do it, whatever its role: it gives somebody access, or ends a token
};

constexpr ActionTraits traitsOf(const CloseClients &)
{
    return {.name = "redis.client.close", .role = Role::Operator, .needsRedis = true, .destructive = true};
}

/// The least role that may clean up a family. To delete sessions signs everybody out, and to delete limits lets
/// everybody begin anew: both are done to users, which needs an administrator.
constexpr Role cleanupRole(std::string_view family)
{
    return family == "sessions" || family == "limits" ? Role::Admin : Role::Operator;
}

constexpr ActionTraits traitsOf(const CleanUpFamily &action)
{
    return {.name = "redis.cleanup", .role = cleanupRole(action.family), .needsRedis = true, .destructive = true};
}

constexpr ActionTraits traitsOf(const ResizeWorker &action)
{
    return {.name = "worker.resize",
            .role = Role::Operator,
            .needsRedis = !action.node.empty(), // another process is told through it
            .destructive = action.concurrency == 0};
}

constexpr ActionTraits traitsOf(const RevokeTasks &)
{
    return {.name = "task.revoke", .role = Role::Operator, .needsRedis = true, .destructive = true};
}

constexpr ActionTraits traitsOf(const RerunTasks &action)
{
    return {.name = "task.rerun", .role = Role::Operator, .needsRedis = true, .asks = action.ids.size() != 1};
}

constexpr ActionTraits traitsOf(const CreateUser &)
{
    return {.name = "user.create", .role = Role::Admin, .needsSession = true};
}

constexpr ActionTraits traitsOf(const ChangeUser &action)
{
    const bool enables = action.disabled && !*action.disabled;
    return {.name = "user.change", .role = Role::Admin, .destructive = !enables, .asks = enables};
}

constexpr ActionTraits traitsOf(const ResetPassword &)
{
    return {.name = "user.password", .role = Role::Admin, .destructive = true, .needsSession = true};
}

constexpr ActionTraits traitsOf(const SignOutUser &)
{
    return {.name = "user.sign-out", .role = Role::Admin, .destructive = true};
}

constexpr ActionTraits traitsOf(const DeleteUser &)
{
    return {.name = "user.delete", .role = Role::Admin, .destructive = true};
}

constexpr ActionTraits traitsOf(const RevokeToken &)
{
    return {.name = "token.revoke", .role = Role::Admin, .destructive = true, .needsSession = true};
}

constexpr ActionTraits traitsOf(const Action &action)
{
    return std::visit([](const auto &one) { return traitsOf(one); }, action);
}

/// The least role that may do an action of this kind; what exactly is asked for may raise it (ActionTraits::role).
inline Role leastRole(const Action &action)
{
    return std::visit([]<class A>(const A &) { return traitsOf(A{}).role; }, action);
}

/// Why something cannot be done here and now.
enum class WhyNot : std::uint8_t {
    No,                ///< it can
    ReadOnly,          ///< the console was started so
    NeedsRole,         ///< `role`
    NeedsSession,      ///< whoever asks does so by an API token, and this takes somebody who has signed in
    NoPortalHere,      ///< there is no portal on this machine to start or stop
    NotRunning,        ///< the portal is not
    Starting,          ///< it is not there yet
    Changing,          ///< it is starting or stopping
    Running,           ///< it does already
    NoAnswer,          ///< it does not answer: Deployment::link() says more
    NothingDamaged,    ///< nothing is to be mended
    NotOurs,           ///< a Redis or a database that was named is not ours to delete
    NoMadeUpUsers,     ///< nobody is there to be taken back
    NoRedis,           ///< this portal runs without
    CommandRefused,    ///< `about`: the command its Redis refuses; `mend`: the rule that would allow it
    TasksWouldBeLost,  ///< keys of a family that holds tasks
    TheyExpire,        ///< keys with which the portal's processes tell each other how they are
    NobodyKnows,       ///< whose the keys are
    NeedsConfirmation, ///< somebody is to see what it would touch, and to say yes
    NotKnownThere,     ///< the portal there is of another version, which cannot do it
    NotConfigured, ///< a watched deployment's file has none; `about`: the part that would, empty: a watch has no such
    FileReadOnly,  ///< a watched deployment's file says read_only
    NotYetWatched, ///< this version does not ask it of a watched deployment
};
BOOST_DESCRIBE_ENUM(WhyNot, No, ReadOnly, NeedsRole, NeedsSession, NoPortalHere, NotRunning, Starting, Changing,
                    Running, NoAnswer, NothingDamaged, NotOurs, NoMadeUpUsers, NoRedis, CommandRefused,
                    TasksWouldBeLost, TheyExpire, NobodyKnows, NeedsConfirmation, NotKnownThere, NotConfigured,
                    FileReadOnly, NotYetWatched)

/// Whether something can be done here, and if not, why: shown where it is greyed out.
struct Capability
{
    WhyNot why = WhyNot::No;
    Role role = Role::Anonymous;
    std::string about = {};
    std::string mend = {};
    bool available() const { return why == WhyNot::No; }
    bool operator==(const Capability &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Capability, (), (why, role, about, mend))

/// Why the keys of a family are never deleted as a whole. No: they may be.
constexpr WhyNot whyNotCleanedUp(std::string_view family)
{
    for (const std::string_view name : {"sessions", "results", "tickers", "cache", "push", "limits"}) {
        if (name == family)
            return WhyNot::No;
    }
    return family == "queue"       ? WhyNot::TasksWouldBeLost
           : family == "instances" ? WhyNot::TheyExpire
                                   : WhyNot::NobodyKnows;
}

/// What an action would touch, found out without touching it.
struct ActionPreview
{
    std::vector<Fact> facts;            ///< at least one
    std::optional<std::uint64_t> count; ///< keys, clients, tasks, sessions
    std::optional<std::uint64_t> bytes;
    std::vector<Touched> sample; ///< at most 20 of what would be touched
    bool nothing = false;        ///< there is nothing to do: the facts say why, and nobody need be asked
    bool operator==(const ActionPreview &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(ActionPreview, (), (facts, count, bytes, sample, nothing))

/// How an action ended.
struct ActionOutcome
{
    std::vector<Fact> facts;      ///< at least one
    std::string subject;          ///< what came of it: the new task's id
    std::string secret;           ///< a password made up; for whoever asked to see once, and to be kept nowhere
    std::optional<Error> refusal; ///< why it was not done to some: FactKind::OthersRefused
    bool operator==(const ActionOutcome &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(ActionOutcome, (), (facts, subject, secret, refusal))

} // namespace portolan
