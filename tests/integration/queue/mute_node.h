// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_numbers.h"
#include "core/queue/control_message.h"
#include "core/queue/keys.h"
#include "core/queue/scripts.h"
#include "tests/integration/queue/queue_instance.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

namespace portolan {

/// Listens for remote control as a worker of this program does, and answers `active_queues` at once but `stats` only
/// when told to: what a portal on a loaded machine is like between two questions.
class MuteNode final
{
public:
    explicit MuteNode(QueueInstance &instance)
        : m_instance(instance),
          m_token(instance.subscriber.subscribe(
              queue::controlChannel(0), [this](std::string_view, std::string_view payload) { answer(payload); }))
    {}

    static constexpr std::string_view name = "portolan-mute";
    std::atomic<bool> tellsStats{false};

private:
    void answer(std::string_view payload)
    {
        const auto request = queue::decodeControl(payload);
        if (!request || request->replyTo.empty())
            return;
        boost::json::value told;
        if (request->method == "active_queues")
            told = boost::json::array{boost::json::object{{"name", "celery"}}};
        else if (request->method == "stats" && tellsStats)
            told = boost::json::object{{"pool", boost::json::object{{"implementation", "portolan:threads"}}}};
        else
            return;
        const std::string exchange =
            request->replyExchange.empty() ? std::string(queue::keys::replyExchange) : request->replyExchange;
        const std::string body = jsonText(boost::json::object{{name, told}});
        std::string reply = queue::encodeReply(body, exchange, request->replyTo, request->ticket, 1);
        boost::asio::co_spawn(m_instance.runtime.at(0),
                              send(m_instance.client, m_scripts, exchange, request->replyTo, std::move(reply)),
                              boost::asio::detached);
    }

    /// Static: it may end after the node has.
    static awaitable<void> send(redis::Client &client, std::shared_ptr<const queue::Scripts> scripts,
                                std::string exchange, std::string replyTo, std::string reply)
    {
        const std::string binding = queue::keys::binding(exchange);
        const std::array<std::string_view, 1> keys{binding};
        const std::array<std::string_view, 4> arguments{replyTo, queue::keys::separator, reply, "300"};
        (void)co_await client.eval(scripts->reply, keys, arguments);
    }

    QueueInstance &m_instance;
    const std::shared_ptr<const queue::Scripts> m_scripts = std::make_shared<queue::Scripts>();
    const std::shared_ptr<void> m_token;
};

} // namespace portolan
