// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/history_format.h"

#include "core/storage/query.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <span>

// The format, version 3 (PRAGMA user_version; application_id is "POHI"):
//   series  what is kept: a name of the catalogue, its labels as JSON ("{}": none), and, of those with labels, `seen`,
//           the latest minute written (seconds since 1970). Ids 0–25 were the numbers of the metrics up to version 2;
//           later ones begin at 1000
//   points  one row per step (60 or 3600 seconds), series and time (its beginning, seconds since 1970): lowest, highest
//           and mean of `count` values, and when the first and the last were measured (milliseconds; null where version
//           1 wrote it, which had neither). A minute in which nothing was known for a while has another row for what
//           came after that; its time is the second in which it began
//   events  what happened: time in milliseconds, kind (number of the enumerator), and as text all of it, an Event as
//           JSON; earlier programs wrote a sentence there
//   missed  gaps that another instance is still asked for, from one time to another (milliseconds; 0: from the
//           beginning). Where a file of this version has it not, it is made; a program that does not know it lets it be
// Version 2 had no table `series`, and the number of the metric in points.metric; version 1 also lacked first and last.
// The file's header has both numbers at fixed places: https://www.sqlite.org/fileformat.html#the_database_header
namespace portolan::storage {
namespace {

constexpr std::int64_t version = 3;
constexpr std::int64_t application = 0x504f4849;
constexpr std::size_t versionAt = 60;
constexpr std::size_t applicationAt = 68;

constexpr const char *seriesTable =
    "CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, seen INTEGER NOT NULL "
    "DEFAULT 0, UNIQUE (name, labels))";

constexpr const char *missedTable =
    "CREATE TABLE IF NOT EXISTS missed (since INTEGER NOT NULL, until INTEGER NOT NULL)";

constexpr std::array schema{
    seriesTable,
    "CREATE TABLE points (step INTEGER NOT NULL, series INTEGER NOT NULL, time INTEGER NOT NULL, low REAL NOT NULL, "
    "high REAL NOT NULL, mean REAL NOT NULL, count INTEGER NOT NULL, first INTEGER, last INTEGER, PRIMARY KEY (step, "
    "series, time)) WITHOUT ROWID",
    "CREATE TABLE events (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX events_time ON events (time)",
    "PRAGMA application_id = 1347373129",
    "PRAGMA user_version = 3",
};

constexpr std::array fromVersion1{
    "ALTER TABLE points ADD COLUMN first INTEGER",
    "ALTER TABLE points ADD COLUMN last INTEGER",
};

constexpr std::array fromVersion2{
    seriesTable,
    "ALTER TABLE points RENAME COLUMN metric TO series",
    "PRAGMA user_version = 3",
};

/// By their number, up to version 2.
constexpr std::array<std::string_view, 26> numbered{"redis_memory",     "redis_connections", "redis_fragmentation",
                                                    "redis_hit_ratio",  "redis_evicted",     "redis_commands",
                                                    "response_p50",     "response_p95",      "response_p99",
                                                    "request_rate",     "error_rate",        "queue_waiting",
                                                    "queue_unacked",    "queue_taken",       "queue_ended",
                                                    "concurrent_users", "sessions",          "http_connections",
                                                    "db_pool",          "untaken_tasks",     "oldest_task",
                                                    "failed_tasks",     "refused",           "disk",
                                                    "redis_overhead",   "redis_traffic"};

std::uint32_t bigEndian(const std::array<char, 100> &bytes, std::size_t at)
{
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

std::string ofVersion(std::int64_t found)
{
    return "it is of version " + std::to_string(found) + ", this program writes " + std::to_string(version);
}

Result<void> runAll(DatabaseConnection &connection, std::span<const char *const> statements)
{
    for (const char *sql : statements)
        if (auto done = executeOnce(connection, sql); !done)
            return done;
    return {};
}

/// Points stay as they are: their numbers become the ids of series.
Result<void> stepUp(DatabaseConnection &connection, std::int64_t from)
{
    if (from == 1)
        if (auto done = runAll(connection, fromVersion1); !done)
            return done;
    if (auto done = runAll(connection, fromVersion2); !done)
        return done;
    for (std::size_t number = 0; number < numbered.size(); ++number) {
        const auto done = execute(connection, "INSERT INTO series (id, name, labels) VALUES (?, ?, '{}')",
                                  valuesOf(number, numbered[number]));
        if (!done)
            return done.error();
    }
    return {};
}

} // namespace

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
    return found > version ? ofVersion(found) : std::string();
}

Result<std::string> prepareHistory(DatabaseConnection &connection)
{
    const auto number = [](const Row &row) { return row.integer(0); };
    const auto found = selectOne(connection, "PRAGMA user_version", {}, number);
    if (!found)
        return found.error();
    const auto tables = selectOne(connection, "SELECT count(*) FROM sqlite_master", {}, number);
    if (!tables)
        return tables.error();
    const std::int64_t old = found->value_or(0);
    if (old == version) {
        (void)executeOnce(connection, missedTable); // should it fail, gaps are not remembered, and all else is as it is
        return std::string();
    }
    const bool isNew = old == 0 && tables->value_or(0) == 0;
    if (!isNew && (old < 1 || old > version))
        return ofVersion(old);
    auto made = transaction(
        connection, [&]() -> Result<void> { return isNew ? runAll(connection, schema) : stepUp(connection, old); });
    if (!made)
        return made.error();
    (void)executeOnce(connection, missedTable);
    return std::string();
}

} // namespace portolan::storage
