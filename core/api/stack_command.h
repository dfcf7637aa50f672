// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"

#include <string>
#include <variant>

/// Everything a console can do to the portal of its machine as a whole: as action.h, with LocalStack for Deployment.
namespace portolan {

/// What a portal on this machine is made of. Empty text: the built-in choice.
struct LocalStackSettings
{
    std::string tier = "small";            ///< a built-in one, or a file
    std::string listen = "127.0.0.1:8080"; ///< port 0 picks a free one
    std::string redisUrl;                  ///< empty: a private redis-server
    std::string databaseUrl;               ///< empty: SQLite in the data directory
    std::string dataDirectory;             ///< empty: the user's own
    bool operator==(const LocalStackSettings &) const = default;
};

/// Starts with these settings; they stay. Errors: those of a bad setting, port, Redis or database, with the mend.
struct StartStack
{
    LocalStackSettings settings;
    bool operator==(const StartStack &) const = default;
};

/// Also calls off a start or restart under way, which then answers Cancelled.
struct StopStack
{
    bool operator==(const StopStack &) const = default;
};

/// Starts with these settings instead of the present ones; they stay. They are looked at while the portal goes on
/// serving, which it does not stop for ones it could not start with. Where the start fails all the same it goes back to
/// the settings it had; the error says so.
struct RestartStack
{
    LocalStackSettings settings;
    bool operator==(const RestartStack &) const = default;
};

/// Stops, deletes what the private Redis and the SQLite file hold, and starts again. Unsupported for a Redis or a
/// database that was named: they are not ours to delete.
struct ResetStack
{
    bool operator==(const ResetStack &) const = default;
};

/// Adds users, sessions and finished analyses to a running portal, for a first look. UnseedStack takes them back.
struct SeedStack
{
    bool privileged = false; ///< with an admin and two operators; otherwise users only
    bool operator==(const SeedStack &) const = default;
};

/// For a portal that does not start since what its private Redis keeps is damaged or gone ("redis-corrupt"), or its
/// database file is ("database-missing"): keeps a copy, mends, and starts; or, `empty`, keeps a copy and starts
/// without. Conflict: nothing of the kind is wrong. Unavailable "redis-corrupt": it cannot be mended, only left out.
struct MendStack
{
    bool empty = false;
    bool operator==(const MendStack &) const = default;
};

/// Whether a portal that failed to start with this may be mended so.
inline bool mends(const MendStack &command, const Error &problem)
{
    return problem.code == "redis-corrupt" || (command.empty && problem.code == "database-missing");
}

/// Deletes the accounts that seeding made, and no other, with their sessions.
struct UnseedStack
{
    bool operator==(const UnseedStack &) const = default;
};

using StackCommand = std::variant<StartStack, StopStack, RestartStack, ResetStack, SeedStack, UnseedStack, MendStack>;

constexpr ActionTraits traitsOf(const StartStack &) { return {.name = "stack.start", .role = Role::Operator}; }

constexpr ActionTraits traitsOf(const StopStack &)
{
    return {.name = "stack.stop", .role = Role::Operator, .disruptive = true};
}

constexpr ActionTraits traitsOf(const RestartStack &)
{
    return {.name = "stack.restart", .role = Role::Operator, .disruptive = true};
}

constexpr ActionTraits traitsOf(const ResetStack &)
{
    return {.name = "stack.reset", .role = Role::Admin, .destructive = true, .disruptive = true};
}

constexpr ActionTraits traitsOf(const SeedStack &) { return {.name = "stack.seed", .role = Role::Admin, .asks = true}; }

constexpr ActionTraits traitsOf(const UnseedStack &)
{
    return {.name = "stack.unseed", .role = Role::Admin, .destructive = true};
}

constexpr ActionTraits traitsOf(const MendStack &command)
{
    return {.name = "stack.mend",
            .role = command.empty ? Role::Admin : Role::Operator,
            .destructive = command.empty,
            .disruptive = true};
}

constexpr ActionTraits traitsOf(const StackCommand &command)
{
    return std::visit([](const auto &one) { return traitsOf(one); }, command);
}

} // namespace portolan
