// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/rights.h"
#include "core/redis/script.h"

#include <string>
#include <string_view>
#include <vector>

/// Whether the keys that somebody's work needs hold what they must: another program on the same Redis may have used the
/// name for something else, and then nothing that goes by it works.
namespace portolan::redis {

/// A key that may be absent, and must be of one type otherwise.
struct NeededKey
{
    std::string key;
    std::string_view command; ///< one that reads its size, and that Redis refuses on another type: "LLEN", "ZCARD"
    Use use;                  ///< what does not work without
    bool operator==(const NeededKey &) const = default;
};

/// Those of `needed` that hold something of another type. One round trip; as many commands for Redis, and one more.
/// `script`: typesProbe().
Script typesProbe();
awaitable<Result<std::vector<NeededKey>>> probeTypes(Client &client, const Script &script,
                                                     std::vector<NeededKey> needed);

} // namespace portolan::redis
