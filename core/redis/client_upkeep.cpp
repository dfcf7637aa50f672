// SPDX-License-Identifier: GPL-3.0-or-later
// What a client does by itself for as long as it is connected: it signs in with a renewed password, and sees whether it
// still is where it wants to be.

#include "core/redis/client_impl.h"
#include "core/redis/errors.h"
#include "core/redis/password.h"

#include <boost/asio/redirect_error.hpp>

#include <utility>

namespace portolan::redis {

namespace {

constexpr std::chrono::milliseconds turn{1000};
/// A role changes seldom, and Sentinel hangs up on the clients of whom it demotes; that is not to be relied on alone.
constexpr int turnsBetweenRoles = 10;

} // namespace

Endpoint Client::Impl::endpoint() const
{
    const std::lock_guard lock(m_mutex);
    return m_endpoint;
}

void Client::Impl::reconnect(std::string why)
{
    asio::post(m_executor, [self = shared_from_this(), why = std::move(why)]() mutable {
        if (self->m_link)
            self->leave(*self->m_link, std::move(why));
    });
}

void Client::Impl::leave(Link &link, std::string why)
{
    link.gaveUp = std::move(why);
    link.wire.close(); // run() is reading and sees the end
}

void Client::Impl::noteTurn(Link &link, const Reply &reply)
{
    if (!reply.isError())
        return;
    const std::string_view word = reply.errorCode();
    if (word == "MOVED") {
        m_moved.fetch_add(1, std::memory_order_relaxed);
        m_cluster.store(true, std::memory_order_relaxed);
    } else if (word == "READONLY" && m_options.primaryOnly) {
        leave(link, "it has become a read-only replica");
    }
}

awaitable<void> Client::Impl::upkeep(std::shared_ptr<Impl> self, std::shared_ptr<Link> link)
{
    for (int number = 1; self->m_link == link; ++number) {
        error_code cancelled;
        self->m_upkeep.expires_after(turn);
        co_await self->m_upkeep.async_wait(asio::redirect_error(use_awaitable, cancelled));
        if (self->m_link != link)
            co_return;
        if (self->m_options.password)
            co_await self->signInAgain(link);
        if (self->m_link == link && self->m_options.primaryOnly && number % turnsBetweenRoles == 0)
            co_await self->checkRole(link);
    }
}

/// Redis goes on with the old sign-in where it refuses the new one.
awaitable<void> Client::Impl::signInAgain(std::shared_ptr<Link> link)
{
    m_options.password->renewIfDue(m_executor);
    const auto kept = m_options.password->kept();
    if (!kept || kept->equals(link->password) || m_state.load(std::memory_order_acquire) != State::Ready)
        co_return;
    const std::string password(kept->reveal());
    Command command;
    if (m_endpoint.user.empty())
        command.add("AUTH", password);
    else
        command.add("AUTH", m_endpoint.user, password);
    Call call;
    co_await perform(call, command, m_options.commandTimeout);
    if (m_link != link || call.error || call.reply.errorCode() == "LOADING" || call.reply.errorCode() == "BUSY")
        co_return; // again in the next turn
    link->password = password;
    if (!call.reply.isError())
        m_signIns.fetch_add(1, std::memory_order_relaxed);
    else
        m_options.password->refused(*kept);
}

awaitable<void> Client::Impl::checkRole(std::shared_ptr<Link> link)
{
    const auto way = link->wire.wayToRole();
    if (!way)
        co_return;
    Call call;
    const Command question = roleQuestion(*way);
    co_await perform(call, question, m_options.commandTimeout);
    if (m_link != link || call.error)
        co_return;
    if (const std::string role = roleOf(*way, call.reply); !role.empty() && role != "master")
        leave(*link, "it has become a read-only replica");
}

} // namespace portolan::redis
