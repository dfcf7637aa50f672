// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/end_spec.h"
#include "core/api/result.h"
#include "core/api/tier.h"
#include "core/base/secret_ref.h"
#include "core/redis/endpoint.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A watched deployment is one TOML file, the same for the console and for `portoland watch`. Its keys, with what each
/// means, are the table of watch_keys.h; `portoland check-config --watch FILE` prints them. The file holds no secret,
/// only where secrets are (core/base/credentials.h), and tables `zones`, `budget` and `families` as tier files have
/// them, which override its tier's.
namespace portolan::stack {

struct HostPort
{
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const HostPort &) const = default;
};

/// Who knows which server is the primary now (Redis Sentinel).
struct SentinelPart
{
    std::vector<HostPort> names; ///< asked in turn
    std::string master;          ///< what they call it
    std::string user;            ///< ACL user of the sentinels; empty: default
    SecretRef password;
    std::string ca; ///< PEM file of their authority; empty: as for the servers
    bool operator==(const SentinelPart &) const = default;
};

struct RedisPart
{
    redis::Endpoint endpoint; ///< without its password
    SecretRef password;
    std::chrono::milliseconds renew{0}; ///< how often the password is read again; 0: when it is refused
    Reach through;
    TrustSpec trust;
    std::optional<SentinelPart> sentinel;
    std::optional<bool> cluster; ///< nullopt: found out
    std::uint32_t connections = 2;
    bool operator==(const RedisPart &) const = default;
};

struct CeleryPart
{
    std::vector<std::string> queues;  ///< empty: found out from the bindings
    std::optional<RedisPart> results; ///< nullopt: where the broker is
    std::string prefix;               ///< `global_keyprefix` of the broker's transport options
    std::string resultPrefix;         ///< the same of the result backend
    std::string separator = "\x06\x16";
    std::vector<std::uint32_t> steps{0, 3, 6, 9};
    bool events = false;                            ///< have workers send events
    std::uint64_t keepBodies = 64ull * 1024 * 1024; ///< bytes of tasks kept to run them again; 0: none
    bool control = true;                            ///< ask workers, which writes a reply list
    std::chrono::milliseconds visibilityTimeout{0}; ///< 0: what the workers tell, else Celery's hour
    bool operator==(const CeleryPart &) const = default;
};

/// Which series of a metrics page are what. Empty: not told.
struct MetricsMap
{
    std::string requests;   ///< a counter
    std::string status;     ///< its label with the status
    std::string route;      ///< its label with the route
    std::string histogram;  ///< of response times
    std::string summary;    ///< the same, where it is one
    std::string unit = "s"; ///< of those: "s" or "ms"
    std::string errors;     ///< a counter of answers with a status from 500 on, where `requests` has no status
    std::string cacheHits;
    std::string cacheMisses;
    std::string connections; ///< a gauge
    bool operator==(const MetricsMap &) const = default;
};

/// A page in Prometheus' text format, or a Prometheus server.
struct MetricsPart
{
    std::string url;
    std::string map;                        ///< a name of readyMaps(), or of `maps`
    std::map<std::string, MetricsMap> maps; ///< those the file makes itself
    bool server = false;                    ///< a Prometheus server: asked for what `match` selects
    std::string match;
    SecretRef token; ///< sent as a bearer token
    std::string user;
    SecretRef password;
    Reach through;
    TrustSpec trust;
    std::chrono::milliseconds every{15'000};
    bool operator==(const MetricsPart &) const = default;
};

struct ProbePart
{
    std::string url;
    std::chrono::milliseconds every{30'000};
    std::chrono::milliseconds timeout{5'000};
    std::uint32_t expect = 200; ///< status
    Reach through;
    TrustSpec trust;
    bool operator==(const ProbePart &) const = default;
};

/// A portal, or a watcher, that the console attaches to.
struct PortalPart
{
    std::string url;
    SecretRef token;
    Reach through;
    TrustSpec trust;
    bool operator==(const PortalPart &) const = default;
};

/// What the file says and this version does not act on.
struct LaterPart
{
    std::string key; ///< "postgresql", "target"; a key in one that this version does not know: "docker.swarm"
    unsigned line = 0;
    bool operator==(const LaterPart &) const = default;
};

/// A program that the file names, to be shown to who has to allow it.
struct FileProgram
{
    std::string key; ///< "redis.password"
    unsigned line = 0;
    std::vector<std::string> arguments;
    bool operator==(const FileProgram &) const = default;
};

/// A key that the file says, as a listing shows it.
struct GivenKey
{
    std::string key;   ///< "redis.url"; of several tables "probe[2].url", counted from 1
    std::string known; ///< its entry in watchKeys() or, of a tier's, in tierKeys()
    std::string text;  ///< without secrets
    unsigned line = 0;
};

/// A secret that the file names, and by which key.
struct FileSecret
{
    std::string key;
    unsigned line = 0;
    SecretRef reference;
};

/// A file that it names, of certificates or a key.
struct NamedFile
{
    std::string key;
    unsigned line = 0;
    std::string path; ///< whole
};

struct WatchFile
{
    std::string path; ///< as it was named
    std::string name;
    std::string group;
    std::string tierName = "small";
    Tier tier; ///< with what the file overrides
    bool production = false;
    bool readOnly = false;
    std::optional<RedisPart> redis;
    std::optional<CeleryPart> celery;
    std::vector<MetricsPart> metrics;
    std::vector<ProbePart> probes;
    std::optional<PortalPart> portal;
    std::string listen;  ///< of `portoland watch`, ADDR:PORT; empty: as it is by itself
    std::string dataDir; ///< of `portoland watch`; empty: as it is by itself
    std::vector<LaterPart> later;

    std::vector<GivenKey> given;       ///< in order of lines
    std::vector<FileSecret> secrets;   ///< in order of lines
    std::vector<NamedFile> files;      ///< in order of lines
    std::vector<FileProgram> programs; ///< in order of lines

    /// Whether anything in it is watched by this version.
    bool watchesAnything() const { return redis || celery || !metrics.empty() || !probes.empty(); }
};

/// Who reads it.
enum class ReadFor : std::uint8_t {
    Console, ///< has a keychain
    Daemon,  ///< has none: `keychain:` is a mistake
};

/// One thing that is wrong with a file.
struct Mistake
{
    std::string source; ///< the file's name
    unsigned line = 0;  ///< 0: of the file as a whole
    std::string key;    ///< empty: none
    std::string what;
    std::string mend;
    std::string text() const; ///< "shop.toml:12: redis.urll: unknown key; did you mean url?"
};

/// A file as far as it can be read, and everything that is wrong with it, in order of lines.
struct WatchReading
{
    WatchFile file;
    std::vector<Mistake> mistakes;
};

/// Reads a text; `path` names it in mistakes, and what it names relatively is beside it. Programs in it are listed, and
/// for the caller to allow. Reads the tier's file, where the tier is one; blocks.
WatchReading parseWatchFile(std::string_view text, const std::filesystem::path &path, ReadFor who);

/// Reads a file of at most 1 MB. One that names programs must be its owner's alone (core/base/file_owner.h). Blocks.
/// What cannot be read at all is the one mistake then.
WatchReading readWatchFile(const std::filesystem::path &path, ReadFor who);

/// All of them in one: Invalid `watch-file`, a line each. `mistakes` is not empty.
Error errorOf(const std::vector<Mistake> &mistakes);

/// The maps of metrics that need not be written, by name.
const std::vector<std::string> &readyMaps();

} // namespace portolan::stack
