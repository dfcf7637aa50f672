// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/history_store.h"

#include "core/base/json_write.h"
#include "core/base/logging.h"
#include "core/base/time_format.h"
#include "core/storage/event_row.h"
#include "core/storage/query.h"
#include "core/storage/write_turn.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <span>

// The format, version 2 (PRAGMA user_version; application_id is "POHI"):
//   points  one row per step (60 or 3600 seconds), metric (number of the enumerator) and time (its beginning, seconds
//           since 1970): lowest, highest and mean of `count` values, and when the first and the last were measured
//           (milliseconds; null where version 1 wrote it, which had neither). A minute in which nothing was known for a
//           while has another row for what came after that; its time is the second in which it began
//   events  what happened: time in milliseconds, kind (number of the enumerator), and as text all of it, an Event as
//           JSON; earlier programs wrote a sentence there
// The file's header has both numbers at fixed places: https://www.sqlite.org/fileformat.html#the_database_header
namespace portolan::storage {
namespace {

constexpr std::int64_t version = 2;
constexpr std::int64_t application = 0x504f4849;
constexpr std::size_t versionAt = 60;
constexpr std::size_t applicationAt = 68;
constexpr std::chrono::seconds deadline{30}; ///< reading a million points takes a second or two
constexpr std::chrono::hours trimEvery{1};

constexpr std::array schema{
    "CREATE TABLE points (step INTEGER NOT NULL, metric INTEGER NOT NULL, time INTEGER NOT NULL, low REAL NOT NULL, "
    "high REAL NOT NULL, mean REAL NOT NULL, count INTEGER NOT NULL, first INTEGER, last INTEGER, PRIMARY KEY (step, "
    "metric, time)) WITHOUT ROWID",
    "CREATE TABLE events (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX events_time ON events (time)",
    "PRAGMA application_id = 1347373129",
    "PRAGMA user_version = 2",
};

constexpr std::array fromVersion1{
    "ALTER TABLE points ADD COLUMN first INTEGER",
    "ALTER TABLE points ADD COLUMN last INTEGER",
    "PRAGMA user_version = 2",
};

constexpr std::string_view upsert =
    "INSERT INTO points (step, metric, time, low, high, mean, count, first, last) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (step, metric, time) DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high), "
    "mean = (mean * count + excluded.mean * excluded.count) / (count + excluded.count), "
    "count = count + excluded.count, first = min(first, excluded.first), last = max(last, excluded.last)";

/// All but the newest so many of a metric, unless the clock says that they are not old.
constexpr std::string_view trimPoints =
    "DELETE FROM points WHERE step = ? AND metric = ? AND time < ? AND time <= (SELECT time FROM points WHERE step = ? "
    "AND metric = ? ORDER BY time DESC LIMIT 1 OFFSET ?)";

std::int64_t secondsOf(WallTime time)
{
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// The first second at or after it: as a bound, so that no row between seconds is missed or taken twice.
std::int64_t boundOf(WallTime time) { return std::chrono::ceil<std::chrono::seconds>(time).time_since_epoch().count(); }

std::uint32_t bigEndian(const std::array<char, 100> &bytes, std::size_t at)
{
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

/// Why it cannot be our history, as far as its first bytes tell; empty: it may be. What is still in the write-ahead log
/// shows zeros there.
std::string wrongHeader(const std::filesystem::path &file)
{
    std::error_code none;
    if (!std::filesystem::exists(file, none) || std::filesystem::file_size(file, none) == 0)
        return {};
    std::array<char, 100> bytes{};
    std::ifstream in(file, std::ios::binary);
    if (!in.read(bytes.data(), bytes.size()) ||
        std::string_view(bytes.data(), 16) != std::string_view("SQLite format 3", 16))
        return "it is no SQLite file";
    const auto found = bigEndian(bytes, versionAt);
    const auto owner = bigEndian(bytes, applicationAt);
    if (owner != 0 && owner != application)
        return "it belongs to another program";
    if (found > version)
        return "it is of version " + std::to_string(found) + ", this program writes " + std::to_string(version);
    return {};
}

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

/// Where a row of a minute belongs: to the one that it goes on from, or apart from it after a gap.
Result<std::int64_t> placeOf(DatabaseConnection &connection, const HistoryRow &row)
{
    const std::int64_t step = HistoryStore::minute.count();
    const std::int64_t begin = secondsOf(row.time) - secondsOf(row.time) % step;
    if (!row.first)
        return begin;
    const std::int64_t second = secondsOf(*row.first);
    struct Before
    {
        std::int64_t time;
        std::optional<WallTime> last;
    };
    const auto before = selectOne(
        connection,
        "SELECT time, last FROM points WHERE step = ? AND metric = ? AND time >= ? AND time <= ? ORDER BY time DESC "
        "LIMIT 1",
        valuesOf(step, row.metric, begin, second), [](const Row &found) {
            return Before{found.integer(0), Reader<std::optional<WallTime>>::read(found, 1)};
        });
    if (!before)
        return before.error();
    if (!*before)
        return begin;
    return isApart((*before)->last, row.first) ? second : (*before)->time;
}

Result<void> put(DatabaseConnection &connection, const HistoryRow &row, std::chrono::seconds step)
{
    const std::int64_t time = secondsOf(row.time);
    const auto place =
        step == HistoryStore::minute ? placeOf(connection, row) : Result<std::int64_t>(time - time % step.count());
    if (!place)
        return place.error();
    auto done = execute(connection, upsert,
                        valuesOf(step.count(), row.metric, *place, row.low, row.high, row.mean, std::int64_t{row.count},
                                 row.first, row.last));
    return done ? Result<void>() : Result<void>(done.error());
}

} // namespace

bool isApart(const std::optional<WallTime> &last, const std::optional<WallTime> &next)
{
    return last && next && *next - *last > briefGap;
}

void mergeInto(HistoryRow &row, const HistoryRow &other)
{
    const double all = double(row.count) + double(other.count);
    row.low = std::min(row.low, other.low);
    row.high = std::max(row.high, other.high);
    row.mean = all > 0 ? (row.mean * row.count + other.mean * other.count) / all : row.mean;
    row.count += other.count;
    row.first = row.first && other.first ? std::min(row.first, other.first) : std::nullopt;
    row.last = row.last && other.last ? std::max(row.last, other.last) : std::nullopt;
}

/// What the store's thread knows of the file.
class HistoryStore::File
{
public:
    File(std::filesystem::path path, const Clock &clock, Logger &logger)
        : m_path(std::move(path)), m_clock(clock), m_logger(logger)
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
        if (auto renewed = renew(connection, result.error().message); !renewed)
            return renewed.error();
        return work(connection);
    }

    std::optional<WallTime> lastBefore() const
    {
        const std::int64_t last = m_lastBefore;
        return last == 0 ? std::nullopt : std::optional(fromMilliseconds(last));
    }

    Result<void> trim(DatabaseConnection &connection)
    {
        const auto now = m_clock.wall();
        if (m_trimmed && m_clock.steady() - *m_trimmed < trimEvery)
            return {};
        m_trimmed = m_clock.steady();
        for (const auto &[step, kept] : {std::pair(minute, minutesKept), std::pair(hour, hoursKept)}) {
            for (std::int64_t metric = 0; metric < static_cast<std::int64_t>(metricCount); ++metric) {
                auto done = execute(connection, trimPoints,
                                    valuesOf(step.count(), metric, secondsOf(now - kept), step.count(), metric,
                                             std::int64_t{kept / step}));
                if (!done)
                    return done.error();
            }
        }
        auto done = execute(connection, "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?",
                            valuesOf(eventsKept));
        return done ? Result<void>() : Result<void>(done.error());
    }

private:
    Result<void> prepare(DatabaseConnection &connection)
    {
        if (m_prepared)
            return {};
        auto checked = check(connection);
        if (checked && !checked->empty())
            return renew(connection, *checked);
        if (!checked && checked.error().code == "database-corrupt")
            return renew(connection, checked.error().message);
        if (!checked)
            return checked.error();
        const auto found = findLast(connection);
        if (!found && found.error().code == "database-corrupt")
            return renew(connection, found.error().message);
        m_prepared = found.has_value();
        return found;
    }

    Result<void> findLast(DatabaseConnection &connection)
    {
        for (std::int64_t metric = 0; metric < static_cast<std::int64_t>(metricCount); ++metric) {
            const auto last = selectOne(
                connection, "SELECT last FROM points WHERE step = ? AND metric = ? ORDER BY time DESC LIMIT 1",
                valuesOf(minute.count(), metric), [](const Row &row) { return row.isNull(0) ? 0 : row.integer(0); });
            if (!last)
                return last.error();
            m_lastBefore = std::max(m_lastBefore.load(), last->value_or(0));
        }
        return {};
    }

    /// Makes the tables of a new file, and adds what one of an earlier version lacks. Answers what is wrong with an old
    /// one; empty: nothing.
    Result<std::string> check(DatabaseConnection &connection)
    {
        const auto number = [](const Row &row) { return row.integer(0); };
        const auto found = selectOne(connection, "PRAGMA user_version", {}, number);
        if (!found)
            return found.error();
        const auto tables = selectOne(connection, "SELECT count(*) FROM sqlite_master", {}, number);
        if (!tables)
            return tables.error();
        if (found->value_or(0) == version)
            return std::string();
        const bool isNew = found->value_or(0) == 0 && tables->value_or(0) == 0;
        if (!isNew && found->value_or(0) != 1)
            return "it is of version " + std::to_string(found->value_or(0)) + ", this program writes " +
                   std::to_string(version);
        auto made = transaction(connection, [&]() -> Result<void> {
            for (const char *sql : isNew ? std::span<const char *const>(schema) : fromVersion1)
                if (auto done = executeOnce(connection, sql); !done)
                    return done;
            return {};
        });
        if (!made)
            return made.error();
        return std::string();
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
        auto made = check(connection);
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
    std::function<void()> m_replaced;
    bool m_prepared = false;
    std::atomic<std::int64_t> m_lastBefore = 0; ///< milliseconds
    std::optional<SteadyTime> m_trimmed;
};

namespace {

Result<void> writeAll(DatabaseConnection &connection, const HistoryStore::Batch &batch)
{
    for (const auto &row : batch.minutes) {
        for (const auto step : {HistoryStore::minute, HistoryStore::hour})
            if (auto done = put(connection, row, step); !done)
                return done;
    }
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

HistoryStore::HistoryStore(std::filesystem::path file, const Clock &clock, Logger &logger)
    : m_file(std::make_shared<File>(file, clock, logger)),
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

awaitable<Result<std::vector<std::vector<HistoryRow>>>>
HistoryStore::read(std::vector<Metric> metrics, std::chrono::seconds step, WallTime from, WallTime to)
{
    using Rows = std::vector<std::vector<HistoryRow>>;
    auto work = [metrics = std::move(metrics), step, from, to](DatabaseConnection &connection) -> Result<Rows> {
        Rows all;
        for (const Metric metric : metrics) {
            auto rows =
                select(connection,
                       "SELECT time, low, high, mean, count, first, last FROM points WHERE step = ? AND metric = ? AND "
                       "time >= ? AND time < ? ORDER BY time",
                       valuesOf(step.count(), metric, boundOf(from), boundOf(to)), [metric](const Row &row) {
                           return HistoryRow{metric,
                                             WallTime(std::chrono::seconds(row.integer(0))),
                                             row.real(1),
                                             row.real(2),
                                             row.real(3),
                                             static_cast<std::uint32_t>(row.integer(4)),
                                             Reader<std::optional<WallTime>>::read(row, 5),
                                             Reader<std::optional<WallTime>>::read(row, 6)};
                       });
            if (!rows)
                return rows.error();
            all.push_back(std::move(*rows));
        }
        return all;
    };
    return m_database->run(
        [file = m_file, work = std::move(work)](DatabaseConnection &connection) { return file->run(connection, work); },
        deadline);
}

awaitable<Result<bool>> HistoryStore::hasMinutes(std::vector<Metric> metrics, WallTime from, WallTime to)
{
    auto work = [metrics = std::move(metrics), from, to](DatabaseConnection &connection) -> Result<bool> {
        for (const Metric metric : metrics) {
            const auto found = selectOne(
                connection, "SELECT 1 FROM points WHERE step = ? AND metric = ? AND time >= ? AND time < ? LIMIT 1",
                valuesOf(minute.count(), metric, boundOf(from), boundOf(to)), [](const Row &) { return true; });
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

std::optional<WallTime> HistoryStore::lastBefore() const { return m_file->lastBefore(); }

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
