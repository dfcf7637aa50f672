// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/verdict.h"

#include <algorithm>

namespace portolan {

namespace {

/// It cannot, or need not, be known: no sign that anything is wrong.
bool mayBeUnknown(Unknown why)
{
    return why == Unknown::TooFew || why == Unknown::NotAvailable || why == Unknown::NoLimit || why == Unknown::NotTold;
}

bool isDown(std::span<const LinkStatus> links, std::string_view name)
{
    return std::ranges::any_of(links, [name](const LinkStatus &link) { return link.name == name && link.up == false; });
}

/// Whether a resource cannot work for a link that is down: its own, or the queue, which may be down while Redis
/// answers.
bool isCutOff(std::span<const LinkStatus> links, Resource resource)
{
    const bool ofQueue =
        resource == Resource::Queue || resource == Resource::Workers || resource == Resource::OldestTask;
    return isDown(links, linkOf(resource)) || (ofQueue && isDown(links, "queue"));
}

} // namespace

Zone zoneOf(double value, const ZoneLimits &limits, bool redWhenReached)
{
    if (value > limits.red || (redWhenReached && value == limits.red))
        return Zone::Red;
    return value < limits.yellow ? Zone::Green : Zone::Yellow;
}

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
        return mayBeUnknown(reading.unknown) ? 0 : 2;
    };
    int worst = 0;
    for (const Reading &reading : readings)
        worst = std::max(worst, rank(reading));
    return worst == 4 ? Zone::Red : worst == 3 ? Zone::Yellow : worst == 1 ? Zone::Green : Zone::Unknown;
}

void markDown(std::span<Reading> readings, std::span<const LinkStatus> links)
{
    for (Reading &reading : readings) {
        if (!isCutOff(links, reading.resource))
            continue;
        reading.zone = Zone::Red;
        reading.unknown = Unknown::Away;
        reading.slope.reset();
        reading.toNextZone.reset();
    }
}

Standing standingOf(const Snapshot &snapshot)
{
    Standing standing;
    standing.zone = snapshot.verdict;
    standing.total = snapshot.readings.size();
    for (const LinkStatus &link : snapshot.links)
        if (link.up == false)
            standing.down.push_back(link);
    for (const Reading &reading : snapshot.readings) {
        const bool unlimited = reading.unknown == Unknown::NoLimit || reading.unknown == Unknown::NotAvailable;
        if (reading.zone != Zone::Unknown)
            ++standing.watched;
        else if (unlimited)
            standing.unlimited.push_back(reading.resource);
        else
            standing.unknown.push_back(reading);
        const bool ofLink = isCutOff(snapshot.links, reading.resource);
        const bool cause =
            snapshot.verdict == Zone::Unknown ? reading.unknown == Unknown::Away : reading.zone == snapshot.verdict;
        if (cause && !ofLink)
            standing.causes.push_back(reading);
    }
    // The one that gets worse soonest says most.
    std::ranges::stable_sort(standing.causes, {}, [](const Reading &reading) {
        return reading.toNextZone.value_or(std::chrono::hours(1000)).count();
    });
    return standing;
}

} // namespace portolan
