// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/tier.h"
#include "core/queue/key_layout.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::monitor {

/// Whether a key matches a glob, as Redis' SCAN … MATCH has it: `*` `?` `[a-c]` `[^a]` `\x`, byte by byte.
/// Linear in key × pattern at worst.
bool globMatches(std::string_view pattern, std::string_view key);

/// Which family a key belongs to. For the portal itself the table of core/redis/keys.h; where the tier names patterns
/// (somebody else's stack) those: of several that match the one with the most literal characters, then the first in
/// order of the families' names; and "other" for the rest.
/// Immutable; from any thread.
class KeyFamilies final
{
public:
    /// `watched`: of a stack that others wrote the layout of its queues, whose lists are of the family "queue", where
    /// there is one. Nothing: they are the portal's own.
    explicit KeyFamilies(const Tier &tier, std::optional<queue::KeyLayout> watched = std::nullopt);

    /// In the order they are shown; "other" is last.
    const std::vector<std::string> &names() const { return m_names; }

    /// An index into names(). `queues`: names of the queues there are.
    std::size_t indexOf(std::string_view key, std::span<const std::string> queues) const;

    /// Globs that together match every key of the family; indexOf() decides. Empty for an unknown one and for "other".
    std::vector<std::string> patternsOf(std::string_view family) const;

    /// Families that may be cleaned up: what is lost with them comes back by itself (limits start anew, users sign in
    /// again, caches fill). Never the queue, never "other". Of somebody else's stack only those of which every pattern
    /// begins with three literal characters: a family "cache" of `*` would be everything.
    bool cleanable(std::string_view family) const;

private:
    std::vector<std::string> m_names;
    std::vector<std::vector<std::string>> m_patterns; ///< empty: the portal's own families
    const std::size_t m_leastLiteral;                 ///< that patterns of a family that is cleaned up begin with
    const queue::KeyLayout m_layout;
    std::optional<std::size_t> m_queue; ///< the family of queues, with patterns
};

} // namespace portolan::monitor
