// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/sqlite_version.h"

#include <sqlite3.h>

namespace portolan::storage {

const char *sqliteVersion() { return sqlite3_libversion(); }

} // namespace portolan::storage
