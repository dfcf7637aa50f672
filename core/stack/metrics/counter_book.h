// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/telemetry/prometheus_text.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace portolan::stack {

/// What counters grew by from one page to the next. One that stands lower than before began anew, and grew by what it
/// has now (https://prometheus.io/docs/prometheus/latest/querying/functions/#increase). One thread at a time.
class CounterBook final
{
public:
    /// How a page follows the one before.
    enum class Page : std::uint8_t {
        Next,      ///< of the same process
        Restarted, ///< of one that took its place since: all on it happened since
        Baseline,  ///< of another, or too long after: nothing is known of what happened between
    };

    /// What is known of who writes the pages.
    enum class Writer : std::uint8_t {
        Known,   ///< one process that counts for itself, and goes on
        Unknown, ///< maybe one that counts for others, which it may not always reach
        Server,  ///< a Prometheus server: a series may come long after it began
    };

    /// Before the samples of a page.
    void begin(Page page, Writer writer);

    /// Of one sample. Nothing: what it grew by is not known, for it is the first of its series and it may have been
    /// there for long. It counts from 0 what it shows where others of its name were on the last page, or where it has
    /// labels, which libraries count only once there is something to count, and the process is known.
    std::optional<double> grown(const telemetry::PrometheusSample &sample);

    /// After them; forgets what was not on it for long.
    void end();

    /// Behind the page: a counter stands lower than on the last, or is not there any more. Processes that go on forget
    /// nothing, so it began anew or is another.
    bool fell() const { return m_fell; }
    static std::string keyOf(const telemetry::PrometheusSample &sample); ///< of its series: the name and all labels

private:
    struct Series
    {
        double value = 0;
        std::uint64_t page = 0;
    };

    std::unordered_map<std::string, Series> m_series;
    std::set<std::string, std::less<>> m_names; ///< on the last page
    std::set<std::string, std::less<>> m_now;   ///< on this one
    std::uint64_t m_page = 0;
    Page m_kind = Page::Baseline;
    Writer m_writer = Writer::Unknown;
    bool m_fell = false;
};

} // namespace portolan::stack
