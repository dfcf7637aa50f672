// SPDX-License-Identifier: GPL-3.0-or-later
// An instance as a process of its own, for tests that kill, freeze and restart it: instance_process URL NAME ANSWERS
// MILLISECONDS. Prints "ready", then what becomes of "a"; ends on SIGTERM, with a goodbye.

#include "tests/integration/monitor/instance_in_test.h"

#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

using namespace portolan;
using namespace portolan::monitor::instances;

int main(int count, char **words)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto endpoint = count == 5 ? redis::Endpoint::parse(words[1]) : Result<redis::Endpoint>(Error{});
    if (!endpoint)
        return 2;
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
    InstanceInTest instance(*endpoint, words[2], std::uint32_t(std::atoi(words[3])),
                            std::chrono::milliseconds(std::atoi(words[4])));
    std::puts("ready");
    std::fflush(stdout);
    const timespec often{0, 50'000'000};
    std::string said;
    while (sigtimedwait(&wanted, nullptr, &often) != SIGTERM) {
        const std::string changes = instance.changes("a");
        if (changes == said)
            continue;
        std::puts(changes.c_str());
        std::fflush(stdout);
        said = changes;
    }
    return 0;
}
