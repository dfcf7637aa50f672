// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/user.h"

#include <QtGlobal>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Everything a console can do to a deployment: one struct an action, listed once in Action and described once in
/// traitsOf(). Values only; who carries one out is Deployment, who decides whether it may be is the console's gate.
namespace portolan {

/// Ends connections to Redis. Their owners may connect again.
struct CloseClients
{
    std::vector<std::uint64_t> ids; ///< of CLIENT LIST; 1–1000
    bool operator==(const CloseClients &) const = default;
};

/// Deletes the keys of one family from Redis.
struct CleanUpFamily
{
    std::string family;
    std::optional<std::chrono::seconds> idle; ///< only keys nobody has read or written for so long
    bool operator==(const CleanUpFamily &) const = default;
};

/// How many tasks a worker runs at once.
struct ResizeWorker
{
    std::uint32_t concurrency = 0; ///< 0–1024
    std::string node;              ///< empty: the deployment's own worker
    bool operator==(const ResizeWorker &) const = default;
};

/// Keeps tasks from running, or ends them while they run.
struct RevokeTasks
{
    std::vector<std::string> ids; ///< 1–mostTasksAtOnce
    bool operator==(const RevokeTasks &) const = default;
};

/// Enqueues tasks again with their original arguments.
struct RerunTasks
{
    std::vector<std::string> ids; ///< 1–mostTasksAtOnce
    bool operator==(const RerunTasks &) const = default;
};

constexpr std::size_t mostTasksAtOnce = 100;

/// A new account with a password made up for it, which the outcome tells once (ActionOutcome::secret).
struct CreateUser
{
    std::string email;
    Role role = Role::User;
    bool operator==(const CreateUser &) const = default;
};

/// A new role, or whether the account may sign in. Ends the user's sessions.
struct ChangeUser
{
    Id id = 0;
    std::optional<Role> role;
    std::optional<bool> disabled;
    bool operator==(const ChangeUser &) const = default;
};

/// A new password made up for the account, told once as CreateUser's. Ends the user's sessions.
struct ResetPassword
{
    Id id = 0;
    bool operator==(const ResetPassword &) const = default;
};

/// Ends all sessions of a user.
struct SignOutUser
{
    Id id = 0;
    bool operator==(const SignOutUser &) const = default;
};

/// Deletes an account with its sessions and limits. What the audit log says of it stays.
struct DeleteUser
{
    Id id = 0;
    bool operator==(const DeleteUser &) const = default;
};

using Action = std::variant<CloseClients, CleanUpFamily, ResizeWorker, RevokeTasks, RerunTasks, CreateUser, ChangeUser,
                            ResetPassword, SignOutUser, DeleteUser>;

/// What the console knows of an action without looking into it. Some of it depends on what exactly is asked for: to
/// stop a worker loses something, to let it grow does not.
struct ActionTraits
{
    std::string_view name; ///< stable; as in the audit log
    Role role;             ///< the least that may do it
    const char *title;     ///< of the question; English, for ui to translate. %n: the preview's count, %1: `subject`
    const char *verb;      ///< on its button: what is done to what, so that it cannot be taken for leaving the question
    bool needsRedis = false;
    bool destructive = false; ///< something is lost: its preview is shown before
    bool disruptive = false;  ///< whoever uses the portal notices: the preview is shown in production, and elsewhere
                              ///< when it counts somebody or something that is interrupted
    bool asks = false;        ///< nothing is lost, but it adds what people should know of: its preview is shown before
    std::string_view subject{}; ///< as long as the action lives
};

constexpr ActionTraits traitsOf(const CloseClients &)
{
    return {.name = "redis.client.close",
            .role = Role::Operator,
            .title = QT_TRANSLATE_NOOP("actions", "Close connections?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Disconnect them"),
            .needsRedis = true,
            .destructive = true};
}

/// The least role that may clean up a family. To delete sessions signs everybody out, and to delete limits lets
/// everybody begin anew: both are done to users, which needs an administrator.
constexpr Role cleanupRole(std::string_view family)
{
    return family == "sessions" || family == "limits" ? Role::Admin : Role::Operator;
}

constexpr ActionTraits traitsOf(const CleanUpFamily &action)
{
    return {.name = "redis.cleanup",
            .role = cleanupRole(action.family),
            .title = QT_TRANSLATE_NOOP("actions", "Clean up %1?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Delete keys"),
            .needsRedis = true,
            .destructive = true,
            .subject = action.family};
}

constexpr ActionTraits traitsOf(const ResizeWorker &action)
{
    const bool stops = action.concurrency == 0;
    return {.name = "worker.resize",
            .role = Role::Operator,
            .title = stops ? QT_TRANSLATE_NOOP("actions", "Stop all work of the worker?")
                           : QT_TRANSLATE_NOOP("actions", "Resize the worker?"),
            .verb = stops ? QT_TRANSLATE_NOOP("actions", "Stop its work")
                          : QT_TRANSLATE_NOOP("actions", "Resize the worker"),
            .needsRedis = !action.node.empty(), // another process is told through it
            .destructive = stops};
}

constexpr ActionTraits traitsOf(const RevokeTasks &action)
{
    const bool one = action.ids.size() == 1;
    return {.name = "task.revoke",
            .role = Role::Operator,
            .title = one ? QT_TRANSLATE_NOOP("actions", "Revoke the task?")
                         : QT_TRANSLATE_NOOP("actions", "Revoke the tasks?"),
            .verb = one ? QT_TRANSLATE_NOOP("actions", "Revoke the task")
                        : QT_TRANSLATE_NOOP("actions", "Revoke the tasks"),
            .needsRedis = true,
            .destructive = true};
}

constexpr ActionTraits traitsOf(const RerunTasks &action)
{
    const bool one = action.ids.size() == 1;
    return {.name = "task.rerun",
            .role = Role::Operator,
            .title = one ? QT_TRANSLATE_NOOP("actions", "Run the task again?")
                         : QT_TRANSLATE_NOOP("actions", "Run the tasks again?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Run again"),
            .needsRedis = true,
            .asks = !one};
}

constexpr ActionTraits traitsOf(const CreateUser &)
{
    return {.name = "user.create",
            .role = Role::Admin,
            .title = QT_TRANSLATE_NOOP("actions", "Create the account?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Create the account")};
}

constexpr ActionTraits traitsOf(const ChangeUser &action)
{
    const bool enables = action.disabled && !*action.disabled;
    return {.name = "user.change",
            .role = Role::Admin,
            .title = !action.disabled ? QT_TRANSLATE_NOOP("actions", "Change the role?")
                     : enables        ? QT_TRANSLATE_NOOP("actions", "Enable the account?")
                                      : QT_TRANSLATE_NOOP("actions", "Disable the account?"),
            .verb = !action.disabled ? QT_TRANSLATE_NOOP("actions", "Change the role")
                    : enables        ? QT_TRANSLATE_NOOP("actions", "Enable the account")
                                     : QT_TRANSLATE_NOOP("actions", "Disable the account"),
            .destructive = !enables,
            .asks = enables};
}

constexpr ActionTraits traitsOf(const ResetPassword &)
{
    return {.name = "user.password",
            .role = Role::Admin,
            .title = QT_TRANSLATE_NOOP("actions", "Reset the password?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Reset the password"),
            .destructive = true};
}

constexpr ActionTraits traitsOf(const SignOutUser &)
{
    return {.name = "user.sign-out",
            .role = Role::Admin,
            .title = QT_TRANSLATE_NOOP("actions", "Sign the user out?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Sign the user out"),
            .destructive = true};
}

constexpr ActionTraits traitsOf(const DeleteUser &)
{
    return {.name = "user.delete",
            .role = Role::Admin,
            .title = QT_TRANSLATE_NOOP("actions", "Delete the account?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Delete the account"),
            .destructive = true};
}

constexpr ActionTraits traitsOf(const Action &action)
{
    return std::visit([](const auto &one) { return traitsOf(one); }, action);
}

/// What people lose with the keys of a family, in one sentence; empty for one that is not known.
constexpr std::string_view lossOf(std::string_view family)
{
    constexpr std::pair<std::string_view, std::string_view> losses[]{
        {"sessions", "People are signed out."},
        {"results", "Finished analyses cannot be fetched any more."},
        {"limits", "Windows are reset, so people can make more calls than their limits say."},
        {"cache", "It is computed again when it is asked for."},
        {"tickers", "Prices are fetched again when they are asked for."},
        {"push", "What was not delivered to open pages is not delivered any more."},
        {"queue", "Tasks that wait are lost."}};
    for (const auto &[name, loss] : losses) {
        if (name == family)
            return loss;
    }
    return {};
}

/// Why the keys of a family are never deleted as a whole; empty: they may be.
constexpr std::string_view whyNotCleanedUp(std::string_view family)
{
    for (const std::string_view name : {"sessions", "results", "tickers", "cache", "push", "limits"}) {
        if (name == family)
            return {};
    }
    if (family == "queue")
        return "Tasks that wait would be lost: revoke them on the page Queue.";
    if (family == "instances")
        return "The portal's processes tell each other with these keys how they are; they expire by themselves.";
    return "Whose these keys are is not known, so they are not deleted.";
}

/// What an action would touch, found out without touching it.
struct ActionPreview
{
    std::string summary;                ///< one sentence: "Closes 3 connections of celery@worker-1."
    std::optional<std::uint64_t> count; ///< keys, clients, tasks, sessions
    std::optional<std::uint64_t> bytes;
    std::vector<std::string> sample; ///< at most 20 of what would be touched
    bool nothing = false;            ///< there is nothing to do: the summary says why, and nobody need be asked
    bool operator==(const ActionPreview &) const = default;
};

/// How an action ended.
struct ActionOutcome
{
    std::string summary; ///< one sentence: "3 connections are closed."
    std::string subject; ///< what came of it: the new task's id
    std::string secret;  ///< a password made up; for whoever asked to see once, and to be kept nowhere
    bool operator==(const ActionOutcome &) const = default;
};

} // namespace portolan
