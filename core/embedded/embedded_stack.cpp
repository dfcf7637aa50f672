// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/embedded_stack.h"

#include "core/api/post_to.h"
#include "core/base/data_directory.h"
#include "core/base/log_error.h"
#include "core/base/logging.h"
#include "core/base/names.h"
#include "core/base/tier_file.h"
#include "core/embedded/embedded_stack_parts.h"
#include "core/embedded/log_collector.h"
#include "core/monitor/history.h"
#include "core/server/environment.h"
#include "core/server/restart_check.h"
#include "core/showcase/demonstration.h"
#include "core/showcase/seed.h"

#include <pthread.h>

#include <algorithm>
#include <filesystem>

namespace portolan::embedded {
namespace {

constexpr std::chrono::milliseconds logInterval{100};
constexpr std::chrono::seconds seedPatience{5}; // for one of its steps

} // namespace

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
    sources.namesOptions = false; // they were chosen in a window
    return sources;
}

namespace {

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

} // namespace

LogOptions logOptions(const std::shared_ptr<LogCollector> &log, LogLevel level)
{
    LogOptions options;
    options.level = level;
    options.write = [log](std::string_view line) { log->add(line); };
    return options;
}

namespace {

Error notOurs()
{
    return failure(ErrorKind::Unsupported, "A Redis or a database that was named is not ours to delete.",
                   "Empty it with its own tools, or use the private one.");
}

} // namespace

EmbeddedStack::EmbeddedStack(SettingSources sources, const Clock &clock, Options options, QObject *parent)
    : LocalStack(parent),
      m_sources(std::move(sources)),
      m_clock(clock),
      m_options(std::move(options)),
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
    m_deployment.detach(LinkReason::Gone);
    m_demonstration.reset();
    m_calls.cancelAll();
    m_cancelCheck->store(true);
    m_calledOff = nullptr;
    if (m_seeding)
        m_seeding->cancelled = true;
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

std::vector<LocalStack::TierChoice> EmbeddedStack::tiers() const
{
    std::vector<TierChoice> all;
    for (const std::string &name : builtInTiers()) {
        TierChoice &choice = all.emplace_back();
        choice.name = name;
        if (const auto tier = loadTier(name)) {
            choice.title = tier->title;
            choice.redisMemory = tier->redis.maxmemory;
            choice.concurrency = tier->taskConcurrency;
        }
    }
    return all;
}

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
    endSeed(m_seeding); // nobody changes it any more
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

Result<std::string> EmbeddedStack::launch(const LocalStackSettings &settings, Trace trace)
{
    auto loaded = Settings::load(sourcesOf(m_sources, settings));
    auto started = loaded ? tryLaunch(std::move(*loaded)) : Result<std::string>(loaded.error());
    if (!started) {
        if (m_options.notStarted)
            m_options.notStarted(started.error());
        Logger logger(m_clock, logOptions(m_log));
        logError(logger, LogLevel::Error, "the portal did not start", started.error());
    }
    if (!trace.entry)
        return started;
    if (!started) {
        trace.entry->error = started.error();
        trace.entry->detail += (trace.entry->detail.empty() ? "" : "; ") + std::string("the portal did not start: ") +
                               started.error().message;
        note(trace.where, *trace.entry);
    } else if (trace.whenUp) {
        if (trace.entry->detail.empty())
            trace.entry->detail = m_portal->server->summary();
        noteHere(std::move(*trace.entry));
    }
    return started;
}

Result<void> EmbeddedStack::check(const LocalStackSettings &present, const LocalStackSettings &wanted) const
{
    const auto then = Settings::load(sourcesOf(m_sources, wanted));
    if (!then)
        return then.error();
    const auto now = Settings::load(sourcesOf(m_sources, present));
    if (!now)
        return now.error();
    return server::checkRestart(*now, *then, [cancelled = m_cancelCheck] { return cancelled->load(); });
}

Result<std::string> EmbeddedStack::tryLaunch(Settings settings)
{
    auto portal = std::make_unique<Portal>();
    const auto level = enumFromName<LogLevel>(settings.text("log.level")).value_or(LogLevel::Info);
    portal->logger = std::make_unique<Logger>(m_clock, logOptions(m_log, level));
    auto started = server::PortalServer::start(std::move(settings), m_clock, *portal->logger);
    if (!started)
        return started.error();
    portal->server = std::move(*started);
    portal->logger->info("the portal is serving", {{"url", portal->server->url()},
                                                   {"with", portal->server->summary()},
                                                   {"instance", portal->server->instanceName()}});
    m_portal = std::move(portal);
    return m_portal->server->url();
}

void EmbeddedStack::note(const std::vector<LocalStackSettings> &where, const StackEntry &entry)
{
    for (const auto &settings : where) {
        const auto loaded = Settings::load(sourcesOf(m_sources, settings));
        if (loaded && recordBlocking(*loaded, m_clock, entry))
            return;
    }
    Logger(m_clock, logOptions(m_log))
        .error("no database took this audit entry",
               {{"action", entry.action}, {"reason", entry.reason}, {"detail", entry.detail}});
}

void EmbeddedStack::noteHere(StackEntry entry)
{
    if (!m_portal)
        return;
    const auto services = m_portal->server->services();
    services.history.note(eventOf(entry, m_clock.wall()));
    recordBlocking(services, std::move(entry));
}

StackContents EmbeddedStack::contents(const std::filesystem::path &folder)
{
    if (!m_portal)
        return contentsOf(folder, nullptr);
    const auto services = m_portal->server->services();
    return contentsOf(folder, &services);
}

void EmbeddedStack::endSeed(const std::shared_ptr<Seeding> &seeding)
{
    if (!seeding || seeding->over)
        return;
    seeding->cancelled = true;
    seeding->end.wait_for(seedPatience);
}

bool EmbeddedStack::shutDown()
{
    if (!m_portal)
        return false;
    const auto stuck = m_portal->server->stop();
    if (stuck == 0) {
        m_portal->logger->info("the portal has stopped");
        m_portal.reset();
        return false;
    }
    m_portal->logger->warn("tasks did not return in time; what they use is left behind", {{"threads", stuck}});
    (void)m_portal.release();
    return true;
}

bool EmbeddedStack::ending()
{
    const std::lock_guard lock(m_mutex);
    return m_ending;
}

void EmbeddedStack::begin(LocalStackSettings settings, Trace trace, Done done)
{
    if (m_busy)
        return done(busyNow());
    if (m_state == State::Running)
        return done(failure(ErrorKind::Conflict, "The portal is running already.", "Stop it first."));
    if (m_toldWrong && settings == m_settings) {
        // What is wrong must not be passed over by the settings that go above it.
        m_deployment.detach(LinkReason::NotRunning);
        setState(State::Stopped, m_toldWrong);
        return done(*m_toldWrong);
    }
    m_toldWrong.reset();
    trace.where = {settings, m_settings};
    m_settings = std::move(settings);
    m_busy = true;
    startPortal(std::move(trace), std::move(done));
}

void EmbeddedStack::startPortal(Trace trace, Done done)
{
    m_deployment.connecting();
    setState(State::Starting);
    post([this, settings = m_settings, trace = std::move(trace), done = std::move(done)] {
        auto started = launch(settings, trace);
        postTo(this, [this, started = std::move(started), done] { startFinished(started, done); });
    });
}

void EmbeddedStack::startFinished(const Result<std::string> &started, const Done &done)
{
    m_busy = false;
    if (!started) {
        m_deployment.detach(LinkReason::NotRunning);
        setState(State::Stopped, started.error());
        done(started.error());
        return stopAsAsked();
    }
    m_deployment.attach(*m_portal->server);
    lookForSeed();
    setState(State::Running);
    if (m_calledOff) {
        done(failure(ErrorKind::Cancelled, "The start was called off."));
        return stopAsAsked();
    }
    done({});
    if (m_options.demonstration && m_state == State::Running && !m_deployment.info().production)
        m_demonstration =
            std::make_unique<showcase::Demonstration>(m_portal->server->services(), m_portal->server->url());
}

void EmbeddedStack::stopPortal(std::function<void()> before, std::function<Result<void>()> afterwards, Done done)
{
    m_busy = true;
    if (m_seeding)
        m_seeding->cancelled = true;
    m_deployment.detach(LinkReason::Stopping);
    setState(State::Stopping);
    post([this, before = std::move(before), afterwards = std::move(afterwards), done = std::move(done),
          demonstration = std::shared_ptr<showcase::Demonstration>(std::move(m_demonstration)),
          seeding = m_seeding]() mutable {
        demonstration.reset();
        endSeed(seeding);
        before();
        const bool left = shutDown();
        auto result = afterwards();
        postTo(this, [this, left, result = std::move(result), done] {
            m_deployment.cancelCalls(); // those of a portal that was left behind would never end
            if (left) {
                m_calls.cancelAll();
                m_seeding.reset();
            }
            m_deployment.detach(LinkReason::NotRunning);
            done(result);
        });
    });
}

QFuture<Result<void>> EmbeddedStack::start(LocalStackSettings settings)
{
    auto answer = std::make_shared<Promised<void>>();
    auto future = answer->future();
    begin(std::move(settings), {}, [answer](const Result<void> &started) { answer->finish(started); });
    return future;
}

QFuture<Result<ActionPreview>> EmbeddedStack::preview(StackCommand command)
{
    const auto *seed = std::get_if<SeedStack>(&command);
    const bool asksThePortal = seed || std::holds_alternative<UnseedStack>(command);
    if (asksThePortal && m_state == State::Running && !m_busy) {
        const auto services = m_portal->server->services();
        return m_calls.start<ActionPreview>(
            services.executor, [services, seeds = seed != nullptr, privileged = seed && seed->privileged] {
                return seeds ? showcase::previewSeed(services, privileged) : showcase::previewUnseed(services);
            });
    }
    if (std::holds_alternative<UnseedStack>(command)) // whom it would delete, only the portal knows
        return answered<ActionPreview>(m_busy ? busyNow() : notRunning());
    if (!std::holds_alternative<ResetStack>(command))
        return answered<ActionPreview>(previewOf(command));
    if (auto refused = notResettable())
        return answered<ActionPreview>(*std::move(refused));
    auto answer = std::make_shared<Promised<ActionPreview>>();
    auto future = answer->future();
    post([this, answer, folder = dataDirectory()] {
        answer->finish(previewOfReset(contents(folder), m_options.demonstration));
    });
    return future;
}

void EmbeddedStack::stopAsAsked()
{
    if (const auto stopping = std::exchange(m_calledOff, nullptr))
        stopping();
}

std::optional<bool> EmbeddedStack::seeded() const
{
    // Others seed too: a demonstration, another instance on a database that was named.
    return m_options.demonstration || !m_settings.databaseUrl.empty() ? std::nullopt : m_seeded->load();
}

void EmbeddedStack::lookForSeed()
{
    m_seeded = std::make_shared<Seeded>(); // what still looks at the portal before has its own
    const auto services = m_portal->server->services();
    m_calls.start<ActionPreview>(services.executor,
                                 [services, seeded = m_seeded] { return lookForSeed(services, seeded); });
}

awaitable<Result<ActionPreview>> EmbeddedStack::lookForSeed(console::PortalServices services,
                                                            std::shared_ptr<Seeded> seeded)
{
    auto found = co_await showcase::previewUnseed(services);
    *seeded = found ? std::optional(!found->nothing) : std::nullopt;
    co_return found;
}

bool EmbeddedStack::seeding() const { return m_seeding && !m_seeding->over; }

std::optional<Error> EmbeddedStack::notResettable() const
{
    // What the process was told may have named another folder, or a database: these settings are not it.
    if (m_toldWrong)
        return m_toldWrong;
    if (!m_settings.redisUrl.empty() || !m_settings.databaseUrl.empty())
        return notOurs();
    return std::nullopt;
}

void EmbeddedStack::setState(State state, std::optional<Error> problem)
{
    m_state = state;
    m_problem = std::move(problem);
    emit stateChanged();
}

void EmbeddedStack::handOverLog()
{
    auto lines = m_log->take();
    if (!lines.empty())
        emit logged(lines);
}

} // namespace portolan::embedded
