// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_read.h"
#include "core/base/json_write.h"

/// JSON both ways over the Boost.Describe lists. The rules, the same for writing and reading:
///
/// | C++                                   | JSON |
/// |---|---|
/// | described struct                      | object; member `retryAfter` is "retry_after" |
/// | described enum                        | string; `NotYet` is "not-yet"         |
/// | integer member `id`, `…Id`, `…Ids`    | string of decimal digits ("Ids are JSON strings") |
/// | std::chrono duration                  | number of seconds; whole ones without fraction |
/// | WallTime                              | string, RFC 3339 UTC with milliseconds |
/// | std::optional                         | the value or null; absent is read as nullopt |
/// | double NaN or infinite                | written as null; text with a number that no double holds is refused |
/// | std::vector, array, set               | array |
/// | std::map with string or enum keys     | object; enum keys spelled like enum values |
/// | boost::json::value, object, array     | passed through |
/// | Secret                                | read from a string; writing one does not compile |
///
/// A struct is read completely: a member is required unless it is a std::optional, or the struct names it, or all, as
/// having a default worth using:
///
///     struct AnalysisRequest
///     {
///         std::string symbol;
///         std::uint32_t horizonDays = 30;
///         static constexpr std::string_view jsonDefaulted[] = {"horizonDays"}; // or `bool jsonDefaulted = true`: all
///     };
///     BOOST_DESCRIBE_STRUCT(AnalysisRequest, (), (symbol, horizonDays))
///
///     Result<AnalysisRequest> request = readJson<AnalysisRequest>(body, JsonMode::Strict);
///     std::string answer = writeJson(value);
///
/// Who writes a request leaves defaults out: json_request.h.
///
/// boost::json::value_from(x) follows the same rules where this header is included.
