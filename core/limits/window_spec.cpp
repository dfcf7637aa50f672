// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/window_spec.h"

#include "core/limits/packing.h"

#include <algorithm>

namespace portolan::limits {

WindowSpec::WindowSpec(Windows windows) : m_windows(std::move(windows))
{
    for (const bool moving : {false, true})
        for (const auto &window : m_windows) {
            if (window.moving != moving)
                continue;
            put(m_packed, idOf(window), 2);
            put(m_packed, window.count, 4);
            put(m_packed, static_cast<std::uint64_t>(window.length().count()), 5);
        }
    m_fixed = static_cast<std::size_t>(std::ranges::count(m_windows, false, &Window::moving));
}

std::uint16_t WindowSpec::idOf(const Window &window)
{
    return static_cast<std::uint16_t>(static_cast<unsigned>(window.unit) << 13 | (window.moving ? 1u << 12 : 0u) |
                                      window.multiple);
}

} // namespace portolan::limits
