// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace portolan::telemetry {

/// An array of counters that many threads add to at once without sharing cache lines: each CPU adds to its own copy of
/// the array, reading sums them up. add() is one relaxed atomic addition, no lock, no allocation (about 5 ns).
///
/// A sum is not a moment's picture: additions that run meanwhile are in it or not. It never goes back, and nothing is
/// lost. Narrow `T` may wrap: differences of two sums are right as long as they fit `T`.
template <class T = std::uint64_t> class Sharded final
{
public:
    explicit Sharded(std::size_t cells);

    void add(std::size_t cell, T by = 1) noexcept
    {
        m_cells[shard() * m_stride + cell].fetch_add(by, std::memory_order_relaxed);
    }
    T sum(std::size_t cell) const noexcept
    {
        T total = 0;
        for (std::size_t i = 0; i < m_shards; ++i)
            total += m_cells[i * m_stride + cell].load(std::memory_order_relaxed);
        return total;
    }
    std::size_t size() const { return m_size; }
    std::size_t bytes() const { return m_shards * m_stride * sizeof(T); }

private:
    struct Free
    {
        void operator()(std::atomic<T> *cells) const
        {
            ::operator delete(static_cast<void *>(cells), std::align_val_t(64));
        }
    };
    std::size_t shard() const noexcept;

    std::size_t m_size;
    std::size_t m_shards; ///< a power of two, at most 8
    std::size_t m_stride; ///< cells of one copy, filled up to whole cache lines
    std::unique_ptr<std::atomic<T>[], Free> m_cells;
};

extern template class Sharded<std::uint64_t>;
extern template class Sharded<std::uint32_t>;

} // namespace portolan::telemetry
