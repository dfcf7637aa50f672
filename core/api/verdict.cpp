#include "core/api/verdict.h"

#include <algorithm>

namespace portolan {

Zone verdict(std::span<const Reading> readings, std::span<const LinkStatus> links)
{
    if (std::ranges::find(links, std::optional(false), &LinkStatus::up) != links.end())
        return Zone::Red;
    const auto rank = [](const Reading &reading) {
        switch (reading.zone) {
        case Zone::Red:
            return 4;
        case Zone::Yellow:
            return 3;
        case Zone::Green:
            return 1;
        case Zone::Unknown:
            break;
        }
        return reading.unknown == Unknown::TooFew || reading.unknown == Unknown::NotAvailable ? 0 : 2;
    };
    int worst = 0;
    for (const Reading &reading : readings)
        worst = std::max(worst, rank(reading));
    return worst == 4 ? Zone::Red : worst == 3 ? Zone::Yellow : worst == 1 ? Zone::Green : Zone::Unknown;
}

} // namespace portolan
