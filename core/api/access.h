// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <string>

namespace portolan {

/// What somebody may do; each includes the ones before it. Anonymous is everybody, signed in or not.
enum class Role : std::uint8_t { Anonymous, User, Operator, Admin };
BOOST_DESCRIBE_ENUM(Role, Anonymous, User, Operator, Admin)

/// Which limit a request counts in. A request counts in one.
enum class Category : std::uint8_t {
    Default,    ///< pages
    Api,        ///< /api/*, unless named below
    Auth,       ///< /auth/*
    Upload,     ///< POST /api/uploads
    Analysis,   ///< POST /start-analysis
    Automation, ///< POST /api/automations/{id}/run
    Admin,      ///< /api/admin/*: only a guard of 50 a second per session
    Unlimited,  ///< never limited, and without limit headers: /health, /metrics, static files, …
};
BOOST_DESCRIBE_ENUM(Category, Default, Api, Auth, Upload, Analysis, Automation, Admin, Unlimited)

/// Ids of users, tasks' owners and everything a user made: 64-bit, ordered by time, made by base/ids.h. 0: none.
using Id = std::uint64_t;

/// Who makes a request, as admission found out. Anonymous where nobody is signed in.
struct Principal
{
    Id userId = 0;
    Role role = Role::Anonymous;
    std::string token{}; ///< name of the API token it came with, which is nobody's session; empty: with none
    bool operator==(const Principal &) const = default;
};
BOOST_DESCRIBE_STRUCT(Principal, (), (userId, role, token))

/// The portal itself: the console in its process and the command line, which may do anything. No user and no token is
/// that, and not the control socket, which has an operator's rights.
inline bool isSystem(const Principal &who)
{
    return who.userId == 0 && who.token.empty() && who.role != Role::Operator;
}

/// Who asks for a change, and why: passed along to the service that executes it.
struct Actor
{
    Principal principal;
    std::string reason; ///< as given, may be empty
};

} // namespace portolan
