// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/memory_trim.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

namespace portolan::server {

bool MemoryTrim::due(std::size_t connections)
{
    m_peak = std::max(m_peak, connections);
    const std::size_t before = std::exchange(m_before, connections);
    if (before > connections + worth / 10 || m_peak - connections < worth || connections > m_peak / 2)
        return false;
    m_peak = connections;
    return true;
}

void MemoryTrim::trim() { ::malloc_trim(0); }

} // namespace portolan::server
