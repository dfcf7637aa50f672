// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/api/task.h"
#include "core/base/asio.h"
#include "core/limits/window_spec.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::limits {

class LimitsTable;

/// How far a window is used up.
struct WindowUse
{
    Window window;
    std::uint64_t used = 0;
    std::optional<WallTime> reset; ///< fixed: when it is forgotten. Moving: when its oldest request leaves it
};

/// What the value of a caller's key (layout: resources/scripts/windows.lua) says of the windows of one tag, in the
/// order of `spec`. Bytes that are no such value count as nothing used.
std::vector<WindowUse> windowUse(std::string_view value, std::uint8_t tag, const WindowSpec &spec, WallTime now);

/// Looks at how much of their limits users have used, without using anything up. Any thread; coroutines resume on the
/// caller's executor.
class LimitUseReader final
{
public:
    /// All outlive it.
    LimitUseReader(redis::Client &client, LimitsTable &table, const Clock &clock)
        : m_client(client), m_table(table), m_clock(clock)
    {}

    /// Every window of every category that limits this user. Unavailable while Redis is away: what each instance
    /// counts in its own memory then is nobody's whole truth.
    awaitable<Result<std::vector<LimitUse>>> of(Id user);

private:
    redis::Client &m_client;
    LimitsTable &m_table;
    const Clock &m_clock;
};

} // namespace portolan::limits
