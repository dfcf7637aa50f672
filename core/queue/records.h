// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/base/trouble.h"
#include "core/queue/log_pace.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace portolan {
class Logger;
}

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

struct Scripts;

/// A delivery and the list it was taken from, as q:o:<instance> notes it.
struct Record
{
    std::string delivery;
    std::string list;
};

/// Mends what instances have noted of their deliveries (q:o:<instance>) where somebody has deleted it: a DEL by hand,
/// or a Redis that evicts. A living instance writes its own again from what it holds. What a dead one noted is found
/// out from `unacked`, of which each look sees a part, and written for it: then it is put back like all that a dead one
/// held (Lease). Not thread-safe: of one coroutine.
class Records final
{
public:
    Records(redis::Client &client, const Scripts &scripts, const Clock &clock, std::string instance, Logger *logger);

    struct Mended
    {
        std::uint64_t written = 0;
        std::unordered_set<std::string> gone; ///< not in `unacked` any more: ended, put back, or deleted
    };
    /// Writes again which of `held` are not noted; a step for each 500. With an error some may be written.
    awaitable<Result<Mended>> mend(std::vector<Record> held);

    void begin();           ///< looking through all that is taken, unless that goes on already
    awaitable<void> look(); ///< at the next part of it; costs nothing where nothing was begun
    std::optional<Error> problem() const { return m_trouble.current(); } ///< any thread

private:
    awaitable<Result<Mended>> write(std::string instance, std::vector<Record> records);
    void tell(std::uint64_t written);

    redis::Client &m_client;
    const Scripts &m_scripts;
    const Clock &m_clock;
    Logger *const m_logger;
    const std::string m_instance;
    Trouble m_trouble;
    LogPace m_pace;
    std::optional<std::uint64_t> m_at; ///< of unacked_index, where the next look begins
};

/// The message in an entry of `unacked` that take.lua made; empty where it did not.
std::string_view messageIn(std::string_view entry);
/// The list such an entry was taken from; empty where that cannot be told.
std::string listOfEntry(std::string_view entry);

} // namespace portolan::queue
