// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/sharded.h"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <thread>

namespace portolan::telemetry {

template <class T> Sharded<T>::Sharded(std::size_t cells) : m_size(cells)
{
    constexpr std::size_t perLine = 64 / sizeof(std::atomic<T>);
    m_shards = std::bit_ceil(std::size_t{std::clamp(std::thread::hardware_concurrency(), 1u, 8u)});
    m_stride = (cells + perLine - 1) / perLine * perLine;
    auto *memory = static_cast<std::atomic<T> *>(
        ::operator new(m_shards *m_stride * sizeof(std::atomic<T>), std::align_val_t(64)));
    std::uninitialized_value_construct_n(memory, m_shards * m_stride);
    m_cells.reset(memory);
}

template <class T> std::size_t Sharded<T>::shard() const noexcept
{
    // The CPU, not the thread: needs no thread-local state, and glibc reads it without a system call (rseq). A thread
    // that moves in between only shares a cache line once; the addition is atomic anyway.
    const int cpu = ::sched_getcpu();
    return std::size_t(std::max(cpu, 0)) & (m_shards - 1);
}

template class Sharded<std::uint64_t>;
template class Sharded<std::uint32_t>;

} // namespace portolan::telemetry
