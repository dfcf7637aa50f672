// SPDX-License-Identifier: GPL-3.0-or-later
// A worker as a process of its own, for tests that kill it: worker_process URL [CONCURRENCY]. Prints its node's name
// when it takes tasks, and ends on SIGTERM.

#include "tests/integration/queue/queue_instance.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>

using namespace portolan;

namespace {

queue::TaskRegistry tasks()
{
    queue::TaskRegistry registry;
    registry.add("test.sleep", [](queue::TaskContext &context) -> Result<boost::json::value> {
        const auto end =
            std::chrono::steady_clock::now() + std::chrono::milliseconds(context.args().at(0).to_number<int>());
        while (std::chrono::steady_clock::now() < end && !context.cancelled())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return boost::json::value(getpid());
    });
    registry.add("test.crash", [](queue::TaskContext &) -> Result<boost::json::value> {
        ::kill(getpid(), SIGKILL);
        return boost::json::value(nullptr);
    });
    registry.add("test.add", [](queue::TaskContext &context) -> Result<boost::json::value> {
        return boost::json::value(context.args().at(0).to_number<std::int64_t>() +
                                  context.args().at(1).to_number<std::int64_t>());
    });
    registry.add("test.fail",
                 [](queue::TaskContext &) -> Result<boost::json::value> { throw std::runtime_error("as told"); });
    return registry;
}

} // namespace

int main(int count, char **words)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::setlocale(LC_ALL, ""); // as Qt's application objects do
    if (count < 2)
        return 2;
    const Result<redis::Endpoint> endpoint = redis::Endpoint::parse(words[1]);
    if (!endpoint)
        return 2;
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
    QueueInstance instance(*endpoint);
    queue::WorkerOptions options;
    options.concurrency = count > 2 ? static_cast<unsigned>(std::atoi(words[2])) : 2;
    instance.startWorkers(tasks(), options);
    std::printf("%s\n", instance.pool->node().c_str());
    std::fflush(stdout);
    int received = 0;
    sigwait(&wanted, &received);
    instance.stopWorkers(std::chrono::seconds(5));
    return 0;
}
