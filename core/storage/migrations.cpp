// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/migrations.h"

#include "core/storage/errors.h"
#include "core/storage/query.h"

#include <QByteArray>
#include <QCryptographicHash>
#include <algorithm>
#include <charconv>

namespace portolan::storage {

namespace embedded_migrations {
std::span<const EmbeddedFile> embeddedFiles();
}

namespace {

/// "portolan" in ASCII: the key of PostgreSQL's advisory lock that migrating processes queue for.
constexpr std::string_view lockKey = "8101259017166155118";

struct Applied
{
    std::uint32_t version = 0;
    std::string name;
    std::string checksum;
};

std::uint32_t versionOf(const EmbeddedFile &file)
{
    std::uint32_t version = 0;
    const auto parsed = std::from_chars(file.name.data(), file.name.data() + file.name.size(), version);
    return parsed.ec == std::errc() ? version : 0;
}

/// Of what is run: files were applied before they said what licence they are under.
std::string checksumOf(const EmbeddedFile &file)
{
    std::string_view text = file.text;
    if (text.starts_with("-- SPDX-License-Identifier:"))
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    return QCryptographicHash::hash(QByteArray(text.data(), static_cast<qsizetype>(text.size())),
                                    QCryptographicHash::Sha256)
        .toHex()
        .toStdString();
}

std::string translate(std::string_view sql, Dialect dialect)
{
    constexpr std::string_view placeholder = "{{bytewise}}";
    std::string text(sql);
    for (auto at = text.find(placeholder); at != text.npos; at = text.find(placeholder, at))
        text.replace(at, placeholder.size(), dialect == Dialect::PostgreSql ? "COLLATE \"C\"" : "");
    return text;
}

/// Statements of a file: split at ';' outside quotes, without line comments. Qt's drivers take one at a time.
std::vector<std::string> split(std::string_view sql)
{
    std::vector<std::string> statements;
    std::string current;
    char quote = 0;
    const auto finish = [&] {
        if (current.find_first_not_of(" \t\r\n") != current.npos)
            statements.push_back(current);
        current.clear();
    };
    for (std::size_t i = 0; i < sql.size(); ++i) {
        const char c = sql[i];
        if (!quote && c == '-' && i + 1 < sql.size() && sql[i + 1] == '-') {
            i = std::min(sql.find('\n', i), sql.size() - 1);
            current += '\n';
        } else if (!quote && c == ';') {
            finish();
        } else {
            if (c == '\'' || c == '"')
                quote = !quote ? c : quote == c ? '\0' : quote;
            current += c;
        }
    }
    finish();
    return statements;
}

Error conflict(std::string code, std::string message, std::string hint)
{
    Error error = failure(ErrorKind::Conflict, std::move(message), std::move(hint));
    error.code = std::move(code);
    return error;
}

Result<std::vector<Applied>> recordedIn(DatabaseConnection &connection)
{
    return select(connection, "SELECT version, name, checksum FROM schema_migrations ORDER BY version", {},
                  [](const Row &row) {
                      return Applied{static_cast<std::uint32_t>(row.integer(0)), row.text(1), row.text(2)};
                  });
}

Result<std::vector<Applied>> appliedTo(DatabaseConnection &connection)
{
    auto made = executeOnce(connection, "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                        "version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, "
                                        "checksum TEXT NOT NULL, applied BIGINT NOT NULL)");
    if (made.has_error())
        return made.error();
    return recordedIn(connection);
}

Result<void> check(const std::vector<Applied> &applied, std::span<const EmbeddedFile> files)
{
    const auto newest = schemaVersion(files);
    for (const auto &old : applied) {
        if (old.version > newest)
            return conflict("database-newer",
                            "The database was made by a newer program: its schema has version " +
                                std::to_string(applied.back().version) + ", this program knows " +
                                std::to_string(newest) + '.',
                            "Install that version of Portolan or a later one, or put back a backup from before.");
        const auto file = std::ranges::find(files, old.version, versionOf);
        if (file == files.end() || checksumOf(*file) != old.checksum)
            return conflict("migration-changed",
                            "The database's migration " + old.name + " is not the one this program has.",
                            "Use the program that made the database, or put back a backup made by this one.");
    }
    return {};
}

Result<void> apply(DatabaseConnection &connection, const EmbeddedFile &file, const Clock &clock)
{
    for (const auto &statement : split(translate(file.text, connection.dialect()))) {
        if (auto done = executeOnce(connection, statement); done.has_error()) {
            Error error = done.error();
            error.message = "Migration " + std::string(file.name) + " failed: " + error.message;
            return error;
        }
    }
    auto recorded = execute(connection,
                            "INSERT INTO schema_migrations (version, name, checksum, applied) "
                            "VALUES (?, ?, ?, ?)",
                            valuesOf(versionOf(file), file.name, checksumOf(file), clock.wall()));
    if (recorded.has_error())
        return recorded.error();
    return {};
}

Result<MigrationReport> migrateIn(DatabaseConnection &connection, const Clock &clock,
                                  std::span<const EmbeddedFile> files)
{
    if (connection.dialect() == Dialect::PostgreSql) { // SQLite: BEGIN IMMEDIATE is the lock
        auto locked = executeOnce(connection, "SELECT pg_advisory_xact_lock(" + std::string(lockKey) + ')');
        if (locked.has_error())
            return locked.error();
    }
    auto applied = appliedTo(connection);
    if (applied.has_error())
        return applied.error();
    if (auto sane = check(*applied, files); sane.has_error())
        return sane.error();
    MigrationReport report;
    report.from = report.to = applied->empty() ? 0 : applied->back().version;
    for (const auto &file : files) {
        if (versionOf(file) <= report.to)
            continue;
        if (auto done = apply(connection, file, clock); done.has_error())
            return done.error();
        report.to = versionOf(file);
        report.applied.emplace_back(file.name);
    }
    if (auto whole = checkTables(connection, files); whole.has_error())
        return whole.error();
    return report;
}

/// The names behind each CREATE TABLE. No migration drops or renames one.
std::string tablesOf(std::span<const EmbeddedFile> files)
{
    constexpr std::string_view words = "CREATE TABLE ";
    std::string names;
    for (const auto &file : files) {
        for (auto at = file.text.find(words); at != file.text.npos; at = file.text.find(words, at)) {
            at += words.size();
            names.append(names.empty() ? "" : ", ")
                .append(file.text.substr(at, file.text.find_first_of(" (\n", at) - at));
        }
    }
    return names;
}

} // namespace

std::span<const EmbeddedFile> builtInMigrations() { return embedded_migrations::embeddedFiles(); }

Result<void> checkTables(DatabaseConnection &connection, std::span<const EmbeddedFile> files)
{
    const std::string tables = tablesOf(files);
    if (tables.empty())
        return {};
    const auto read = select(connection, "SELECT 1 FROM " + tables + " WHERE 1 = 0", {}, [](const Row &) { return 0; });
    if (read)
        return {};
    Error error = read.error();
    if (error.code == codeNoTable) {
        error.message = "The database lacks a table of this portal: " + error.message;
        error.hint = "Put a backup back with 'portoland restore FILE'.";
    }
    return error;
}

std::uint32_t schemaVersion(std::span<const EmbeddedFile> files) { return files.empty() ? 0 : versionOf(files.back()); }

Result<MigrationReport> migrate(Database &database, const Clock &clock, std::span<const EmbeddedFile> files,
                                std::chrono::milliseconds deadline)
{
    for (std::size_t i = 0; i < files.size(); ++i)
        if (versionOf(files[i]) != i + 1)
            return failure(ErrorKind::Internal,
                           "The migrations are not numbered 1, 2, 3, …: " + std::string(files[i].name) + '.');
    return database.runBlocking(
        [&](DatabaseConnection &connection) {
            return transaction(connection, [&] { return migrateIn(connection, clock, files); });
        },
        deadline);
}

Result<void> checkMigrations(Database &database, std::span<const EmbeddedFile> files)
{
    return database.runBlocking([&](DatabaseConnection &connection) -> Result<void> {
        const auto recorded = recordedIn(connection);
        if (recorded.has_error() && recorded.error().code != codeNoTable) // else it has none yet
            return recorded.error();
        return recorded ? check(*recorded, files) : Result<void>();
    });
}

} // namespace portolan::storage
