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

/// Keeps a task from running, or ends it while it runs.
struct RevokeTask
{
    std::string id;
    bool operator==(const RevokeTask &) const = default;
};

/// Enqueues a task again with its original arguments.
struct RerunTask
{
    std::string id;
    bool operator==(const RerunTask &) const = default;
};

/// A new role, or whether the account may sign in. Ends the user's sessions.
struct ChangeUser
{
    Id id = 0;
    std::optional<Role> role;
    std::optional<bool> disabled;
    bool operator==(const ChangeUser &) const = default;
};

/// Ends all sessions of a user.
struct SignOutUser
{
    Id id = 0;
    bool operator==(const SignOutUser &) const = default;
};

using Action = std::variant<CloseClients, CleanUpFamily, ResizeWorker, RevokeTask, RerunTask, ChangeUser, SignOutUser>;

/// What the console knows of an action without looking into it. Some of it depends on what exactly is asked for: to
/// stop a worker loses something, to let it grow does not.
struct ActionTraits
{
    std::string_view name; ///< stable; as in the audit log
    Role role;             ///< the least that may do it
    const char *title;     ///< of the question; English, for ui to translate. %n: the preview's count, %1: `subject`
    const char *verb;      ///< on its button
    bool needsRedis = false;
    bool destructive = false;   ///< something is lost: its preview is shown before
    bool disruptive = false;    ///< whoever uses the portal notices: the preview is shown in production
    std::string_view subject{}; ///< as long as the action lives
};

constexpr ActionTraits traitsOf(const CloseClients &)
{
    return {.name = "redis.client.close",
            .role = Role::Operator,
            .title = QT_TRANSLATE_NOOP("actions", "Close connections?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Close"),
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
            .verb = stops ? QT_TRANSLATE_NOOP("actions", "Stop its work") : QT_TRANSLATE_NOOP("actions", "Resize"),
            .needsRedis = !action.node.empty(), // another process is told through it
            .destructive = stops};
}

constexpr ActionTraits traitsOf(const RevokeTask &)
{
    return {.name = "task.revoke",
            .role = Role::Operator,
            .title = QT_TRANSLATE_NOOP("actions", "Revoke the task?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Revoke"),
            .needsRedis = true,
            .destructive = true};
}

constexpr ActionTraits traitsOf(const RerunTask &)
{
    return {.name = "task.rerun",
            .role = Role::Operator,
            .title = QT_TRANSLATE_NOOP("actions", "Run the task again?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Run"),
            .needsRedis = true};
}

constexpr ActionTraits traitsOf(const ChangeUser &action)
{
    const bool enables = action.disabled && !*action.disabled;
    return {.name = "user.change",
            .role = Role::Admin,
            .title = !action.disabled ? QT_TRANSLATE_NOOP("actions", "Change the role?")
                     : enables        ? QT_TRANSLATE_NOOP("actions", "Enable the account?")
                                      : QT_TRANSLATE_NOOP("actions", "Disable the account?"),
            .verb = !action.disabled ? QT_TRANSLATE_NOOP("actions", "Change")
                    : enables        ? QT_TRANSLATE_NOOP("actions", "Enable")
                                     : QT_TRANSLATE_NOOP("actions", "Disable"),
            .destructive = true};
}

constexpr ActionTraits traitsOf(const SignOutUser &)
{
    return {.name = "user.sign-out",
            .role = Role::Admin,
            .title = QT_TRANSLATE_NOOP("actions", "Sign the user out?"),
            .verb = QT_TRANSLATE_NOOP("actions", "Sign out"),
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
        {"limits", "Windows start anew, so people can make more calls than their limits say."},
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

/// What an action would touch, found out without touching it.
struct ActionPreview
{
    std::string summary;                ///< one sentence: "Closes 3 connections of celery@worker-1."
    std::optional<std::uint64_t> count; ///< keys, clients, tasks, sessions
    std::optional<std::uint64_t> bytes;
    std::vector<std::string> sample; ///< at most 20 of what would be touched
    bool operator==(const ActionPreview &) const = default;
};

/// How an action ended.
struct ActionOutcome
{
    std::string summary; ///< one sentence: "3 connections are closed."
    std::string subject; ///< what came of it: the new task's id
    bool operator==(const ActionOutcome &) const = default;
};

} // namespace portolan
