// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string>

/// What a command tells whoever started it.
namespace portolan::commands {

/// Prints "portoland: message hint" to standard error as one line, what cannot be seen escaped, and answers the exit
/// code: 2 for what is wrong with the words or the configuration (Invalid, Unsupported), otherwise 1.
int report(const Error &error);
int report(const Error &error, const char *program); ///< instead of "portoland"

/// How the settings of an error are set from a terminal, where its words do not say so: " Set it with --database or
/// DATABASE_URL.", of several " The settings are --tls-cert and --tls-key." Empty: nothing is to be said, as where the
/// message begins with the place of the value (Error::about, "portolan.toml:3: …"), for there it is mended.
std::string howSet(const Error &error);

/// For a command that is asked for what it prints: 0, or 1 after a line on standard error where that could not be
/// written.
int outputWritten();

} // namespace portolan::commands
