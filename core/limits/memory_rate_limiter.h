// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/limits/decision.h"

#include <list>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace portolan::limits {

/// The same windows in this process alone: for while Redis is away or full. From any thread. Bounded: beyond `keys`
/// the one not used for longest goes, so a flood of addresses cannot eat the machine.
class MemoryRateLimiter final
{
public:
    explicit MemoryRateLimiter(const Clock &clock, std::size_t keys = 100'000);

    Decision count(std::span<const Check> checks);

    /// Takes back what count() counted at `at` (Decision::now), in every window in which it still counts.
    void giveBack(std::span<const Check> checks, WallTime at);

    std::size_t size() const; ///< keys held

private:
    struct Entry
    {
        std::int64_t at = 0; ///< milliseconds: its last request
        std::uint32_t count = 0;
    };
    struct Counter
    {
        std::uint8_t tag = 0; ///< category, and whether in addition
        std::uint16_t id = 0;
        std::uint32_t used = 0;
        std::int64_t reset = 0;          ///< fixed windows
        std::vector<Entry> entries = {}; ///< moving windows, oldest first
    };
    struct Caller
    {
        std::string key;
        std::vector<Counter> counters = {};
    };
    struct Room ///< in one window
    {
        std::int64_t left = 0; ///< after this request; -1: none
        std::uint32_t count = 0;
        std::int64_t reset = 0;
    };

    Caller &caller(std::string_view key);
    static Counter &counterOf(Caller &caller, std::uint8_t tag, std::uint16_t id);
    static Room look(Counter &counter, const Window &window, std::int64_t now);
    static void unuse(Counter &counter, const Window &window, std::int64_t at);
    static void use(Counter &counter, const Window &window, std::int64_t now);

    const Clock &m_clock;
    const std::size_t m_bound;
    mutable std::mutex m_mutex;
    std::list<Caller> m_order; ///< most recently used first
    std::unordered_map<std::string_view, std::list<Caller>::iterator> m_index;
};

} // namespace portolan::limits
