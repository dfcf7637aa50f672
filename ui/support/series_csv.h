// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"
#include "ui/support/file_job.h"

#include <vector>

namespace portolan::ui {

/// Series as comma-separated values (RFC 4180), series after series, from `from` to `to`: one line a point, and one
/// without figures where nothing was known (isGap()):
///
///     metric,unit,time,until,low,high,mean
///     redis_memory,bytes,2026-11-24T14:03:27.000Z,2026-11-24T14:03:28.000Z,19607552,19922944,19765248
///     redis_memory,bytes,2026-11-24T14:03:28.000Z,2026-11-24T14:05:11.000Z,,,
///
/// A series with labels is named as textOf() does: queue_depth{queue=celery}; units are the catalogue's.
/// What a line covers is from `time` until `until`, in UTC (ISO 8601); figures are the shortest that read back as the
/// same number. False as FileWriter says.
bool writeCsv(QIODevice &file, const std::vector<Series> &series, WallTime from, WallTime to, const Going &going);

} // namespace portolan::ui
