// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/monitor/history.h"
#include "tests/fakes/manual_clock.h"

#include <QDir>
#include <QTemporaryDir>
#include <cstdint>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace portolan::monitor {

using namespace std::chrono_literals;

inline Snapshot snapshotOf(WallTime time, std::optional<double> memory)
{
    Snapshot snapshot;
    snapshot.time = time;
    snapshot.redis.age = 0ms;
    if (memory)
        snapshot.redis.usedMemory = static_cast<std::uint64_t>(*memory);
    return snapshot;
}

/// A history with its own clock and file; reopen() is a restart of the portal.
struct Kept
{
    Kept() { reopen(); }
    ~Kept()
    {
        history.reset();
        runtime.stop();
    }
    void reopen()
    {
        history.reset();
        history = std::make_unique<History>(file().toStdString(), clock, logger);
    }
    QString file() const { return directory.filePath("history.db"); }
    QStringList setAside() const { return QDir(directory.path()).entryList({"history.db.set-aside-*"}); }

    /// One value each `step` from now on.
    void record(std::chrono::seconds step, const std::vector<double> &values)
    {
        for (const double value : values) {
            history->record(snapshotOf(clock.wall(), value));
            clock.advance(step);
        }
    }
    Result<std::vector<Series>> query(HistoryQuery query,
                                      std::uint64_t mostInAll = std::numeric_limits<std::uint64_t>::max())
    {
        return runSync<Result<std::vector<Series>>>(runtime.at(0), [&]() -> awaitable<Result<std::vector<Series>>> {
            return history->query(query, mostInAll);
        });
    }
    Series memory(std::chrono::seconds back, std::uint32_t most = 2000)
    {
        auto series = query({{metric::redisMemory}, clock.wall() - back, clock.wall() + 1s, most});
        if (!series)
            throw std::runtime_error(series.error().message);
        return std::move(series->front());
    }
    std::vector<Event> events()
    {
        return runSync<Result<std::vector<Event>>>(runtime.at(0),
                                                   [&]() -> awaitable<Result<std::vector<Event>>> {
                                                       return history->events(clock.wall() - 24h, clock.wall() + 1h);
                                                   })
            .value();
    }
    std::size_t warnings()
    {
        logger.flush();
        const std::lock_guard lock(mutex);
        return lines.size();
    }

    ManualClock clock;
    QTemporaryDir directory;
    std::mutex mutex;
    std::vector<std::string> lines;
    Logger logger{clock, LogOptions{LogFormat::Json, LogLevel::Warning, 8192, [this](std::string_view line) {
                                        const std::lock_guard lock(mutex);
                                        lines.emplace_back(line);
                                    }}};
    Runtime runtime{1};
    std::unique_ptr<History> history;
};

inline std::vector<double> counting(int count)
{
    std::vector<double> values;
    for (int i = 0; i < count; ++i)
        values.push_back(1000 + i);
    return values;
}

} // namespace portolan::monitor
