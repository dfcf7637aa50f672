// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What others tell of themselves in Prometheus' text.
/// https://prometheus.io/docs/instrumenting/exposition_formats/ (0.0.4) and
/// https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md (1.0).
namespace portolan::telemetry {

struct PrometheusLabel
{
    std::string name;
    std::string value; ///< unescaped
    bool operator==(const PrometheusLabel &) const = default;
};

/// One line that is no comment. Of a histogram each bucket is one, of a summary each quantile.
struct PrometheusSample
{
    std::string name;                    ///< "http_requests_total", "latency_bucket"
    std::vector<PrometheusLabel> labels; ///< in the order they stand in
    double value = 0;                    ///< NaN and infinities among them
    std::optional<double> time;          ///< Unix seconds, where the line has one and told in seconds
    bool operator==(const PrometheusSample &) const = default;
    /// The value of a label; empty: there is none, which is the same.
    std::string_view label(std::string_view name) const;
};

/// Reads a page piece by piece, as it comes, and keeps no more of it than a line. Both forms are read alike: units and
/// types are not looked at, a sample's exemplar is left out, and "# EOF" is a comment.
///
/// As Prometheus does it, a page with one line that is none of its own is refused as a whole, for a page that is cut
/// short or half of something else would tell too little. Names in quotes, which Prometheus 3 has, are left out.
///
/// Errors, all final: Protocol "metrics-malformed" (names the line; nothing of it is repeated, it may be of anything),
/// TooLarge "metrics-too-large" (over a bound). One thread at a time.
class PrometheusReader final
{
public:
    struct Bounds
    {
        std::size_t bytes = 4 * 1024 * 1024;
        std::size_t lines = 100'000;
        std::size_t line = 64 * 1024;
        std::size_t samples = 5'000; ///< that are wanted
        std::size_t labels = 64;     ///< of one sample
    };
    using Wanted = std::function<bool(std::string_view name)>;
    using Taken = std::function<void(PrometheusSample sample)>;

    /// `wanted`: which samples, by name, are read further than that. `taken`: gets each of them.
    PrometheusReader(Wanted wanted, Taken taken);
    PrometheusReader(Wanted wanted, Taken taken, const Bounds &bounds);

    Result<void> feed(std::string_view piece);
    Result<void> end(); ///< nothing more comes: the last line may lack its end

private:
    Result<void> takeLine(std::string_view line);
    Result<void> takeSample(std::string_view line);
    Result<void> takeLabels(std::string_view &line, PrometheusSample &sample) const;
    Error malformed(std::string_view why) const;
    Error tooLarge(std::string_view what) const;

    const Wanted m_wanted;
    const Taken m_taken;
    const Bounds m_bounds;
    std::string m_begun; ///< of a line
    std::size_t m_bytes = 0;
    std::size_t m_lines = 0;
    std::size_t m_samples = 0;
    std::optional<Error> m_error;
};

} // namespace portolan::telemetry
