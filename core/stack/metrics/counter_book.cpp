// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/counter_book.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace portolan::stack {

namespace {

constexpr std::uint64_t longestAway = 40; ///< pages
constexpr std::size_t mostSeries = 10'000;

} // namespace

std::string CounterBook::keyOf(const telemetry::PrometheusSample &sample)
{
    std::vector<const telemetry::PrometheusLabel *> labels;
    labels.reserve(sample.labels.size());
    for (const auto &label : sample.labels)
        labels.push_back(&label);
    std::ranges::sort(labels, {}, [](const auto *label) -> const std::string & { return label->name; });
    std::string key = sample.name;
    for (const auto *label : labels) // \xff is in no UTF-8 text
        key.append("\xff").append(label->name).append("\xff").append(label->value);
    return key;
}

void CounterBook::begin(Page page, Writer writer)
{
    ++m_page;
    m_kind = page;
    m_writer = writer;
    m_fell = false;
    if (page != Page::Next)
        m_series.clear();
}

std::optional<double> CounterBook::grown(const telemetry::PrometheusSample &sample)
{
    m_now.emplace(sample.name);
    const auto [at, isNew] = m_series.try_emplace(keyOf(sample), Series{sample.value, m_page});
    if (isNew) {
        const bool labelled = !sample.labels.empty() && m_writer == Writer::Known;
        const bool begins = m_writer != Writer::Server && (m_names.contains(sample.name) || labelled);
        const bool sinceLast = m_kind == Page::Restarted || (m_kind == Page::Next && begins);
        return sinceLast ? std::optional(sample.value) : std::nullopt;
    }
    const double before = std::exchange(at->second.value, sample.value);
    at->second.page = m_page;
    if (sample.value >= before)
        return sample.value - before;
    m_fell = true;
    return sample.value;
}

void CounterBook::end()
{
    m_names = std::exchange(m_now, {});
    m_fell = m_fell || std::ranges::any_of(m_series, [&](const auto &one) { return one.second.page + 1 == m_page; });
    const bool tooMany = m_series.size() > mostSeries;
    std::erase_if(m_series, [&](const auto &one) {
        return one.second.page + longestAway < m_page || (tooMany && one.second.page != m_page);
    });
}

} // namespace portolan::stack
