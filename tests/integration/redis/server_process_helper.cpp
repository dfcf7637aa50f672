// SPDX-License-Identifier: GPL-3.0-or-later
// Runs an embedded Redis in the directory named by its argument until it is killed; prints "pid socket" once it is up.

#include "core/redis/server_process.h"

#include <unistd.h>

#include <cstdio>

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    portolan::redis::ServerProcess server({.dataDirectory = argv[1]});
    if (auto started = server.start(); !started) {
        std::fprintf(stderr, "%s\n", started.error().message.c_str());
        return 1;
    }
    std::printf("%d %s\n", static_cast<int>(server.status().pid), server.endpoint().path.c_str());
    std::fflush(stdout);
    for (;;)
        pause();
}
