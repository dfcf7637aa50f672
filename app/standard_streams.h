// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace portolan::app {

/// Opens what of standard input, output and error the caller has closed, so that reading and writing fail as before:
/// otherwise the next file or socket would be it, and get what is printed. Before anything else is opened.
void openStandardStreams();

} // namespace portolan::app
