// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"

#include <cstdint>
#include <string_view>

namespace portolan {

enum class Method : std::uint8_t { Get, Post, Put, Patch, Delete };

/// Where a question or an action is found over HTTP, and the least role that may ask it there.
struct Route
{
    Method method = Method::Get;
    std::string_view path; ///< "/api/admin/users/{id}/sessions": {…} are members of the question, the others its query
    Role role = Role::Admin;
    std::string_view summary = {}; ///< what it is, in the document of the API
    bool needsSession = false;     ///< no API token may ask it, whatever its role
};

/// Stands for a type where only its name is needed.
template <class T> struct Tag
{
    using Type = T;
};

} // namespace portolan
