// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string>

namespace portolan {

/// All of an error for a person who sees no form: what is wrong with each field is a sentence of its own. A detail that
/// goes on from its field's name ("must be …") comes after it, one that is a sentence ("It is empty.") stands alone, or
/// after a colon where there are several fields. What the message says already is not said again.
std::string wordsOf(const Error &error);

} // namespace portolan
