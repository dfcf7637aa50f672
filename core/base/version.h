// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace portolan {

/// Of this program: "0.1.0".
const char *version();

} // namespace portolan
