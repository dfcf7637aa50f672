// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace portolan::storage {

const char *sqliteVersion(); ///< "3.40.1", of the library that runs

} // namespace portolan::storage
