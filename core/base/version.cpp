// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/version.h"

namespace portolan {

const char *version() { return PORTOLAN_VERSION; }

} // namespace portolan
