#include "core/limits/window_spec.h"

#include <algorithm>

namespace portolan::limits {

namespace {

void putLittle(std::string &to, std::uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i)
        to += static_cast<char>(value >> (8 * i));
}

} // namespace

WindowSpec::WindowSpec(Windows windows) : m_windows(std::move(windows))
{
    for (const auto &window : m_windows) {
        putLittle(m_packed, idOf(window), 2);
        putLittle(m_packed, window.count, 4);
        putLittle(m_packed, static_cast<std::uint64_t>(window.length().count()), 5);
    }
}

bool WindowSpec::anyMoving() const { return std::ranges::any_of(m_windows, &Window::moving); }

std::uint16_t WindowSpec::idOf(const Window &window)
{
    return static_cast<std::uint16_t>(static_cast<unsigned>(window.unit) << 13 | (window.moving ? 1u << 12 : 0u) |
                                      window.multiple);
}

} // namespace portolan::limits
