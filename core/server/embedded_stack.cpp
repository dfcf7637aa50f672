#include "core/server/embedded_stack.h"

#include "core/api/post_to.h"
#include "core/base/data_directory.h"
#include "core/base/logging.h"
#include "core/base/names.h"
#include "core/base/tier_file.h"
#include "core/server/demonstration.h"
#include "core/server/environment.h"
#include "core/server/log_collector.h"
#include "core/server/portal_server.h"
#include "core/server/seed.h"

#include <pthread.h>

#include <algorithm>
#include <filesystem>

namespace portolan::server {
namespace {

constexpr std::chrono::milliseconds logInterval{100};

/// What the process was told, with these above it. An empty one is said too: it means the built-in choice, whatever the
/// environment names.
SettingSources sourcesOf(SettingSources sources, const LocalStackSettings &settings)
{
    const LocalStackSettings builtIn;
    const std::pair<std::string, std::string> named[] = {
        {"tier", settings.tier.empty() ? builtIn.tier : settings.tier},
        {"listen", settings.listen.empty() ? builtIn.listen : settings.listen},
        {"redis.url", settings.redisUrl},
        {"database.url", settings.databaseUrl},
        {"data_dir", settings.dataDirectory}};
    for (const auto &one : named)
        sources.commandLine.push_back(one);
    return sources;
}

/// What the process was told, as settings; where that is not valid, as it was told on the command line, for a person to
/// see, and why.
LocalStackSettings settingsOf(const SettingSources &sources, std::optional<Error> &problem)
{
    LocalStackSettings wanted;
    const std::pair<const char *, std::string *> named[] = {{"tier", &wanted.tier},
                                                            {"listen", &wanted.listen},
                                                            {"redis.url", &wanted.redisUrl},
                                                            {"database.url", &wanted.databaseUrl},
                                                            {"data_dir", &wanted.dataDirectory}};
    const auto told = Settings::load(sources);
    if (!told)
        problem = told.error();
    for (const auto &[key, value] : named) {
        if (told)
            *value = told->text(key);
        for (const auto &[said, as] : sources.commandLine) {
            if (!told && said == key)
                *value = as;
        }
    }
    return wanted;
}

LogOptions logOptions(const Settings &settings, const std::shared_ptr<LogCollector> &log)
{
    LogOptions options;
    options.level = enumFromName<LogLevel>(settings.text("log.level")).value_or(LogLevel::Info);
    options.write = [log](std::string_view line) { log->add(line); };
    return options;
}

/// Deletes what the private Redis and the SQLite file hold. The lock of the data directory is held meanwhile, so that
/// no other process's portal loses its files. What was measured (the history) and the signing key stay.
Result<void> wipe(const std::filesystem::path &path)
{
    std::error_code failed;
    if (!std::filesystem::exists(path, failed))
        return {};
    const auto directory = DataDirectory::open(path);
    if (!directory)
        return directory.error();
    // A directory that was there before may hold somebody else's files too.
    const auto redis = directory->file("redis");
    std::filesystem::remove_all(redis / "appendonlydir", failed);
    for (const char *name : {"dump.rdb", "redis.lock", "redis.pid", "redis.sock"})
        std::filesystem::remove(redis / name, failed);
    std::error_code notEmpty;
    std::filesystem::remove(redis, notEmpty);
    for (const char *name : {"portal.db", "portal.db-wal", "portal.db-shm", "portal.db-journal"}) {
        std::error_code one;
        std::filesystem::remove(directory->file(name), one);
        if (one)
            failed = one;
    }
    if (failed)
        return failure(ErrorKind::Unavailable,
                       "Not all files in " + path.string() + " could be deleted: " + failed.message() + ".",
                       "Give this user the right to delete them.");
    return {};
}

Error busyNow() { return failure(ErrorKind::Conflict, "The portal is busy.", "Wait until that is done."); }

} // namespace

struct EmbeddedStack::Portal
{
    std::unique_ptr<Logger> logger;
    std::unique_ptr<PortalServer> server;
};

EmbeddedStack::EmbeddedStack(SettingSources sources, const Clock &clock, Options options, QObject *parent)
    : LocalStack(parent),
      m_sources(std::move(sources)),
      m_clock(clock),
      m_options(options),
      m_settings(settingsOf(m_sources, m_toldWrong))
{
    if (m_options.demonstration)
        m_deployment.setName("Demo portal");
    if (const auto told = Settings::load(m_sources))
        m_deployment.expect(told->tier().name, told->production());
    m_log = std::make_shared<LogCollector>([this] { postTo(this, [this] { m_logTimer.start(logInterval); }); });
    m_logTimer.setSingleShot(true);
    connect(&m_logTimer, &QTimer::timeout, this, &EmbeddedStack::handOverLog);
    m_thread = std::thread([this] {
        pthread_setname_np(pthread_self(), "stack");
        work();
    });
}

EmbeddedStack::~EmbeddedStack()
{
    m_deployment.detach("The portal has stopped.");
    m_demonstration.reset();
    m_calls.cancelAll();
    {
        const std::lock_guard lock(m_mutex);
        m_ending = true;
        m_jobs.clear();
    }
    m_wake.notify_one();
    m_thread.join();
    m_deployment.cancelCalls();
    m_log->close();
}

std::vector<std::string> EmbeddedStack::tiers() const { return builtInTiers(); }

std::string EmbeddedStack::dataDirectory() const
{
    if (!m_settings.dataDirectory.empty())
        return m_settings.dataDirectory;
    return defaultDataDirectory(processEnvironment).string();
}

void EmbeddedStack::work()
{
    for (;;) {
        std::function<void()> job;
        {
            std::unique_lock lock(m_mutex);
            m_wake.wait(lock, [this] { return m_ending || !m_jobs.empty(); });
            if (m_ending)
                break;
            job = std::move(m_jobs.front());
            m_jobs.pop_front();
        }
        job();
    }
    shutDown();
}

void EmbeddedStack::post(std::function<void()> job)
{
    {
        const std::lock_guard lock(m_mutex);
        m_jobs.push_back(std::move(job));
    }
    m_wake.notify_one();
}

Result<std::string> EmbeddedStack::launch(const LocalStackSettings &settings)
{
    auto loaded = Settings::load(sourcesOf(m_sources, settings));
    if (!loaded)
        return loaded.error();
    auto portal = std::make_unique<Portal>();
    portal->logger = std::make_unique<Logger>(m_clock, logOptions(*loaded, m_log));
    auto started = PortalServer::start(std::move(*loaded), m_clock, *portal->logger);
    if (!started)
        return started.error();
    portal->server = std::move(*started);
    portal->logger->info("the portal is serving",
                         {{"url", portal->server->url()}, {"with", portal->server->summary()}});
    m_portal = std::move(portal);
    return m_portal->server->url();
}

void EmbeddedStack::shutDown()
{
    if (!m_portal)
        return;
    const auto stuck = m_portal->server->stop();
    if (stuck == 0) {
        m_portal->logger->info("the portal has stopped");
        m_portal.reset();
        return;
    }
    m_portal->logger->warn("tasks did not return in time; what they use is left behind", {{"threads", stuck}});
    (void)m_portal.release();
}

QFuture<Result<void>> EmbeddedStack::start(LocalStackSettings settings)
{
    if (m_busy)
        return answered<void>(busyNow());
    if (m_state == State::Running)
        return answered<void>(failure(ErrorKind::Conflict, "The portal is running already.", "Stop it first."));
    if (m_toldWrong && settings == m_settings) {
        // What is wrong must not be passed over by the settings that go above it.
        m_deployment.detach(inWords(*m_toldWrong));
        setState(State::Stopped, m_toldWrong);
        return answered<void>(*m_toldWrong);
    }
    m_settings = std::move(settings);
    auto done = std::make_shared<Answer<void>>();
    auto future = done->future();
    m_busy = true;
    startPortal(std::move(done));
    return future;
}

void EmbeddedStack::startPortal(Done done)
{
    m_deployment.connecting();
    setState(State::Starting);
    post([this, settings = m_settings, done = std::move(done)] {
        auto started = launch(settings);
        postTo(this, [this, started = std::move(started), done] { startFinished(started, done); });
    });
}

void EmbeddedStack::startFinished(Result<std::string> started, const Done &done)
{
    m_busy = false;
    if (!started) {
        m_deployment.detach(inWords(started.error()));
        setState(State::Stopped, started.error());
        done->finish(started.error());
        return;
    }
    m_deployment.attach(*m_portal->server);
    setState(State::Running);
    done->finish({});
    if (m_options.demonstration && m_state == State::Running && !m_deployment.info().production)
        m_demonstration = std::make_unique<Demonstration>(m_portal->server->services(), m_portal->server->url());
}

/// `afterwards` runs on the thread once the portal is gone, `done` here.
void EmbeddedStack::stopPortal(std::function<Result<void>()> afterwards, std::function<void(Result<void>)> done)
{
    m_busy = true;
    m_deployment.detach("The portal is stopping.");
    setState(State::Stopping);
    post([this, afterwards = std::move(afterwards), done = std::move(done),
          demonstration = std::shared_ptr<Demonstration>(std::move(m_demonstration))]() mutable {
        demonstration.reset();
        shutDown();
        auto result = afterwards();
        postTo(this, [this, result = std::move(result), done] {
            m_deployment.cancelCalls(); // those of a portal that was left behind would never end
            m_deployment.detach("The portal is not running.");
            done(result);
        });
    });
}

QFuture<Result<void>> EmbeddedStack::stop()
{
    if (m_busy)
        return answered<void>(busyNow());
    if (m_state == State::Stopped)
        return answered<void>({});
    auto answer = std::make_shared<Answer<void>>();
    auto future = answer->future();
    stopPortal([] { return Result<void>(); },
               [this, answer](const Result<void> &result) {
                   m_busy = false;
                   setState(State::Stopped);
                   answer->finish(result);
               });
    return future;
}

QFuture<Result<void>> EmbeddedStack::reset()
{
    if (m_busy)
        return answered<void>(busyNow());
    if (!m_settings.redisUrl.empty() || !m_settings.databaseUrl.empty())
        return answered<void>(failure(ErrorKind::Unsupported,
                                      "A Redis or a database that was named is not ours to delete.",
                                      "Empty it with its own tools, or use the private one."));
    auto answer = std::make_shared<Answer<void>>();
    auto future = answer->future();
    stopPortal([path = std::filesystem::path(dataDirectory())] { return wipe(path); },
               [this, answer](const Result<void> &wiped) {
                   if (wiped) {
                       startPortal(answer);
                       return;
                   }
                   m_busy = false;
                   setState(State::Stopped, wiped.error());
                   answer->finish(wiped);
               });
    return future;
}

QFuture<Result<std::string>> EmbeddedStack::seed()
{
    if (m_busy)
        return answered<std::string>(busyNow());
    if (m_state != State::Running)
        return answered<std::string>(failure(ErrorKind::Unavailable, "The portal is not running.", "Start it."));
    auto answer = std::make_shared<Answer<std::string>>();
    auto future = answer->future();
    m_busy = true;
    const auto services = m_portal->server->services();
    m_calls.start<Seed>(services.executor, [services] { return seedPortal(services); })
        .then(this, [this, answer](const Result<Seed> &result) {
            m_busy = false;
            answer->finish(result ? Result<std::string>(result->sentence) : result.error());
        });
    return future;
}

void EmbeddedStack::setState(State state, std::optional<Error> problem)
{
    m_state = state;
    m_problem = std::move(problem);
    emit stateChanged();
}

void EmbeddedStack::handOverLog()
{
    const auto lines = m_log->take();
    if (!lines.empty())
        emit logged(lines);
}

} // namespace portolan::server
