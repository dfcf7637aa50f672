// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QApplication>
#include <memory>

namespace portolan::app {

constexpr int noDisplay = 3; ///< exit code: there is none, or it cannot be opened

bool isDisplayNamed(); ///< by the environment; it may not be there, though

/// The program's QApplication. Without a display Qt would end the process with a core dump; this ends it with words
/// that name the way out, and exit code `noDisplay`.
std::unique_ptr<QApplication> openDisplay(int &argc, char **argv);

} // namespace portolan::app
