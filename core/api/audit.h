// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan {

/// Who did what, when, to what, and how it ended. Written once, by the service that executed it.
struct AuditEntry
{
    Id id = 0; ///< ordered by time
    WallTime at{};
    Id actorId = 0;    ///< 0: no user
    std::string actor; ///< e-mail address at that time, "token:NAME" of an API token, "local operator" or "system"
    Role role = Role::Anonymous;
    std::string action;     ///< "user.disable"
    std::string subject;    ///< what it was done to: "user:1234"
    std::string deployment; ///< which portal
    std::string outcome;    ///< "done", or the code of the error
    std::string reason;     ///< as the actor gave it; may be empty
    std::string detail;     ///< what changed: "role: user → operator"
    bool operator==(const AuditEntry &) const = default;
};
BOOST_DESCRIBE_STRUCT(AuditEntry, (),
                      (id, at, actorId, actor, role, action, subject, deployment, outcome, reason, detail))

/// A page of the audit log, newest first. Empty filters match everything.
struct AuditQuery
{
    std::optional<Id> actorId;
    std::string action;           ///< exact, or a group: "user." matches all that start so
    std::string subject;          ///< exact
    std::optional<WallTime> from; ///< inclusive
    std::optional<WallTime> to;   ///< exclusive
    std::uint32_t limit = 50;     ///< 1–500
    std::string cursor;
    bool operator==(const AuditQuery &) const = default;
    static constexpr std::pair<std::string_view, std::uint32_t> queryMost[] = {{"limit", 500}};
};
BOOST_DESCRIBE_STRUCT(AuditQuery, (), (actorId, action, subject, from, to, limit, cursor))

struct AuditPage
{
    std::vector<AuditEntry> items;
    std::optional<std::string> nextCursor;
    bool operator==(const AuditPage &) const = default;
};
BOOST_DESCRIBE_STRUCT(AuditPage, (), (items, nextCursor))

} // namespace portolan
