// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What an action would do, or has done, as kinds with figures: deployments tell facts, and whoever shows them makes
/// the sentences (ui/words), so that every end speaks the same way and every language is possible.
namespace portolan {

/// How many of what.
enum class Counted : std::uint8_t {
    Users,
    Admins,    ///< of the users
    Operators, ///< of the users
    Sessions,
    Tasks,
    Waiting, ///< tasks that wait
    Running, ///< tasks that run
    Results,
    Analyses,
    AuditEntries,
};
BOOST_DESCRIBE_ENUM(Counted, Users, Admins, Operators, Sessions, Tasks, Waiting, Running, Results, Analyses,
                    AuditEntries)

struct Amount
{
    Counted of{};
    std::uint64_t count = 0;
    bool operator==(const Amount &) const = default;
};
BOOST_DESCRIBE_STRUCT(Amount, (), (of, count))

/// In a preview what would come of the action, in an outcome what has. Beside each: the members of Fact that it uses.
enum class FactKind : std::uint8_t {
    // Redis
    ConnectionsClosed, ///< count; name: of their owner, where they have one
    KeysDeleted,       ///< count, bytes, name: of the family; atLeast while not all are counted
    OnlyIdleKeys,      ///< time: only those that nobody has used for so long
    FamilyLost,        ///< name: of the family whose keys people will miss
    NoKeys,            ///< name: of the family that has none; time: none that idle
    CleanupGoesOn,     ///< the rest is being deleted
    // Workers and tasks
    WorkerResized,      ///< name: its node; count: tasks at once; before: until now
    WorkerStopped,      ///< name: its node; amounts: Waiting, unless it is not known, and Running
    RunningTasksEnded,  ///< count
    RunningTasksGoOn,   ///< count: those that are kept from starting only
    TasksKeptFromStart, ///< count
    TasksOver,          ///< count: those that had ended already
    AllTasksOver,       ///< count
    TasksRevoked,       ///< count; name: of the only one
    TasksEnqueued,      ///< count: again, as new ones; name: of the only one
    OthersRefused,      ///< count: those that it was not done to; ActionOutcome::refusal says why
    // Accounts
    AccountMade,     ///< name, role
    RoleGiven,       ///< name, role
    AccountDisabled, ///< name
    AccountEnabled,  ///< name
    PasswordMade,    ///< name; to be shown once
    SessionsEnded,   ///< count, name
    SignedOut,       ///< name
    NoSession,       ///< name
    AccountDeleted,  ///< name; count: its sessions
    TokenRevoked,    ///< name, role
    // A whole portal
    PortalStarted,
    PortalStopped,
    PortalRestarted,
    PeopleInterrupted, ///< count: who use it now
    TasksInterrupted,  ///< count: they are put back if not done in time
    DatabaseSetAside,
    RedisSetAside,
    RedisMended,
    CopyKept, ///< of what was damaged
    // Its contents
    Added,            ///< amounts; none: all of it is there already
    MadeUpUsersAdded, ///< count; before: those that are there already
    MadeUpUsersThere, ///< count: all of them, already
    SignInsAdded,
    AnalysesAdded,
    RolesAmongThem, ///< amounts: Admins, Operators; none: all are users
    TheyCanBeTakenBack,
    MadeUpUsersDeleted, ///< count; with their sessions
    NoMadeUpUsers,
    LastAdminStays,
    ContentsDeleted,   ///< amounts; none: there is nothing
    EverythingDeleted, ///< what there is was not counted in time
    EverythingUnseen,  ///< what there is is not counted while it is stopped
    StartedEmpty,
    StartedWithMadeUp, ///< with new made-up users
    WhereAuditIs,      ///< where the audit entries are seen that go with it
};
BOOST_DESCRIBE_ENUM(FactKind, ConnectionsClosed, KeysDeleted, OnlyIdleKeys, FamilyLost, NoKeys, CleanupGoesOn,
                    WorkerResized, WorkerStopped, RunningTasksEnded, RunningTasksGoOn, TasksKeptFromStart, TasksOver,
                    AllTasksOver, TasksRevoked, TasksEnqueued, OthersRefused, AccountMade, RoleGiven, AccountDisabled,
                    AccountEnabled, PasswordMade, SessionsEnded, SignedOut, NoSession, AccountDeleted, TokenRevoked,
                    PortalStarted, PortalStopped, PortalRestarted, PeopleInterrupted, TasksInterrupted,
                    DatabaseSetAside, RedisSetAside, RedisMended, CopyKept, Added, MadeUpUsersAdded, MadeUpUsersThere,
                    SignInsAdded, AnalysesAdded, RolesAmongThem, TheyCanBeTakenBack, MadeUpUsersDeleted, NoMadeUpUsers,
                    LastAdminStays, ContentsDeleted, EverythingDeleted, EverythingUnseen, StartedEmpty,
                    StartedWithMadeUp, WhereAuditIs)

/// One thing that comes of an action. One sentence, or a part of one.
struct Fact
{
    FactKind kind{};
    std::string name = {}; ///< of the one thing it is about: an account, a family, a worker; as its owner wrote it
    std::optional<std::uint64_t> count = {};
    std::optional<std::uint64_t> before = {};
    std::optional<std::uint64_t> bytes = {};
    std::optional<std::chrono::seconds> time = {};
    std::optional<Role> role = {};
    std::vector<Amount> amounts = {};
    bool atLeast = false; ///< the count is not complete
    bool operator==(const Fact &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Fact, (), (kind, name, count, before, bytes, time, role, amounts, atLeast))

/// One of what an action would touch: "portal.analysis 3f2a91c0, ada@example.com: [] {'symbol': 'AAPL'}" has all four
/// members, a key has its name only.
struct Touched
{
    std::string name = {};   ///< of the task, connection, key, account or file; empty: it has none
    std::string id = {};     ///< by which one of several with that name is known: its address, the beginning of its id
    std::string owner = {};  ///< whose it is
    std::string detail = {}; ///< arguments of a task, the last command of a connection, the browser of a session
    std::optional<std::uint64_t> bytes = {};
    bool operator==(const Touched &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Touched, (), (name, id, owner, detail, bytes))

} // namespace portolan
