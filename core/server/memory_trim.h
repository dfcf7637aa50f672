// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>

namespace portolan::server {

/// Gives memory back to the system after a peak of connections. The allocator keeps what was freed between what is
/// still used; ten thousand connections would leave some hundred megabytes resident for good.
class MemoryTrim final
{
public:
    /// Whether there are so many fewer than at the last peak that it is worth a trim, and no more are going: what those
    /// hold would stay. The peak begins anew then. Call it every second or so.
    bool due(std::size_t connections);

    /// Takes some milliseconds: not on an I/O thread.
    static void trim();

private:
    static constexpr std::size_t worth = 500; ///< connections fewer
    std::size_t m_peak = 0;
    std::size_t m_before = 0; ///< at the last call
};

} // namespace portolan::server
