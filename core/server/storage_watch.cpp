// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/storage_watch.h"

#include "core/base/blocking_pool.h"
#include "core/base/data_directory.h"
#include "core/base/log_error.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/monitor/link_trouble.h"
#include "core/redis/server_process.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <utility>

namespace portolan::server {

namespace {

constexpr std::chrono::seconds hangsAfter{5};

DiskFigures roomIn(const std::filesystem::path &directory)
{
    DiskFigures figures;
    std::error_code unknown;
    const auto space = std::filesystem::space(directory, unknown);
    if (!unknown) {
        // What is kept back for root nobody else can have.
        figures.total = space.capacity - std::min(space.capacity, space.free) + space.available;
        figures.available = space.available;
    }
    return figures;
}

std::optional<Error> errorOf(const Result<void> &result)
{
    return result ? std::nullopt : std::optional(result.error());
}

} // namespace

StorageState lookAt(DataDirectory &directory, const redis::ServerProcess *redis)
{
    return {roomIn(directory.path()), errorOf(directory.keep()), redis ? errorOf(redis->inPlace()) : std::nullopt};
}

struct StorageWatch::State
{
    State(BlockingPool &files, std::function<StorageState()> how, const Clock &time, Logger &log)
        : pool(files), ask(std::move(how)), clock(time), logger(log)
    {}

    awaitable<void> look(std::shared_ptr<State> self);
    void take(Result<StorageState> answer);
    void logChange(std::string &last, const std::optional<Error> &now, const char *bad, const char *good);
    bool hangs() const { return begun && clock.steady() - *begun >= hangsAfter; } ///< with `mutex` held

    BlockingPool &pool;
    const std::function<StorageState()> ask;
    const Clock &clock;
    Logger &logger;
    std::string loggedDirectory, loggedRedis; ///< of the executor alone
    bool loggedHang = false;
    bool looking = false; ///< of the executor alone, too

    mutable std::mutex mutex;
    std::optional<SteadyTime> begun; ///< of the look under way, when its turn in the pool came
    std::optional<StorageState> found;
};

StorageWatch::StorageWatch(BlockingPool &pool, std::function<StorageState()> ask, const Clock &clock, Logger &logger)
    : m_state(std::make_shared<State>(pool, std::move(ask), clock, logger))
{}

void StorageWatch::look(Executor executor)
{
    if (!std::exchange(m_state->looking, true)) {
        spawn(executor, [state = m_state] { return state->look(state); });
        return;
    }
    const std::lock_guard lock(m_state->mutex);
    if (m_state->hangs() && !std::exchange(m_state->loggedHang, true))
        m_state->logger.error("the file system of the data directory does not answer");
}

awaitable<void> StorageWatch::State::look(std::shared_ptr<State> self)
{
    // With a name: GCC 12 destroys a temporary of a co_await twice, and with it what it holds.
    auto work = [self] {
        {
            const std::lock_guard lock(self->mutex);
            self->begun = self->clock.steady();
        }
        return self->ask();
    };
    take(co_await pool.run(std::move(work)));
}

void StorageWatch::State::take(Result<StorageState> answer)
{
    const bool answered = answer.has_value();
    if (answered) {
        logChange(loggedDirectory, answer->directory, "the data directory is not in its place",
                  "the data directory is in its place again");
        logChange(loggedRedis, answer->redis, "the files of the embedded Redis are not in their place",
                  "the files of the embedded Redis are in their place again");
        if (std::exchange(loggedHang, false))
            logger.info("the file system of the data directory answers again");
    }
    looking = false;
    const std::lock_guard lock(mutex);
    begun.reset();
    if (answered) // else the pool is full or ends: what was found last still says most
        found = std::move(*answer);
}

void StorageWatch::State::logChange(std::string &last, const std::optional<Error> &now, const char *bad,
                                    const char *good)
{
    const std::string words = now ? inWords(*now) : std::string();
    if (words == last)
        return;
    last = words;
    if (now)
        logError(logger, LogLevel::Error, bad, *now);
    else
        logger.info(good);
}

LinkStatus StorageWatch::directory() const
{
    LinkStatus status{"data_dir", std::nullopt, std::nullopt, std::nullopt};
    const std::lock_guard lock(m_state->mutex);
    if (m_state->hangs()) {
        status.up = false;
        status.reason = "data-dir-hangs";
    } else if (m_state->found) {
        const std::optional<Error> &why = m_state->found->directory;
        status.up = !why;
        if (why)
            monitor::setDown(status, *why);
    }
    return status;
}

std::optional<Error> StorageWatch::redisMoved() const
{
    const std::lock_guard lock(m_state->mutex);
    return m_state->found ? m_state->found->redis : std::nullopt;
}

DiskFigures StorageWatch::disk() const
{
    const std::lock_guard lock(m_state->mutex);
    return m_state->found && !m_state->hangs() ? m_state->found->disk : DiskFigures{};
}

} // namespace portolan::server
