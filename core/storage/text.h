// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace portolan::storage {

/// Fit to be stored, shown and found again: valid UTF-8 (what is not becomes U+FFFD), control characters as blanks, at
/// most `bytes` long, cut between characters.
std::string fitText(std::string_view text, std::size_t bytes);

} // namespace portolan::storage
