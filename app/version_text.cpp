// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/version_text.h"

#include "core/base/version.h"
#include "core/storage/sqlite_version.h"

#include <boost/version.hpp>

#include <QtGlobal>
#include <algorithm>

namespace portolan::app {

std::string versionText(const std::string &program)
{
    std::string boost = BOOST_LIB_VERSION; // "1_81"
    std::ranges::replace(boost, '_', '.');
    return program + ' ' + version() + "\nQt " + qVersion() + ", Boost " + boost + ", SQLite " +
           storage::sqliteVersion();
}

} // namespace portolan::app
