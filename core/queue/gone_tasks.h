// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/queue/scripts.h"

#include <string>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

/// Finds tasks of which nothing is left: somebody purged or deleted their queue. From any thread.
class GoneTasks final
{
public:
    explicit GoneTasks(redis::Client &client) : m_client(client) {} ///< which outlives it

    /// Those of `ids` (at most 100) that wait in none of these queues, are not taken, not parked, and have no stored
    /// result. Costs Redis the reading of all that waits and is taken, at most 2,000 messages and 4 MiB: with more, or
    /// while workers of other programs are announced, nobody knows, and none is answered. Errors: those of
    /// redis::Client.
    awaitable<Result<std::vector<std::string>>> among(std::vector<std::string> ids, std::vector<std::string> queues);

    static constexpr unsigned messagesMost = 2000;
    static constexpr std::size_t bytesMost = 4 * 1024 * 1024;

private:
    redis::Client &m_client;
    const Scripts m_scripts;
};

} // namespace portolan::queue
