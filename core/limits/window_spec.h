// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/limits/grammar.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace portolan::limits {

/// Windows made ready for counting. Immutable; shared by all threads.
///
/// `packed()` is what the scripts read, little-endian, 11 bytes a window, the fixed ones first:
///     u16 id      unit << 13 | moving << 12 | multiple: names the window within its category, whatever its count, so
///                 that a changed count goes on from what was used, and a changed length starts afresh
///     u32 count
///     u40 length  milliseconds
class WindowSpec final
{
public:
    WindowSpec() = default; ///< no windows: nothing is limited
    explicit WindowSpec(Windows windows);

    bool empty() const { return m_windows.empty(); }
    std::size_t size() const { return m_windows.size(); }
    const Windows &windows() const { return m_windows; }
    std::string_view packed() const { return m_packed; }
    std::size_t fixed() const { return m_fixed; }                     ///< of them
    std::size_t moving() const { return m_windows.size() - m_fixed; } ///< of them

    static std::uint16_t idOf(const Window &window);
    bool operator==(const WindowSpec &other) const { return m_windows == other.m_windows; }

private:
    Windows m_windows;
    std::size_t m_fixed = 0;
    std::string m_packed;
};

} // namespace portolan::limits
