#include "core/base/version.h"

namespace portolan {

const char *version() { return PORTOLAN_VERSION; }

} // namespace portolan
