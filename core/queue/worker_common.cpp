// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/worker_common.h"

#include "core/base/ids.h"
#include "core/redis/errors.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace portolan::queue {

namespace {

std::string nodeName(const WorkerOptions &options, const std::string &instance)
{
    if (!options.nodeName.empty())
        return options.nodeName;
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    return "portolan-" + instance + "@" + host.data();
}

WorkerOptions bounded(WorkerOptions options)
{
    options.prefetchMultiplier = std::max(1u, options.prefetchMultiplier);
    return options;
}

} // namespace

WorkerCommon::WorkerCommon(Executor ioExecutor, redis::Client &redisClient, redis::Subscriber &redisSubscriber,
                           const Clock &theClock, TaskRegistry theRegistry, WorkerOptions theOptions,
                           LeaseHolder leaseHolder)
    : executor(ioExecutor),
      client(redisClient),
      subscriber(redisSubscriber),
      clock(theClock),
      registry(std::move(theRegistry)),
      options(bounded(std::move(theOptions))),
      instance(uuid4().substr(0, 8)),
      node(nodeName(options, instance)),
      endTrouble(options.logger, clock, "tasks that ended cannot be acknowledged; tried again",
                 redis::lacksNamedCommand),
      lease(client, scripts, clock, instance, options.logger, std::move(leaseHolder)),
      outbox(executor, client, scripts, instance, options.resultExpiry, options.logger, &endTrouble),
      refusals(clock, options.logger, node)
{}

} // namespace portolan::queue
