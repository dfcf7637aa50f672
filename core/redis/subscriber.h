// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/redis/client.h"
#include "core/redis/endpoint.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {

/// The process's one connection for publish/subscribe. Subscribes again to everything after each reconnect; messages
/// published while it was away are lost, as Redis has it.
class Subscriber final
{
public:
    /// Called on the subscriber's executor; must not block. `channel` is the one published to, also for patterns.
    using Handler = std::function<void(std::string_view channel, std::string_view payload)>;

    Subscriber(Executor executor, Endpoint endpoint, ClientOptions options = {});
    ~Subscriber();
    Subscriber(const Subscriber &) = delete;
    Subscriber &operator=(const Subscriber &) = delete;

    void start();
    void stop(); ///< no handler runs after it has returned
    Client::State state() const;
    /// How often it has become Ready: one more each time messages may have been lost. From any thread.
    std::uint64_t connections() const;
    /// A channel or a pattern that is wanted and that this Redis refuses; the others go on. Asked for again every few
    /// seconds.
    struct Refused
    {
        std::string name;
        bool pattern = false;
        bool unknown = false; ///< the server does not know the command (rename-command): no ACL mends that
        bool operator==(const Refused &) const = default;
    };
    std::vector<Refused> refused() const; ///< from any thread
    /// Why there is no connection; nothing while there is one, and before the first try has failed. From any thread.
    std::optional<Error> problem() const;

    /// From any thread, before or after start(). Several handlers of one channel share one subscription. The handler
    /// stays until the returned token is destroyed; after that returns on the subscriber's thread it never runs again.
    [[nodiscard]] std::shared_ptr<void> subscribe(std::string channel, Handler handler);
    [[nodiscard]] std::shared_ptr<void> subscribePattern(std::string pattern, Handler handler);

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::redis
