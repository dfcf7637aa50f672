// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/queue/results.h"

#include <string>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

/// What is stored for tasks: PENDING only where nothing is. What is there and cannot be read, by its type or by what it
/// holds, is an outcome (readResult()). Errors: those of redis::Client.
awaitable<Result<TaskResult>> storedResult(redis::Client &client, std::string id);
/// The same for several, in order.
awaitable<Result<std::vector<TaskResult>>> storedResults(redis::Client &client, std::vector<std::string> ids);

} // namespace portolan::queue
