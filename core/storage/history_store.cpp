// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/history_store.h"

#include "core/base/json_write.h"
#include "core/base/logging.h"
#include "core/base/time_format.h"
#include "core/storage/event_row.h"
#include "core/storage/history_format.h"
#include "core/storage/query.h"
#include "core/storage/write_turn.h"

#include <algorithm>
#include <atomic>

namespace portolan::storage {
namespace {

constexpr std::chrono::seconds deadline = HistoryStore::longest;
constexpr std::chrono::hours trimEvery{1};
constexpr std::int64_t mostHoles = 8;

DatabaseUrl urlOf(const std::filesystem::path &file)
{
    DatabaseUrl url;
    url.path = file.string();
    return url;
}

PoolOptions onePoolThread()
{
    PoolOptions options;
    options.connections = 1;
    options.queued = 1000;
    return options;
}

/// Why SQLite would not open it; empty: it does, or something else is in the way. A matter of milliseconds.
std::string damage(const std::filesystem::path &file)
{
    std::error_code none;
    if (!std::filesystem::exists(file, none))
        return {};
    DatabaseConnection probe(urlOf(file), onePoolThread(), std::make_shared<WriteTurn>());
    const auto opened = probe.open();
    return opened || opened.error().code != "database-corrupt" ? std::string() : opened.error().message;
}

} // namespace

/// What the store's thread knows of the file.
class HistoryStore::File
{
public:
    File(std::filesystem::path path, const Clock &clock, Logger &logger, HistoryBounds bounds)
        : m_path(std::move(path)), m_clock(clock), m_logger(logger), m_bounds(bounds)
    {
        auto wrong = wrongHeader(m_path);
        if (wrong.empty())
            wrong = damage(m_path);
        if (!wrong.empty())
            setAside(wrong);
    }

    /// Called on the pool's thread when a file was set aside, and again when another is in its place.
    void onReplaced(std::function<void()> replaced) { m_replaced = std::move(replaced); }

    /// Runs `work` on a file that is a history; one that turns out to be damaged is set aside and `work` done anew.
    template <class F>
    auto run(DatabaseConnection &connection, F &work) -> std::invoke_result_t<F &, DatabaseConnection &>
    {
        if (auto ready = prepare(connection); !ready)
            return ready.error();
        auto result = work(connection);
        if (result || result.error().code != "database-corrupt")
            return result;
        auto renewed = renew(connection, result.error().message);
        m_lost = m_lost || renewed.has_value();
        if (!renewed)
            return renewed.error();
        return work(connection);
    }

    std::optional<WallTime> lastBefore() const
    {
        const std::int64_t last = m_lastBefore;
        return last == 0 ? std::nullopt : std::optional(fromMilliseconds(last));
    }

    void noteBefore(WallTime last) { m_lastBefore = toMilliseconds(last); }

    bool isLost() const { return m_lost; }
    bool takeLost() { return m_lost.exchange(false); }

    Result<void> trim(DatabaseConnection &connection)
    {
        const auto now = m_clock.wall();
        if (m_trimmed && m_clock.steady() - *m_trimmed < trimEvery)
            return {};
        m_trimmed = m_clock.steady();
        if (auto trimmed = trimPoints(connection, now, m_bounds); !trimmed)
            return trimmed;
        auto done = execute(connection, "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?",
                            valuesOf(eventsKept));
        return done ? Result<void>() : Result<void>(done.error());
    }

private:
    Result<void> prepare(DatabaseConnection &connection)
    {
        if (m_prepared)
            return {};
        auto checked = prepareHistory(connection);
        if (checked && !checked->empty())
            return renew(connection, *checked);
        if (!checked && checked.error().code == "database-corrupt")
            return renew(connection, checked.error().message);
        if (!checked)
            return checked.error();
        const auto last = lastMeasured(connection, m_clock.wall());
        if (!last && last.error().code == "database-corrupt")
            return renew(connection, last.error().message);
        if (!last)
            return last.error();
        m_lastBefore = *last;
        m_prepared = true;
        return {};
    }

    Result<void> renew(DatabaseConnection &connection, const std::string &why)
    {
        connection.close();
        setAside(why);
        m_prepared = false;
        m_replaced();
        if (auto opened = connection.open(); !opened)
            return opened;
        m_replaced();
        connection.begin(std::chrono::steady_clock::now() + deadline);
        auto made = prepareHistory(connection);
        if (!made)
            return made.error();
        m_prepared = made->empty();
        return {};
    }

    void setAside(const std::string &why)
    {
        std::string kept = m_path.string() + ".set-aside-" + formatTime(m_clock.wall());
        std::ranges::replace(kept, ':', '-');
        std::error_code failed;
        std::filesystem::rename(m_path, kept, failed);
        for (const char *suffix : {"-wal", "-shm"}) {
            std::error_code none; // they are not always there
            std::filesystem::rename(m_path.string() + suffix, kept + suffix, none);
        }
        if (failed)
            m_logger.warn("the history file cannot be used, nor set aside",
                          {{"file", m_path.string()}, {"why", why}, {"failed", failed.message()}});
        else
            m_logger.warn("the history file was set aside, and a new one is begun",
                          {{"file", m_path.string()}, {"kept_as", kept}, {"why", why}});
    }

    const std::filesystem::path m_path;
    const Clock &m_clock;
    Logger &m_logger;
    const HistoryBounds m_bounds;
    std::function<void()> m_replaced;
    bool m_prepared = false;
    std::atomic<std::int64_t> m_lastBefore = 0; ///< milliseconds
    std::atomic<bool> m_lost{false};
    std::optional<SteadyTime> m_trimmed;
};

namespace {

Result<void> writeAll(DatabaseConnection &connection, const HistoryStore::Batch &batch)
{
    for (const SeriesRows &series : batch.minutes)
        if (auto done = putMinutes(connection, series); !done)
            return done;
    for (const auto &event : batch.events) {
        const Event fit = fitEvent(event);
        const auto done = execute(connection, "INSERT INTO events (time, kind, text) VALUES (?, ?, ?)",
                                  valuesOf(fit.time, fit.kind, writeJson(fit)));
        if (!done)
            return done.error();
    }
    return {};
}

} // namespace

HistoryStore::HistoryStore(std::filesystem::path file, const Clock &clock, Logger &logger, HistoryBounds bounds)
    : m_file(std::make_shared<File>(file, clock, logger, bounds)),
      m_database(std::make_unique<Database>(urlOf(file), onePoolThread()))
{
    m_file->onReplaced([database = m_database.get()] { database->adoptFile(); });
}

HistoryStore::~HistoryStore() = default;

void HistoryStore::write(Batch batch, std::function<void(Result<void>)> done)
{
    m_database->post(
        [file = m_file, batch = std::move(batch), done = std::move(done)](DatabaseConnection *connection,
                                                                          const Error *refused) {
            if (refused) {
                done(*refused);
                return;
            }
            const auto work = [&](DatabaseConnection &open) {
                return transaction(open, [&]() -> Result<void> {
                    if (auto written = writeAll(open, batch); !written)
                        return written;
                    return file->trim(open);
                });
            };
            done(file->run(*connection, work));
        },
        deadline);
}

Result<void> HistoryStore::writeBlocking(Batch batch)
{
    std::promise<Result<void>> written;
    write(std::move(batch), [&written](Result<void> result) { written.set_value(std::move(result)); });
    return written.get_future().get();
}

awaitable<Result<Filled>> HistoryStore::fill(HistoryFill fill, std::chrono::seconds within)
{
    auto work = [fill = std::move(fill), file = m_file](DatabaseConnection &open) -> Result<Filled> {
        Filled filled;
        const auto done = transaction(open, [&]() -> Result<void> {
            auto put = putMissing(open, fill);
            if (!put)
                return put.error();
            filled = *put;
            return file->trim(open);
        });
        if (!done)
            return done.error();
        return filled;
    };
    return m_database->run(
        [file = m_file, work = std::move(work)](DatabaseConnection &connection) { return file->run(connection, work); },
        within);
}

awaitable<Result<std::vector<std::vector<HistoryRow>>>> HistoryStore::read(std::vector<Metric> metrics,
                                                                           std::chrono::seconds step, WallTime from,
                                                                           WallTime to, std::chrono::seconds within)
{
    using Rows = std::vector<std::vector<HistoryRow>>;
    auto work = [metrics = std::move(metrics), step, from, to](DatabaseConnection &connection) -> Result<Rows> {
        Rows all;
        for (const Metric &metric : metrics) {
            auto rows = rowsOf(connection, metric, step, from, to);
            if (!rows)
                return rows.error();
            all.push_back(std::move(*rows));
        }
        return all;
    };
    return m_database->run(
        [file = m_file, work = std::move(work)](DatabaseConnection &connection) { return file->run(connection, work); },
        within);
}

awaitable<Result<bool>> HistoryStore::hasMinutes(std::vector<Metric> metrics, WallTime from, WallTime to)
{
    auto work = [metrics = std::move(metrics), from, to](DatabaseConnection &connection) -> Result<bool> {
        for (const Metric &metric : metrics) {
            const auto found = storage::hasMinutes(connection, metric, from, to);
            if (!found)
                return found.error();
            if (*found)
                return true;
        }
        return false;
    };
    return m_database->run(
        [file = m_file, work = std::move(work)](DatabaseConnection &connection) { return file->run(connection, work); },
        deadline);
}

awaitable<Result<std::vector<Metric>>> HistoryStore::labelSets(std::string name, std::size_t most,
                                                               std::chrono::seconds within)
{
    auto work = [name = std::move(name), most](DatabaseConnection &connection) {
        return storage::labelSets(connection, name, std::int64_t(most));
    };
    return m_database->run(
        [file = m_file, work = std::move(work)](DatabaseConnection &connection) { return file->run(connection, work); },
        within);
}

awaitable<Result<std::vector<HistoryStore::Hole>>> HistoryStore::holes(std::chrono::seconds within)
{
    auto work = [](DatabaseConnection &connection) {
        return select(connection, "SELECT since, until FROM missed ORDER BY until DESC LIMIT ?", valuesOf(mostHoles),
                      [](const Row &row) {
                          return Hole{fromMilliseconds(row.integer(0)), fromMilliseconds(row.integer(1))};
                      });
    };
    return m_database->run(
        [file = m_file, work = std::move(work)](DatabaseConnection &connection) { return file->run(connection, work); },
        within);
}

awaitable<Result<void>> HistoryStore::keepHoles(std::vector<Hole> holes, std::chrono::seconds within)
{
    auto work = [holes = std::move(holes)](DatabaseConnection &connection) -> Result<void> {
        return transaction(connection, [&]() -> Result<void> {
            if (const auto gone = execute(connection, "DELETE FROM missed", {}); !gone)
                return gone.error();
            for (const Hole &hole : holes) {
                const auto put = execute(connection, "INSERT INTO missed (since, until) VALUES (?, ?)",
                                         valuesOf(hole.from, hole.to));
                if (!put)
                    return put.error();
            }
            return {};
        });
    };
    return m_database->run(
        [file = m_file, work = std::move(work)](DatabaseConnection &connection) { return file->run(connection, work); },
        within);
}

std::optional<WallTime> HistoryStore::lastBefore() const { return m_file->lastBefore(); }

void HistoryStore::noteBefore(WallTime last) { m_file->noteBefore(last); }

bool HistoryStore::isLost() const { return m_file->isLost(); }

bool HistoryStore::takeLost() { return m_file->takeLost(); }

awaitable<Result<std::vector<Event>>> HistoryStore::events(WallTime from, WallTime to, std::uint32_t most)
{
    auto work = [from, to, most](DatabaseConnection &connection) {
        return select(connection,
                      "SELECT time, kind, text FROM (SELECT id, time, kind, text FROM events WHERE time >= ? AND "
                      "time < ? ORDER BY time DESC, id DESC LIMIT ?) ORDER BY time, id",
                      valuesOf(from, to, std::int64_t{most}), [](const Row &row) {
                          return readEvent(fromMilliseconds(row.integer(0)), static_cast<EventKind>(row.integer(1)),
                                           row.text(2));
                      });
    };
    return m_database->run(
        [file = m_file, work = std::move(work)](DatabaseConnection &connection) { return file->run(connection, work); },
        deadline);
}

} // namespace portolan::storage
