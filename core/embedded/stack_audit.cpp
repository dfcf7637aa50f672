// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/stack_audit.h"

#include "core/base/ids.h"
#include "core/base/names.h"
#include "core/portal/audit_log.h"
#include "core/server/environment.h"
#include "core/storage/audit_store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <array>

namespace portolan::embedded {
namespace {

constexpr std::chrono::seconds patience{6}; // the database's own deadline is 5 s
constexpr std::string_view subject = "portal";

} // namespace

Event eventOf(const StackEntry &entry, WallTime at)
{
    Event event{.time = at, .kind = EventKind::Action, .name = entry.action};
    event.detail = entry.detail;
    if (entry.error)
        event.reason = portal::auditOutcome(entry.error);
    else
        event.facts = entry.facts;
    return event;
}

awaitable<void> record(console::PortalServices portal, StackEntry entry)
{
    Actor actor{{0, Role::Admin}, std::move(entry.reason)};
    co_await portal.audit.record(std::move(actor), std::move(entry.action), std::string(subject),
                                 std::move(entry.detail), std::move(entry.error));
}

void recordBlocking(const console::PortalServices &portal, StackEntry entry)
{
    asio::co_spawn(portal.executor, record(portal, std::move(entry)), asio::use_future).wait_for(patience);
}

bool recordBlocking(const Settings &settings, const Clock &clock, StackEntry entry)
{
    auto url = server::databaseUrl(settings);
    if (!url || !server::databaseIsThere(*url))
        return false;
    storage::PoolOptions options;
    options.connections = 1;
    storage::Database database(std::move(*url), options);
    if (!database.open())
        return false;
    std::array<std::byte, 2> random{};
    randomBytes(random);
    IdGenerator ids(clock, (std::to_integer<unsigned>(random[0]) << 8 | std::to_integer<unsigned>(random[1])) & 1023u);
    AuditEntry written;
    written.id = ids.next();
    written.at = clock.wall();
    written.actor = "system";
    written.role = Role::Admin;
    written.action = std::move(entry.action);
    written.subject = subject;
    written.deployment = settings.text("listen");
    written.outcome = portal::auditOutcome(entry.error);
    written.reason = std::move(entry.reason);
    written.detail = std::move(entry.detail);
    return storage::AuditStore(database).appendBlocking(std::move(written)).has_value();
}

} // namespace portolan::embedded
