// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/storage/database.h"
#include "core/storage/query.h"

#include <QFile>
#include <QFileInfo>
#include <QString>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace portolan {

/// Looks into a SQLite file beside whoever uses it, or makes one, by SQL.
class Sql
{
public:
    explicit Sql(const QString &file) : m_database(urlOf(file), {}) {}
    void run(const std::string &sql)
    {
        const auto done = m_database.runBlocking(
            [&sql](storage::DatabaseConnection &connection) { return storage::executeOnce(connection, sql); });
        if (!done)
            throw std::runtime_error(done.error().message);
    }
    std::int64_t number(const std::string &sql)
    {
        const auto found = m_database.runBlocking([&sql](storage::DatabaseConnection &connection) {
            return storage::selectOne(connection, sql, {}, [](const storage::Row &row) { return row.integer(0); });
        });
        return found.value().value();
    }
    /// Nobody else can write the file meanwhile; on a thread of its own.
    void whileLocked(const std::function<void()> &work)
    {
        const auto done = m_database.runBlocking(
            [&work](storage::DatabaseConnection &connection) {
                return storage::transaction(connection, [&work]() -> Result<void> {
                    work();
                    return {};
                });
            },
            std::chrono::minutes(1));
        if (!done)
            throw std::runtime_error(done.error().message);
    }

private:
    static storage::DatabaseUrl urlOf(const QString &file)
    {
        storage::DatabaseUrl url;
        url.path = file.toStdString();
        return url;
    }
    storage::Database m_database;
};

/// Spoils all but the first page of a file in use, which is read anew then. False: it is too small, or was written just
/// now; another attempt may do.
inline bool damage(const QString &path)
{
    // What is in the log, or in the memory of whoever uses it, would be read from there.
    if (Sql sql(path); sql.number("PRAGMA wal_checkpoint(TRUNCATE)") != 0)
        return false;
    QFile file(path);
    if (QFileInfo(path + "-wal").size() != 0 || !file.open(QIODevice::ReadWrite) || file.size() <= 4096 ||
        !file.seek(4096))
        return false;
    const QByteArray garbage(qsizetype(file.size() - 4096), 'x');
    return file.write(garbage) == garbage.size() && file.flush();
}

} // namespace portolan
