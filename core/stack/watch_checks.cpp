// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/watch_checks.h"

#include "core/base/settings.h"
#include "core/stack/watch_keys.h"

#include <algorithm>
#include <set>

namespace portolan::stack {

namespace {

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

Error missing() { return wrong("is missing"); }

class Checks final
{
public:
    Checks(WatchFile &file, const Met &met) : m_file(file), m_met(met) {}

    std::vector<TogetherMistake> run();

private:
    void checkRedis();
    void checkCelery();
    void checkResults();
    void checkTrust(const std::string &prefix, const TrustSpec &trust, bool encrypted);
    void checkMetrics(const MetricsPart &part, const std::string &prefix);
    void checkMap(const MetricsPart &part, const std::string &prefix);
    void checkAgain();
    void checkBudgets();

    void note(unsigned line, const std::string &key, const Error &error) { m_mistakes.push_back({line, key, error}); }
    unsigned lineOf(std::string_view key) const { return stack::lineOf(m_file, key); }
    unsigned lineOfTable(const std::string &name) const
    {
        const auto found = m_met.tables.find(name);
        return found == m_met.tables.end() ? 0 : found->second;
    }
    /// Nothing is said for it, rightly or wrongly.
    bool lacks(const SecretRef &reference, const std::string &key) const
    {
        return reference.kind == SecretRef::Kind::None && !m_met.refused.contains(key) &&
               !m_met.refused.contains(key + ".command");
    }
    /// Keys of one of several are counted, as they are shown.
    template <class Part> static std::string prefixOf(const char *name, const std::vector<Part> &parts, std::size_t at)
    {
        return parts.size() > 1 ? std::string(name) + '[' + std::to_string(at + 1) + "]." : std::string(name) + '.';
    }

    WatchFile &m_file;
    const Met &m_met;
    std::vector<TogetherMistake> m_mistakes;
};

std::vector<TogetherMistake> Checks::run()
{
    checkRedis();
    checkCelery();
    for (std::size_t at = 0; at < m_file.metrics.size(); ++at)
        checkMetrics(m_file.metrics[at], prefixOf("metrics", m_file.metrics, at));
    for (std::size_t at = 0; at < m_file.probes.size(); ++at) {
        const auto &probe = m_file.probes[at];
        const std::string prefix = prefixOf("probe", m_file.probes, at);
        checkTrust(prefix, probe.trust, probe.url.empty() || probe.url.starts_with("https:"));
        if (probe.timeout > probe.every)
            note(lineOf(prefix + "timeout"), prefix + "timeout", wrong("it is longer than every"));
    }
    if (const auto &portal = m_file.portal)
        checkTrust("portal.", portal->trust, portal->url.empty() || portal->url.starts_with("https:"));
    checkAgain();
    checkBudgets();
    if (!m_file.watchesAnything() && !m_file.portal && m_file.later.empty())
        note(0, {}, wrong("it names nothing to watch", "Write [redis], [metrics] or [[probe]]"));
    return std::move(m_mistakes);
}

void Checks::checkTrust(const std::string &prefix, const TrustSpec &trust, bool encrypted)
{
    if (trust.clientCertificate.empty() != trust.clientKey.empty())
        note(lineOf(prefix + (trust.clientKey.empty() ? "certificate" : "key")),
             prefix + (trust.clientKey.empty() ? "key" : "certificate"), missing());
    const bool asks = trust.roots != Roots::System || !trust.serverName.empty() || !trust.clientCertificate.empty();
    if (!encrypted && asks)
        for (const std::string key : {"ca", "pin", "server_name", "certificate"})
            if (const unsigned line = lineOf(prefix + key))
                note(line, prefix + key, wrong("its URL has no TLS", "Write rediss:// or https://"));
}

void Checks::checkRedis()
{
    const auto &redis = m_file.redis;
    if (!redis)
        return;
    using Transport = redis::Endpoint::Transport;
    const auto transport = redis->endpoint.transport;
    if (lineOf("redis.url") == 0)
        return; // said already
    checkTrust("redis.", redis->trust, transport == Transport::Tls);
    if (!redis->endpoint.user.empty() && lacks(redis->password, "redis.password"))
        note(lineOf("redis.url"), "redis.password", wrong("is missing: the URL names a user"));
    if (redis->renew.count() > 0 && lacks(redis->password, "redis.password"))
        note(lineOf("redis.password_renew"), "redis.password", missing());
    if (redis->sentinel && transport == Transport::Unix)
        note(lineOf("redis.url"), "redis.sentinel", wrong("a Unix socket has no sentinels"));
    if (redis->cluster.value_or(false) && redis->sentinel)
        note(lineOf("redis.cluster"), "redis.cluster", wrong("a cluster has no sentinels: one of the two"));
    if (redis->cluster.value_or(false) && redis->endpoint.database != 0)
        note(lineOf("redis.cluster"), "redis.cluster", wrong("a cluster has database 0 alone"));
    if (redis->sentinel && !redis->sentinel->user.empty() &&
        lacks(redis->sentinel->password, "redis.sentinel.password"))
        note(lineOf("redis.sentinel.user"), "redis.sentinel.password", missing());
}

void Checks::checkCelery()
{
    auto &celery = m_file.celery;
    if (!celery)
        return;
    if (!m_file.redis)
        note(lineOfTable("celery"), "celery", wrong("it needs [redis], its broker"));
    else if (m_file.redis->cluster.value_or(false))
        note(lineOf("redis.cluster"), "celery", wrong("Celery has no broker on a Redis Cluster"));
    if (celery->events && m_file.readOnly)
        note(lineOf("celery.events"), "celery.events",
             wrong("read_only forbids it: workers would be told to send them"));
    if (lineOf("celery.control") > 0 && celery->control && m_file.readOnly)
        note(lineOf("celery.control"), "celery.control", wrong("read_only forbids it: asking writes a reply list"));
    celery->control = celery->control && !m_file.readOnly;
    if (celery->results)
        checkResults();
}

void Checks::checkResults()
{
    auto &celery = m_file.celery;
    if (m_file.redis)
        celery->results->through = m_file.redis->through;
    if (lineOf("celery.result_url") == 0) {
        const unsigned line = std::max(lineOf("celery.result_password"), lineOf("celery.result_ca"));
        if (line > 0 && !m_met.refused.contains("celery.result_url"))
            note(line, "celery.result_url", missing());
        return;
    }
    const auto &endpoint = celery->results->endpoint;
    checkTrust("celery.result_", celery->results->trust, endpoint.transport == redis::Endpoint::Transport::Tls);
    if (!endpoint.user.empty() && lacks(celery->results->password, "celery.result_password"))
        note(lineOf("celery.result_url"), "celery.result_password", wrong("is missing: the URL names a user"));
}

void Checks::checkMetrics(const MetricsPart &part, const std::string &prefix)
{
    checkTrust(prefix, part.trust, part.url.empty() || part.url.starts_with("https:"));
    checkMap(part, prefix);
    if (!part.user.empty() && lacks(part.password, prefix + "password"))
        note(lineOf(prefix + "user"), prefix + "password", missing());
    if (part.user.empty() && part.password.kind != SecretRef::Kind::None && !m_met.refused.contains(prefix + "user"))
        note(lineOf(prefix + "password"), prefix + "user", missing());
    if (!part.user.empty() && part.token.kind != SecretRef::Kind::None)
        note(lineOf(prefix + "user"), prefix + "user", wrong("token and user exclude each other"));
    if (part.server && part.match.empty())
        note(lineOf(prefix + "server"), prefix + "match",
             wrong("is missing: a Prometheus server has everybody's series"));
    if (!part.server && !part.match.empty())
        note(lineOf(prefix + "match"), prefix + "match",
             wrong("only a Prometheus server is asked with one", "Write server = true where it is one"));
}

void Checks::checkMap(const MetricsPart &part, const std::string &prefix)
{
    const bool ready = std::ranges::find(readyMaps(), part.map) != readyMaps().end();
    const std::string own = prefix + "maps." + part.map + '.'; // it may be there, and wrong
    const auto wrongOne = m_met.refused.lower_bound(own);
    const bool refused = wrongOne != m_met.refused.end() && wrongOne->starts_with(own);
    if (!part.map.empty() && !ready && !refused && !part.maps.contains(part.map)) {
        auto known = readyMaps();
        for (const auto &[name, map] : part.maps)
            known.push_back(name);
        const std::string close = closestTo(part.map, known);
        std::string all;
        for (const auto &name : known)
            all.append(all.empty() ? "" : ", ").append(name);
        note(lineOf(prefix + "map"), prefix + "map",
             wrong("there is no such map",
                   close.empty() ? "Use one of " + all + ", or write it under maps" : "did you mean " + close + '?'));
    }
    for (const auto &[name, map] : part.maps)
        if (!map.histogram.empty() && !map.summary.empty())
            note(lineOf(prefix + "maps." + name + ".latency.summary"), prefix + "maps." + name + ".latency",
                 wrong("it is a histogram or a summary, not both"));
}

/// The same twice would be counted, and asked, twice.
void Checks::checkAgain()
{
    std::set<std::string> urls;
    for (std::size_t at = 0; at < m_file.metrics.size(); ++at) {
        const auto &part = m_file.metrics[at];
        const std::string key = prefixOf("metrics", m_file.metrics, at) + "url";
        if (!part.url.empty() && !urls.insert(part.url + '\n' + part.match).second)
            note(lineOf(key), key, wrong("another one reads the same"));
    }
    urls.clear();
    for (std::size_t at = 0; at < m_file.probes.size(); ++at) {
        const auto &part = m_file.probes[at];
        const std::string key = prefixOf("probe", m_file.probes, at) + "url";
        if (!part.url.empty() && !urls.insert(part.url).second)
            note(lineOf(key), key, wrong("another probe asks the same"));
    }
}

/// A family that is misspelt would have its budget to itself.
void Checks::checkBudgets()
{
    constexpr std::string_view budget = "budget.";
    std::vector<std::string> known{"other", "overhead"};
    for (const auto &[name, patterns] : m_file.tier.familyPatterns)
        known.push_back(name);
    if (m_file.tier.familyPatterns.empty()) // the tier could not be read, or leaves them to Redis' own names
        return;
    for (const auto &given : m_file.given) {
        if (!given.key.starts_with(budget))
            continue;
        const std::string name = given.key.substr(budget.size());
        if (std::ranges::find(known, name) != known.end())
            continue;
        const std::string close = closestTo(name, known);
        note(given.line, given.key,
             wrong("there is no such family",
                   close.empty() ? "Write its patterns under families" : "did you mean " + close + '?'));
    }
}

} // namespace

unsigned lineOf(const WatchFile &file, std::string_view key)
{
    for (const auto &given : file.given)
        if (given.key == key)
            return given.line;
    return 0;
}

std::vector<TogetherMistake> checkTogether(WatchFile &file, const Met &met) { return Checks(file, met).run(); }

} // namespace portolan::stack
