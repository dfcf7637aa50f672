#pragma once

namespace portolan {

/// Of this program: "0.1.0".
const char *version();

} // namespace portolan
