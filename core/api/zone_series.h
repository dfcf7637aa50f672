// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/metric.h"
#include "core/api/tier.h"

namespace portolan {

/// The series of a resource's zones over time (metric::zone): "zone{resource=redis_memory}", spelled as in JSON.
Metric zoneMetric(Resource resource);

} // namespace portolan
