// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <cstddef>
#include <string_view>

namespace portolan {

inline constexpr std::size_t shortestSecretKey = 32;

/// The way out of a key that is refused.
inline constexpr std::string_view secretKeyMend =
    "Set PORTAL_SECRET_KEY, or a file named by PORTAL_SECRET_KEY_FILE, to what `openssl rand -base64 32` prints";

/// Whether a key can sign what strangers present. Invalid, without a word of the key itself: missing, shorter than 32
/// bytes, or guessable (one character or one piece over and over, a row such as 0123…, few characters, a placeholder
/// such as "changeme"). Random bytes pass in base64 and in hexadecimal digits.
Result<void> checkSecretKey(std::string_view key);

/// A low estimate of what it takes to guess `text`, in bits: the size of its alphabet for each character that neither
/// repeats nor continues what was before it.
double guessingBits(std::string_view text);

} // namespace portolan
