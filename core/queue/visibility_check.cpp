// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/visibility_check.h"

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/redis/client.h"

namespace portolan::queue {

namespace {

constexpr auto askTimeout = std::chrono::milliseconds(1000);
constexpr double kombuDefault = 3600;
constexpr std::size_t toldMost = 1000;
constexpr auto ownPool = "portolan:threads";

} // namespace

double visibilityTimeoutOf(const boost::json::value &stats)
{
    boost::system::error_code missing;
    const boost::json::value *timeout = stats.find_pointer("/broker/transport_options/visibility_timeout", missing);
    if (!timeout || !timeout->is_number())
        return kombuDefault;
    return timeout->to_number<double>();
}

VisibilityCheck::VisibilityCheck(redis::Client &client, RemoteClient &remote, Logger &logger,
                                 std::chrono::milliseconds longest)
    : m_client(client), m_remote(remote), m_logger(logger), m_longest(longest)
{}

awaitable<void> VisibilityCheck::run()
{
    // kombu's workers are bound there, ours are not.
    redis::Command command("SCARD", keys::binding("celery.pidbox"));
    const auto workers = co_await m_client.run(std::move(command));
    if (!workers || workers->integer == m_workers)
        co_return;
    const auto stats = co_await m_remote.ask("stats", {}, {}, askTimeout);
    if (!stats)
        co_return; // Redis is away, or lets nobody publish: others say so
    std::int64_t answered = 0;
    const double longest = std::chrono::duration<double>(m_longest).count();
    for (const auto &[node, reply] : *stats) {
        boost::system::error_code none;
        if (const auto *pool = reply.find_pointer("/pool/implementation", none); pool && *pool == ownPool)
            continue; // puts nothing back by time
        ++answered;
        const double timeout = visibilityTimeoutOf(reply);
        const auto told = m_told.find(node);
        if (timeout >= longest || (told != m_told.end() && told->second == timeout))
            continue;
        if (m_told.size() >= toldMost)
            m_told.clear();
        m_told[node] = timeout;
        m_logger.warn(
            "a worker on this Redis has a visibility timeout that is shorter than tasks may take: those that it "
            "runs late, or holds for their time, run more than once. Set visibility_timeout in its "
            "broker_transport_options above the longest task",
            {{"worker", node}, {"visibility_timeout_seconds", timeout}, {"longest_task_seconds", longest}});
    }
    // One that starts is bound before it listens, so who has not answered is asked again.
    m_workers = answered >= workers->integer ? workers->integer : -1;
}

} // namespace portolan::queue
