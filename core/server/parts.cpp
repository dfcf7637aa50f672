// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/parts.h"

#include "core/base/given_text.h"
#include "core/base/json.h"
#include "core/base/masking.h"
#include "core/base/version.h"
#include "core/console/actions.h"
#include "core/http/hosts.h"
#include "core/market/csv_provider.h"
#include "core/market/simulated_market.h"
#include "core/portal/analysis_task.h"
#include "core/portal/openapi.h"
#include "core/queue/keys.h"
#include "core/queue/task_registry.h"
#include "core/server/environment.h"
#include "core/server/still_allowed.h"

#include <algorithm>
#include <charconv>

namespace portolan::server {
namespace {

Error wrong(std::string key, std::string message, std::string hint)
{
    return ofSettings(failure(ErrorKind::Invalid, std::move(message), std::move(hint)), {std::move(key)});
}

/// "address:port"; an IPv6 address in brackets. Only what the listener takes, so that check-config says what serve
/// would.
Result<std::pair<std::string, std::uint16_t>> parseListen(const std::string &text)
{
    const auto refused = [&](const char *mend) {
        return wrong("listen", "The setting 'listen' is '" + quotable(text) + "', which is no ADDRESS:PORT.", mend);
    };
    if (text.find("://") != std::string::npos)
        return refused("Leave the scheme out: write for example 127.0.0.1:8080.");
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0)
        return refused("Write for example 127.0.0.1:8080.");
    std::uint16_t port = 0; // 0 picks a free one
    const char *const end = text.data() + text.size();
    const auto [last, failed] = std::from_chars(text.data() + colon + 1, end, port);
    if (failed != std::errc() || last != end)
        return refused("Behind the last colon stands a port from 0 to 65535: write for example 127.0.0.1:8080.");
    auto address = text.substr(0, colon);
    if (address == "*")
        return refused("Write 0.0.0.0 and the port for every IPv4 address of this machine, [::] for IPv6 too.");
    if (address.find(':') != std::string::npos && !address.starts_with('['))
        return refused("An IPv6 address stands in brackets: write for example [::1]:8080.");
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    error_code invalid;
    if (address != "localhost")
        (void)asio::ip::make_address(address, invalid);
    if (invalid)
        return refused("Write an address of this machine, such as 127.0.0.1:8080, or 0.0.0.0:8080 for all of them.");
    return std::pair(std::move(address), port);
}

/// What can never match is said before anybody is shut out by it.
Result<void> checkNames(const Settings &settings, const http::ServerOptions &options)
{
    const auto refused = [&](const std::string &key, const Error &error) {
        const std::string place = placeOf(settings, key);
        return aboutThat(wrong(key, place + ": " + error.message + ".", error.hint + "."), place);
    };
    // Blanks and commas of a password would make items of its parts.
    for (const std::string key : {"allowed_hosts", "allowed_origins", "trusted_proxies"})
        for (const auto &text : settings.list(key))
            if (text.find('@') != std::string::npos)
                return refused(key, failure(ErrorKind::Invalid, "it holds an '@', as before a user and a password",
                                            "Name hosts and addresses alone, without user and password"));
    if (const auto hosts = http::AllowedHosts::parse(options.allowedHosts); !hosts)
        return refused("allowed_hosts", hosts.error());
    for (const auto &entry : options.allowedOrigins)
        if (const auto origin = http::normalOrigin(entry); !origin)
            return refused("allowed_origins", origin.error());
    if (const auto proxies = http::TrustedProxies::parse(options.trustedProxies); !proxies)
        return failure(ErrorKind::Invalid, placeOf(settings, "trusted_proxies") + ": " + proxies.error().message,
                       proxies.error().hint);
    return {};
}

/// Requests should not meet a connection that is being made; an absent Redis does not keep the portal from starting.
Result<void> waitForRedis(Infrastructure &base)
{
    return runSync<Result<void>>(base.runtime.at(0),
                                 [&base] { return base.redis->waitReady(std::chrono::seconds(2)); });
}

auth::SessionOptions sessionOptions(const Tier &tier, const auth::SecretKey &key)
{
    auth::SessionOptions options;
    options.mark.emplace(key);
    options.lifetime = tier.sessionLifetime;
    return options;
}

unsigned concurrencyOf(const Settings &settings)
{
    return settings.isSet("workers") ? static_cast<unsigned>(settings.integer("workers"))
                                     : settings.tier().taskConcurrency;
}

/// On a Redis that others may use too, it gets its threads when it is known that they do not use its queues.
queue::WorkerOptions workerOptions(const Settings &settings, const Infrastructure &base, Logger &logger)
{
    const Tier &tier = settings.tier();
    queue::WorkerOptions options;
    if (hasRedisPlan(settings))
        options.pollMost = std::chrono::milliseconds(900); // so that a foreign client's task is taken within a second
    options.concurrency = base.redisProcess || tier.shareTaskQueue ? concurrencyOf(settings) : 0;
    options.queues = {tier.taskQueue};
    for (const auto &[task, queue] : tier.taskRoutes) {
        if (std::ranges::find(options.queues, queue) == options.queues.end())
            options.queues.push_back(queue);
    }
    options.logger = &logger;
    options.database = base.redisEndpoint.database;
    options.resultExpiry = tier.resultsExpiry;
    options.hardLimit = tier.taskTimeLimit;
    return options;
}

queue::TaskRegistry taskRegistry(market::QuoteProvider &quotes)
{
    queue::TaskRegistry registry;
    portal::registerAnalysis(registry, quotes);
    return registry;
}

portal::TaskService::Options taskOptions(const Tier &tier)
{
    portal::TaskService::Options options;
    options.resultsExpiry = tier.resultsExpiry;
    options.timeLimit = tier.taskTimeLimit;
    if (tier.ceilings.analysis > 0)
        options.ceilings["portal.analysis"] = {"analysis", tier.ceilings.analysis};
    options.queue = tier.taskQueue;
    for (const auto &[task, queue] : tier.taskRoutes)
        options.queues[task] = queue;
    return options;
}

monitor::MetricsAccess metricsAccess(const Settings &settings)
{
    const std::string &access = settings.text("metrics.access");
    return {access == "open"       ? monitor::MetricsAccess::Open
            : access == "loopback" ? monitor::MetricsAccess::Loopback
                                   : monitor::MetricsAccess::Token,
            settings.secret("metrics.token")};
}

limits::Ceilings::Options ceilingOptions(const Tier &tier, limits::Ceilings::Options::Gone gone)
{
    return {.lease = tier.taskTimeLimit + std::chrono::minutes(5),
            .resultPrefix = queue::keys::result(""),
            .gone = std::move(gone)};
}

/// A request does not wait long for the database to say whose token it came with.
auth::ApiTokens::Source tokenSource(storage::ApiTokenStore &store)
{
    static constexpr std::chrono::seconds deadline{1};
    return {[&store](std::string hash) { return store.find(std::move(hash), deadline); },
            [&store](std::vector<auth::ApiTokens::Use> uses) {
                std::vector<storage::ApiTokenStore::Use> rows;
                for (auto &use : uses)
                    rows.push_back({std::move(use.hash), use.at});
                return store.used(std::move(rows));
            }};
}

} // namespace

Result<http::ServerOptions> serverOptions(const Settings &settings)
{
    const auto listen = parseListen(settings.text("listen"));
    if (!listen)
        return listen.error();
    http::ServerOptions options;
    options.address = listen->first;
    options.port = listen->second;
    options.tlsCertificate = settings.text("tls.cert");
    options.tlsKey = settings.text("tls.key");
    if (settings.text("metrics.access") == "token" && settings.secret("metrics.token").empty())
        return wrong("metrics.token", "The setting 'metrics.access' is token, and 'metrics.token' is not set.",
                     "Set metrics.token, or say loopback or open.");
    if (options.tlsCertificate.empty() != options.tlsKey.empty())
        return ofSettings(
            failure(ErrorKind::Invalid, "Only one of 'tls.cert' and 'tls.key' is set.", "Give both, or neither."),
            {"tls.cert", "tls.key"});
    options.maxHeaderBytes = settings.size("http.max_header");
    options.maxBodyBeforeSignIn = settings.size("http.max_body_before_sign_in");
    options.maxConnections = static_cast<std::size_t>(settings.integer("http.max_connections"));
    options.maxWebSocketsPerUser = static_cast<std::size_t>(settings.integer("http.max_websockets_per_user"));
    options.maxConnectionsPerAddress = static_cast<std::size_t>(settings.integer("http.max_connections_per_address"));
    options.headerTimeout = settings.duration("http.header_timeout");
    options.requestTimeout = settings.duration("http.request_timeout");
    options.idleTimeout = settings.duration("http.idle_timeout");
    options.drainTimeout = settings.duration("shutdown.timeout");
    options.trustedProxies = settings.list("trusted_proxies");
    options.clientHeader = settings.text("http.proxy_header") == "X-Real-IP"         ? http::ClientHeader::RealIp
                           : settings.text("http.proxy_header") == "X-Forwarded-For" ? http::ClientHeader::ForwardedFor
                                                                                     : http::ClientHeader::Either;
    options.allowedOrigins = settings.list("allowed_origins");
    options.allowedHosts = settings.list("allowed_hosts");
    options.loopbackNames = http::isLoopbackName(options.address);
    options.strictTransport = settings.production();
    options.redirectToHttps = settings.production() && settings.tier().enforceHttps;
    if (const auto fit = checkNames(settings, options); !fit)
        return fit.error();
    return options;
}

Result<void> checkPrices(const Settings &settings)
{
    const auto &currency = settings.text("market.currency");
    const bool capitals = std::ranges::all_of(currency, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (currency.size() != 3 || !capitals)
        return wrong("market.currency",
                     "The setting 'market.currency' is '" + quotable(currency) + "', which is no code of a currency.",
                     "Write its three capital letters (ISO 4217), such as EUR.");
    const auto &provider = settings.text("market.provider");
    if (provider == "alpha-vantage")
        return ofSettings(failure(ErrorKind::Unsupported, "This version lacks the market.provider alpha-vantage.",
                                  "Say simulated or csv."),
                          {"market.provider"});
    if (provider != "csv")
        return {};
    const std::string hint = "Name the folder of SYMBOL.csv files, or say market.provider=simulated.";
    if (!settings.isSet("market.csv_dir"))
        return wrong("market.csv_dir", "The setting 'market.csv_dir' is missing.", hint);
    const auto &folder = settings.text("market.csv_dir");
    std::error_code failed;
    if (std::filesystem::is_directory(folder, failed))
        return {};
    const std::string place = placeOf(settings, "market.csv_dir");
    return aboutThat(wrong("market.csv_dir",
                           place + ": the folder of price files " + visible(folder) +
                               " cannot be used: " + (failed ? failed.message() : "it is no folder") + ".",
                           hint),
                     place);
}

Result<std::unique_ptr<market::QuoteProvider>> quoteProvider(const Settings &settings, const Clock &clock,
                                                             Logger &logger)
{
    if (const auto fit = checkPrices(settings); !fit)
        return fit.error();
    if (settings.text("market.provider") == "csv")
        return std::make_unique<market::CsvProvider>(settings.text("market.csv_dir"), settings.text("market.currency"),
                                                     std::make_unique<BlockingPool>("prices", 2, 64), &logger);
    const auto seed = static_cast<std::uint64_t>(settings.integer("market.seed"));
    return std::make_unique<market::SimulatedMarket>(clock, seed);
}

PortalServer::Parts::Parts(Settings settings_, const Clock &clock_, Logger &logger_,
                           std::unique_ptr<Infrastructure> infrastructure_, Secret key, limits::LimitsPlan plan,
                           std::unique_ptr<market::QuoteProvider> quotes_, http::ServerOptions options)
    : settings(std::move(settings_)),
      clock(clock_),
      logger(logger_),
      infrastructure(std::move(infrastructure_)),
      instanceName(instanceNameOf(settings).value()), // which checkSettings() has seen
      secretKey(std::move(key)),
      sessions(*infrastructure->redis, clock, sessionOptions(settings.tier(), secretKey)),
      accessTokens(secretKey, clock),
      apiTokens(clock, tokenSource(infrastructure->apiTokens)),
      csrfTokens(secretKey),
      limitsTable(clock, std::move(plan)),
      limitUse(*infrastructure->redis, limitsTable, clock),
      goneTasks(*infrastructure->redis),
      ceilings(*infrastructure->redis, clock,
               ceilingOptions(
                   settings.tier(),
                   [this](std::vector<std::string> ids) { return gone(std::move(ids), workers.options().queues); })),
      admission(*infrastructure->redis, sessions, accessTokens, apiTokens, csrfTokens, limitsTable, clock,
                admissionOptions),
      seenSessions(infrastructure->sessionList),
      quotes(std::move(quotes_)),
      broker(*infrastructure->redis, clock,
             queue::BrokerOptions{infrastructure->redisEndpoint.database, settings.tier().resultsExpiry,
                                  settings.tier().taskQueue}),
      workers(infrastructure->runtime.at(0), *infrastructure->redis, *infrastructure->subscriber, clock,
              taskRegistry(*quotes), workerOptions(settings, *infrastructure, logger)),
      remoteControl(infrastructure->runtime.at(0), *infrastructure->redis, *infrastructure->subscriber, clock, workers),
      remoteClient(*infrastructure->redis, clock, infrastructure->redisEndpoint.database),
      visibilityCheck(*infrastructure->redis, remoteClient, logger, settings.tier().taskTimeLimit),
      resultEvents(*infrastructure->subscriber),
      schedule(infrastructure->runtime.at(0), *infrastructure->redis, clock, &logger),
      auditSpool(infrastructure->directory.file("audit.spool")),
      auditLog(infrastructure->auditLog, infrastructure->users, infrastructure->ids, clock, logger,
               settings.text("listen")),
      failedSignIns(clock, logger),
      accounts(infrastructure->users, infrastructure->sessionList, sessions, passwords, accessTokens,
               infrastructure->ids, clock),
      userAdmin(infrastructure->users, infrastructure->limitOverrides, infrastructure->sessionList,
                infrastructure->auditLog, passwords, auditLog, infrastructure->ids, clock,
                portal::UserAdminHooks{[this](Id user) { return accounts.signOutEverywhere(user); },
                                       [this](Id user) { limitsTable.forget(user); }}),
      tokenAdmin(infrastructure->apiTokens, auditLog, [this](std::string_view name) { tokenEnded(name); }),
      tasks(infrastructure->taskOwners, broker, ceilings, clock, taskOptions(settings.tier())),
      workerAdmin(broker, workers, remoteClient, infrastructure->taskOwners, auditLog, clock, workers.options().queues),
      taskTopic(tasks, resultEvents),
      realtime(clock, stillAllowed(sessions, apiTokens, sockets)),
      accountRoutes(accounts, csrfTokens, settings.tier().sessionLifetime, settings.production()),
      userAdminRoutes(userAdmin),
      actionRoutes([this](Action action, Actor actor) {
          return console::performAction(services(), std::move(action), std::move(actor));
      }),
      consoleRoutes([this] { return services(); }, [this] { monitorRoutes.looked(); }),
      marketRoutes(*quotes),
      taskRoutes(tasks),
      redisAdmin(infrastructure->redis.get(),
                 [this](monitor::AuditNote note) {
                     return auditLog.record({note.principal, std::move(note.reason)}, std::move(note.action),
                                            std::move(note.subject), std::move(note.detail), std::move(note.error));
                 }),
      monitorRoutes(infrastructure->registry, redisAdmin, clock, version(), metricsAccess(settings)),
      storageWatch(
          infrastructure->files,
          [base = infrastructure.get()] { return lookAt(base->directory, base->redisProcess.get()); }, clock, logger),
      history(infrastructure->directory.file("history.db"), clock, logger),
      m_options(std::move(options)),
      m_everySecond(infrastructure->runtime.at(0)),
      m_hasPlan(hasRedisPlan(settings))
{
    sessions.onEnded([this](const auth::Sessions::Ended &ended) {
        sockets.askAbout([&](const std::any &admission) { return isOf(ended, admission); });
    });
    workerAdmin.tellGoneBy([this](std::vector<std::string> ids, std::vector<std::string> queues) {
        return gone(std::move(ids), std::move(queues));
    });
    admissionOptions.usersCeiling = settings.tier().ceilings.users;
    if (const auto opened = auditSpool.open())
        auditLog.keepIn(auditSpool, infrastructure->files);
    else
        logger.warn("audit entries cannot wait for the database", {{"why", opened.error().message}});
    mountRoutes();
    makeMonitor();
}

void PortalServer::Parts::mountRoutes()
{
    monitorRoutes.mount(router);
    accountRoutes.mount(router);
    userAdminRoutes.mount(router);
    marketRoutes.mount(router);
    taskRoutes.mount(router);
    actionRoutes.mount(router);
    consoleRoutes.mount(router);
    pageRoutes.mount(router);
    router.get("/openapi.json", {Role::Anonymous, Category::Unlimited},
               [this](http::Request &) -> awaitable<http::Response> { co_return http::json(*m_openApi); },
               {"This document", {}, {}});
    realtime.addTopic("tasks", taskTopic);
}

/// What is nowhere in Redis may be in the hands of another program's worker, which need not say so.
awaitable<Result<std::vector<std::string>>> PortalServer::Parts::gone(std::vector<std::string> ids,
                                                                      std::vector<std::string> queues)
{
    if (neighbours) {
        const bool held = co_await neighbours->othersMayHold(settings.tier().taskTimeLimit);
        if (held)
            co_return std::vector<std::string>();
    }
    co_return co_await goneTasks.among(std::move(ids), std::move(queues));
}

void PortalServer::Parts::mountWebSockets()
{
    // Not counted: what it carries is not, and a page that connects again must not use up its user's calls.
    server->onWebSocket("/ws", {Role::User, Category::Unlimited},
                        [this](http::Request &request, std::shared_ptr<http::WebSocket> socket) {
                            return realtime.serve(request, std::move(socket));
                        },
                        {"WebSocket: subscribe to tasks and other topics, and get what happens", {}, {}});
    monitorRoutes.mountStream(*server, stillAllowed(sessions, apiTokens, sockets));
    m_openApi =
        std::make_shared<const std::string>(portal::openApiDocument(router, server->webSocketRoutes(), version()));
}

Result<void> PortalServer::Parts::start()
{
    auto &base = *infrastructure;
    for (const auto *script : sessions.scripts())
        base.redis->preload(*script);
    base.redis->preload(ceilings.script());
    base.redis->preload(admission.script());
    base.redis->preload(admission.returnScript());
    sessions.connect(base.runtime.at(0), base.subscriber.get());
    limitsTable.connect(*base.redis, *base.subscriber);
    limitsTable.onLoadUser([this](Id user) { return infrastructure->limitOverrides.list(user); });
    admission.onSeen([this](const auth::SessionId &id, WallTime at) { seenSessions.note(id.view(), at); });
    accounts.onSignInFailed([this](portal::SignInFailure reason, std::string_view email, std::string_view address) {
        failedSignIns.note(reason, email, address);
    });
    countTasks();
    countCaches();
    countNeighbours();
    countSignIns();
    addPeriodicJobs();

    // Before anybody can ask for the metrics that read it.
    if (!base.redisProcess) {
        queue::NeighbourOptions neighbourly{concurrencyOf(settings), settings.tier().shareTaskQueue, &logger};
        neighbourly.database = base.redisEndpoint.database;
        neighbours.emplace(base.runtime.at(0), *base.redis, *base.subscriber, remoteClient, workers, clock,
                           neighbourly);
    }
    server.emplace(base.runtime, router, admission, *observer, clock, m_options);
    mountWebSockets();
    localSocket.emplace(base.runtime, router, *observer, clock, controlSocketPath(settings).string());
    if (auto opened = localSocket->start(); !opened)
        return opened.error();

    base.connect();
    const bool missing = base.redisName() == "memory"; // which has been said
    if (const auto ready = missing ? Result<void>() : waitForRedis(base); !ready)
        logger.warn("Redis is not ready yet", {{"why", ready.error().message}, {"link", "redis"}});
    workers.start();
    remoteControl.start();
    if (neighbours)
        neighbours->start();
    schedule.start();
    redisCheck->start();
    sampler->start();
    if (roll)
        roll->start();
    if (backfill)
        backfill->start();
    spawn(base.runtime.at(0), [this] { return everySecond(); });
    return server->start();
}

std::size_t PortalServer::Parts::stop()
{
    if (m_stopped)
        return *m_stopped;
    monitorRoutes.stopping();
    m_stopping = true;
    // Requests and tasks share the time there is.
    const auto until = std::chrono::steady_clock::now() + m_options.drainTimeout;
    const auto left = [until] {
        return std::max(std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()),
                        std::chrono::milliseconds(500));
    };
    if (server)
        server->stop();
    // Nobody waits for an answer any more: one that does not come must not use up the time that stopping has.
    infrastructure->database.hurry(std::chrono::seconds(1));
    if (localSocket)
        localSocket->stop();
    if (backfill)
        backfill->stop();
    if (roll)
        roll->stop();
    if (sampler)
        sampler->stop();
    if (redisCheck)
        redisCheck->stop();
    history.note({.time = clock.wall(), .kind = EventKind::Restart, .name = "portal", .up = false});
    history.stop();
    if (cleanup)
        cleanup->stop();
    schedule.stop();
    if (neighbours)
        neighbours->stop();
    m_stopped = workers.stop(std::min<std::chrono::milliseconds>(left(), m_options.drainTimeout));
    remoteControl.stop();
    if (infrastructure->redis) {
        runSync<void>(infrastructure->runtime.at(0), [this]() -> awaitable<void> {
            co_await remoteClient.close();
            co_await seenSessions.write();
            co_await sessions.moveBack();
        });
    }
    sessions.stop();
    infrastructure->stop();
    return *m_stopped;
}

std::string PortalServer::Parts::url() const
{
    const bool v6 = m_options.address.find(':') != std::string::npos;
    return std::string(server->secure() ? "https://" : "http://") + (v6 ? "[" : "") + m_options.address +
           (v6 ? "]" : "") + ":" + std::to_string(server->port());
}

} // namespace portolan::server
