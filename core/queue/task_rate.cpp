// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/task_rate.h"

#include <charconv>
#include <cmath>

namespace portolan::queue {

std::optional<std::chrono::nanoseconds> TaskRate::parse(std::string_view text)
{
    double count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || !std::isfinite(count) || count < 0 || count > 1e9)
        return std::nullopt;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    double seconds = 0;
    if (unit.empty() || unit == "/s")
        seconds = 1;
    else if (unit == "/m")
        seconds = 60;
    else if (unit == "/h")
        seconds = 3600;
    else
        return std::nullopt;
    if (count == 0)
        return std::chrono::nanoseconds(0);
    const double interval = seconds * 1e9 / count;
    if (interval > 1e9 * 86400)
        return std::nullopt; // less than one a day is a mistake
    return std::chrono::nanoseconds(static_cast<std::int64_t>(interval));
}

} // namespace portolan::queue
