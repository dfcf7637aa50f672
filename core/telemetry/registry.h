// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/telemetry/sharded.h"

#include <chrono>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

/// Counters, histograms and gauges, and their text for Prometheus. The hot path is Counter::add() and
/// Histogram::observe(); look a labelled one up once and keep the reference.
/// https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4, written by prometheus-cpp)
namespace portolan::telemetry {

/// Only goes up. From any thread, without a lock.
class Counter final
{
public:
    void add(std::uint64_t by = 1) noexcept { m_value.add(0, by); }
    std::uint64_t value() const noexcept { return m_value.sum(0); }

private:
    Sharded<> m_value{1};
};

/// Durations counted in buckets. From any thread, without a lock.
class Histogram final
{
public:
    /// `bounds`: upper bounds in seconds, inclusive, rising; +Inf comes by itself.
    explicit Histogram(std::vector<double> bounds);
    void observe(std::chrono::nanoseconds duration) noexcept;

    struct Sums
    {
        std::vector<std::uint64_t> cumulative; ///< per bound, then +Inf: the count of all
        double seconds = 0;
    };
    Sums sums() const;
    const std::vector<double> &bounds() const { return m_bounds; }

private:
    std::vector<double> m_bounds;
    std::vector<std::int64_t> m_nanoseconds;
    Sharded<> m_cells; ///< one per bucket, then the sum in nanoseconds
};

/// 1 ms … 10 s: what a web request takes.
std::vector<double> requestBounds();
/// 10 ms … 15 min: what a task takes.
std::vector<double> taskBounds();

using LabelValues = std::vector<std::string>;

/// The labelled children of one metric, at most `bound` of them: what comes later counts in one whose labels are all
/// "other", so that nobody's input can grow the answer.
template <class Child> class Family final
{
public:
    Family(std::vector<std::string> labels, std::size_t bound, std::function<std::unique_ptr<Child>()> make)
        : m_labels(std::move(labels)), m_bound(bound), m_make(std::move(make))
    {}

    /// As many values as labels, cut at 128 bytes each. Takes a lock: keep the reference, which stays as long as the
    /// registry.
    Child &with(LabelValues values);
    const std::vector<std::string> &labels() const { return m_labels; }
    void forEach(const std::function<void(const LabelValues &, const Child &)> &visit) const;

private:
    const std::vector<std::string> m_labels;
    const std::size_t m_bound;
    const std::function<std::unique_ptr<Child>()> m_make;
    mutable std::mutex m_mutex;
    std::map<LabelValues, std::unique_ptr<Child>> m_children;
};
extern template class Family<Counter>;
extern template class Family<Histogram>;

/// A value read when Prometheus asks. No sample for what is not known.
struct Sample
{
    LabelValues labels;
    double value = 0;
};
using Samples = std::vector<Sample>;

/// All metrics of a process. Adding a metric is one line, where it is counted or, for those of api.md, in
/// portal_metrics.h. Names, types and helps must be unique: std::logic_error for a name that is taken or malformed.
/// Everything from any thread; what it returns lives as long as it.
class Registry final
{
public:
    Registry();
    ~Registry();
    Registry(const Registry &) = delete;
    Registry &operator=(const Registry &) = delete;

    Counter &counter(std::string name, std::string help);
    Family<Counter> &counters(std::string name, std::string help, std::vector<std::string> labels,
                              std::size_t bound = 500);
    Histogram &histogram(std::string name, std::string help, std::vector<double> bounds);

    /// `read` is called on the thread that scrapes, must be quick and must not call the registry. At most 1,000
    /// samples are taken.
    void gauge(std::string name, std::string help, std::vector<std::string> labels, std::function<Samples()> read);
    /// The same for a count somebody else keeps.
    void counted(std::string name, std::string help, std::vector<std::string> labels, std::function<Samples()> read);

    /// For families of a shape of their own.
    void collect(std::vector<std::string> names, std::function<std::vector<prometheus::MetricFamily>()> read);

    /// The answer of /metrics.
    std::string text() const;
    static constexpr std::string_view contentType = "text/plain; version=0.0.4; charset=utf-8";

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::telemetry
