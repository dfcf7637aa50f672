// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/blocking_pool.h"
#include "core/base/data_directory.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/server/storage_watch.h"
#include "tests/fakes/manual_clock.h"

#include <QTemporaryDir>
#include <QTest>
#include <semaphore>

using namespace portolan;
using namespace portolan::server;
using namespace std::chrono_literals;

/// A file system that answers, that misses something, and that hangs.
class StorageWatchTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void isUnknownAtFirst();
    void tellsWhatIsMissing_data();
    void tellsWhatIsMissing();
    void aFileSystemThatHangsStopsNobody();
    void looksAtTheRealDirectory();

private:
    void look();

    StorageState m_state;
    std::counting_semaphore<> m_mayAnswer{0};
    std::atomic<int> m_asked{0};
    std::atomic<int> m_answered{0};
    ManualClock m_clock;
    Logger m_logger{m_clock, {.level = LogLevel::Error}};
    std::optional<Runtime> m_runtime;
    std::optional<BlockingPool> m_pool;
    std::optional<StorageWatch> m_watch;
};

void StorageWatchTest::init()
{
    m_watch.reset();
    m_pool.reset();
    m_runtime.emplace(1);
    m_pool.emplace("files", 1, 8);
    m_state = {{1000, 400}, {}, {}};
    m_asked = m_answered = 0;
    m_watch.emplace(
        *m_pool,
        [this] {
            ++m_asked;
            m_mayAnswer.acquire();
            const StorageState state = m_state;
            ++m_answered;
            return state;
        },
        m_clock, m_logger);
}

void StorageWatchTest::look()
{
    const Executor executor = m_runtime->at(0);
    runSync<void>(executor, [this, executor]() -> awaitable<void> {
        m_watch->look(executor);
        co_return;
    });
}

void StorageWatchTest::isUnknownAtFirst()
{
    QCOMPARE(m_watch->directory().up, std::nullopt);
    QVERIFY(!m_watch->redisMoved());
    QCOMPARE(m_watch->disk(), DiskFigures());
}

void StorageWatchTest::tellsWhatIsMissing_data()
{
    const auto gone = [](const char *code) {
        return std::optional(Error{ErrorKind::Unavailable, code, "It is gone.", "Put it back.", {}, 0s});
    };
    QTest::addColumn<StorageState>("state");
    QTest::addColumn<bool>("directory");
    QTest::addColumn<bool>("redis");
    QTest::newRow("nothing") << StorageState{{1000, 400}, {}, {}} << true << true;
    QTest::newRow("the directory") << StorageState{{1000, 400}, gone("data-dir-moved"), {}} << false << true;
    QTest::newRow("the files of Redis") << StorageState{{1000, 400}, {}, gone("redis-moved")} << true << false;
}

void StorageWatchTest::tellsWhatIsMissing()
{
    QFETCH(StorageState, state);
    m_state = state;
    m_mayAnswer.release();
    look();
    QTRY_VERIFY(m_watch->directory().up.has_value());
    QTEST(*m_watch->directory().up, "directory");
    QTEST(!m_watch->redisMoved(), "redis");
    QCOMPARE(m_watch->directory().reason.empty(), *m_watch->directory().up);
    QCOMPARE(m_watch->disk(), state.disk);
}

void StorageWatchTest::aFileSystemThatHangsStopsNobody()
{
    look();
    QTRY_COMPARE(m_asked, 1);
    for (int second = 0; second < 4; ++second) {
        m_clock.advance(1s);
        look();
    }
    QCOMPARE(m_watch->directory().up, std::nullopt);
    m_clock.advance(1s);
    look();
    QCOMPARE(m_asked, 1); // however often it is asked, one thread waits
    QCOMPARE(m_watch->directory().up, std::optional(false));
    QCOMPARE(QByteArray(m_watch->directory().reason.c_str()), QByteArray("data-dir-hangs"));
    QCOMPARE(m_watch->disk(), DiskFigures());

    m_mayAnswer.release();
    QTRY_COMPARE(m_watch->directory().up, std::optional(true));
    QCOMPARE(m_watch->disk(), m_state.disk);
}

void StorageWatchTest::looksAtTheRealDirectory()
{
    const QTemporaryDir place;
    const std::filesystem::path path = place.path().toStdString() + "/data";
    auto directory = DataDirectory::open(path);
    QVERIFY(directory.has_value());
    const StorageState there = lookAt(*directory, nullptr);
    QVERIFY(!there.directory);
    QVERIFY(!there.redis);
    QVERIFY(there.disk.total.value_or(0) > 0);
    QVERIFY(there.disk.available.value_or(0) <= *there.disk.total);

    std::filesystem::rename(path, path.string() + "-away");
    const StorageState moved = lookAt(*directory, nullptr);
    QVERIFY(moved.directory);
    QCOMPARE(moved.disk, DiskFigures());
}

QTEST_GUILESS_MAIN(StorageWatchTest)
#include "storage_watch_test.moc"
