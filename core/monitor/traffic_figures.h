// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/telemetry/sliding_window.h"

namespace portolan::monitor {

inline TrafficFigures trafficOf(const telemetry::WindowFigures &window)
{
    const telemetry::Unanswered &unanswered = window.unanswered;
    return {window.count,     unanswered.errors, unanswered.refused, unanswered.notFound,
            window.perSecond, window.p50,        window.p95,         window.p99};
}

} // namespace portolan::monitor
