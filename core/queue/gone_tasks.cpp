// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/gone_tasks.h"

#include "core/queue/keys.h"
#include "core/redis/client.h"

#include <string_view>

namespace portolan::queue {

awaitable<Result<std::vector<std::string>>> GoneTasks::among(std::vector<std::string> ids,
                                                             std::vector<std::string> queues)
{
    std::vector<std::string> lists;
    for (const std::string &queue : queues)
        for (const int step : keys::prioritySteps)
            lists.push_back(keys::list(queue, step));
    std::vector<std::string_view> scriptKeys{keys::unacked, keys::parked};
    scriptKeys.insert(scriptKeys.end(), lists.begin(), lists.end());
    const std::string most = std::to_string(messagesMost);
    const std::string bytes = std::to_string(bytesMost);
    std::vector<std::string_view> arguments{most, bytes};
    arguments.insert(arguments.end(), ids.begin(), ids.end());
    const auto reply = co_await m_client.eval(m_scripts.gone, scriptKeys, arguments);
    if (!reply)
        co_return reply.error();
    std::vector<std::string> gone;
    for (std::size_t i = 1; i < reply->elements.size(); ++i)
        gone.push_back(reply->elements[i].text);
    co_return gone;
}

} // namespace portolan::queue
