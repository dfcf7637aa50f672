// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/stack_watch.h"

#include "core/api/verdict.h"
#include "core/base/blocking_pool.h"
#include "core/base/data_directory.h"
#include "core/base/dial.h"
#include "core/base/ids.h"
#include "core/base/log_error.h"
#include "core/base/logging.h"
#include "core/base/version.h"
#include "core/console/snapshot_feed.h"
#include "core/monitor/cleanup.h"
#include "core/monitor/history.h"
#include "core/monitor/redis_admin.h"
#include "core/monitor/sampler.h"
#include "core/net/proxy_dialer.h"
#include "core/portal/audit_log.h"
#include "core/stack/metrics/metrics_source.h"
#include "core/stack/probe/probe_source.h"
#include "core/stack/redis/redis_source.h"
#include "core/stack/watch_families.h"
#include "core/storage/audit_store.h"
#include "core/storage/database.h"
#include "core/storage/migrations.h"
#include "core/storage/users_store.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

namespace portolan::server {

namespace {

constexpr std::chrono::seconds migrationDeadline{10};

/// Where a watch keeps its files: its own folder, or one that goes with it.
class Folder final
{
public:
    static Result<std::unique_ptr<Folder>> open(const std::filesystem::path &wanted)
    {
        auto folder = std::make_unique<Folder>();
        if (!wanted.empty()) {
            std::error_code ignored; // open() says what is wrong with it
            std::filesystem::create_directories(wanted.parent_path(), ignored);
            auto opened = DataDirectory::open(wanted);
            if (opened) {
                folder->m_kept.emplace(std::move(*opened));
                return folder;
            }
            folder->m_problem = opened.error();
        }
        std::string name = (std::filesystem::temp_directory_path() / "portolan-watch-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            return aboutThat(failure(ErrorKind::Unavailable, "No folder can be made for what is measured.",
                                     "Name one that can be written with dataDir."),
                             name, std::strerror(errno));
        folder->m_temporary = std::move(name);
        return folder;
    }
    Folder() = default;
    ~Folder()
    {
        std::error_code ignored;
        if (!m_temporary.empty())
            std::filesystem::remove_all(m_temporary, ignored);
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;

    std::filesystem::path file(std::string_view name) const { return (m_kept ? m_kept->path() : m_temporary) / name; }
    /// Why it is not the one that was wanted; nothing where none was.
    const std::optional<Error> &problem() const { return m_problem; }
    bool kept() const { return m_kept.has_value(); }

private:
    std::optional<DataDirectory> m_kept;
    std::filesystem::path m_temporary;
    std::optional<Error> m_problem;
};

/// A way that cannot be gone: whoever would go it is told why.
class NoWay final : public Dialer
{
public:
    explicit NoWay(Error why) : m_why(std::move(why)) {}
    awaitable<Result<RawSocket>> dial(Executor, Target, SteadyTime) override { co_return m_why; }
    std::string display() const override { return {}; }

private:
    const Error m_why;
};

storage::DatabaseUrl sqliteAt(const std::filesystem::path &file)
{
    storage::DatabaseUrl url;
    url.dialect = storage::Dialect::Sqlite;
    url.path = file.string();
    return url;
}

} // namespace

struct StackWatch::Impl
{
    Impl(stack::WatchFile what, Parts with, std::unique_ptr<Folder> where)
        : file(std::move(what)),
          parts(std::move(with)),
          folder(std::move(where)),
          tier(stack::watchedTier(file)),
          database(sqliteAt(folder->file("audit.db")), {.connections = 1}),
          auditStore(database),
          users(database),
          ids(parts.clock),
          audit(auditStore, users, ids, parts.clock, parts.logger, file.name),
          history(folder->file("history.db"), parts.clock, parts.logger)
    {}

    Result<void> make();
    std::shared_ptr<Dialer> wayTo(const Reach &reach) const;
    void makeRedis();
    void makeOthers();
    void makeMonitor();
    void start();
    void stop();
    monitor::Sources monitorSources();
    void publish(const std::shared_ptr<const Snapshot> &measured);
    void addSources(Snapshot &snapshot) const;
    std::vector<std::string> queuesThere() const;
    std::optional<HttpFigures> traffic() const;

    const stack::WatchFile file;
    const Parts parts;
    const std::unique_ptr<Folder> folder;
    const Tier tier;
    storage::Database database;
    storage::AuditStore auditStore;
    storage::UsersStore users; ///< none but those of a watcher: the audit log asks for their names
    IdGenerator ids;
    portal::AuditLog audit;
    monitor::History history;
    console::SnapshotFeed snapshots;
    std::unique_ptr<stack::RedisSource> redis; ///< null: the file has none
    std::vector<std::unique_ptr<stack::Source>> others;
    std::optional<monitor::RedisAdmin> admin;
    std::optional<monitor::Sampler> sampler;
    std::optional<monitor::Cleanup> cleanup;
    bool stopped = false;
};

Result<void> StackWatch::Impl::make()
{
    if (auto opened = database.open(); !opened)
        return opened.error();
    if (auto migrated = storage::migrate(database, parts.clock, storage::builtInMigrations(), migrationDeadline);
        !migrated)
        return migrated.error();
    makeRedis();
    makeOthers();
    makeMonitor();
    return {};
}

std::shared_ptr<Dialer> StackWatch::Impl::wayTo(const Reach &reach) const
{
    auto way = parts.ways ? parts.ways(reach) : net::dialerFor(reach, parts.direct);
    return way ? std::move(*way) : std::make_shared<NoWay>(way.error());
}

void StackWatch::Impl::makeOthers()
{
    const auto means = [this](const Reach &through) {
        return stack::WebMeans{parts.clock, parts.files, parts.trust, wayTo(through), parts.secrets};
    };
    for (const stack::MetricsPart &part : file.metrics) {
        const std::string number = file.metrics.size() > 1 ? ":" + std::to_string(others.size() + 1) : std::string();
        others.push_back(std::make_unique<stack::MetricsSource>("metrics" + number, part, means(part.through)));
    }
    for (const stack::ProbePart &part : file.probes)
        others.push_back(std::make_unique<stack::ProbeSource>(part, means(part.through)));
}

void StackWatch::Impl::makeRedis()
{
    if (!file.redis)
        return;
    stack::RedisSource::Parts with{parts.clock, parts.logger, wayTo(file.redis->through), parts.trust, {}};
    with.secret = [secrets = parts.secrets, files = &parts.files](SecretRef reference) {
        return readSecret(std::move(reference), secrets, *files);
    };
    redis = std::make_unique<stack::RedisSource>("redis", parts.executor, *file.redis, !file.readOnly, std::move(with));
}

void StackWatch::Impl::makeMonitor()
{
    monitor::SamplerOptions options;
    options.version = version();
    options.instance = file.name;
    options.interval = parts.interval;
    options.limits = {double(tier.redis.commandsPerSecond), double(tier.redis.trafficPerMonth)};
    options.watch = stack::layoutOf(file);
    if (file.redis && file.redis->through.way != Way::Direct)
        options.redisDeadline = std::chrono::milliseconds(2000);
    redis::Client *client = redis ? &redis->client() : nullptr;
    sampler.emplace(parts.executor, client, tier, parts.clock, monitorSources(), options);
    sampler->onSnapshot([this](const std::shared_ptr<const Snapshot> &measured) { publish(measured); });
    admin.emplace(client, [this](monitor::AuditNote note) {
        return audit.record(Actor{note.principal, std::move(note.reason)}, std::move(note.action),
                            std::move(note.subject), std::move(note.detail), std::move(note.error));
    });
    if (client)
        cleanup.emplace(parts.executor, *client, sampler->families(), parts.clock, [this] { return queuesThere(); });
    admin->connect(*sampler, cleanup ? &*cleanup : nullptr);
    audit.onRecorded([this](const AuditEntry &entry, const Principal &by) {
        if (isSystem(by)) // noted with its outcome by whoever performs it
            return;
        history.note({.time = entry.at,
                      .kind = EventKind::Action,
                      .name = entry.action,
                      .reason = entry.outcome == "done" ? std::string() : entry.outcome,
                      .actor = entry.actor,
                      .subject = entry.subject,
                      .detail = entry.detail});
    });
}

std::vector<std::string> StackWatch::Impl::queuesThere() const
{
    std::vector<std::string> queues;
    for (queue::WaitingList &list : sampler->queues().lists()) {
        queues.push_back(std::move(list.queue));
        queues.push_back(std::move(list.key));
    }
    return queues;
}

monitor::Sources StackWatch::Impl::monitorSources()
{
    monitor::Sources sources;
    if (file.celery)
        sources.queues = [this] { return file.celery->queues; };
    sources.watched = [this] { return snapshots.watched(); };
    if (!file.metrics.empty())
        sources.traffic = [this] { return traffic(); };
    sources.redisLimits = [this] {
        const auto rights = redis ? redis->rights() : nullptr;
        return rights ? monitor::RedisLimits{rights->limits.maxMemory, rights->limits.maxClients, rights->limits.policy}
                      : monitor::RedisLimits{};
    };
    return sources;
}

/// Of the first that knows.
std::optional<HttpFigures> StackWatch::Impl::traffic() const
{
    for (const auto &source : others)
        if (auto figures = source->http())
            return figures;
    return std::nullopt;
}

/// What everybody has told by now, beside what the sampler has asked itself.
void StackWatch::Impl::addSources(Snapshot &snapshot) const
{
    if (redis) {
        SourceFigures figures = redis->figures();
        figures.age = snapshot.redis.age;
        const auto link = std::ranges::find(snapshot.links, "redis", &LinkStatus::name);
        if (link != snapshot.links.end())
            figures.latency = link->latency;
        figures.commandsPerSecond = snapshot.redis.ownCommandsPerSecond;
        figures.bytesPerSecond = snapshot.plan.ownTrafficPerSecond;
        if (figures.state == SourceState::Live && snapshot.redis.age &&
            *snapshot.redis.age > snapshot.sampling.staleAfter)
            figures.state = SourceState::Stale;
        snapshot.sources.push_back(std::move(figures));
    } else {
        std::erase_if(snapshot.links, [](const LinkStatus &link) { return link.name == "redis"; });
    }
    for (const auto &source : others) {
        snapshot.sources.push_back(source->figures());
        std::ranges::move(source->probes(), std::back_inserter(snapshot.probes));
        std::ranges::move(source->notTold(), std::back_inserter(snapshot.notTold));
    }
    if (const auto &problem = folder->problem()) { // nothing of the stack is wrong
        SourceFigures figures;
        figures.name = "history";
        figures.state = SourceState::Refused;
        figures.display = parts.folder.string();
        figures.code = problem->code;
        figures.about = problem->about.empty() ? figures.display : problem->about;
        figures.told = problem->told.empty() ? problem->message : problem->told;
        snapshot.sources.push_back(std::move(figures));
    }
}

void StackWatch::Impl::publish(const std::shared_ptr<const Snapshot> &measured)
{
    auto whole = std::make_shared<Snapshot>(*measured);
    addSources(*whole);
    whole->verdict = verdict(whole->readings, whole->links);
    history.record(*whole);
    snapshots.publish(std::move(whole));
}

void StackWatch::Impl::start()
{
    if (redis)
        redis->start(parts.executor);
    for (const auto &source : others)
        source->start(parts.executor);
    sampler->start();
}

void StackWatch::Impl::stop()
{
    if (std::exchange(stopped, true))
        return;
    if (cleanup)
        cleanup->stop();
    if (sampler)
        sampler->stop();
    for (const auto &source : others)
        source->stop();
    if (redis)
        redis->stop();
    history.stop();
}

StackWatch::StackWatch(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}

StackWatch::~StackWatch() { stop(); }

Result<std::unique_ptr<StackWatch>> StackWatch::start(stack::WatchFile file, Parts parts)
{
    auto folder = Folder::open(parts.folder);
    if (!folder)
        return folder.error();
    if (const auto &problem = (*folder)->problem())
        logError(parts.logger, LogLevel::Warning, "history and audit of this watch go with it", *problem);
    auto impl = std::make_unique<Impl>(std::move(file), std::move(parts), std::move(*folder));
    if (auto made = impl->make(); !made) {
        impl->stop();
        return made.error();
    }
    impl->start();
    return std::unique_ptr<StackWatch>(new StackWatch(std::move(impl)));
}

void StackWatch::stop() { m_impl->stop(); }

console::StackServices StackWatch::services() const
{
    Impl &impl = *m_impl;
    const auto rights = [source = impl.redis.get()]() -> std::shared_ptr<const stack::WatchRights> {
        return source ? source->rights() : nullptr;
    };
    return {impl.parts.executor,
            impl.file,
            impl.parts.clock,
            impl.snapshots,
            impl.history,
            impl.auditStore,
            impl.parts.logger,
            impl.sampler->families(),
            *impl.admin,
            impl.redis ? &impl.redis->client() : nullptr,
            rights};
}

} // namespace portolan::server
