// SPDX-License-Identifier: GPL-3.0-or-later
/// used_memory of a real redis-server with the append-only file on, holding 100,000 sessions and, for 15,000 of their
/// users, all windows of `api` and `analysis`. The last line is JSON, for run.py.

#include "tests/integration/portal/memory_layout.h"

#include <cstdio>

int main()
{
    const auto use = portolan::memory_layout::measure();
    std::printf("{\"empty\": %lld, \"sessions\": %lld, \"used_memory\": %lld, \"failed\": %d}\n",
                static_cast<long long>(use.empty), static_cast<long long>(use.sessions),
                static_cast<long long>(use.all), use.failed);
    return use.failed == 0 ? 0 : 1;
}
