#pragma once

#include <string>
#include <string_view>

namespace portolan::monitor {

/// Bytes of unknown origin (a key, a client's name) as UTF-8 for people: control characters and bytes that are no UTF-8
/// become `\x1f`; cut after `most` bytes with "…".
std::string printable(std::string_view bytes, std::size_t most = 200);

/// The same for a key; the secret part of a session's key, which signs its user in, is cut to four characters.
std::string printableKey(std::string_view key, std::string_view family, std::size_t most = 200);

} // namespace portolan::monitor
