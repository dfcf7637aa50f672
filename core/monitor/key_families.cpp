// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/key_families.h"

#include "core/api/action.h"
#include "core/redis/keys.h"

#include <algorithm>
#include <array>
#include <utility>

namespace portolan::monitor {

namespace {

/// Reads `[…]` at the start of `pattern`, cuts it off, and says whether it has `c`. An unclosed one ends the pattern.
bool classMatches(std::string_view &pattern, unsigned char c)
{
    std::size_t at = 1;
    const bool negated = at < pattern.size() && pattern[at] == '^';
    at += negated;
    bool found = false;
    while (at < pattern.size() && pattern[at] != ']') {
        if (pattern[at] == '\\' && at + 1 < pattern.size())
            ++at;
        const auto low = static_cast<unsigned char>(pattern[at]);
        auto high = low;
        if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
            high = static_cast<unsigned char>(pattern[at + 2]);
            at += 2;
        }
        found = found || (c >= std::min(low, high) && c <= std::max(low, high));
        ++at;
    }
    pattern.remove_prefix(std::min(at + 1, pattern.size()));
    return found != negated;
}

constexpr std::size_t leastLiteralOfOthers = 3;

/// How many characters stand for themselves: before the first that does not, and in all.
std::size_t literalStart(std::string_view pattern)
{
    std::size_t count = 0;
    while (!pattern.empty() && pattern[0] != '*' && pattern[0] != '?' && pattern[0] != '[') {
        pattern.remove_prefix(pattern[0] == '\\' && pattern.size() > 1 ? 2 : 1);
        ++count;
    }
    return count;
}

std::size_t literalsOf(std::string_view pattern)
{
    std::size_t count = 0;
    while (!pattern.empty()) {
        if (pattern[0] == '[') {
            (void)classMatches(pattern, 0);
            continue;
        }
        count += pattern[0] != '*' && pattern[0] != '?';
        pattern.remove_prefix(pattern[0] == '\\' && pattern.size() > 1 ? 2 : 1);
    }
    return count;
}

} // namespace

bool globMatches(std::string_view pattern, std::string_view key)
{
    // A later `*` makes an earlier one final, so one point to come back to is enough.
    std::string_view starPattern;
    std::string_view starKey;
    bool star = false;
    while (!key.empty()) {
        std::string_view rest = pattern;
        bool matches = false;
        if (!pattern.empty() && pattern[0] == '*') {
            star = true;
            starPattern = pattern.substr(1);
            starKey = key;
            pattern = starPattern;
            continue;
        }
        if (!pattern.empty() && pattern[0] == '[') {
            matches = classMatches(rest, static_cast<unsigned char>(key[0]));
        } else if (!pattern.empty()) {
            const bool escaped = pattern[0] == '\\' && pattern.size() > 1;
            matches = (!escaped && pattern[0] == '?') || pattern[escaped] == key[0];
            rest.remove_prefix(escaped ? 2 : 1);
        }
        if (matches) {
            pattern = rest;
            key.remove_prefix(1);
        } else if (star) {
            starKey.remove_prefix(1);
            key = starKey;
            pattern = starPattern;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*') == std::string_view::npos;
}

KeyFamilies::KeyFamilies(const Tier &tier, std::optional<queue::KeyLayout> watched)
    : m_leastLiteral(watched ? leastLiteralOfOthers : 0), m_layout(std::move(watched).value_or(queue::KeyLayout()))
{
    if (tier.familyPatterns.empty()) {
        for (const redis::Family family : redis::families)
            m_names.emplace_back(redis::nameOf(family));
        return;
    }
    for (const auto &[name, patterns] : tier.familyPatterns) {
        if (name == "other")
            continue;
        if (name == redis::nameOf(redis::Family::Queue))
            m_queue = m_names.size();
        m_names.push_back(name);
        m_patterns.push_back(patterns);
    }
    m_names.emplace_back("other");
    m_patterns.emplace_back();
}

std::size_t KeyFamilies::indexOf(std::string_view key, std::span<const std::string> queues) const
{
    if (m_patterns.empty()) {
        const auto found = std::ranges::find(redis::families, redis::familyOf(key, queues));
        return std::size_t(found - redis::families.begin());
    }
    // A queue may have any name, also one that a pattern of a cache matches.
    if (m_queue)
        for (const std::string &queue : queues)
            for (const unsigned step : m_layout.steps)
                if (key == m_layout.list(queue, step))
                    return *m_queue;
    std::size_t best = m_names.size() - 1;
    std::optional<std::size_t> most;
    for (std::size_t family = 0; family < m_patterns.size(); ++family)
        for (const std::string &pattern : m_patterns[family])
            if (const std::size_t literals = literalsOf(pattern);
                (!most || literals > *most) && globMatches(pattern, key)) {
                most = literals;
                best = family;
            }
    return best;
}

std::vector<std::string> KeyFamilies::patternsOf(std::string_view family) const
{
    if (m_patterns.empty()) {
        const auto known = redis::familyNamed(family);
        if (!known)
            return {};
        const auto patterns = redis::patternsOf(*known);
        return {patterns.begin(), patterns.end()};
    }
    const auto found = std::ranges::find(m_names, family);
    return found == m_names.end() ? std::vector<std::string>{} : m_patterns[std::size_t(found - m_names.begin())];
}

bool KeyFamilies::cleanable(std::string_view family) const
{
    const auto found = std::ranges::find(m_names, family);
    if (whyNotCleanedUp(family) != WhyNot::No || found == m_names.end())
        return false;
    return m_patterns.empty() ||
           std::ranges::all_of(m_patterns[std::size_t(found - m_names.begin())],
                               [this](const std::string &pattern) { return literalStart(pattern) >= m_leastLiteral; });
}

} // namespace portolan::monitor
