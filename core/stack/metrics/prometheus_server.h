// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/stack/metrics/page_reading.h"

#include <string>
#include <string_view>

/// A Prometheus server instead of a page: it has read the page for us.
/// https://prometheus.io/docs/prometheus/latest/federation/, https://prometheus.io/docs/prometheus/latest/querying/api/
namespace portolan::stack {

/// How it is asked.
enum class ServerWay : std::uint8_t {
    Federate, ///< a page in the text format, with the time of each sample
    Query,    ///< JSON, where /federate is not let through
};

/// A selector with the names that the maps want: `{job="shop"}` becomes `{job="shop",__name__=~"a|b"}`. One that names
/// a metric itself stays as it is.
std::string selectorOf(std::string_view match, const SeriesMaps &maps);

/// What a query answers, as samples without times. Protocol "metrics-malformed", or what the server says is wrong.
Result<MetricsPage> readQueryAnswer(const std::string &body, const SeriesMaps &maps);

/// `request.url` is the server's own, with whatever path it lives under. As readPage(); requests have
/// the time when the server read them.
awaitable<Result<MetricsPage>> readServer(PageRequest request, std::string match, ServerWay way);

/// Whether an error of ServerWay::Federate means that the other way may be open.
bool mayBeQueried(const Error &error);

} // namespace portolan::stack
