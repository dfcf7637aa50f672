#include "core/server/commands.h"
#include "core/storage/sqlite_version.h"

#include <boost/version.hpp>

#include <QtGlobal>
#include <algorithm>

namespace portolan::server {

const char *version() { return PORTOLAN_VERSION; }

std::string versionText(const std::string &program)
{
    std::string boost = BOOST_LIB_VERSION; // "1_81"
    std::ranges::replace(boost, '_', '.');
    return program + ' ' + version() + "\nQt " + qVersion() + ", Boost " + boost + ", SQLite " +
           storage::sqliteVersion();
}

} // namespace portolan::server
