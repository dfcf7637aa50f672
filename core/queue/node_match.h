// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace portolan::queue {

/// Whether a pattern of a remote-control request names a node.
enum class NodeMatch : std::uint8_t {
    No,
    Yes,
    Unreadable, ///< the pattern is none, or too long, or of an unknown kind
    TooCostly   ///< nobody can say within the bound
};

/// kombu/matcher.py: `matcher` "glob" is Python's fnmatch.fnmatch (`*`, `?`, `[seq]`, `[!seq]`; a backslash is one),
/// "pcre" Python's re.match (from the start of the name on, not necessarily to its end).
///
/// Anybody who reaches the control channel writes these patterns, so both go to PCRE2 with bounds on steps, depth and
/// memory: well below a millisecond whatever the pattern is. PCRE2 and not a linear-time engine, because patterns that
/// Celery's own workers understand (look-around, back references) should not be refused by ours. Any thread.
[[nodiscard]] NodeMatch matchNode(std::string_view node, std::string_view matcher, std::string_view pattern);

inline constexpr std::size_t patternMost = 128; ///< bytes
inline constexpr std::size_t nodeNameMost = 512;

} // namespace portolan::queue
