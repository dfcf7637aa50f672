// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/remote_client.h"

#include "core/base/ids.h"
#include "core/queue/control_message.h"
#include "core/queue/keys.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <mutex>

namespace portolan::queue {

namespace {

constexpr auto pollFirst = std::chrono::milliseconds(2);
constexpr auto pollMost = std::chrono::milliseconds(50); ///< who has not answered soon is not asked for all the time
constexpr auto timeoutMost = std::chrono::milliseconds(10'000);
constexpr auto listKept = std::chrono::seconds(300);

awaitable<void> sleep(std::chrono::milliseconds time)
{
    Timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::as_tuple(use_awaitable));
}

} // namespace

struct RemoteClient::Impl
{
    Impl(redis::Client &redisClient, const Clock &theClock, unsigned theDatabase)
        : client(redisClient), clock(theClock), database(theDatabase), list(routingKey + ".reply.celery.pidbox")
    {
        binding = routingKey;
        binding.append(keys::separator).append(keys::separator).append(list);
    }

    ControlRequest request(std::string method, boost::json::object arguments, std::vector<std::string> nodes)
    {
        ControlRequest request;
        request.method = std::move(method);
        request.arguments = std::move(arguments);
        request.destination = std::move(nodes);
        request.sent = clock.wall();
        return request;
    }

    /// Sends the request, the reply list being bound; answers how many listen.
    awaitable<Result<std::uint64_t>> send(ControlRequest request, std::vector<std::string> channels)
    {
        redis::Command command;
        if (!request.replyTo.empty())
            command.add("SADD", keys::binding(keys::replyExchange), binding);
        const std::size_t own = request.replyTo.empty() ? 0 : 1;
        const std::string message = encode(request);
        command.add("PUBLISH", controlChannel(database), message);
        for (const std::string &channel : channels)
            command.add("PUBLISH", channel, message);
        Result<std::vector<redis::Reply>> replies = co_await client.pipeline(std::move(command));
        if (!replies)
            co_return replies.error();
        std::uint64_t listening = 0;
        for (std::size_t i = 0; i < replies->size(); ++i) {
            if ((*replies)[i].isError() && i <= own)
                co_return redis::errorOf((*replies)[i]);
            if (i >= own && !(*replies)[i].isError())
                listening += static_cast<std::uint64_t>(std::max<std::int64_t>((*replies)[i].integer, 0));
        }
        co_return listening;
    }

    /// Moves what has arrived into `arrived`, by ticket: several ask() may wait at the same time.
    awaitable<Result<void>> collect()
    {
        redis::Command there("EXISTS", list);
        const Result<redis::Reply> any = co_await client.run(std::move(there));
        if (!any)
            co_return any.error();
        if (any->integer == 0)
            co_return Result<void>{};
        redis::Command command("MULTI");
        command.add("LRANGE", list, 0, -1).add("DEL", list).add("EXEC");
        Result<std::vector<redis::Reply>> replies = co_await client.pipeline(std::move(command));
        if (!replies)
            co_return replies.error();
        if (replies->back().elements.size() != 2)
            co_return redis::errorOf(replies->back());
        const std::lock_guard lock(mutex);
        for (const redis::Reply &raw : replies->back().elements[0].elements) {
            Result<ControlReply> reply = decodeReply(raw.text);
            const auto waiting = reply ? arrived.find(reply->ticket) : arrived.end();
            if (waiting == arrived.end())
                continue; // somebody gave up waiting for it
            for (boost::json::key_value_pair &node : reply->nodes)
                waiting->second[std::string(node.key())] = std::move(node.value());
        }
        co_return Result<void>{};
    }

    std::size_t answers(const std::string &ticket)
    {
        const std::lock_guard lock(mutex);
        return arrived[ticket].size();
    }

    std::map<std::string, boost::json::value> taken(const std::string &ticket)
    {
        const std::lock_guard lock(mutex);
        auto node = arrived.extract(ticket);
        return node ? std::move(node.mapped()) : std::map<std::string, boost::json::value>{};
    }

    redis::Client &client;
    const Clock &clock;
    const unsigned database;
    const std::string routingKey = "portolan-" + uuid4();
    const std::string list;
    std::string binding;
    std::mutex mutex;
    std::map<std::string, std::map<std::string, boost::json::value>> arrived; ///< by ticket
};

RemoteClient::RemoteClient(redis::Client &client, const Clock &clock, unsigned database)
    : m_impl(std::make_unique<Impl>(client, clock, database))
{}

RemoteClient::~RemoteClient() = default;

awaitable<Result<std::map<std::string, boost::json::value>>>
RemoteClient::ask(std::string method, boost::json::object arguments, std::vector<std::string> nodes,
                  std::chrono::milliseconds timeout, std::vector<std::string> channels)
{
    std::size_t expected = nodes.size();
    ControlRequest request = m_impl->request(std::move(method), std::move(arguments), std::move(nodes));
    request.replyTo = m_impl->routingKey;
    request.ticket = uuid4();
    const std::string ticket = request.ticket;
    m_impl->answers(ticket); // replies to it are wanted from now on
    const SteadyTime deadline = m_impl->clock.steady() + std::min(timeout, timeoutMost);
    const Result<std::uint64_t> listening = co_await m_impl->send(std::move(request), std::move(channels));
    if (!listening) {
        m_impl->taken(ticket);
        co_return listening.error();
    }
    if (expected == 0)
        expected = *listening;
    auto poll = pollFirst;
    while (m_impl->answers(ticket) < expected && m_impl->clock.steady() < deadline) {
        co_await sleep(poll);
        poll = std::min(poll * 2, pollMost);
        const Result<void> collected = co_await m_impl->collect();
        if (!collected) {
            m_impl->taken(ticket);
            co_return collected.error();
        }
    }
    // A late reply makes the list anew, and without an expiry.
    redis::Command command("EXPIRE", m_impl->list, listKept.count());
    m_impl->client.post(std::move(command));
    co_return m_impl->taken(ticket);
}

awaitable<Result<std::uint64_t>> RemoteClient::tell(std::string method, boost::json::object arguments,
                                                    std::vector<std::string> nodes, std::vector<std::string> channels)
{
    ControlRequest request = m_impl->request(std::move(method), std::move(arguments), std::move(nodes));
    co_return co_await m_impl->send(std::move(request), std::move(channels));
}

awaitable<void> RemoteClient::close()
{
    redis::Command command("SREM", keys::binding(keys::replyExchange), m_impl->binding);
    command.add("DEL", m_impl->list);
    co_await m_impl->client.pipeline(std::move(command));
}

} // namespace portolan::queue
