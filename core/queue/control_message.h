// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// kombu's pidbox messages and Celery's events on Redis: the envelope of a task message around a JSON body.
/// kombu/pidbox.py, celery/events/dispatcher.py.
namespace portolan::queue {

/// Workers listen here for requests.
[[nodiscard]] std::string controlChannel(unsigned database);
/// Events go here; `type` is "worker-online", "task-multi" and so on.
[[nodiscard]] std::string eventChannel(unsigned database, std::string_view type);

inline constexpr std::size_t maxControlBytes = 64 * 1024;

struct ControlRequest
{
    std::string method;
    boost::json::object arguments;
    std::vector<std::string> destination; ///< nodes; empty: all
    std::string replyTo;                  ///< the reply queue's routing key; empty: no reply wanted
    std::string ticket;
    std::uint64_t clock = 0; ///< Lamport's, of the sender
    WallTime sent{};
    std::string pattern{}; ///< of nodes, instead of a destination …
    std::string matcher{}; ///< … "glob" or "pcre"
    std::string replyExchange{};
};

[[nodiscard]] std::string encode(const ControlRequest &request);
[[nodiscard]] Result<ControlRequest> decodeControl(std::string_view raw);

/// `body`: JSON text of {node: value}.
[[nodiscard]] std::string encodeReply(std::string_view body, std::string_view exchange, std::string_view routingKey,
                                      std::string_view ticket, std::uint64_t clock);
struct ControlReply
{
    std::string ticket;
    boost::json::object nodes;
};
[[nodiscard]] Result<ControlReply> decodeReply(std::string_view raw);

/// `body`: JSON text of one event or a list of them.
[[nodiscard]] std::string encodeEvent(std::string_view body, std::string_view type, std::string_view node);

} // namespace portolan::queue
