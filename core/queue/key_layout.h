// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/queue/keys.h"

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::queue {

/// How somebody's kombu names its keys; by default as ours does. Options of whoever enqueues
/// (broker_transport_options), which stand in no key of their own.
/// Source: kombu/transport/redis.py, class Channel.
struct KeyLayout
{
    std::string prefix{};                   ///< `global_keyprefix`, before every key and channel
    std::string separator{keys::separator}; ///< `sep`, between a queue and its priority step
    std::vector<unsigned> steps{std::begin(keys::prioritySteps), std::end(keys::prioritySteps)}; ///< `priority_steps`
    std::string unacked{keys::unacked};           ///< `unacked_key`, without the prefix
    std::string unackedIndex{keys::unackedIndex}; ///< `unacked_index_key`, without the prefix
    bool operator==(const KeyLayout &) const = default;

    /// The key of a queue's list. Step 0 has no suffix.
    std::string list(std::string_view queue, unsigned step) const
    {
        std::string key = prefix;
        key.append(queue);
        if (step != 0)
            key.append(separator).append(std::to_string(step));
        return key;
    }
    std::string unackedKey() const { return prefix + unacked; }
    std::string unackedIndexKey() const { return prefix + unackedIndex; }
};

} // namespace portolan::queue
