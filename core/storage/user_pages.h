// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/user.h"

namespace portolan::storage {

class DatabaseConnection;

/// UsersStore::page(), on a connection.
Result<UserPage> readUserPage(DatabaseConnection &connection, const UserQuery &query);

} // namespace portolan::storage
