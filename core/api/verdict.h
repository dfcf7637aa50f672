// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace portolan {

/// The zone of one value alone: green below `yellow`, yellow from there up to and including `red`, red above; where
/// `redWhenReached` (see tier.h) red from `red` on.
Zone zoneOf(double value, const ZoneLimits &limits, bool redWhenReached = false);

/// A deployment's zone: the worst of its readings, and Red while something it needs does not answer. Unknown when no
/// reading is known; one that is unknown because whoever knows it is away (Unknown::Away, NotYet) is worse than green,
/// one that cannot or need not be known (TooFew, NotAvailable, NoLimit, NotTold) does not count.
Zone verdict(std::span<const Reading> readings, std::span<const LinkStatus> links);

/// While a link is down (of queue, workers and oldest task also the link "queue"), what cannot work without it (linkOf)
/// is Red, and unknown because it is away. Done before anybody reads them, so that nobody shows one of them otherwise.
void markDown(std::span<Reading> readings, std::span<const LinkStatus> links);

/// What a snapshot's zone comes from, for whoever says it in words or beside other signs. Everything that shows how a
/// deployment stands (console, terminal, /health) goes by it.
struct Standing
{
    Zone zone = Zone::Unknown;
    std::vector<LinkStatus> down;    ///< links that do not answer
    std::vector<Reading> causes;     ///< readings as bad as `zone`, those of links that are down left out; of a zone
                                     ///< that gets worse, soonest first
    std::size_t watched = 0;         ///< readings whose zone is known
    std::size_t total = 0;           ///< all readings
    std::vector<Reading> unknown;    ///< with a limit, but their zone is not known now
    std::vector<Resource> unlimited; ///< nothing limits them here, or there is no such thing
    bool operator==(const Standing &) const = default;
};
Standing standingOf(const Snapshot &snapshot);

} // namespace portolan
