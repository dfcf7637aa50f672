// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/database.h"

#include "core/base/kept_file.h"
#include "core/storage/query.h"
#include "core/storage/write_turn.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace portolan::storage {
namespace {

using namespace std::chrono_literals;

constexpr auto firstBackoff = 100ms;
constexpr auto longestBackoff = 1000ms;
constexpr auto grace = 1000ms; ///< for the server's own timeout, before a running statement's socket is shut

SteadyTime now() { return std::chrono::steady_clock::now(); }

} // namespace

struct Database::Impl
{
    struct Task
    {
        Job job;
        SteadyTime pushed;
        SteadyTime deadline;
    };
    /// What one pool thread does now. Guarded by `mutex`.
    struct Slot
    {
        DatabaseConnection *running = nullptr;
        SteadyTime interruptAt = SteadyTime::max();
    };

    Impl(DatabaseUrl u, PoolOptions o) : url(std::move(u)), options(std::move(o)) {}

    void work(std::size_t index);
    void perform(DatabaseConnection &connection, Slot &slot, Task task);
    Result<void> ready(DatabaseConnection &connection);
    Result<void> connect(DatabaseConnection &connection);
    Result<void> inPlace() const;
    void learnFiles();
    void watch();
    std::vector<Job> takeExpired();

    const DatabaseUrl url;
    const PoolOptions options;
    const std::shared_ptr<WriteTurn> turn = std::make_shared<WriteTurn>();

    mutable std::mutex mutex;
    std::condition_variable wake;      ///< work, or the end
    std::condition_variable watchWake; ///< something to watch, or the end
    std::deque<Task> tasks;
    std::vector<Slot> slots;
    unsigned busy = 0;
    unsigned openCount = 0;
    std::uint64_t waits = 0;
    std::chrono::nanoseconds waited{0};
    std::uint64_t timedOut = 0;
    std::uint64_t refused = 0;
    std::chrono::milliseconds most = std::chrono::hours(24); ///< of any deadline; see hurry()
    bool stopping = false;
    bool watcherSleeps = false;

    // After a failure to connect: who may try again, and when. Others are refused with the same words.
    std::chrono::milliseconds backoff{0};
    SteadyTime retryAt{};
    bool trying = false;
    Error connectError;

    // The file and its log, as the first connection found them; set once, but by adoptFile(). A second file must not
    // be made in the place of the first, nor a second log beside it: what one connection writes then is lost to the
    // other.
    std::vector<KeptFile> files;
    std::atomic<bool> filesKnown{false};

    std::vector<std::thread> threads;
};

Database::Database(DatabaseUrl url, PoolOptions options)
    : m_impl(std::make_shared<Impl>(std::move(url), std::move(options)))
{
    const unsigned count = std::max(1u, m_impl->options.connections);
    m_impl->slots.resize(count);
    for (unsigned i = 0; i < count; ++i) {
        m_impl->threads.emplace_back([impl = m_impl.get(), i] {
            pthread_setname_np(pthread_self(), ("db-" + std::to_string(i)).c_str());
            impl->work(i);
        });
    }
    m_impl->threads.emplace_back([impl = m_impl.get()] {
        pthread_setname_np(pthread_self(), "db-watch");
        impl->watch();
    });
}

Database::~Database()
{
    std::deque<Impl::Task> left;
    {
        const std::lock_guard lock(m_impl->mutex);
        m_impl->stopping = true;
        left.swap(m_impl->tasks);
    }
    m_impl->wake.notify_all();
    m_impl->watchWake.notify_all();
    const Error stopped = failure(ErrorKind::Cancelled, "The server is shutting down.");
    for (auto &task : left)
        task.job(nullptr, &stopped);
    for (auto &thread : m_impl->threads)
        thread.join();
}

Dialect Database::dialect() const { return m_impl->url.dialect; }
const DatabaseUrl &Database::url() const { return m_impl->url; }

PoolUse Database::use() const
{
    const std::lock_guard lock(m_impl->mutex);
    const Impl &i = *m_impl;
    return {static_cast<unsigned>(i.slots.size()),
            i.openCount,
            i.busy,
            i.tasks.size(),
            i.waits,
            i.waited,
            i.timedOut,
            i.refused};
}

void Database::hurry(std::chrono::milliseconds most)
{
    const std::lock_guard lock(m_impl->mutex);
    m_impl->most = most;
    for (auto &task : m_impl->tasks)
        task.deadline = std::min(task.deadline, now() + most);
}

void Database::adoptFile() { m_impl->learnFiles(); }

Result<void> Database::open()
{
    return runBlocking([](DatabaseConnection &connection) -> Result<void> {
        if (connection.dialect() == Dialect::Sqlite) // proves that the file can be written, and checks its first pages
            return transaction(connection, [] { return Result<void>(); });
        auto encoding = selectOne(connection, "SELECT current_setting('server_encoding'), pg_is_in_recovery()", {},
                                  [](const Row &row) { return std::pair(row.text(0), row.text(1)); });
        if (encoding.has_error())
            return encoding.error();
        if (!*encoding || (**encoding).first != "UTF8")
            return failure(ErrorKind::Invalid, "The database is not encoded in UTF-8.",
                           "Create it with: createdb --encoding=UTF8 --template=template0 NAME.");
        if ((**encoding).second != "t")
            return {};
        Error standby = ofSettings(failure(ErrorKind::Invalid, "The database server is a read-only standby.",
                                           "Name the primary in the URL of the database."),
                                   {"database.url"});
        standby.code = "database-standby";
        return standby;
    });
}

void Database::post(Job job, std::chrono::milliseconds deadline)
{
    Error refused;
    {
        const std::lock_guard lock(m_impl->mutex);
        if (!m_impl->stopping && m_impl->tasks.size() < m_impl->options.queued) {
            const auto start = now();
            const auto limit = std::min(deadline.count() > 0 ? deadline : m_impl->options.deadline, m_impl->most);
            if (m_impl->busy + m_impl->tasks.size() >= m_impl->slots.size())
                ++m_impl->waits;
            m_impl->tasks.push_back({std::move(job), start, start + limit});
            m_impl->wake.notify_one();
            if (std::exchange(m_impl->watcherSleeps, false))
                m_impl->watchWake.notify_one();
            return;
        }
        if (m_impl->stopping) {
            refused = failure(ErrorKind::Cancelled, "The server is shutting down.");
        } else {
            ++m_impl->refused;
            refused =
                failure(ErrorKind::Unavailable, "Too much work for the database is waiting.", "Try again in a moment.");
            refused.retryAfter = 1s;
        }
    }
    job(nullptr, &refused);
}

void Database::Impl::work(std::size_t index)
{
    DatabaseConnection connection(url, options, turn);
    for (;;) {
        Task task;
        {
            std::unique_lock lock(mutex);
            const auto called = [this] { return stopping || !tasks.empty(); };
            // Only a server's connections are scarce; a file that is open costs nothing.
            const bool keep = !connection.isOpen() || connection.dialect() == Dialect::Sqlite;
            if (keep) {
                wake.wait(lock, called);
            } else if (!wake.wait_for(lock, options.idle, called)) {
                if (openCount > options.least) {
                    --openCount;
                    lock.unlock();
                    connection.close();
                }
                continue;
            }
            if (tasks.empty())
                break;
            task = std::move(tasks.front());
            tasks.pop_front();
            ++busy;
        }
        perform(connection, slots[index], std::move(task));
        const std::lock_guard lock(mutex);
        --busy;
    }
    if (connection.isOpen()) {
        const std::lock_guard lock(mutex);
        --openCount;
    }
}

void Database::Impl::perform(DatabaseConnection &connection, Slot &slot, Task task)
{
    const auto started = now();
    if (auto usable = ready(connection); usable.has_error()) {
        const Error reason = usable.error();
        task.job(nullptr, &reason);
        return;
    }
    if (now() >= task.deadline) {
        {
            const std::lock_guard lock(mutex);
            ++timedOut;
        }
        const Error late = failure(ErrorKind::Timeout, "The database had no connection free in time.");
        task.job(nullptr, &late);
        return;
    }
    {
        const std::lock_guard lock(mutex);
        waited += now() - task.pushed;
        slot.running = &connection;
        slot.interruptAt = task.deadline + grace;
    }
    connection.begin(task.deadline);
    task.job(&connection, nullptr);
    connection.end();
    {
        const std::lock_guard lock(mutex);
        slot.running = nullptr;
        slot.interruptAt = SteadyTime::max();
        if (connection.isLost())
            --openCount;
    }
    if (connection.isLost())
        connection.close();
    if (options.observe)
        options.observe({started - task.pushed, now() - started});
}

Result<void> Database::Impl::ready(DatabaseConnection &connection)
{
    if (auto there = inPlace(); !there)
        return there;
    if (connection.isOpen()) {
        if (!connection.isStale())
            return {};
        connection.close();
        const std::lock_guard lock(mutex);
        --openCount;
    }
    {
        const std::lock_guard lock(mutex);
        if (backoff.count() > 0) {
            if (trying || now() < retryAt)
                return connectError;
            trying = true;
        }
    }
    return connect(connection);
}

Result<void> Database::Impl::connect(DatabaseConnection &connection)
{
    auto opened = connection.open();
    const std::lock_guard lock(mutex);
    trying = false;
    if (opened.has_error()) {
        backoff = std::clamp<std::chrono::milliseconds>(backoff * 2, firstBackoff, longestBackoff);
        retryAt = now() + backoff;
        connectError = opened.error();
        return opened;
    }
    backoff = 0ms;
    ++openCount;
    if (url.dialect == Dialect::Sqlite && !filesKnown)
        learnFiles();
    return opened;
}

void Database::Impl::learnFiles()
{
    files = {KeptFile(url.path), KeptFile(url.path + "-wal")};
    filesKnown = true;
}

Result<void> Database::Impl::inPlace() const
{
    if (!filesKnown)
        return {};
    for (const KeptFile &file : files) {
        if (const auto change = file.change(); !change.empty()) {
            Error error = failure(ErrorKind::Unavailable,
                                  "The database file " + file.path().string() + ' ' + std::string(change) +
                                      " while the portal uses it; what would be written now would be lost.",
                                  "Put the very same file back (moved, not copied), or stop the portal, put a backup "
                                  "back with 'portoland restore FILE', and start it again.");
            error.code = "database-moved";
            error.retryAfter = 1s;
            return aboutThat(std::move(error), file.path().string());
        }
    }
    return {};
}

std::vector<Database::Job> Database::Impl::takeExpired()
{
    std::vector<Job> expired;
    const auto time = now();
    std::erase_if(tasks, [&](Task &task) {
        if (task.deadline > time)
            return false;
        expired.push_back(std::move(task.job));
        ++timedOut;
        return true;
    });
    for (auto &slot : slots) {
        if (slot.running && slot.interruptAt <= time) {
            slot.running->interrupt();
            slot.interruptAt = SteadyTime::max();
        }
    }
    return expired;
}

/// Looks every tenth of the deadline (5–100 ms) while there is work, and sleeps when there is none: a timer per piece
/// of work would cost more than most of the work.
void Database::Impl::watch()
{
    const auto tick = std::clamp<std::chrono::milliseconds>(options.deadline / 10, 5ms, 100ms);
    std::unique_lock lock(mutex);
    while (!stopping) {
        if (tasks.empty() && busy == 0) {
            watcherSleeps = true;
            watchWake.wait(lock, [this] { return stopping || !watcherSleeps; });
            continue;
        }
        watchWake.wait_for(lock, tick, [this] { return stopping; });
        auto expired = takeExpired();
        if (expired.empty())
            continue;
        lock.unlock();
        const Error late = failure(ErrorKind::Timeout, "The database had no connection free in time.");
        for (auto &job : expired)
            job(nullptr, &late);
        lock.lock();
    }
}

} // namespace portolan::storage
