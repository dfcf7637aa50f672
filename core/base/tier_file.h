// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/tier.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reads tiers. A tier file is TOML; its tables spell the keys of tierKeys(), which are settings too
/// (`redis.maxmemory`, `limits.api`, `zones.redis_memory.yellow`). What a tier does not name it inherits from `small`,
/// save the Redis plan, which each tier names itself; the plan's zones are 2/3 and 5/6 of it unless named.
///
/// Beside the keys a file has `name`, `title` and these arrays of tables, where naming one replaces the inherited list:
/// `alerts` and `upgrade_when` (metric, above: a number, a size, a duration, or "red" for the zone's threshold;
/// action), `upgrade_path` and `costs` (part, name, users, monthly, monthly_most), `phases` (name, users, starts_above,
/// replicas_least, replicas_most, adds) and `load_mix` (path, weight).
namespace portolan {

/// How a setting's text is read.
enum class ValueType : std::uint8_t { Text, Integer, Number, Boolean, Duration, Size, List };

/// One key of a tier, or a family of them.
struct TierKey
{
    std::string key; ///< "redis.maxmemory"; a last segment `*` stands for any name ("budget.*")
    ValueType type;
    std::string description;
    /// Sets it from text. `name`: what stands for `*`. Invalid with what is expected.
    std::function<Result<void>(Tier &tier, std::string_view name, std::string_view text)> set;
    /// The effective values as text: one, or for `*` one per name that has one (then `name` is set).
    struct Value
    {
        std::string name;
        std::string text;
    };
    std::function<std::vector<Value>(const Tier &tier)> get;
    std::string_view noEffect = {}; ///< why nothing in this version acts on it; empty: it acts
};

/// All keys, in the order they are listed to people.
const std::vector<TierKey> &tierKeys();

struct TierKeyMatch
{
    const TierKey *key;
    std::size_t order; ///< index in tierKeys(); values of one layer are set in this order, the Redis plan first
    std::string name;  ///< what stands for `*`
};
/// Which key this is; nullopt if none.
std::optional<TierKeyMatch> findTierKey(std::string_view key);

/// The names of the built-in tiers, `small` first.
std::vector<std::string> builtInTiers();

/// A built-in tier by name, or a TOML file by path (anything with a '/' or ending in ".toml"). Invalid with the file,
/// the line and the mend; NotFound for a name that is none.
Result<Tier> loadTier(const std::string &nameOrPath);

/// A tier from TOML text; `source` names it in errors.
Result<Tier> parseTier(std::string_view toml, const std::string &source);

/// What `tier` says otherwise than `base` that nothing in this version acts on, keys and arrays of tables: "key: why".
std::vector<std::string> withoutEffect(const Tier &tier, const Tier &base);

/// What cannot be right in a tier as a whole: yellow above red, a budget above the plan, … Checked by the loader, and
/// by Settings after overrides.
Result<void> checkTier(const Tier &tier);

} // namespace portolan
