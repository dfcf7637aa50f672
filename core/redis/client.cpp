// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/client.h"

#include "core/redis/client_impl.h"
#include "core/redis/errors.h"

#include <algorithm>
#include <utility>

namespace portolan::redis {

namespace {

constexpr std::size_t refusalsMost = 32;

Result<Reply> single(Call &call)
{
    if (call.error)
        return std::move(*call.error);
    if (call.reply.isError())
        return errorOf(call.reply);
    return std::move(call.reply);
}

Command evalsha(const Script &script, std::span<const std::string_view> keys,
                std::span<const std::string_view> arguments)
{
    Command command;
    command.begin(3 + keys.size() + arguments.size()).argument("EVALSHA").argument(script.sha()).argument(keys.size());
    for (const auto key : keys)
        command.argument(key);
    for (const auto argument : arguments)
        command.argument(argument);
    return command;
}

} // namespace

Client::Client(Executor executor, Endpoint endpoint, ClientOptions options)
    : m_impl(std::make_shared<Impl>(executor, std::move(endpoint), std::move(options)))
{}

Client::~Client() { stop(); }

void Client::start() { m_impl->start(); }
void Client::stop() { m_impl->stop(); }
Client::State Client::state() const { return m_impl->state(); }
std::optional<Error> Client::problem() const { return m_impl->problem(); }
Client::Counters Client::counters() const { return m_impl->counters(); }
std::vector<std::string> Client::takeRefusals() { return m_impl->takeRefusals(); }
void Client::preload(const Script &script) { m_impl->addScript(script); }
void Client::reconnect(std::string why) { m_impl->reconnect(std::move(why)); }
Endpoint Client::endpoint() const { return m_impl->endpoint(); }
bool Client::isCluster() const { return m_impl->isCluster(); }
void Client::post(Command commands) { m_impl->post(commands); }

std::vector<std::string> Client::Impl::takeRefusals()
{
    const std::lock_guard lock(m_mutex);
    return std::exchange(m_refusals, {});
}

void Client::Impl::noteRefusal(const Reply &reply)
{
    if (!reply.isError() || !refusesRight(reply))
        return;
    std::string command = refusedCommand(reply);
    const std::lock_guard lock(m_mutex);
    if (m_refusals.size() < refusalsMost && std::ranges::find(m_refusals, command) == m_refusals.end())
        m_refusals.push_back(std::move(command));
}

awaitable<Result<void>> Client::waitReady(std::chrono::milliseconds deadline)
{
    Call call;
    co_await m_impl->awaitReady(call, deadline);
    if (call.error)
        co_return std::move(*call.error);
    co_return Result<void>{};
}

awaitable<Result<Reply>> Client::run(Command command)
{
    return run(std::move(command), m_impl->options().commandTimeout);
}

awaitable<Result<Reply>> Client::run(Command command, std::chrono::milliseconds deadline)
{
    if (command.count() != 1)
        co_return failure(ErrorKind::Internal, "run() takes exactly one Redis command.");
    Call call;
    co_await m_impl->perform(call, command, deadline);
    co_return single(call);
}

awaitable<Result<std::vector<Reply>>> Client::pipeline(Command commands)
{
    return pipeline(std::move(commands), m_impl->options().commandTimeout);
}

awaitable<Result<std::vector<Reply>>> Client::pipeline(Command commands, std::chrono::milliseconds deadline)
{
    std::vector<Reply> replies;
    if (commands.count() == 0)
        co_return replies;
    replies.reserve(commands.count());
    Call call;
    call.replies = &replies;
    co_await m_impl->perform(call, commands, deadline);
    if (call.error)
        co_return std::move(*call.error);
    co_return replies;
}

awaitable<Result<Reply>> Client::eval(const Script &script, std::span<const std::string_view> keys,
                                      std::span<const std::string_view> arguments)
{
    return eval(script, keys, arguments, m_impl->options().commandTimeout);
}

awaitable<Result<Reply>> Client::Impl::script(std::shared_ptr<Impl> self, const Script &script, Command command,
                                              std::chrono::milliseconds deadline)
{
    const auto until = std::chrono::steady_clock::now() + deadline;
    {
        Call call;
        co_await self->perform(call, command, deadline);
        if (call.error || call.reply.errorCode() != "NOSCRIPT")
            co_return single(call);
    }
    // SCRIPT LOAD and not EVAL, whose scripts Redis 7.4 may evict again.
    Command again("SCRIPT", "LOAD", script.source());
    again.append(command);
    std::vector<Reply> replies;
    Call call;
    call.replies = &replies;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    co_await self->perform(call, again, left);
    if (!call.error)
        call.reply = std::move(replies[replies[0].isError() ? 0 : 1]);
    co_return single(call);
}

awaitable<Result<Reply>> Client::eval(const Script &script, std::span<const std::string_view> keys,
                                      std::span<const std::string_view> arguments, std::chrono::milliseconds deadline)
{
    return Impl::script(m_impl, script, evalsha(script, keys, arguments), deadline);
}

awaitable<Result<Reply>> Client::evalTogether(const Script &script, std::span<const std::string_view> keys,
                                              std::string_view argument, std::chrono::milliseconds deadline)
{
    const auto impl = m_impl;
    const auto until = std::chrono::steady_clock::now() + deadline;
    {
        Call call;
        co_await impl->performTogether(call, script, keys, argument, deadline);
        if (call.error || call.reply.errorCode() != "NOSCRIPT")
            co_return single(call);
    }
    // Redis has forgotten the script: each of those that went together asks once more for itself, and loads it.
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    auto all = co_await Impl::script(impl, script, evalsha(script, keys, {&argument, 1}), left);
    if (!all)
        co_return all.error();
    if (all->type != Reply::Type::Array || all->elements.size() != 1)
        co_return all;
    if (all->elements[0].isError())
        co_return errorOf(all->elements[0]);
    co_return std::move(all->elements[0]);
}

} // namespace portolan::redis
