// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/registry.h"

#include "core/telemetry/exposed.h"

#include <prometheus/check_names.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

namespace portolan::telemetry {

namespace {

constexpr std::size_t maxSamples = 1000;

std::vector<prometheus::ClientMetric::Label> labelled(const std::vector<std::string> &names, const LabelValues &values)
{
    std::vector<prometheus::ClientMetric::Label> labels;
    for (std::size_t i = 0; i < names.size(); ++i)
        labels.push_back({names[i], i < values.size() ? values[i] : std::string()});
    return labels;
}

prometheus::ClientMetric counterMetric(double value)
{
    prometheus::ClientMetric metric;
    metric.counter.value = value;
    return metric;
}

} // namespace

Histogram::Histogram(std::vector<double> bounds) : m_bounds(std::move(bounds)), m_cells(m_bounds.size() + 2)
{
    if (m_bounds.empty() || !std::is_sorted(m_bounds.begin(), m_bounds.end()))
        throw std::logic_error("histogram bounds must rise");
    for (const double bound : m_bounds)
        m_nanoseconds.push_back(std::llround(bound * 1e9));
}

void Histogram::observe(std::chrono::nanoseconds duration) noexcept
{
    const auto count = std::max<std::int64_t>(duration.count(), 0);
    const auto bucket = std::lower_bound(m_nanoseconds.begin(), m_nanoseconds.end(), count) - m_nanoseconds.begin();
    m_cells.add(std::size_t(bucket));
    m_cells.add(m_bounds.size() + 1, std::uint64_t(count));
}

Histogram::Sums Histogram::sums() const
{
    Sums sums;
    std::uint64_t total = 0;
    for (std::size_t bucket = 0; bucket <= m_bounds.size(); ++bucket) {
        total += m_cells.sum(bucket);
        sums.cumulative.push_back(total);
    }
    sums.seconds = double(m_cells.sum(m_bounds.size() + 1)) * 1e-9;
    return sums;
}

std::vector<double> requestBounds() { return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}; }

std::vector<double> taskBounds() { return {0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 900}; }

template <class Child> Child &Family<Child>::with(LabelValues values)
{
    values.resize(m_labels.size());
    for (std::string &value : values)
        value.resize(std::min<std::size_t>(value.size(), 128));
    const std::lock_guard lock(m_mutex);
    if (const auto found = m_children.find(values); found != m_children.end())
        return *found->second;
    if (m_children.size() + 1 >= m_bound)
        values.assign(m_labels.size(), "other");
    auto &child = m_children[std::move(values)];
    if (!child)
        child = m_make();
    return *child;
}

template <class Child>
void Family<Child>::forEach(const std::function<void(const LabelValues &, const Child &)> &visit) const
{
    const std::lock_guard lock(m_mutex);
    for (const auto &[values, child] : m_children)
        visit(values, *child);
}

template class Family<Counter>;
template class Family<Histogram>;

struct Registry::Impl
{
    using Read = std::function<std::vector<prometheus::MetricFamily>()>;

    void claim(const std::string &name, const std::vector<std::string> &labels)
    {
        // CheckLabelName() has another signature in each version; a label is a metric's name without colons.
        const bool known = std::all_of(labels.begin(), labels.end(), [](const std::string &label) {
            return prometheus::CheckMetricName(label) && label.find(':') == std::string::npos;
        });
        if (!prometheus::CheckMetricName(name) || !known)
            throw std::logic_error("not a metric's name or label: " + name);
        if (!names.insert(name).second)
            throw std::logic_error("there is a metric of that name: " + name);
    }
    void add(std::vector<std::string> claimed, const std::vector<std::string> &labels, Read read)
    {
        const std::lock_guard lock(mutex);
        for (const std::string &name : claimed)
            claim(name, labels);
        readers.push_back(std::move(read));
    }
    void sampled(std::string name, std::string help, prometheus::MetricType type, std::vector<std::string> labels,
                 std::function<Samples()> read)
    {
        add({name}, labels, [name, help, type, labels, read = std::move(read)] {
            prometheus::MetricFamily family{name, help, type, {}};
            for (const Sample &sample : read()) {
                if (family.metric.size() == maxSamples)
                    break;
                prometheus::ClientMetric metric;
                (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = sample.value;
                metric.label = labelled(labels, sample.labels);
                family.metric.push_back(std::move(metric));
            }
            return std::vector{std::move(family)};
        });
    }

    mutable std::mutex mutex;
    std::set<std::string> names;
    std::vector<Read> readers;
    std::vector<std::unique_ptr<Counter>> counters;
    std::vector<std::unique_ptr<Histogram>> histograms;
    std::vector<std::unique_ptr<Family<Counter>>> families;
};

Registry::Registry() : m_impl(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Counter &Registry::counter(std::string name, std::string help)
{
    auto owned = std::make_unique<Counter>();
    Counter &counter = *owned;
    counted(std::move(name), std::move(help), {}, [&counter] {
        return Samples{{{}, static_cast<double>(counter.value())}};
    });
    const std::lock_guard lock(m_impl->mutex);
    m_impl->counters.push_back(std::move(owned));
    return counter;
}

Family<Counter> &Registry::counters(std::string name, std::string help, std::vector<std::string> labels,
                                    std::size_t bound)
{
    auto owned = std::make_unique<Family<Counter>>(labels, bound, [] { return std::make_unique<Counter>(); });
    Family<Counter> &family = *owned;
    m_impl->add({name}, labels, [&family, name, help] {
        prometheus::MetricFamily result{name, help, prometheus::MetricType::Counter, {}};
        family.forEach([&](const LabelValues &values, const Counter &counter) {
            auto metric = counterMetric(double(counter.value()));
            metric.label = labelled(family.labels(), values);
            result.metric.push_back(std::move(metric));
        });
        return std::vector{std::move(result)};
    });
    const std::lock_guard lock(m_impl->mutex);
    m_impl->families.push_back(std::move(owned));
    return family;
}

Histogram &Registry::histogram(std::string name, std::string help, std::vector<double> bounds)
{
    auto owned = std::make_unique<Histogram>(std::move(bounds));
    Histogram &histogram = *owned;
    m_impl->add({name}, {}, [&histogram, name, help] {
        return std::vector{
            prometheus::MetricFamily{name, help, prometheus::MetricType::Histogram, {exposed(histogram)}}};
    });
    const std::lock_guard lock(m_impl->mutex);
    m_impl->histograms.push_back(std::move(owned));
    return histogram;
}

void Registry::gauge(std::string name, std::string help, std::vector<std::string> labels, std::function<Samples()> read)
{
    m_impl->sampled(std::move(name), std::move(help), prometheus::MetricType::Gauge, std::move(labels),
                    std::move(read));
}

void Registry::counted(std::string name, std::string help, std::vector<std::string> labels,
                       std::function<Samples()> read)
{
    m_impl->sampled(std::move(name), std::move(help), prometheus::MetricType::Counter, std::move(labels),
                    std::move(read));
}

void Registry::collect(std::vector<std::string> names, std::function<std::vector<prometheus::MetricFamily>()> read)
{
    m_impl->add(std::move(names), {}, std::move(read));
}

std::string Registry::text() const
{
    std::vector<prometheus::MetricFamily> families;
    {
        const std::lock_guard lock(m_impl->mutex);
        for (const auto &read : m_impl->readers)
            for (auto &family : read())
                if (!family.metric.empty())
                    families.push_back(std::move(family));
    }
    return prometheus::TextSerializer().Serialize(families);
}

} // namespace portolan::telemetry
