#pragma once

#include "core/api/history.h"
#include "ui/support/file_job.h"

#include <vector>

namespace portolan::ui {

/// Series as comma-separated values (RFC 4180), one line a point, series after series:
///
///     metric,unit,time,low,high,mean
///     redis_memory,bytes,2026-11-24T14:03:27.000Z,19607552,19922944,19765248
///
/// The time is the point's beginning in UTC (ISO 8601); figures are the shortest that read back as the same number.
/// False as FileWriter says.
bool writeCsv(QIODevice &file, const std::vector<Series> &series, const Going &going);

} // namespace portolan::ui
