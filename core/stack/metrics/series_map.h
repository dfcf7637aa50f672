// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/stack/watch_file.h"

#include <string>
#include <string_view>
#include <vector>

/// Which series of a metrics page are what.
namespace portolan::stack {

/// One way a page may tell of traffic: a map of a file, and what only ready maps say beside it.
struct SeriesMap
{
    MetricsMap names;
    /// A histogram by route, where that of `names` is of all requests together; empty: that one is by route too.
    std::string routeHistogram{};
    /// Counters whose names end in a status, "gunicorn_request_status_" for "gunicorn_request_status_503"; empty: the
    /// status is a label, or is not told.
    std::string statusName{};
    bool operator==(const SeriesMap &) const = default;

    std::string bucketName() const;      ///< "latency_bucket"; empty: no histogram
    std::string countName() const;       ///< "latency_count"
    std::string routeBucketName() const; ///< the same of one by route of its own
    std::string routeCountName() const;
    /// The counter of requests: `names.requests`, else the count of the histogram or the summary; empty: none.
    std::string requestsName() const;
    /// Whether a series of this name is any of it.
    bool wants(std::string_view name) const;
    /// A regular expression (RE2, as Prometheus has them) of all the names it wants.
    std::string pattern() const;
};

/// A part of a file may leave open which form the page has: the first whose requests are on it is taken.
using SeriesMaps = std::vector<SeriesMap>;

/// The series that has when a process started, by which it is known (https://prometheus.io/docs/instrumenting/
/// writing_clientlibs/#process-metrics).
inline constexpr std::string_view processStart = "process_start_time_seconds";

/// The label that most libraries write the method into.
inline constexpr std::string_view methodLabel = "method";

/// The map that a file names: one of its own, else a ready one. Not empty where the file was read without a mistake.
SeriesMaps seriesMapsOf(const MetricsPart &part);

/// A map that needs not be written, by the name of who writes the page; empty: there is none of that name. Which names
/// there are is readyMaps().
SeriesMaps readyMap(std::string_view name);

/// Of several forms, all names any of them wants, and `processStart`.
bool wants(const SeriesMaps &maps, std::string_view name);

} // namespace portolan::stack
