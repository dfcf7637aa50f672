#pragma once

#include "core/api/result.h"
#include "core/api/user.h"

namespace portolan::storage {

class Connection;

/// UsersStore::page(), on a connection.
Result<UserPage> readUserPage(Connection &connection, const UserQuery &query);

} // namespace portolan::storage
