// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/stack_contents.h"

#include "core/api/audit_record.h"
#include "core/base/data_directory.h"
#include "core/base/settings.h"
#include "core/base/units.h"
#include "core/embedded/stack_audit.h"
#include "core/queue/broker.h"
#include "core/queue/worker_pool.h"
#include "core/redis/client.h"
#include "core/redis/keys.h"
#include "core/server/mending.h"
#include "core/storage/audit_store.h"
#include "core/storage/session_list_store.h"
#include "core/storage/users_store.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <string_view>

namespace portolan::embedded {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience{5};
constexpr std::chrono::seconds step{2};
constexpr std::array databaseFiles{"portal.db", "portal.db-wal", "portal.db-shm", "portal.db-journal", "database.note"};
constexpr std::array redisFiles{"dump.rdb", "redis.lock", "redis.pid", "redis.sock", "appendonly.note"};

std::uint64_t sizeOf(const fs::path &file)
{
    std::error_code failed;
    const auto size = fs::is_regular_file(file, failed) ? fs::file_size(file, failed) : 0;
    return failed ? 0 : size;
}

std::uint64_t sizeOfRedis(const fs::path &redis)
{
    std::uint64_t size = sizeOf(redis / "dump.rdb");
    std::error_code failed;
    for (fs::directory_iterator file(redis / "appendonlydir", failed), end; !failed && file != end;
         file.increment(failed))
        size += sizeOf(file->path());
    return size;
}

awaitable<Result<std::uint64_t>> countResults(console::PortalServices portal)
{
    std::uint64_t count = 0;
    for (const auto pattern : redis::patternsOf(redis::Family::Results)) {
        std::string cursor = "0";
        do {
            redis::Command scan("SCAN", cursor, "MATCH", pattern, "COUNT", 1000);
            auto reply = co_await portal.redisClient.run(std::move(scan), step);
            if (!reply)
                co_return reply.error();
            if (reply->elements.size() != 2)
                co_return failure(ErrorKind::Protocol, "Redis did not answer SCAN as expected.");
            count += reply->elements[1].elements.size();
            cursor = std::move(reply->elements[0].text);
        } while (cursor != "0");
    }
    co_return count;
}

awaitable<std::optional<StackContents::Counts>> count(console::PortalServices portal)
{
    StackContents::Counts counts;
    storage::UsersStore users(portal.database);
    const auto registered = co_await users.count();
    storage::SessionListStore sessions(portal.database);
    const auto live = co_await sessions.count(portal.clock.wall() - portal.settings.tier().sessionLifetime);
    storage::AuditStore audit(portal.database);
    const auto entries = co_await audit.count();
    if (!registered || !live || !entries)
        co_return std::nullopt;
    counts.users = *registered;
    counts.sessions = *live;
    counts.auditEntries = *entries;
    if (portal.hasRedis) {
        const auto backlog = co_await portal.broker.backlog(portal.pool.options().queues);
        const auto results = co_await countResults(portal);
        if (!backlog || !results)
            co_return std::nullopt;
        counts.tasks = backlog->waiting() + backlog->unacked;
        counts.results = *results;
    }
    co_return counts;
}

/// What there is of it.
std::vector<Amount> amountsOf(const StackContents::Counts &counts)
{
    std::vector<Amount> amounts{{Counted::Users, counts.users},
                                {Counted::Sessions, counts.sessions},
                                {Counted::Tasks, counts.tasks},
                                {Counted::Results, counts.results},
                                {Counted::AuditEntries, counts.auditEntries}};
    std::erase_if(amounts, [](const Amount &amount) { return amount.count == 0; });
    return amounts;
}

} // namespace

StackContents contentsOf(const fs::path &folder, const console::PortalServices *portal)
{
    StackContents contents;
    contents.folder = folder;
    for (const char *name : databaseFiles)
        contents.databaseBytes += sizeOf(folder / name);
    contents.redisBytes = sizeOfRedis(folder / "redis");
    if (!portal)
        return contents;
    contents.running = true;
    auto counting = asio::co_spawn(portal->executor, count(*portal), asio::use_future);
    if (counting.wait_for(patience) == std::future_status::ready)
        contents.counts = counting.get();
    return contents;
}

ActionPreview previewOfReset(const StackContents &contents, bool demonstration)
{
    ActionPreview preview;
    preview.bytes = contents.databaseBytes + contents.redisBytes;
    preview.sample = {{.name = contents.folder.string()},
                      {.name = "portal.db", .bytes = contents.databaseBytes},
                      {.name = "redis", .bytes = contents.redisBytes}};
    const Fact after{.kind = demonstration ? FactKind::StartedWithMadeUp : FactKind::StartedEmpty};
    if (!contents.counts) {
        preview.facts = {{.kind = contents.running ? FactKind::EverythingDeleted : FactKind::EverythingUnseen}, after};
        return preview;
    }
    preview.count = contents.counts->users;
    preview.facts = {{.kind = FactKind::ContentsDeleted, .amounts = amountsOf(*contents.counts)}, after};
    // Most of what a reset deletes is seen on a page; nobody shall have to guess what else goes with it.
    if (contents.counts->auditEntries > 0)
        preview.facts.push_back({.kind = FactKind::WhereAuditIs});
    return preview;
}

std::string describeDeleted(const StackContents &contents)
{
    std::string what = "contents: not counted";
    if (contents.counts) {
        auto amounts = amountsOf(*contents.counts);
        what = amounts.empty() ? "contents: nothing"
                               : recordOf({{.kind = FactKind::ContentsDeleted, .amounts = std::move(amounts)}});
    }
    return what + ", SQLite: " + humanSize(contents.databaseBytes) + ", Redis: " + humanSize(contents.redisBytes) +
           ", folder: " + contents.folder.string();
}

Result<void> wipe(const fs::path &folder)
{
    std::error_code failed; // the first
    const auto keep = [&failed](const std::error_code &one) { failed = failed ? failed : one; };
    std::error_code one;
    const bool there = fs::exists(folder, one);
    keep(one);
    if (!there && !failed)
        return {};
    if (!failed) {
        const auto directory = DataDirectory::open(folder);
        if (!directory)
            return directory.error();
        // A directory that was there before may hold somebody else's files too.
        const auto redis = directory->file("redis");
        fs::remove_all(redis / "appendonlydir", one);
        keep(one);
        for (const char *name : redisFiles) {
            fs::remove(redis / name, one);
            keep(one);
        }
        fs::remove(redis, one); // not while something else is in it
        fs::remove_all(server::redisNote(folder), one);
        keep(one);
        for (const char *name : databaseFiles) {
            fs::remove(directory->file(name), one);
            keep(one);
        }
    }
    if (failed)
        return failure(ErrorKind::Unavailable,
                       "Not all files in " + folder.string() + " could be deleted: " + failed.message() + ".",
                       "Give this user the right to delete them.");
    return {};
}

} // namespace portolan::embedded
