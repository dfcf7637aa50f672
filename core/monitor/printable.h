// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace portolan::monitor {

/// Bytes of unknown origin (a key, a client's name) as UTF-8 for people: what cannot be seen is escaped as
/// visible() of base/given_text.h has it (`\x1f`, `\u202e`, `\xff`); cut after `most` bytes with "…".
std::string printable(std::string_view bytes, std::size_t most = 200);

/// The same for a key; the secret part of a session's key, which signs its user in, is cut to four characters.
std::string printableKey(std::string_view key, std::string_view family, std::size_t most = 200);

} // namespace portolan::monitor
