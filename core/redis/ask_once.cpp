// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/ask_once.h"

#include "core/redis/reply_reader.h"

#include <boost/asio/this_coro.hpp>

#include <array>
#include <utility>

namespace portolan::redis {

namespace {

/// Of all there is to ask so: some lists of servers.
constexpr std::size_t mostBytes = 4 * 1024 * 1024;

awaitable<Result<std::vector<Reply>>> exchange(std::shared_ptr<Stream> stream, Command commands)
{
    error_code failed;
    co_await stream->send(asio::buffer(commands.bytes()), failed);
    // Read even after a failed write: Redis says why before it closes.
    const auto reader = std::make_shared<ReplyReader>(mostBytes);
    const auto input = std::make_shared<std::array<char, 16 * 1024>>();
    std::vector<Reply> replies;
    Reply reply;
    while (replies.size() < commands.count()) {
        const auto next = reader->next(reply);
        if (next == ReplyReader::Next::Malformed)
            co_return failure(ErrorKind::Protocol, "What listens there is no Redis: " + reader->problem() + ".");
        if (next == ReplyReader::Next::Reply) {
            replies.push_back(std::move(reply));
            continue;
        }
        const std::size_t size = co_await stream->readSome(asio::buffer(*input), failed);
        if (size != 0 && !failed) {
            reader->feed(input->data(), size);
            continue;
        }
        if (const auto problem = stream->tlsProblem(failed))
            co_return *problem;
        co_return Error{ErrorKind::Unavailable,
                        "redis-away",
                        isEnd(failed) || !failed ? "It closed the connection." : failed.message() + ".",
                        "Look at its log.",
                        {},
                        std::chrono::seconds{1}};
    }
    co_return replies;
}

} // namespace

awaitable<Result<Answers>> askOnce(Endpoint endpoint, std::shared_ptr<Dialer> way, std::shared_ptr<TlsClient> tls,
                                   Command commands, SteadyTime deadline)
{
    const Executor executor = co_await asio::this_coro::executor;
    const auto stream = std::make_shared<Stream>(executor, std::move(way), std::move(tls));
    if (auto connected = co_await stream->connect(endpoint, deadline); !connected)
        co_return connected.error();
    const auto late = std::make_shared<bool>(false);
    Timer watchdog(executor, deadline);
    watchdog.async_wait([stream, late](const error_code &cancelled) {
        if (cancelled)
            return;
        *late = true;
        stream->close();
    });
    Command all;
    if (!endpoint.user.empty())
        all.add("AUTH", endpoint.user, endpoint.password);
    else if (!endpoint.password.empty())
        all.add("AUTH", endpoint.password);
    const bool signsIn = all.count() == 1;
    all.append(commands);
    auto replies = co_await exchange(stream, std::move(all));
    watchdog.cancel();
    stream->close();
    if (!replies && *late)
        co_return Error{
            ErrorKind::Timeout,     "redis-timeout", "It did not answer in time.", "Look whether it is stuck.", {},
            std::chrono::seconds{1}};
    if (!replies)
        co_return replies.error();
    Answers answers;
    if (signsIn) {
        answers.signIn = std::move(replies->front());
        replies->erase(replies->begin());
    }
    answers.replies = std::move(*replies);
    co_return answers;
}

} // namespace portolan::redis
