#include "core/server/commands.h"

namespace portolan::server {

const char *version() { return PORTOLAN_VERSION; }

} // namespace portolan::server
