// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string>

namespace portolan::embedded {

/// A sentence for a command line, as it is told to somebody who has fields instead: options, variables and keys of
/// settings become the names of their fields ("with --listen" → "in the field Listen"), those without a field the keys
/// of the settings. Commands ("`portoland …`") are left as they are, since they are to be typed so.
std::string withFieldNames(const std::string &text);

/// An error's message and hint.
Error withFieldNames(Error error);

} // namespace portolan::embedded
