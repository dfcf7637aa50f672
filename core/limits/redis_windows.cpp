// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/redis_windows.h"

#include "core/base/embedded_file.h"
#include "core/limits/scripts.h"

#include <stdexcept>

namespace portolan::limits {

namespace {

constexpr std::chrono::sys_seconds epoch{std::chrono::seconds{1'577'836'800}};

} // namespace

std::string windowsLua() { return scriptSource("windows.lua"); }

std::string scriptSource(std::string_view name)
{
    const auto *file = findEmbedded(scripts::embeddedFiles(), name);
    if (!file)
        throw std::logic_error("no script " + std::string(name));
    return std::string(file->text);
}

std::uint8_t tagOf(Category category, bool additional)
{
    return static_cast<std::uint8_t>(static_cast<unsigned>(category) + (additional ? 32 : 0));
}

WallTime timeOfScript(std::uint64_t milliseconds) { return epoch + std::chrono::milliseconds(milliseconds); }

std::uint64_t testTimeOf(const Clock *clock)
{
    if (!clock)
        return 0;
    return static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::milliseconds>(clock->wall()).time_since_epoch().count());
}

} // namespace portolan::limits
