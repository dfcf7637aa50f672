#pragma once

#include "core/api/access.h"
#include "core/api/user.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

/// What is the same for every action of a kind.
struct ActionTraits
{
    std::string_view name; ///< stable; as in the audit log
    Role role;             ///< the least that may do it
    bool destructive;      ///< something is lost: its preview is shown before
};

constexpr ActionTraits traitsOf(const CloseClients &) { return {"redis.client.close", Role::Operator, true}; }
constexpr ActionTraits traitsOf(const CleanUpFamily &) { return {"redis.cleanup", Role::Operator, true}; }
constexpr ActionTraits traitsOf(const ResizeWorker &) { return {"worker.resize", Role::Operator, false}; }
constexpr ActionTraits traitsOf(const RevokeTask &) { return {"task.revoke", Role::Operator, true}; }
constexpr ActionTraits traitsOf(const RerunTask &) { return {"task.rerun", Role::Operator, false}; }
constexpr ActionTraits traitsOf(const ChangeUser &) { return {"user.change", Role::Admin, true}; }
constexpr ActionTraits traitsOf(const SignOutUser &) { return {"user.sign-out", Role::Admin, true}; }
constexpr ActionTraits traitsOf(const Action &action)
{
    return std::visit([](const auto &one) { return traitsOf(one); }, action);
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
