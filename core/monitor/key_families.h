// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/tier.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::monitor {

/// Whether a key matches a glob, as Redis' SCAN … MATCH has it: `*` `?` `[a-c]` `[^a]` `\x`, byte by byte.
/// Linear in key × pattern at worst.
bool globMatches(std::string_view pattern, std::string_view key);

/// Which family a key belongs to. For the portal itself the table of core/redis/keys.h; where the tier names patterns
/// (somebody else's stack) those, first match in order of the families' names, and "other" for the rest.
/// Immutable; from any thread.
class KeyFamilies final
{
public:
    explicit KeyFamilies(const Tier &tier);

    /// In the order they are shown; "other" is last.
    const std::vector<std::string> &names() const { return m_names; }

    /// An index into names(). `queues`: names of the queues there are.
    std::size_t indexOf(std::string_view key, std::span<const std::string> queues) const;

    /// Globs that together match every key of the family; indexOf() decides. Empty for an unknown one and for "other".
    std::vector<std::string> patternsOf(std::string_view family) const;

    /// Families that may be cleaned up: what is lost with them comes back by itself (limits start anew, users sign in
    /// again, caches fill). Never the queue, never "other".
    bool cleanable(std::string_view family) const;

private:
    std::vector<std::string> m_names;
    std::vector<std::vector<std::string>> m_patterns; ///< empty: the portal's own families
};

} // namespace portolan::monitor
