// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/tier_file.h"

#include <QTest>
#include <cmath>
#include <map>

using namespace portolan;

/// The five tiers against the tables of the design document, number by number.
class TiersTest final : public QObject
{
    Q_OBJECT
private slots:
    void figures_data();
    void figures();
    void rules_data();
    void rules();
    void costs_data();
    void costs();
    void theRestIsInheritedFromSmall();
    void budgetsAddUpAsDocumented();
    void phasesAndLoadMix();
    void refuses_data();
    void refuses();
};

namespace {

std::map<std::string, std::string> valuesOf(const Tier &tier)
{
    std::map<std::string, std::string> values;
    for (const auto &key : tierKeys())
        for (const auto &[name, text] : key.get(tier))
            values[name.empty() ? key.key : key.key.substr(0, key.key.size() - 1) + name] = text;
    return values;
}

Tier tierNamed(const std::string &name)
{
    auto tier = loadTier(name);
    if (tier.has_error())
        qFatal("%s", tier.error().message.c_str());
    return *tier;
}

} // namespace

void TiersTest::figures_data()
{
    QTest::addColumn<QByteArray>("tier");
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<QByteArray>("value");
    const auto table = [](const char *tier, std::initializer_list<std::pair<const char *, const char *>> rows) {
        for (const auto &[key, value] : rows)
            QTest::addRow("%s %s", tier, key) << QByteArray(tier) << QByteArray(key) << QByteArray(value);
    };
    table("small", {{"redis.maxmemory", "30MB"},
                    {"redis.connections", "30"},
                    {"redis.databases", "1"},
                    {"redis.commands_per_second", "100"},
                    {"redis.traffic_per_month", "5GB"},
                    {"redis.policy", "noeviction"},
                    {"budget.sessions", "3MB"},
                    {"budget_least.sessions", "2MB"},
                    {"budget.limits", "2MB"},
                    {"budget_least.limits", "1MB"},
                    {"budget.queue", "5MB"},
                    {"budget_least.queue", "3MB"},
                    {"budget.push", "3MB"},
                    {"budget_least.push", "2MB"},
                    {"budget.results", "3MB"},
                    {"budget_least.results", "2MB"},
                    {"budget.tickers", "3MB"},
                    {"budget_least.tickers", "2MB"},
                    {"budget.overhead", "5MB"},
                    {"budget_least.overhead", "5MB"},
                    {"connection_budget.application", "1"},
                    {"connection_budget.workers", "2"},
                    {"connection_budget.push", "1"},
                    {"connection_budget.limits", "1"},
                    {"connection_budget.monitoring", "1"},
                    {"connection_budget.schedule", "1"},
                    {"zones.redis_memory.yellow", "20MB"},
                    {"zones.redis_memory.red", "25MB"},
                    {"zones.redis_connections.yellow", "20"},
                    {"zones.redis_connections.red", "25"},
                    {"zones.response_time.yellow", "2s"},
                    {"zones.response_time.red", "5s"},
                    {"zones.error_rate.yellow", "0.01"},
                    {"zones.error_rate.red", "0.05"},
                    {"zones.redis_memory.enter", "5s"},
                    {"zones.redis_memory.leave", "10s"},
                    {"zones.redis_memory.margin", "0.03"},
                    {"zones.redis_connections.enter", "5s"},
                    {"zones.redis_connections.leave", "10s"},
                    {"zones.redis_connections.margin", "0.03"},
                    {"zones.response_time.enter", "5s"},
                    {"zones.response_time.leave", "10s"},
                    {"zones.response_time.margin", "0.03"},
                    {"zones.error_rate.enter", "5s"},
                    {"zones.error_rate.leave", "10s"},
                    {"zones.error_rate.margin", "0.03"},
                    {"zones.workers.yellow", "1"},
                    {"zones.workers.red", "1"},
                    {"zones.oldest_task.yellow", "1m"},
                    {"zones.oldest_task.red", "5m"},
                    {"zones.failed_tasks.yellow", "0.05"},
                    {"zones.failed_tasks.red", "0.2"},
                    {"zones.refused.yellow", "0.05"},
                    {"zones.refused.red", "0.2"},
                    {"zones.users.yellow", "12"},
                    {"zones.users.red", "15"},
                    {"zones.disk.yellow", "0.8"},
                    {"zones.disk.red", "0.95"},
                    {"zones.redis_overhead.yellow", "5MB"},
                    {"zones.redis_overhead.red", "7680KB"},
                    {"zones.redis_commands.yellow", "66.66666666666666"},
                    {"zones.redis_commands.red", "83.33333333333334"},
                    {"session.lifetime", "1d"},
                    {"results.expiry", "15m"},
                    {"tasks.time_limit", "15m"},
                    {"tasks.concurrency", "2"},
                    {"limits.default", "50 per day; 10 per hour; 3 per minute"},
                    {"limits.api", "200 per day; 30 per hour; 8 per minute"},
                    {"limits.auth", "20 per day; 5 per hour; 2 per minute"},
                    {"limits.upload", "10 per day; 3 per hour; 1 per minute"},
                    {"limits.analysis", "30 per day; 8 per hour; 2 per minute"},
                    {"limits.automation", "15 per day; 3 per hour; 1 per minute"},
                    {"ceilings.users", "15"},
                    {"ceilings.analysis", "5"},
                    {"ceilings.upload", "2"},
                    {"ceilings.automation", "3"},
                    {"security.enforce_https", "false"},
                    {"log.health", "true"},
                    {"capacity.concurrent_users_least", "10"},
                    {"capacity.concurrent_users", "15"},
                    {"capacity.daily_users", "100"},
                    {"capacity.daily_requests_least", "500"},
                    {"capacity.daily_requests", "1000"},
                    {"capacity.daily_uploads_least", "50"},
                    {"capacity.daily_uploads", "100"},
                    {"capacity.daily_analyses_least", "100"},
                    {"capacity.daily_analyses", "200"},
                    {"targets.page_seconds", "2"},
                    {"targets.api_seconds", "1"},
                    {"targets.analysis_seconds_least", "120"},
                    {"targets.analysis_seconds", "300"},
                    {"targets.upload_seconds", "30"}});
    table("watchlist", {{"redis.maxmemory", "250MB"},
                        {"redis.connections", "100"},
                        {"redis.commands_per_second", "0"},
                        {"redis.traffic_per_month", "0B"},
                        {"zones.redis_memory.yellow", "174762667B"},
                        {"zones.redis_memory.red", "218453333B"},
                        {"limits.default", "100 per minute"},
                        {"limits.api", "100 per minute"},
                        {"limits.auth", "100 per minute"},
                        {"ceilings.users", "0"},
                        {"ceilings.analysis", "5"},
                        {"security.enforce_https", "true"},
                        {"caches.quotes", "5m"},
                        {"schedules.price_alerts", "5m"},
                        {"schedules.watchlist_refresh", "10m"},
                        {"schedules.database_cleanup", "1d"},
                        {"schedules.database_backup", "1d"},
                        {"capacity.users_least", "100"},
                        {"capacity.users", "1000"}});
    table("fintech-1000", {{"redis.maxmemory", "1GB"},
                           {"redis.connections", "500"},
                           {"redis.commands_per_second", "0"},
                           {"redis.traffic_per_month", "0B"},
                           {"ceilings.users", "0"},
                           {"database.pool_most", "2"},
                           {"zones.db_pool.yellow", "0.8"},
                           {"zones.db_pool.red", "0.9"},
                           {"caches.portfolio_summary", "5m"},
                           {"caches.market_data", "1m"},
                           {"schedules.database_backup", "1d"},
                           {"capacity.concurrent_users", "1000"},
                           {"capacity.workers_per_replica", "4"},
                           {"capacity.threads_per_worker", "2"},
                           {"capacity.concurrent_requests_per_replica", "8"},
                           {"capacity.average_response_seconds", "0.2"},
                           {"capacity.requests_per_second_per_replica", "40"},
                           {"capacity.replicas_needed", "25"},
                           {"capacity.replicas_with_headroom_least", "30"},
                           {"capacity.replicas_with_headroom", "35"},
                           {"capacity.replicas_emergency", "50"},
                           {"capacity.database_connections_per_replica", "2"},
                           {"capacity.database_connections_used", "70"},
                           {"capacity.database_connections", "200"},
                           {"capacity.pgbouncer_client_connections", "1000"},
                           {"capacity.pgbouncer_default_pool", "25"},
                           {"capacity.pgbouncer_database_connections", "100"},
                           {"targets.db_pool", "0.8"},
                           {"targets.api_seconds", "0.5"},
                           {"targets.error_rate", "0.01"},
                           {"targets.cache_hit_ratio_least", "0.8"},
                           {"load_test.duration", "5m"},
                           {"load_test.new_users_per_second", "100"}});
    table("validation-500rpm", {{"redis.maxmemory", "250MB"},
                                {"redis.connections", "100"},
                                {"redis.commands_per_second", "0"},
                                {"redis.traffic_per_month", "0B"},
                                {"redis.cache_policy", "allkeys-lru"},
                                {"redis.policy", "noeviction"},
                                {"limits.api", "200 per minute"},
                                {"limits.auth", "200 per minute"},
                                {"limits.default", "200 per minute"},
                                {"limits_address.auth", "100 per minute"},
                                {"limits_address.api", "1000 per minute"},
                                {"ceilings.users", "0"},
                                {"log.health", "false"},
                                {"database.pool_most", "50"},
                                {"caches.validation_rules", "5m"},
                                {"caches.app_configuration", "10m"},
                                {"capacity.requests_per_minute", "500"},
                                {"capacity.requests_per_second", "8.3"},
                                {"capacity.peak_requests_per_second_least", "15"},
                                {"capacity.peak_requests_per_second", "20"},
                                {"capacity.concurrent_users_least", "50"},
                                {"capacity.concurrent_users", "100"},
                                {"capacity.proxy_burst", "20"},
                                {"capacity.proxy_timeout_seconds", "60"},
                                {"targets.p50_seconds", "0.1"},
                                {"targets.p95_seconds", "0.3"},
                                {"targets.p99_seconds", "0.5"},
                                {"targets.average_seconds", "0.2"},
                                {"targets.concurrent_users", "100"},
                                {"targets.database_connections_least", "50"},
                                {"targets.error_rate", "0.001"},
                                {"targets.cache_hit_ratio_least", "0.7"},
                                {"targets.cache_hit_ratio", "0.8"},
                                {"load_test.duration", "5m"},
                                {"load_test.users", "50"},
                                {"load_test.requests_per_second", "10"}});
    table("scale-100k", {{"redis.maxmemory", "1GB"},
                         {"redis.connections", "1000"},
                         {"redis.commands_per_second", "0"},
                         {"redis.traffic_per_month", "0B"},
                         {"ceilings.users", "0"},
                         {"limits_address.default", "500 per 15 minutes"},
                         {"limits_address.api", "500 per 15 minutes"},
                         {"limits_address.auth", "500 per 15 minutes"},
                         {"limits_address.upload", "500 per 15 minutes"},
                         {"limits_address.analysis", "500 per 15 minutes"},
                         {"limits_address.automation", "500 per 15 minutes"},
                         {"database.pool_least", "5"},
                         {"database.pool_most", "25"},
                         {"capacity.users", "100000"},
                         {"capacity.primaries", "1"},
                         {"capacity.read_replicas_least", "2"},
                         {"capacity.read_replicas", "3"},
                         {"capacity.instance_concurrent_users_least", "1000"},
                         {"capacity.instance_concurrent_users", "2000"},
                         {"capacity.instance_daily_users_least", "10000"},
                         {"capacity.instance_daily_users", "15000"},
                         {"capacity.instance_database_queries_per_hour", "50000"},
                         {"capacity.instance_api_requests_per_hour", "100000"},
                         {"capacity.instances_least", "5"},
                         {"capacity.instances", "10"},
                         {"capacity.redis_nodes_least", "3"},
                         {"capacity.redis_nodes", "5"},
                         {"capacity.monthly_cost_now_least", "200"},
                         {"capacity.monthly_cost_now", "300"},
                         {"capacity.monthly_cost_at_100k_least", "2000"},
                         {"capacity.monthly_cost_at_100k", "4000"},
                         {"targets.database_queries_saved", "0.8"}});
}

void TiersTest::figures()
{
    QFETCH(QByteArray, tier);
    QFETCH(QByteArray, key);
    QFETCH(QByteArray, value);
    const auto values = valuesOf(tierNamed(tier.toStdString()));
    const auto found = values.find(key.toStdString());
    QVERIFY(found != values.end());
    const QByteArray canonical = QByteArray::fromStdString(found->second);
    const auto number = canonical.toDouble();
    QVERIFY2(canonical == value || (number != 0 && number == value.toDouble()), canonical.constData());
}

void TiersTest::rules_data()
{
    QTest::addColumn<QByteArray>("tier");
    QTest::addColumn<bool>("upgrade");
    QTest::addColumn<QByteArray>("metric");
    QTest::addColumn<double>("above");
    QTest::addColumn<QByteArray>("action");
    const auto row = [](const char *tier, bool upgrade, const char *metric, double above, const char *action = "") {
        QTest::addRow("%s %s %s", tier, upgrade ? "upgrade" : "alert", metric)
            << QByteArray(tier) << upgrade << QByteArray(metric) << above << QByteArray(action);
    };
    constexpr double mb = 1024 * 1024;
    row("small", false, "redis_memory", 25 * mb);
    row("small", false, "redis_connections", 25);
    row("small", true, "redis_memory", 25 * mb);
    row("small", true, "redis_connections", 25);
    row("small", true, "users", 15);
    row("small", true, "daily_users", 100);
    row("watchlist", false, "redis_memory", 250 * mb * 5 / 6);
    row("watchlist", false, "redis_connections", 100 * 5 / 6.0);
    row("fintech-1000", false, "response_time", 2, "scale_up");
    row("fintech-1000", false, "db_connections", 0.9, "alert_ops_team");
    row("fintech-1000", false, "error_rate", 0.05, "alert_dev_team");
    row("validation-500rpm", false, "redis_memory", 250 * mb * 5 / 6);
    row("scale-100k", false, "redis_connections", 1000 * 5 / 6.0);
    row("scale-100k", true, "daily_users", 5000);
}

void TiersTest::rules()
{
    QFETCH(QByteArray, tier);
    QFETCH(bool, upgrade);
    QFETCH(QByteArray, metric);
    QFETCH(double, above);
    QFETCH(QByteArray, action);
    const Tier loaded = tierNamed(tier.toStdString());
    for (const auto &rule : upgrade ? loaded.upgradeWhen : loaded.alerts)
        if (rule.metric == metric.toStdString()) {
            QVERIFY(std::abs(rule.above - above) <= above * 1e-12);
            QCOMPARE(QByteArray::fromStdString(rule.action), action);
            return;
        }
    QFAIL("no such rule");
}

void TiersTest::costs_data()
{
    QTest::addColumn<QByteArray>("tier");
    QTest::addColumn<int>("users");
    QTest::addColumn<QByteArray>("name");
    QTest::addColumn<double>("least");
    QTest::addColumn<double>("most");
    const auto row = [](const char *tier, int users, const char *name, double least, double most) {
        QTest::addRow("%s %d %s", tier, users, name) << QByteArray(tier) << users << QByteArray(name) << least << most;
    };
    row("small", 0, "", 0, 0);
    row("watchlist", 100, "", 45, 45);
    row("watchlist", 1000, "", 195, 195);
    row("fintech-1000", 0, "", 505, 505);
    row("validation-500rpm", 0, "", 55, 180);
    row("scale-100k", 0, "now", 200, 400);
    // The parts of the document add up to 2,200–4,300; the total it states, 2,000–4,000, is in `capacity`.
    row("scale-100k", 100000, "", 2200, 4300);
}

void TiersTest::costs()
{
    QFETCH(QByteArray, tier);
    QFETCH(int, users);
    QFETCH(QByteArray, name);
    QFETCH(double, least);
    QFETCH(double, most);
    double sum = 0;
    double sumMost = 0;
    for (const auto &plan : tierNamed(tier.toStdString()).costs)
        if (plan.users == std::uint32_t(users) && (name.isEmpty() || plan.name == name.toStdString())) {
            sum += *plan.monthly;
            sumMost += *plan.monthlyMost;
        }
    QCOMPARE(sum, least);
    QCOMPARE(sumMost, most);
}

void TiersTest::theRestIsInheritedFromSmall()
{
    const Tier small = tierNamed("small");
    QCOMPARE(builtInTiers(),
             (std::vector<std::string>{"small", "watchlist", "fintech-1000", "validation-500rpm", "scale-100k"}));
    for (const auto &name : builtInTiers()) {
        const Tier tier = tierNamed(name);
        QCOMPARE(tier.name, name);
        QVERIFY(!tier.title.empty());
        QVERIFY(tier.sessionLifetime == small.sessionLifetime && tier.resultsExpiry == small.resultsExpiry);
        QVERIFY(tier.taskTimeLimit == small.taskTimeLimit && tier.taskConcurrency == small.taskConcurrency);
        QVERIFY(tier.zones.at(Resource::ResponseTime) == small.zones.at(Resource::ResponseTime));
        QCOMPARE(tier.limits.at(Category::Upload), small.limits.at(Category::Upload));
        QVERIFY(tier.memoryBudget == small.memoryBudget && tier.familyPatterns == small.familyPatterns);
        const auto &memory = tier.zones.at(Resource::RedisMemory);
        QVERIFY(std::abs(memory.yellow / double(tier.redis.maxmemory) - 2 / 3.0) < 1e-9);
        QVERIFY(std::abs(memory.red / double(tier.redis.maxmemory) - 5 / 6.0) < 1e-9);
        QVERIFY(memory.margin == 0.03 && memory.enter == std::chrono::seconds(5) &&
                memory.leave == std::chrono::seconds(10));
        for (const Resource resource : {Resource::Workers, Resource::OldestTask, Resource::FailedTasks,
                                        Resource::Refused, Resource::Disk, Resource::RedisOverhead, Resource::Queue})
            QVERIFY(tier.zones.at(resource) == small.zones.at(resource));
        QVERIFY(tier.zones.contains(Resource::DbPool));
        // A limit that is not there has no zone either.
        QCOMPARE(tier.zones.contains(Resource::Users), tier.ceilings.users > 0);
        QCOMPARE(tier.zones.contains(Resource::RedisCommands), tier.redis.commandsPerSecond > 0);
        QCOMPARE(tier.zones.contains(Resource::RedisTraffic), tier.redis.trafficPerMonth > 0);
        const auto &connections = tier.zones.at(Resource::RedisConnections);
        QVERIFY(std::abs(connections.yellow / tier.redis.connections - 2 / 3.0) < 1e-9);
        QVERIFY(std::abs(connections.red / tier.redis.connections - 5 / 6.0) < 1e-9);
    }
}

void TiersTest::budgetsAddUpAsDocumented()
{
    const Tier small = tierNamed("small");
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    std::uint32_t connections = 0;
    for (const auto &[family, bytes] : small.memoryBudget)
        most += bytes;
    for (const auto &[family, bytes] : small.memoryBudgetLeast)
        least += bytes;
    for (const auto &[purpose, count] : small.connectionBudget)
        connections += count;
    QCOMPARE(least, std::uint64_t(17) * 1024 * 1024);
    QCOMPARE(most, std::uint64_t(24) * 1024 * 1024);
    QCOMPARE(connections, 7u);
    // The upgrade path: free → 13.41 → no known price; about 26 after the first upgrade of both.
    QCOMPARE(small.upgradePath.size(), std::size_t(5));
    QCOMPARE(*small.upgradePath[1].monthly, 13.41);
    QVERIFY(!small.upgradePath[2].monthly);
    QCOMPARE(*small.upgradePath[4].monthly, 12.41);
}

void TiersTest::phasesAndLoadMix()
{
    const Tier fintech = tierNamed("fintech-1000");
    QCOMPARE(fintech.phases.size(), std::size_t(2));
    QVERIFY(fintech.phases[0].users == 100 && fintech.phases[0].replicasLeast == 3);
    QVERIFY(fintech.phases[1].users == 1000 && fintech.phases[1].replicasLeast == 5 &&
            fintech.phases[1].replicasMost == 50);
    QCOMPARE(fintech.loadMix, (std::vector<Tier::LoadShare>{{"/api/dashboard/overview", 100}}));
    const Tier validation = tierNamed("validation-500rpm");
    QCOMPARE(validation.loadMix,
             (std::vector<Tier::LoadShare>{
                 {"/auth/login", 20}, {"/auth/register", 10}, {"/api/logs", 40}, {"/dashboard", 30}}));
    const Tier scale = tierNamed("scale-100k");
    QVERIFY(scale.phases[0].users == 10'000 && scale.phases[0].startsAbove == 5000);
    QVERIFY(scale.phases[1].users == 100'000 && scale.phases[1].replicasLeast == 5 &&
            scale.phases[1].replicasMost == 10);
}

void TiersTest::refuses_data()
{
    QTest::addColumn<QByteArray>("toml");
    QTest::addColumn<QByteArray>("part");
    const QByteArray head = "name='x'\n[redis]\nmaxmemory='9MB'\nconnections=9\n[budget]\nqueue='1MB'\nsessions='1MB'\n"
                            "limits='1MB'\npush='0'\nresults='0'\ntickers='0'\noverhead='1MB'\n";
    QTest::newRow("no name") << QByteArray("[redis]\nmaxmemory='9MB'\nconnections=9\n")
                             << QByteArray("t.toml: name is missing");
    QTest::newRow("no plan") << QByteArray("name='x'\n[redis]\nmaxmemory='90MB'\n")
                             << QByteArray("t.toml: redis.connections is missing");
    QTest::newRow("unknown key") << head + "[tasks]\nconcurency=2\n"
                                 << QByteArray("t.toml:14: tasks.concurency is not a key of a tier");
    QTest::newRow("unknown table") << head + "[[alarms]]\nmetric='x'\n"
                                   << QByteArray("t.toml:13: alarms is not a key of a tier");
    QTest::newRow("unknown member") << head + "[[alerts]]\nmetric='x'\nabove=1\nunless=2\n"
                                    << QByteArray("t.toml:16: unless is not a key of a tier");
    QTest::newRow("missing member") << head + "[[alerts]]\nabove=1\n" << QByteArray("t.toml:13: alerts needs metric");
    QTest::newRow("bad threshold") << head + "[[alerts]]\nmetric='queue'\nabove='much'\n"
                                   << QByteArray("t.toml:15: alerts.above: \"much\" is not a number");
    QTest::newRow("red of nothing") << head + "[ceilings]\nusers=0\n[[alerts]]\nmetric='users'\nabove='red'\n"
                                    << QByteArray("t.toml:17: alerts.above: users has no zone");
    QTest::newRow("table within a table") << head + "[[alerts]]\nmetric='x'\nabove=1\n[[alerts.more]]\na=1\n"
                                          << QByteArray("more: an array of tables within another");
    QTest::newRow("half a zone") << head + "[ceilings]\nusers=0\n[zones.users]\nred=5\n"
                                 << QByteArray("zones.users needs both yellow and red");
    QTest::newRow("red above the plan") << head + "[zones.redis_memory]\nred='10MB'\n"
                                        << QByteArray("zones.redis_memory.red is above redis.maxmemory");
    QTest::newRow("plan too small") << QByteArray("name='x'\n[redis]\nmaxmemory='1KB'\nconnections=9\n")
                                    << QByteArray("redis.maxmemory is below 1MB");
    QTest::newRow("not TOML") << QByteArray("name=") << QByteArray("t.toml:1: ");
}

void TiersTest::refuses()
{
    QFETCH(QByteArray, toml);
    QFETCH(QByteArray, part);
    const auto tier = parseTier(toml.toStdString(), "t.toml");
    QVERIFY(tier.has_error());
    QVERIFY2(tier.error().message.find(part.toStdString()) != std::string::npos, tier.error().message.c_str());
}

QTEST_GUILESS_MAIN(TiersTest)
#include "tiers_test.moc"
