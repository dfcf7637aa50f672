// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <QString>
#include <string_view>

/// What went wrong, for a person at a console. GUI thread or any other.
namespace portolan::ui {

/// All of it: what failed, the way out, and where its settings are set: "… Choose another. It is set in the field Data
/// directory."
QString errorText(const Error &error);

/// Error::code, to go on with: "a conflict with what is there"; of one that has no words here the code itself.
QString codeText(std::string_view code);

} // namespace portolan::ui
