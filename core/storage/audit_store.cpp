// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/audit_store.h"

#include "core/storage/cursor.h"
#include "core/storage/table.h"
#include "core/storage/text.h"

#include <utility>

namespace portolan::storage {
namespace {

constexpr auto audit = makeTable<AuditEntry>("audit", {
                                                          column<&AuditEntry::id>("id"),
                                                          column<&AuditEntry::at>("at"),
                                                          column<&AuditEntry::actorId>("actor_id"),
                                                          column<&AuditEntry::actor>("actor"),
                                                          column<&AuditEntry::role>("role"),
                                                          column<&AuditEntry::action>("action"),
                                                          column<&AuditEntry::subject>("subject"),
                                                          column<&AuditEntry::deployment>("deployment"),
                                                          column<&AuditEntry::outcome>("outcome"),
                                                          column<&AuditEntry::reason>("reason"),
                                                          column<&AuditEntry::detail>("detail"),
                                                      });

AuditEntry fitted(AuditEntry entry)
{
    constexpr std::size_t longest = 1024;
    for (auto *text :
         {&entry.actor, &entry.action, &entry.subject, &entry.deployment, &entry.outcome, &entry.reason, &entry.detail})
        *text = fitText(*text, longest);
    return entry;
}

Result<AuditPage> readPage(DatabaseConnection &connection, const AuditQuery &query)
{
    if (auto checked = checkLimit(query.limit); checked.has_error())
        return checked.error();
    std::string where = "WHERE 1 = 1";
    Values values;
    const auto add = [&](std::string_view condition, Value value) {
        where.append(" AND ").append(condition);
        values.push_back(std::move(value));
    };
    if (!query.cursor.empty()) {
        const auto cursor = parseCursor(query.cursor, 'a');
        if (cursor.has_error())
            return cursor.error();
        add("id < ?", toValue(cursor->number));
    }
    if (query.actorId)
        add("actor_id = ?", toValue(*query.actorId));
    if (!query.subject.empty())
        add("subject = ?", query.subject);
    if (query.action.ends_with('.')) {
        add("action >= ?", query.action);
        add("action < ?", query.action.substr(0, query.action.size() - 1) + '/'); // '/' follows '.'
    } else if (!query.action.empty()) {
        add("action = ?", query.action);
    }
    if (query.from)
        add("at >= ?", toValue(*query.from));
    if (query.to)
        add("at < ?", toValue(*query.to));
    values.push_back(std::int64_t{query.limit} + 1);
    auto rows = select(connection, audit.select(where + " ORDER BY id DESC LIMIT ?"), values, audit.reader());
    if (rows.has_error())
        return rows.error();
    AuditPage page{std::move(*rows), std::nullopt};
    if (page.items.size() > query.limit) {
        page.items.resize(query.limit);
        page.nextCursor = formatCursor({'a', page.items.back().id, {}});
    }
    return page;
}

} // namespace

awaitable<Result<void>> AuditStore::append(AuditEntry entry)
{
    return m_database.run(
        [entry = fitted(std::move(entry))](DatabaseConnection &connection) { return audit.insert(connection, entry); });
}

Result<void> AuditStore::appendBlocking(AuditEntry entry)
{
    return m_database.runBlocking(
        [entry = fitted(std::move(entry))](DatabaseConnection &connection) { return audit.insert(connection, entry); });
}

awaitable<Result<AuditPage>> AuditStore::page(AuditQuery query)
{
    return m_database.run(
        [query = std::move(query)](DatabaseConnection &connection) { return readPage(connection, query); });
}

awaitable<Result<std::uint64_t>> AuditStore::count()
{
    return m_database.run([](DatabaseConnection &connection) -> Result<std::uint64_t> {
        const auto found = selectOne(connection, "SELECT count(*) FROM audit", {},
                                     [](const Row &row) { return static_cast<std::uint64_t>(row.integer(0)); });
        if (!found)
            return found.error();
        return found->value_or(0);
    });
}

} // namespace portolan::storage
