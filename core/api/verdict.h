#pragma once

#include "core/api/snapshot.h"

#include <span>

namespace portolan {

/// A deployment's zone: the worst of its readings, and Red while something it needs does not answer. Unknown when no
/// reading is known; one that is unknown because whoever knows it is away (Unknown::Away, NotYet) is worse than green,
/// one that cannot or need not be known (TooFew, NotAvailable) does not count.
Zone verdict(std::span<const Reading> readings, std::span<const LinkStatus> links);

} // namespace portolan
