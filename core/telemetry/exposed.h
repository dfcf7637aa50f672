// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/telemetry/registry.h"

#include <prometheus/client_metric.h>

namespace portolan::telemetry {

/// A histogram in the shape prometheus-cpp writes, without labels.
prometheus::ClientMetric exposed(const Histogram &histogram);

} // namespace portolan::telemetry
