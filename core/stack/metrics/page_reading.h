// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/trust.h"
#include "core/net/http_client.h"
#include "core/stack/metrics/traffic_reader.h"

#include <chrono>
#include <memory>
#include <string>

namespace portolan::stack {

/// A metrics page, and whoever knows the way to it.
struct PageRequest
{
    Executor executor;
    std::shared_ptr<Dialer> dialer;
    std::shared_ptr<TlsClient> tls; ///< null: plain
    net::HttpUrl url;
    net::Headers headers{}; ///< with what signs in
    std::shared_ptr<const SeriesMaps> maps;
    std::chrono::milliseconds deadline{10'000}; ///< of the whole page
};

/// Reads a page of at most 4 MiB, 100,000 lines and 5,000 samples that are wanted, over a connection of its own: one
/// that is kept would always lead to the same of several workers, and hide that there are more.
///
/// What HttpClient and PrometheusReader fail with; Unauthenticated "metrics-refused" (401, 403) and Protocol
/// "metrics-status" (any other but a success), both with the status as Error::told.
awaitable<Result<MetricsPage>> readPage(PageRequest request);

/// An error with the address that it is about.
Error statusError(const net::HttpUrl &url, unsigned status);

/// `Date` of an answer (RFC 9110, section 5.6.7), Unix seconds; nothing: it has none that can be read.
std::optional<double> dateOf(const net::Headers &headers);

} // namespace portolan::stack
