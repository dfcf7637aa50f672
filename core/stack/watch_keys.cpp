// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/watch_keys.h"

#include "core/stack/watch_key_makers.h"

#include <algorithm>

namespace portolan::stack {

namespace {

using namespace std::chrono_literals;

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

void addFile(std::vector<WatchKey> &keys)
{
    const auto folder = [](std::string_view given) { return readText(given, 4096); };
    keys.push_back(one(
        {"name", "the deployment's name, typed to confirm what is destructive", "", true},
        [](WatchFile & f, WatchValue &) -> auto & { return f.name; }, readDeploymentName));
    keys.push_back(text(
        {"group", "heading it stands under in the console's list"},
        [](WatchFile & f, WatchValue &) -> auto & { return f.group; }, 64));
    keys.push_back(one(
        {"tier", "plan, zones and budgets: a tier's name, or a file of one", "small"},
        [](WatchFile & f, WatchValue &) -> auto & { return f.tierName; }, folder));
    keys.push_back(flag(
        {"production", "destructive actions want its name typed", "false"},
        [](WatchFile & f, WatchValue &) -> auto & { return f.production; }));
    keys.push_back(flag(
        {"read_only", "forbids everything that writes, remote control too", "false"},
        [](WatchFile & f, WatchValue &) -> auto & { return f.readOnly; }));
}

void addMaps(std::vector<WatchKey> &keys)
{
    const auto series = [&](const char *key, std::string_view meaning, std::string MetricsMap::*member) {
        keys.push_back(one(
            {std::string("metrics.maps.*.") + key, meaning},
            [member](WatchFile & f, WatchValue & v) -> auto & { return f.metrics.back().maps[v.name].*member; },
            readSeriesName));
    };
    series("requests.counter", "series that counts requests", &MetricsMap::requests);
    series("requests.status", "its label with the status", &MetricsMap::status);
    series("requests.route", "its label with the route", &MetricsMap::route);
    series("latency.histogram", "series of response times, a histogram", &MetricsMap::histogram);
    series("latency.summary", "series of response times, a summary", &MetricsMap::summary);
    keys.push_back(one(
        {"metrics.maps.*.latency.unit", "unit of those: s or ms", "s"},
        [](WatchFile & f, WatchValue & v) -> auto & { return f.metrics.back().maps[v.name].unit; },
        [](std::string_view given) -> Result<std::string> {
            if (given != "s" && given != "ms")
                return wrong("write s or ms");
            return std::string(given);
        }));
    series("errors", "series that counts answers from status 500 on", &MetricsMap::errors);
    series("cache_hits", "series that counts hits of the cache", &MetricsMap::cacheHits);
    series("cache_misses", "series that counts its misses", &MetricsMap::cacheMisses);
    series("connections", "series of open connections", &MetricsMap::connections);
}

void addMetrics(std::vector<WatchKey> &keys)
{
    const auto part = [](WatchFile & f, WatchValue &) -> auto & { return f.metrics.back(); };
    keys.push_back(url(
        {"metrics.url", "page in Prometheus' text format, or a Prometheus server", "", true},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).url; }));
    keys.push_back(text(
        {"metrics.map", "which series are what: a ready map, or one of maps", "", true},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).map; }, 64));
    keys.push_back(flag(
        {"metrics.server", "it is a Prometheus server", "false"}, [=](WatchFile & f, WatchValue & v) -> auto & {
            return part(f, v).server;
        }));
    keys.push_back(text(
        named({"metrics.match", "series selector it is asked with, such as {job=\"shop\"}"}),
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).match; }, 1024));
    addSecret(
        keys, "metrics.token",
        "where a bearer token for it is", [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).token; });
    keys.push_back(text(
        {"metrics.user", "user of its Basic authentication"}, [=](WatchFile & f, WatchValue & v) -> auto & {
            return part(f, v).user;
        }));
    addSecret(
        keys, "metrics.password",
        "where that user's password is", [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).password; });
    addReach(keys, "metrics.", part);
    keys.push_back(time(
        {"metrics.every", "how often it is read", "15s"}, 1s,
        1h, [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).every; }));
    addMaps(keys);
}

void addProbe(std::vector<WatchKey> &keys)
{
    const auto part = [](WatchFile & f, WatchValue &) -> auto & { return f.probes.back(); };
    keys.push_back(url(
        {"probe.url", "address that must answer", "", true}, [=](WatchFile & f, WatchValue & v) -> auto & {
            return part(f, v).url;
        }));
    keys.push_back(time(
        {"probe.every", "how often it is asked", "30s"}, 1s,
        24h, [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).every; }));
    keys.push_back(time(
        {"probe.timeout", "how long it may take", "5s"}, 100ms,
        30s, [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).timeout; }));
    keys.push_back(count(
        {"probe.expect", "status of a good answer", "200"}, 100,
        599, [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).expect; }));
    addReach(keys, "probe.", part);
}

void addEnds(std::vector<WatchKey> &keys)
{
    const auto part = [](WatchFile & f, WatchValue &) -> auto & { return *f.portal; };
    keys.push_back(url(
        {"portal.url", "a portal, or a watcher, that the console attaches to", "", true},
        [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).url; }));
    addSecret(
        keys, "portal.token",
        "where the token for it is", [=](WatchFile & f, WatchValue & v) -> auto & { return part(f, v).token; });
    addReach(keys, "portal.", part);
    keys.push_back(one(
        {"watch.listen", "where portoland watch serves, ADDR:PORT"},
        [](WatchFile & f, WatchValue &) -> auto & { return f.listen; }, readListen));
    keys.push_back(entry({"watch.data_dir", "folder where portoland watch keeps its history"},
                         [](WatchFile &f, WatchValue &v) -> Result<void> {
                             auto path = readPath(v.entry.text, v.folder);
                             if (!path)
                                 return path.error();
                             f.dataDir = std::move(*path);
                             return {};
                         }));
}

std::vector<WatchKey> makeKeys()
{
    std::vector<WatchKey> keys;
    addFile(keys);
    addRedisKeys(keys);
    addCeleryKeys(keys);
    addMetrics(keys);
    addProbe(keys);
    addEnds(keys);
    for (auto &key : laterKeys())
        keys.push_back(std::move(key));
    return keys;
}

/// Segment by segment; `*` stands for a name.
std::optional<std::string> matches(std::string_view pattern, std::string_view key)
{
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    std::string name;
    for (;;) {
        const auto wanted = pattern.substr(0, pattern.find('.'));
        const auto given = key.substr(0, key.find('.'));
        if (wanted == "*") {
            if (given.empty() || given.size() > 64 || !std::ranges::all_of(given, plain))
                return std::nullopt;
            name = std::string(given);
        } else if (wanted != given) {
            return std::nullopt;
        }
        const bool last = wanted.size() == pattern.size();
        if (last != (given.size() == key.size()))
            return std::nullopt;
        if (last)
            return name;
        pattern.remove_prefix(wanted.size() + 1);
        key.remove_prefix(given.size() + 1);
    }
}

} // namespace

const std::vector<WatchKey> &watchKeys()
{
    static const std::vector<WatchKey> keys = makeKeys();
    return keys;
}

std::optional<WatchKeyMatch> findWatchKey(std::string_view key)
{
    for (const auto &known : watchKeys())
        if (auto name = matches(known.key, key))
            return WatchKeyMatch{&known, std::move(*name)};
    return std::nullopt;
}

bool holdsKey(std::string_view table, std::string_view key)
{
    for (auto at = key.find('.'); at != key.npos; at = key.find('.', at + 1))
        if (matches(key.substr(0, at), table))
            return true;
    return false;
}

const std::vector<WatchPart> &watchParts()
{
    static const std::vector<WatchPart> parts{
        {"redis", false, false},     {"celery", false, false}, {"metrics", true, false},    {"probe", true, false},
        {"portal", false, false},    {"watch", false, false},  {"postgresql", false, true}, {"pgbouncer", false, true},
        {"kubernetes", false, true}, {"docker", false, true},  {"target", true, true},      {"alerts", true, true},
        {"receivers", false, true},
    };
    return parts;
}

const std::vector<std::string> &readyMaps()
{
    static const std::vector<std::string> names{"django-prometheus", "nginx-exporter", "prometheus-flask-exporter",
                                                "statsd", "starlette"};
    return names;
}

} // namespace portolan::stack
