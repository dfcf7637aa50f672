// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/user.h"
#include "core/storage/database.h"

#include <vector>

namespace portolan::storage {

/// Windows that replace the tier's for single users. The text is kept as given: whoever writes it has checked its
/// grammar.
class LimitsStore final
{
public:
    explicit LimitsStore(Database &database) : m_database(database) {}

    /// In order of category; empty if there are none (also for a user that does not exist).
    awaitable<Result<std::vector<LimitOverride>>> list(Id user);
    /// Replaces all of the user's by these and returns what there was. NotFound: no such user. Conflict: a category
    /// twice.
    awaitable<Result<std::vector<LimitOverride>>> replace(Id user, std::vector<LimitOverride> overrides, WallTime when);

private:
    Database &m_database;
};

} // namespace portolan::storage
