#include "core/http/socket_watch.h"

#include "core/base/runtime.h"
#include "core/http/websocket.h"

#include <boost/asio/redirect_error.hpp>

namespace portolan::http {

namespace {

struct Watch
{
    std::shared_ptr<WebSocket> socket;
    std::any admission;
    StillAllowed allowed;
    std::chrono::milliseconds interval;
    Timer timer;
    bool ended = false;
};

awaitable<void> run(std::shared_ptr<Watch> watch)
{
    while (!watch->ended && watch->socket->open()) {
        error_code cancelled;
        watch->timer.expires_after(watch->interval);
        co_await watch->timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
        if (cancelled || watch->ended || !watch->socket->open())
            co_return;
        const bool allowed = co_await watch->allowed(watch->admission);
        if (!allowed)
            watch->socket->close(4001, "The session has ended.");
    }
}

} // namespace

std::shared_ptr<void> watchSocket(std::shared_ptr<WebSocket> socket, std::any admission, StillAllowed allowed,
                                  std::chrono::milliseconds interval)
{
    const auto executor = socket->executor();
    auto watch = std::make_shared<Watch>(
        Watch{std::move(socket), std::move(admission), std::move(allowed), interval, Timer(executor)});
    spawn(executor, [watch] { return run(watch); });
    return std::shared_ptr<void>(nullptr, [watch](void *) {
        watch->ended = true;
        watch->timer.cancel();
    });
}

} // namespace portolan::http
