// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/catalogue.h"
#include "core/base/logging.h"
#include "core/base/system_clock.h"
#include "core/storage/history_store.h"

#include <QDir>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace portolan::ui {

/// What a portal that has run for a month up to now has kept: each metric without a label in each minute, and what
/// happened.
inline void writeAMonth(const QDir &directory)
{
    using namespace std::chrono_literals;
    const SystemClock clock;
    Logger logger(clock, LogOptions{LogFormat::Json, LogLevel::Warning, 8192, [](std::string_view) {}});
    storage::HistoryStore store(directory.filePath("history.db").toStdString(), clock, logger);
    const auto end = std::chrono::floor<std::chrono::minutes>(clock.wall());
    std::uint32_t noise = 1;
    for (auto day = end - storage::HistoryStore::minutesKept; day < end; day += 24h) {
        storage::HistoryStore::Batch batch;
        for (const MetricKind &kind : catalogue) {
            if (!kind.label.empty())
                continue;
            auto &rows = batch.minutes.emplace_back(storage::SeriesRows{kind.name, {}}).rows;
            for (auto minute = day; minute < day + 24h; minute += 1min) {
                noise = noise * 1664525 + 1013904223; // Numerical Recipes, 7.1
                const double mean = 10 + 5 * std::sin(double((minute - day).count()) / 229) + double(noise >> 24) / 64;
                rows.push_back({minute, mean * 0.8, mean * 1.5, mean, 60});
            }
        }
        for (int i = 0; i < 30; ++i)
            batch.events.push_back({.time = day + i * 48min, .resource = Resource::RedisMemory, .zone = Zone::Yellow});
        if (const auto written = store.writeBlocking(std::move(batch)); !written)
            throw std::runtime_error(written.error().message);
    }
}

} // namespace portolan::ui
