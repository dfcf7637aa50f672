// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace portolan::app {

/// "portoland 0.1.0", and what it runs with: "Qt 6.4.2, Boost 1.81, SQLite 3.40.1".
std::string versionText(const std::string &program);

} // namespace portolan::app
