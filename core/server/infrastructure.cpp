// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/infrastructure.h"

#include "core/base/log_error.h"
#include "core/redis/info.h"
#include "core/server/environment.h"
#include "core/server/mending.h"
#include "core/storage/migrations.h"

#include <algorithm>
#include <array>
#include <thread>

namespace portolan::server {
namespace {

constexpr std::size_t cachedUsers = 50'000;
constexpr std::chrono::seconds cachedUserLife{30};
constexpr std::chrono::seconds redisStartDeadline{3};

unsigned ioThreads(const Settings &settings)
{
    const auto wanted = settings.integer("io_threads");
    return wanted > 0 ? static_cast<unsigned>(wanted) : std::max(1u, std::thread::hardware_concurrency());
}

/// Processes that share a database differ in it with high probability; a repeated id would be refused by its primary
/// key, never stored twice.
unsigned randomInstance()
{
    std::array<std::byte, 2> bytes{};
    randomBytes(bytes);
    return (std::to_integer<unsigned>(bytes[0]) << 8 | std::to_integer<unsigned>(bytes[1])) & 1023u;
}

storage::PoolOptions poolOptions(const Tier::Database &tier, telemetry::PortalMetrics &metrics)
{
    storage::PoolOptions options;
    options.connections = tier.poolMost;
    options.least = tier.poolLeast;
    options.deadline = tier.timeout;
    options.observe = [&metrics](const storage::WorkReport &report) { metrics.dbQueryDuration.observe(report.ran); };
    return options;
}

/// Whether what was named is a Redis that this portal may use and that keeps what it is given. Blocks. One that is
/// away, still loads, or does not say is no error: it is waited for (monitor/redis_check.h goes on asking).
Result<void> checkRedis(Executor executor, const redis::Endpoint &endpoint, const redis::ClientOptions &options,
                        Logger &logger)
{
    redis::Client probe(executor, endpoint, options);
    probe.start();
    auto checked = runSync<Result<void>>(executor, [&]() -> awaitable<Result<void>> {
        auto ready = co_await probe.waitReady(redisStartDeadline);
        if (!ready) {
            const Error why = probe.problem().value_or(ready.error());
            if (!mayComeBack(why))
                co_return why;
            logger.warn("Redis is away: sessions and limits live in memory and tasks wait until it is back",
                        {{"why", why.message}, {"mend", why.hint}, {"link", "redis"}});
            co_return Result<void>();
        }
        co_return co_await checkEviction(probe, endpoint);
    });
    probe.stop();
    return checked;
}

Error evicts(const redis::Endpoint &endpoint, const std::string &policy)
{
    return ofSettings(failure(ErrorKind::Invalid,
                              "The Redis at " + endpoint.display() +
                                  " evicts any key when it is full (maxmemory-policy " + policy +
                                  "): queued tasks would be lost.",
                              "Run it with `maxmemory-policy noeviction`, or name another."),
                      {"redis.url"});
}

} // namespace

bool mayComeBack(const Error &why)
{
    return why.code != "redis-auth" && why.code != "redis-database" &&
           (why.kind == ErrorKind::Unavailable || why.kind == ErrorKind::Timeout);
}

awaitable<Result<void>> checkEviction(redis::Client &client, redis::Endpoint endpoint)
{
    const auto memory = co_await client.run(redis::Command("INFO", "memory"));
    if (!memory)
        co_return Result<void>();
    const auto told = redis::parseInfo(memory->text).memory;
    const auto policy = told.policy.value_or("");
    if (told.evictsAnyKey())
        co_return evicts(endpoint, policy);
    co_return Result<void>();
}

Infrastructure::Infrastructure(const Settings &settings, DataDirectory directory_, storage::DatabaseUrl url,
                               const Clock &clock)
    : directory(std::move(directory_)),
      runtime(ioThreads(settings)),
      files("files", 1, 256),
      metrics(registry),
      database(std::move(url), poolOptions(settings.tier().database, metrics)),
      userCache(clock, cachedUsers, cachedUserLife),
      users(database, &userCache),
      limitOverrides(database),
      sessionList(database),
      taskOwners(database),
      auditLog(database),
      apiTokens(database),
      ids(clock, randomInstance()),
      m_socketNote(redisSocketNote(settings)),
      m_databaseNamed(settings.isSet("database.url"))
{}

Infrastructure::~Infrastructure() { stop(); }

Result<std::unique_ptr<Infrastructure>> Infrastructure::open(const Settings &settings, const Clock &clock,
                                                             Logger &logger)
{
    auto directory = DataDirectory::open(dataDirectoryPath(settings));
    if (!directory)
        return directory.error();
    auto url = databaseUrl(settings);
    if (!url)
        return url.error();
    std::unique_ptr<Infrastructure> made(new Infrastructure(settings, std::move(*directory), std::move(*url), clock));
    const bool file = made->database.dialect() == storage::Dialect::Sqlite;
    const std::string path = file ? made->database.url().path : std::string();
    if (const auto left = checkDatabaseIsLeft(settings, made->directory.path(), path); !left)
        return left.error();
    if (auto opened = made->database.open(); !opened)
        return opened.error();
    const auto migrated = storage::migrate(made->database, clock);
    if (!migrated)
        return migrated.error();
    if (file)
        if (const auto noted = noteDatabase(made->directory.path(), path); !noted)
            return noted.error();
    if (!migrated->applied.empty())
        logger.debug("the database schema was brought up to date", {{"from", migrated->from}, {"to", migrated->to}});
    if (auto started = made->startRedis(settings, logger); !started)
        return started.error();
    return made;
}

Result<void> Infrastructure::startRedis(const Settings &settings, Logger &logger)
{
    redis::ClientOptions commands;
    commands.name = redis::commandsName;
    commands.way = way;
    commands.trust = trust;
    if (settings.isSet("redis.url")) {
        auto endpoint = redisUrl(settings);
        if (!endpoint)
            return endpoint.error();
        redisEndpoint = std::move(*endpoint);
        if (const auto fit = checkRedis(runtime.at(0), redisEndpoint, commands, logger); !fit)
            return fit.error();
    } else {
        redis::ServerProcessOptions options;
        options.dataDirectory = directory.file("redis");
        options.noteFile = redisNote(directory.path());
        options.maxmemory = settings.tier().redis.maxmemory;
        options.program = settings.text("redis.program");
        options.mendCommand = mendCommand(settings);
        options.onLog = [&logger](bool warning, std::string_view line) {
            // Redis marks plain notices as warnings too; what matters says so.
            const bool matters = warning && (line.find("rror") != line.npos || line.find("ailed") != line.npos ||
                                             line.find("an't ") != line.npos);
            logger.log(matters ? LogLevel::Warning : LogLevel::Debug, "redis-server", {{"line", line}});
        };
        options.onRestart = [&logger](const Error &why) {
            logger.warn("the embedded Redis is started again", {{"why", why.message}});
        };
        redisProcess = std::make_unique<redis::ServerProcess>(std::move(options));
        const auto started = redisProcess->start();
        redisEndpoint = redisProcess->endpoint();
        if (!started && started.error().code != "redis-missing")
            return started.error();
        if (!started) {
            logError(logger, LogLevel::Warning,
                     "Redis is missing: sessions and limits live in memory, tasks cannot run", started.error());
            redisProcess.reset();
            m_redisMissing = true;
        } else if (const auto noted = writeFileAtomically(m_socketNote, redisEndpoint.path); !noted) {
            return noted.error();
        }
    }
    redis = std::make_unique<redis::Client>(runtime.at(0), redisEndpoint, commands);
    redis::ClientOptions events = commands;
    events.name = redis::eventsName;
    subscriber = std::make_unique<redis::Subscriber>(runtime.at(runtime.size() - 1), redisEndpoint, events);
    return {};
}

void Infrastructure::connect()
{
    redis->start();
    subscriber->start();
}

void Infrastructure::stop()
{
    if (m_stopped)
        return;
    m_stopped = true;
    if (subscriber)
        subscriber->stop();
    if (redis)
        redis->stop();
    runtime.stop();
    if (redisProcess) {
        std::error_code ignored;
        std::filesystem::remove(m_socketNote, ignored);
        redisProcess->stop();
    }
}

std::string Infrastructure::redisName() const
{
    return redisProcess ? "embedded" : m_redisMissing ? "memory" : redisEndpoint.display();
}

std::string Infrastructure::databaseName() const
{
    if (database.dialect() == storage::Dialect::PostgreSql)
        return "postgresql";
    return m_databaseNamed ? database.url().display() : "sqlite";
}

} // namespace portolan::server
