// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/backup.h"
#include "core/storage/users_store.h"
#include "tests/contract/storage/backends.h"
#include "tests/fakes/add_users.h"

#include <sys/resource.h>

#include <QTemporaryDir>
#include <csignal>
#include <fstream>
#include <thread>

using namespace portolan;
using namespace portolan::storage;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// What a disk and its neighbours do to an SQLite file.
class SqliteFaultsTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void cleanup();

    void refusesAPlaceItCannotUse_data();
    void refusesAPlaceItCannotUse();
    void refusesAFileThatIsNoDatabase();
    void saysThatTheFileIsDamaged();
    void saysThatTheFileIsFull();
    void saysThatTheDiskIsFull();
    void waitsForAnotherProcessAndGivesUp();
    void takesNothingWhileTheFileIsNotThere_data();
    void takesNothingWhileTheFileIsNotThere();
    void keepsItsFilePrivate();
    void backsUpAndRestores();
    void restoresNothingFromADamagedFile();
    void backupLeavesNoDraft();

private:
    UserRecord user(Id id) const
    {
        UserRecord user;
        user.id = id;
        user.email = "user" + std::to_string(id) + "@example.com";
        user.passwordHash = std::string(100, 'h');
        return user;
    }
    void fill(Database &database, Id count)
    {
        std::vector<UserRecord> users;
        for (Id id = 1; id <= count; ++id)
            users.push_back(user(id));
        VERIFY_OK(addUsers(database, users));
    }
    std::unique_ptr<Database> database() { return std::make_unique<Database>(parsedUrl("sqlite:" + m_file.string())); }

    ManualClock m_clock;
    std::unique_ptr<QTemporaryDir> m_directory;
    fs::path m_file;
};

void SqliteFaultsTest::init()
{
    m_directory = std::make_unique<QTemporaryDir>();
    m_file = m_directory->filePath("portal.db").toStdString();
}

void SqliteFaultsTest::cleanup() { m_directory.reset(); }

void SqliteFaultsTest::refusesAPlaceItCannotUse_data()
{
    // As root every directory can be written, so places are used that nobody can write.
    QTest::addColumn<QString>("path");
    QTest::newRow("directory that is a file") << "/etc/passwd/portal.db";
    QTest::newRow("no such directory") << "/nowhere/at/all/portal.db";
    QTest::newRow("a directory") << "/tmp";
    QTest::newRow("read-only file system") << "/proc/portal.db";
}

void SqliteFaultsTest::refusesAPlaceItCannotUse()
{
    QFETCH(QString, path);
    Database database(parsedUrl("sqlite:" + path.toStdString()));
    const auto refused = database.open();
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().code, std::string("database-unwritable"));
    QVERIFY(refused.error().message.find(path.toStdString()) != std::string::npos);
    QVERIFY(!refused.error().hint.empty());
}

void SqliteFaultsTest::refusesAFileThatIsNoDatabase()
{
    std::ofstream(m_file) << std::string(10'000, 'x');
    const auto refused = database()->open();
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().code, std::string("database-corrupt"));
    QVERIFY2(refused.error().message.find(m_file.string()) != std::string::npos, words(refused.error()));
    QVERIFY(refused.error().hint.find("restore") != std::string::npos);
}

void SqliteFaultsTest::saysThatTheFileIsDamaged()
{
    {
        auto sound = database();
        VERIFY_OK(migrate(*sound, m_clock));
        fill(*sound, 2000);
        QVERIFY(
            !sound->runBlocking([](DatabaseConnection &c) { return executeOnce(c, "PRAGMA wal_checkpoint(TRUNCATE)"); })
                 .has_error());
    }
    const auto size = fs::file_size(m_file);
    {
        std::fstream file(m_file, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(8192);
        const std::string noise(size - 8192, '\xa5');
        file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
    }
    auto damaged = database();
    auto opened = damaged->open();
    const Error error = opened.has_error() ? opened.error() : UsersStore(*damaged).pageBlocking({}).error();
    QCOMPARE(error.code, std::string("database-corrupt"));
    QVERIFY2(error.message.find(m_file.string()) != std::string::npos, words(error));
}

void SqliteFaultsTest::saysThatTheFileIsFull()
{
    PoolOptions options;
    options.connections = 1;
    Database database(parsedUrl("sqlite:" + m_file.string()), options);
    VERIFY_OK(migrate(database, m_clock));
    VERIFY_OK(database.runBlocking([](DatabaseConnection &c) { return executeOnce(c, "PRAGMA max_page_count = 60"); }));
    std::vector<UserRecord> many;
    for (Id id = 1; id <= 2000; ++id)
        many.push_back(user(id));
    const auto full = addUsers(database, many);
    QVERIFY(full.has_error());
    QCOMPARE(full.error().kind, ErrorKind::Full);
    QCOMPARE(full.error().code, std::string("disk-full"));
    QVERIFY(!full.error().hint.empty());
    QVERIFY(UsersStore(database).pageBlocking({})->items.empty()); // reading goes on, and nothing is half there
    VERIFY_OK(
        database.runBlocking([](DatabaseConnection &c) { return executeOnce(c, "PRAGMA max_page_count = 100000"); }));
    VERIFY_OK(addUsers(database, many));
}

void SqliteFaultsTest::saysThatTheDiskIsFull()
{
    // A limit of the process stands in for the disk: /dev/full takes no database.
    auto database = this->database();
    VERIFY_OK(migrate(*database, m_clock));
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{256 * 1024, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    std::vector<UserRecord> many;
    for (Id id = 1; id <= 5000; ++id)
        many.push_back(user(id));
    const auto failed = addUsers(*database, many);
    setrlimit(RLIMIT_FSIZE, &before);
    QVERIFY(failed.has_error());
    QVERIFY2(failed.error().kind == ErrorKind::Full || failed.error().kind == ErrorKind::Unavailable,
             words(failed.error()));
    QVERIFY(failed.error().message.find(m_file.string()) != std::string::npos);
    VERIFY_OK(addUsers(*database, many));
}

void SqliteFaultsTest::waitsForAnotherProcessAndGivesUp()
{
    auto mine = database();
    VERIFY_OK(migrate(*mine, m_clock));
    auto other = database(); // has a turn of its own, as another process has
    std::atomic<bool> release{false};
    std::atomic<bool> holds{false};
    std::thread holder([&] {
        (void)other->runBlocking([&](DatabaseConnection &c) {
            return transaction(c, [&]() -> Result<void> {
                holds = true;
                holds.notify_all();
                release.wait(false);
                return {};
            });
        });
    });
    holds.wait(false);
    const auto start = std::chrono::steady_clock::now();
    const auto busy = mine->runBlocking([](DatabaseConnection &c) { return execute(c, "DELETE FROM users"); }, 300ms);
    const auto took = std::chrono::steady_clock::now() - start;
    mine->hurry(500ms); // nor is it waited for while the process stops
    const auto hurried = std::chrono::steady_clock::now();
    const auto late = mine->runBlocking([](DatabaseConnection &c) { return execute(c, "DELETE FROM users"); }, 60s);
    const auto hurriedFor = std::chrono::steady_clock::now() - hurried;
    release = true;
    release.notify_all();
    holder.join();
    QVERIFY(busy.has_error());
    QVERIFY2(busy.error().kind == ErrorKind::Timeout || busy.error().code == "database-busy", words(busy.error()));
    QVERIFY(took >= 250ms && took < 2s);
    QVERIFY(late.has_error());
    QVERIFY(hurriedFor >= 400ms && hurriedFor < 10s);
    VERIFY_OK(mine->runBlocking([](DatabaseConnection &c) { return execute(c, "DELETE FROM users"); }));
}

void SqliteFaultsTest::takesNothingWhileTheFileIsNotThere_data()
{
    QTest::addColumn<QString>("file");
    QTest::addColumn<bool>("replaced");
    QTest::newRow("moved") << "portal.db" << false;
    QTest::newRow("put back from a copy") << "portal.db" << true;
    QTest::newRow("its log moved") << "portal.db-wal" << false;
    QTest::newRow("its log replaced") << "portal.db-wal" << true;
}

void SqliteFaultsTest::takesNothingWhileTheFileIsNotThere()
{
    QFETCH(QString, file);
    QFETCH(bool, replaced);
    auto open = database();
    VERIFY_OK(migrate(*open, m_clock));
    fill(*open, 3);
    const fs::path there = m_directory->filePath(file).toStdString();
    const fs::path away = there.string() + ".away";
    fs::rename(there, away);
    if (replaced)
        fs::copy_file(away, there);
    const std::vector<UserRecord> more{user(9)};
    const auto read = UsersStore(*open).pageBlocking({});
    const auto written = addUsers(*open, more);
    QVERIFY(read.has_error() && written.has_error());
    for (const Error &refused : {read.error(), written.error()}) {
        QVERIFY2(refused.kind == ErrorKind::Unavailable, words(refused));
        QCOMPARE(refused.code, std::string("database-moved"));
        QVERIFY2(refused.message.find(there.string()) != std::string::npos, words(refused));
        QVERIFY(!refused.hint.empty());
    }
    QCOMPARE(fs::exists(there), replaced); // no empty one is made in its place
    fs::rename(away, there);
    VERIFY_OK(addUsers(*open, more));
    open.reset();
    auto again = database();
    QCOMPARE(UsersStore(*again).pageBlocking({})->items.size(), 4u);
}

void SqliteFaultsTest::keepsItsFilePrivate()
{
    auto database = this->database();
    VERIFY_OK(migrate(*database, m_clock));
    for (const auto *suffix : {"", "-wal", "-shm"})
        QCOMPARE(fs::status(m_file.string() + suffix).permissions(), fs::perms(0600));
}

void SqliteFaultsTest::backsUpAndRestores()
{
    auto database = this->database();
    VERIFY_OK(migrate(*database, m_clock));
    fill(*database, 300);
    const fs::path file = m_directory->filePath("backup.db").toStdString();
    VERIFY_OK(backup(*database, file));
    QCOMPARE(fs::status(file).permissions(), fs::perms(0600));
    QCOMPARE(backup(*database, file).error().kind, ErrorKind::Conflict);
    VERIFY_OK(UsersStore(*database).addBlocking(user(1000)));
    VERIFY_OK(backup(*database, file, {true}));
    VERIFY_OK(UsersStore(*database).addBlocking(user(1001)));
    QCOMPARE(restore(*database, file).error().kind, ErrorKind::Conflict);
    VERIFY_OK(restore(*database, file, {true}));
    UserQuery query;
    query.limit = 500;
    QCOMPARE(UsersStore(*database).pageBlocking(query)->items.size(), std::size_t{301});
    VERIFY_OK(UsersStore(*database).addBlocking(user(1001)));

    Database empty(parsedUrl("sqlite:" + m_directory->filePath("new.db").toStdString()));
    VERIFY_OK(restore(empty, file));
    QCOMPARE(UsersStore(empty).pageBlocking(query)->items.size(), std::size_t{301});
    QCOMPARE(migrate(empty, m_clock)->from, schemaVersion());
}

void SqliteFaultsTest::restoresNothingFromADamagedFile()
{
    auto database = this->database();
    VERIFY_OK(migrate(*database, m_clock));
    fill(*database, 300);
    const fs::path file = m_directory->filePath("backup.db").toStdString();
    QCOMPARE(restore(*database, file, {true}).error().kind, ErrorKind::NotFound);
    std::ofstream(file)
        << "this is no database, and longer than a header of one would have to be, which is one hundred bytes";
    QCOMPARE(restore(*database, file, {true}).error().kind, ErrorKind::Invalid);
    VERIFY_OK(backup(*database, file, {true}));
    fs::resize_file(file, fs::file_size(file) / 2);
    QCOMPARE(restore(*database, file, {true}).error().kind, ErrorKind::Invalid);
    QCOMPARE(UsersStore(*database).pageBlocking({})->items.size(), std::size_t{50});
}

void SqliteFaultsTest::backupLeavesNoDraft()
{
    auto database = this->database();
    VERIFY_OK(migrate(*database, m_clock));
    fill(*database, 10);
    QCOMPARE(backup(*database, "/proc/backup.db").error().kind, ErrorKind::Invalid);
    const fs::path folder = m_directory->filePath("backups").toStdString();
    fs::create_directory(folder);
    VERIFY_OK(backup(*database, folder / "one.db"));
    QVERIFY(backup(*database, folder / "one.db").has_error());
    QCOMPARE(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

QTEST_GUILESS_MAIN(SqliteFaultsTest)
#include "sqlite_faults_test.moc"
