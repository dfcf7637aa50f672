// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"

#include <boost/describe/class.hpp>

#include <optional>
#include <string>

namespace portolan {

/// A token by which a console or a script is let in to /api/admin, as admins see it. The token itself was shown once,
/// when it was made, and is kept nowhere.
struct ApiToken
{
    std::string name;           ///< 1–64 of a–z 0–9 . _ -, the first a letter or a digit
    Role role = Role::Operator; ///< Operator or Admin
    WallTime made{};
    std::string madeBy;               ///< as AuditEntry::actor
    std::optional<WallTime> expires;  ///< nothing: never
    std::optional<WallTime> lastUsed; ///< written at most once a minute; nothing: never
    bool operator==(const ApiToken &) const = default;
};
BOOST_DESCRIBE_STRUCT(ApiToken, (), (name, role, made, madeBy, expires, lastUsed))

} // namespace portolan
