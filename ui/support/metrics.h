// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"

#include <QByteArray>

namespace portolan::ui {

/// What a metric is called in files: "redis_memory", as settings and the HTTP interface spell it.
QByteArray metricName(Metric metric);
/// The unit its figures are in: "bytes", "seconds", "ratio" (0–1), "1/s".
QByteArray metricUnit(Metric metric);

} // namespace portolan::ui
