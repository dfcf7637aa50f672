// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/audit.h"

#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QString>
#include <stdexcept>
#include <string>
#include <vector>

namespace portolan {

/// The audit log as the SQLite file has it, oldest first, read without the portal; who, what and how it ended only.
/// Throws std::runtime_error when there is none.
inline std::vector<AuditEntry> auditOf(const QString &file)
{
    constexpr auto name = "audit";
    std::vector<AuditEntry> all;
    {
        auto database = QSqlDatabase::addDatabase("QSQLITE", name);
        database.setConnectOptions("QSQLITE_OPEN_READONLY;QSQLITE_BUSY_TIMEOUT=10000");
        database.setDatabaseName(file);
        QSqlQuery query(database);
        if (!database.open() ||
            !query.exec("SELECT actor, role, action, subject, outcome, reason, detail FROM audit ORDER BY id"))
            throw std::runtime_error("the audit table: " + database.lastError().text().toStdString());
        while (query.next()) {
            const auto text = [&query](int column) { return query.value(column).toString().toStdString(); };
            AuditEntry entry;
            entry.actor = text(0);
            entry.role = static_cast<Role>(query.value(1).toInt());
            entry.action = text(2);
            entry.subject = text(3);
            entry.outcome = text(4);
            entry.reason = text(5);
            entry.detail = text(6);
            all.push_back(std::move(entry));
        }
    }
    QSqlDatabase::removeDatabase(name);
    return all;
}

} // namespace portolan
