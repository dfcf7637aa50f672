#pragma once

#include "core/base/asio.h"

#include <any>
#include <chrono>
#include <functional>
#include <memory>

namespace portolan::http {

class WebSocket;

/// Whether whoever opened a WebSocket may still have it; told what admission found out about the request.
using StillAllowed = std::function<awaitable<bool>(const std::any &admission)>;

/// Asks `allowed` every `interval` as long as the socket is open, and closes it with 4001 when the answer is no. Ends
/// when the token is dropped, on the socket's executor.
[[nodiscard]] std::shared_ptr<void> watchSocket(std::shared_ptr<WebSocket> socket, std::any admission,
                                                StillAllowed allowed, std::chrono::milliseconds interval);

} // namespace portolan::http
