// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text that goes out again: into JSON and WebSocket messages, where a receiver must refuse all of it for one bad byte.
namespace portolan {

/// Bytes from the start that are whole characters of UTF-8 (RFC 3629: no surrogates, nothing overlong or above
/// U+10FFFF); text.size() where all are.
std::size_t utf8Prefix(std::string_view text);
inline bool isUtf8(std::string_view text) { return utf8Prefix(text) == text.size(); }

/// At most `most` bytes of it, never a part of a character.
std::string_view cutText(std::string_view text, std::size_t most);

/// With each byte that is no UTF-8 replaced by U+FFFD.
std::string toUtf8(std::string_view text);

} // namespace portolan
