// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/blocking_pool.h"
#include "core/base/ids.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/portal/audit_log.h"
#include "core/portal/audit_spool.h"
#include "core/storage/audit_store.h"
#include "core/storage/migrations.h"
#include "core/storage/query.h"
#include "core/storage/users_store.h"
#include "tests/fakes/manual_clock.h"

#include <sys/stat.h>

#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <mutex>

using namespace portolan;
using namespace std::chrono_literals;

namespace {

/// The log over a database that can be made full, as its disk would.
struct Audited
{
    explicit Audited(const QTemporaryDir &directory, std::size_t bytes = 64 * 1024)
        : database(*storage::DatabaseUrl::parse("sqlite:" + directory.filePath("portal.db").toStdString()),
                   {.connections = 1}),
          users(database),
          store(database),
          spool(directory.filePath("audit.spool").toStdString(), bytes),
          log(store, users, ids, clock, logger, "test portal")
    {
        if (!storage::migrate(database, clock) || !spool.open())
            throw std::runtime_error("no database or no spool");
        log.keepIn(spool, files);
    }

    void setFull(bool full)
    {
        const std::string pages = full ? "1" : "100000"; // SQLite takes less than there is for what there is
        const auto done = database.runBlocking([&](storage::DatabaseConnection &c) {
            return storage::executeOnce(c, "PRAGMA max_page_count = " + pages);
        });
        if (!done)
            throw std::runtime_error(done.error().message);
    }
    /// Entries so large that a database without a free page takes none of them.
    void record(const std::string &subject)
    {
        runSync<void>(runtime.at(0), [&]() -> awaitable<void> {
            Actor actor{{0, Role::Admin}, std::string(1000, 'r')};
            co_await log.record(std::move(actor), "worker.resize", subject, std::string(1000, 'd'));
        });
    }
    void deliver()
    {
        runSync<void>(runtime.at(0), [&] { return log.deliver(); });
    }
    std::vector<std::string> subjects()
    {
        AuditQuery query;
        query.limit = 500;
        const auto page = runSync<Result<AuditPage>>(runtime.at(0), [&] { return store.page(query); });
        std::vector<std::string> all;
        for (const AuditEntry &entry : page->items)
            all.push_back(entry.subject);
        std::ranges::reverse(all);
        return all;
    }
    std::string logged()
    {
        logger.flush();
        const std::lock_guard lock(mutex);
        return lines;
    }

    ManualClock clock;
    std::mutex mutex;
    std::string lines;
    Logger logger{clock, {.write = [this](std::string_view line) {
                      const std::lock_guard lock(mutex);
                      lines.append(line);
                  }}};
    Runtime runtime{1};
    BlockingPool files{"files", 1, 16};
    IdGenerator ids{clock};
    storage::Database database;
    storage::UsersStore users;
    storage::AuditStore store;
    portal::AuditSpool spool;
    portal::AuditLog log;
};

AuditEntry entryOf(Id id)
{
    AuditEntry entry;
    entry.id = id;
    entry.actor = "system";
    entry.action = "worker.resize";
    entry.subject = "worker:" + std::to_string(id);
    entry.outcome = "done";
    entry.reason = "why – \"so\"\n";
    return entry;
}

} // namespace

/// No action without its entry: what the database does not take waits on the disk.
class AuditTest final : public QObject
{
    Q_OBJECT
private slots:
    void waitsWhileTheDatabaseIsFull();
    void survivesARestart();
    void storesNothingTwice();
    void takesItsRoomBefore();
    void dropsWhatACrashCutShort();
    void saysWhatItCannotKeep();
    void keepsEntriesWhereItsFileWasDeleted();
};

void AuditTest::waitsWhileTheDatabaseIsFull()
{
    const QTemporaryDir directory;
    Audited audited(directory);
    audited.record("first");
    audited.setFull(true);
    std::vector<std::string> expected{"first"};
    for (int i = 0; i < 12; ++i) {
        expected.push_back(std::to_string(i));
        audited.record(expected.back());
    }
    QVERIFY(audited.spool.size() > 0);
    QCOMPARE(audited.subjects().size() + audited.spool.size(), expected.size());
    QVERIFY(audited.logged().find("an audit entry waits for the database") != std::string::npos);
    const std::size_t waiting = audited.spool.size();
    audited.deliver();
    QCOMPARE(audited.spool.size(), waiting); // still full
    audited.setFull(false);
    audited.deliver();
    QCOMPARE(audited.spool.size(), std::size_t{0});
    QCOMPARE(audited.subjects(), expected);
    audited.deliver();
    QCOMPARE(audited.subjects().size(), expected.size());
}

void AuditTest::survivesARestart()
{
    const QTemporaryDir directory;
    std::size_t waiting = 0;
    std::size_t stored = 0;
    {
        Audited audited(directory);
        audited.setFull(true);
        for (int i = 0; i < 12; ++i)
            audited.record(std::to_string(i));
        waiting = audited.spool.size();
        stored = audited.subjects().size();
        QVERIFY(waiting > 0);
    }
    Audited again(directory);
    QCOMPARE(again.spool.size(), waiting);
    again.deliver();
    QCOMPARE(again.subjects().size(), stored + waiting);
    Audited third(directory);
    QCOMPARE(third.spool.size(), std::size_t{0});
}

void AuditTest::storesNothingTwice()
{
    const QTemporaryDir directory;
    Audited audited(directory);
    const AuditEntry entry = entryOf(7);
    QVERIFY(audited.store.appendBlocking(entry).has_value()); // and died before it could take it out
    QVERIFY(audited.spool.add(entry).has_value());
    QVERIFY(audited.spool.add(entryOf(8)).has_value());
    audited.deliver();
    QCOMPARE(audited.spool.size(), std::size_t{0});
    QCOMPARE(audited.subjects(), (std::vector<std::string>{"worker:7", "worker:8"}));
}

void AuditTest::takesItsRoomBefore()
{
    const QTemporaryDir directory;
    const std::string file = directory.filePath("spool").toStdString();
    portal::AuditSpool spool(file, 1024 * 1024);
    QVERIFY(spool.open().has_value());
    struct stat status
    {};
    QCOMPARE(stat(file.c_str(), &status), 0);
    QVERIFY(status.st_blocks * 512 >= 1024 * 1024);
    QCOMPARE(status.st_mode & 0777, mode_t{0600});
}

void AuditTest::dropsWhatACrashCutShort()
{
    const QTemporaryDir directory;
    const std::string file = directory.filePath("spool").toStdString();
    {
        portal::AuditSpool spool(file, 64 * 1024);
        QVERIFY(spool.open().has_value());
        QVERIFY(spool.add(entryOf(1)).has_value());
        QVERIFY(spool.add(entryOf(2)).has_value());
    }
    std::string text;
    {
        std::ifstream read(file, std::ios::binary);
        text.assign(std::istreambuf_iterator<char>(read), {});
    }
    const auto end = text.find('\0');
    std::ofstream(file, std::ios::binary | std::ios::in).seekp(std::streamoff(end)) << R"({"id":"3","actor":"sys)";
    portal::AuditSpool spool(file, 64 * 1024);
    QVERIFY(spool.open().has_value());
    QCOMPARE(spool.entries(), (std::vector<AuditEntry>{entryOf(1), entryOf(2)}));
    QVERIFY(spool.add(entryOf(4)).has_value()); // over the half one
    portal::AuditSpool after(file, 64 * 1024);
    QVERIFY(after.open().has_value());
    QCOMPARE(after.entries(), (std::vector<AuditEntry>{entryOf(1), entryOf(2), entryOf(4)}));
}

void AuditTest::keepsEntriesWhereItsFileWasDeleted()
{
    const QTemporaryDir directory;
    const std::string file = directory.filePath("spool").toStdString();
    portal::AuditSpool spool(file, 64 * 1024);
    QVERIFY(spool.open().has_value());
    QVERIFY(spool.add(entryOf(1)).has_value());
    std::filesystem::remove(file);
    QVERIFY(spool.add(entryOf(2)).has_value());
    std::filesystem::rename(file, file + ".away");
    std::ofstream(file) << "something else";
    QVERIFY(spool.add(entryOf(3)).has_value());
    portal::AuditSpool after(file, 64 * 1024);
    QVERIFY(after.open().has_value());
    QCOMPARE(after.entries(), (std::vector<AuditEntry>{entryOf(1), entryOf(2), entryOf(3)}));
}

void AuditTest::saysWhatItCannotKeep()
{
    const QTemporaryDir directory;
    Audited audited(directory, 4096);
    audited.setFull(true);
    for (int i = 0; i < 12; ++i)
        audited.record("lost-" + std::to_string(i));
    const std::string logged = audited.logged();
    QVERIFY(logged.find("an audit entry could not be stored") != std::string::npos);
    QVERIFY(logged.find("lost-11") != std::string::npos);
}

QTEST_GUILESS_MAIN(AuditTest)
#include "audit_test.moc"
