// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/redis_address.h"

#include "core/base/given_text.h"
#include "core/base/url_text.h"
#include "core/connect/compose_file.h"
#include "core/stack/watch_values.h"

#include <algorithm>
#include <array>
#include <map>

namespace portolan::connect {

namespace {

using Transport = redis::Endpoint::Transport;

constexpr std::size_t longest = 4096;
constexpr std::size_t mostSentinels = 16;
constexpr std::uint16_t sentinelPort = 26379;

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

/// What an endpoint's own mends say is for the settings of a portal.
Error forPaste(Error error)
{
    if (error.hint.find("REDIS_PASSWORD") != error.hint.npos)
        error.hint = "Write redis://host:port/db without it, and give the password by itself";
    return error;
}

char small(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

std::string lower(std::string_view text)
{
    std::string made(text);
    std::ranges::transform(made, made.begin(), small);
    return made;
}

std::string schemeOf(std::string_view text)
{
    const auto colon = text.find(':');
    return colon == text.npos || colon > 20 ? std::string() : lower(text.substr(0, colon));
}

bool isSentinel(std::string_view scheme)
{
    constexpr std::array<std::string_view, 7> schemes{"sentinel",       "sentinels",     "redis+sentinel",
                                                      "redis-sentinel", "redissentinel", "rediss+sentinel",
                                                      "rediss-sentinel"};
    return std::ranges::find(schemes, scheme) != schemes.end();
}

/// A copy of the text that is wiped when it is done with.
class Wiped final
{
public:
    explicit Wiped(std::string text) : text(std::move(text)) {}
    Wiped(const Wiped &) = delete;
    ~Wiped() { wipe(text); }
    std::string text;
};

/// Whether a parameter asks for less than a checked certificate.
bool isWeaker(std::string_view name, std::string_view value)
{
    const std::string wanted = lower(value);
    if (name == "ssl_cert_reqs" || name == "cert_reqs")
        return wanted == "none" || wanted == "cert_none" || wanted == "optional" || wanted == "cert_optional";
    const bool off = wanted == "false" || wanted == "0" || wanted == "no" || wanted == "none";
    return (name == "ssl_check_hostname" && off) || (name == "verify" && off) || name == "insecure" ||
           (name == "rejectunauthorized" && off);
}

/// What core/redis/endpoint.h acts on.
bool isKnownParameter(std::string_view name)
{
    constexpr std::array<std::string_view, 9> known{"db",          "virtual_host",  "username",
                                                    "password",    "ssl_ca_certs",  "ssl_certfile",
                                                    "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"};
    return std::ranges::find(known, name) != known.end();
}

/// Without parameters that ask for less, and without those that are for another program (client_class=…). Behind a
/// password nothing is left out but the first: it may be the rest of it. Answers whether one asked for less.
bool dropForeign(std::string &url)
{
    const auto query = url.find('?', url.rfind('@') == url.npos ? 0 : url.rfind('@'));
    if (query == url.npos)
        return false;
    std::string kept;
    kept.reserve(url.size());
    bool weaker = false, behindPassword = false;
    for (std::size_t at = query + 1; at <= url.size();) {
        const auto end = std::min(url.find('&', at), url.size());
        const auto one = std::string_view(url).substr(at, end - at);
        const auto sign = one.find('=');
        const std::string name = lower(one.substr(0, sign));
        at = end + 1;
        const bool less = sign != one.npos && isWeaker(name, one.substr(sign + 1));
        weaker = weaker || less;
        if (less || one.empty() || (!behindPassword && !isKnownParameter(name)))
            continue;
        behindPassword = behindPassword || name == "password";
        kept.append(kept.empty() ? "?" : "&").append(one);
    }
    url.replace(query, url.npos, kept);
    wipe(kept);
    return weaker;
}

Result<RedisAddress> readUrl(std::string url, const Secret &password)
{
    const std::string scheme = schemeOf(url);
    for (const std::string_view cache : {"rediscache", "hiredis"}) // as django-environ spells it
        if (scheme == cache)
            url.replace(0, cache.size(), "redis");
    RedisAddress address;
    address.unseen = dropForeign(url);
    auto endpoint = redis::Endpoint::parse(url, password.reveal());
    wipe(url);
    if (!endpoint)
        return forPaste(endpoint.error());
    address.password = Secret(endpoint->password);
    wipe(endpoint->password);
    endpoint->password.clear();
    if (endpoint->transport != Transport::Unix && endpoint->host.find(':') == std::string::npos)
        if (const auto fit = stack::checkHost(endpoint->host); !fit)
            return fit.error();
    address.endpoint = std::move(*endpoint);
    return address;
}

/// The parts of `scheme://userinfo@hosts/path?query#fragment`.
struct UrlParts
{
    std::string_view user; ///< with its password
    std::string_view hosts;
    std::string_view path;
    std::string_view query;
    std::string_view fragment;
};

UrlParts partsOf(std::string_view url)
{
    UrlParts parts;
    const auto slashes = url.find("//");
    url.remove_prefix(slashes == url.npos ? url.find(':') + 1 : slashes + 2);
    const auto cut = [&](char sign) {
        const auto at = url.find(sign, std::min(url.find('@'), url.size()) == url.size() ? 0 : url.rfind('@'));
        const auto behind = at == url.npos ? std::string_view() : url.substr(at + 1);
        url = url.substr(0, at);
        return behind;
    };
    parts.fragment = cut('#');
    parts.query = cut('?');
    const auto at = url.rfind('@');
    if (at != url.npos) {
        parts.user = url.substr(0, at);
        url.remove_prefix(at + 1);
    }
    const auto slash = url.find('/');
    parts.hosts = url.substr(0, slash);
    parts.path = slash == url.npos ? std::string_view() : url.substr(slash + 1);
    return parts;
}

bool isNumber(std::string_view text)
{
    return !text.empty() && text.size() < 6 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// `/MASTER/db`, `/db#MASTER`, `?service_name=MASTER&db=1`.
void takeMaster(const UrlParts &parts, std::string &master, std::string &database)
{
    std::string_view path = parts.path;
    while (!path.empty()) {
        const auto slash = std::min(path.find('/'), path.size());
        const auto one = path.substr(0, slash);
        if (isNumber(one))
            database = std::string(one);
        else if (!one.empty())
            master = std::string(one);
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    constexpr std::array<std::string_view, 6> names{"master_name",      "service_name", "sentinel_name",
                                                    "sentinelmasterid", "master",       "mastername"};
    std::string_view query = parts.query;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto one = query.substr(0, end);
        const auto sign = std::min(one.find('='), one.size());
        const auto value = one.substr(std::min(sign + 1, one.size()));
        if (std::ranges::find(names, lower(one.substr(0, sign))) != names.end())
            master = std::string(value);
        else if (one.substr(0, sign) == "db" && isNumber(value))
            database = std::string(value);
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    if (!parts.fragment.empty())
        master = std::string(parts.fragment);
}

Error noSentinel()
{
    return wrong(
        "it names sentinels in a way that cannot be read",
        "Write sentinel://HOST:26379;sentinel://HOST:26379, or redis+sentinel://HOST:26379,HOST:26379/MASTER/0");
}

Result<RedisAddress> readSentinels(std::string_view text, const Secret &password)
{
    const bool tls = schemeOf(text).starts_with("rediss") || schemeOf(text) == "sentinels";
    stack::SentinelPart sentinel;
    std::string database, master;
    std::string_view user;
    for (const auto &one : splitAddresses(text)) {
        const UrlParts parts = partsOf(one);
        user = user.empty() ? parts.user : user;
        takeMaster(parts, master, database);
        for (std::string_view hosts = parts.hosts; !hosts.empty();) {
            const auto comma = std::min(hosts.find_first_of(",;"), hosts.size());
            const auto place = stack::readHostPort(trimmed(hosts.substr(0, comma)), sentinelPort);
            if (!place || sentinel.names.size() == mostSentinels)
                return noSentinel();
            if (std::ranges::find(sentinel.names, *place) == sentinel.names.end())
                sentinel.names.push_back(*place);
            hosts.remove_prefix(std::min(comma + 1, hosts.size()));
        }
    }
    if (sentinel.names.empty())
        return noSentinel();
    if (!master.empty() && !stack::readText(master, 200))
        return noSentinel();
    sentinel.master = master;
    // Who signs in to the servers that they name; of those the first sentinel's host stands for.
    const std::string host = sentinel.names.front().host;
    const bool alone = user.find(':') == user.npos && schemeOf(text).find("-sentinel") != std::string::npos;
    Wiped url((tls ? "rediss://" : "redis://") + std::string(alone && !user.empty() ? ":" : "") + // Lettuce's password
              std::string(user) + (user.empty() ? "" : "@") + (host.find(':') == host.npos ? host : '[' + host + ']') +
              ":6379" + (database.empty() ? "" : '/' + database));
    auto address = readUrl(url.text, password);
    if (address)
        address->sentinel = std::move(sentinel);
    return address;
}

/// `name.redis.cache.windows.net:6380,password=…,ssl=True,abortConnect=False`, as StackExchange.Redis has it.
bool isConnectionString(std::string_view text)
{
    const std::string all = lower(text);
    return all.find("://") == all.npos && (all.find(",password=") != all.npos || all.find(",ssl=") != all.npos);
}

Result<RedisAddress> readConnectionString(std::string_view text, const Secret &password)
{
    RedisAddress address;
    address.password = password;
    auto comma = std::min(text.find(','), text.size());
    const auto place = stack::readHostPort(trimmed(text.substr(0, comma)), 6379);
    if (!place)
        return place.error();
    address.endpoint.host = place->host;
    address.endpoint.port = place->port;
    while (comma < text.size()) {
        text.remove_prefix(comma + 1);
        comma = std::min(text.find(','), text.size());
        const auto one = trimmed(text.substr(0, comma));
        const auto sign = std::min(one.find('='), one.size());
        const std::string name = lower(one.substr(0, sign));
        const auto value = one.substr(std::min(sign + 1, one.size()));
        if (name == "password")
            address.password = Secret(value);
        else if (name == "user")
            address.endpoint.user = std::string(value);
        else if (name == "ssl" && lower(value) == "true")
            address.endpoint.transport = Transport::Tls;
        else if (name == "defaultdatabase" && isNumber(value))
            address.endpoint.database = unsigned(std::stoul(std::string(value)));
    }
    return address;
}

} // namespace

bool RedisAddress::isSameServer(const RedisAddress &other) const
{
    if (sentinel || other.sentinel)
        return sentinel && other.sentinel && sentinel->names == other.sentinel->names &&
               sentinel->master == other.sentinel->master;
    return endpoint.transport == other.endpoint.transport && endpoint.host == other.endpoint.host &&
           endpoint.port == other.endpoint.port && endpoint.path == other.endpoint.path;
}

std::string percentEncoded(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view free = "-._~";
    std::string made;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (small(c) >= 'a' && small(c) <= 'z') || free.find(c) != free.npos;
        if (plain)
            made += c;
        else
            made.append(1, '%').append(1, digits[(unsigned char)(c) >> 4]).append(1, digits[c & 15]);
    }
    return made;
}

std::string RedisAddress::url() const
{
    if (endpoint.transport == Transport::Unix) {
        std::string made = "unix:";
        for (const char c : endpoint.path)
            made += c == '/' ? "/" : percentEncoded({&c, 1});
        if (endpoint.database)
            made += "?db=" + std::to_string(endpoint.database);
        return endpoint.user.empty()
                   ? made
                   : made + (endpoint.database ? '&' : '?') + "username=" + percentEncoded(endpoint.user);
    }
    std::string shown = endpoint.display();
    if (!endpoint.user.empty())
        shown.insert(shown.find("//") + 2, percentEncoded(endpoint.user) + '@');
    return shown;
}

bool looksLikeRedis(std::string_view text)
{
    constexpr std::array<std::string_view, 14> schemes{
        "redis",     "rediss",    "unix",        "valkey",     "valkeys", "redis+socket",  "redis+unix",
        "redis+tls", "redis+ssl", "valkey+unix", "rediscache", "hiredis", "redis+cluster", "rediss+cluster"};
    const std::string scheme = schemeOf(text);
    return isSentinel(scheme) || std::ranges::find(schemes, scheme) != schemes.end();
}

Result<RedisAddress> readRedisAddress(std::string_view text, const Secret &password)
{
    text = trimmed(text);
    if (text.size() > longest)
        return wrong("it is longer than 4096 bytes");
    if (isSentinel(schemeOf(text)))
        return readSentinels(text, password);
    if (isConnectionString(text))
        return readConnectionString(text, password);
    const auto all = splitAddresses(text);
    return readUrl(std::string(all.size() > 1 && looksLikeRedis(all.front()) ? all.front() : text), password);
}

Result<RedisAddress> readRedisCli(std::string_view line)
{
    const std::vector<Secret> words = wordsOf(line);
    RedisAddress address;
    Secret url;
    auto &endpoint = address.endpoint;
    std::string port, database;
    const std::map<std::string_view, std::string *> texts{
        {"-h", &endpoint.host},
        {"-p", &port},
        {"-n", &database},
        {"-s", &endpoint.path},
        {"--user", &endpoint.user},
        {"--cacert", &endpoint.trust.value},
        {"--cert", &endpoint.trust.clientCertificate},
        {"--key", &endpoint.trust.clientKey},
        {"--sni", &endpoint.trust.serverName},
    };
    const std::map<std::string_view, Secret *> secrets{
        {"-u", &url}, {"-a", &address.password}, {"--pass", &address.password}};
    for (std::size_t at = 1; at < words.size(); ++at) {
        const std::string_view option = words[at].reveal();
        const bool more = at + 1 < words.size();
        if (option == "--tls")
            endpoint.transport = Transport::Tls;
        else if (option == "--insecure")
            address.unseen = true;
        else if (const auto text = texts.find(option); more && text != texts.end())
            *text->second = std::string(words[++at].reveal());
        else if (const auto secret = secrets.find(option); more && secret != secrets.end())
            *secret->second = words[++at];
    }
    endpoint.trust.roots = endpoint.trust.value.empty() ? Roots::System : Roots::File;
    if (!url.empty()) {
        auto read = readRedisAddress(url.reveal(), address.password);
        if (read && endpoint.transport == Transport::Tls && read->endpoint.transport == Transport::Tcp)
            read->endpoint.transport = Transport::Tls; // --tls -u redis://…, as hosters print it
        if (read && read->endpoint.transport == Transport::Tls)
            read->endpoint.trust = endpoint.trust;
        return read;
    }
    if (endpoint.transport != Transport::Tls)
        endpoint.trust = {};
    endpoint.database = isNumber(database) ? unsigned(std::stoul(database)) : 0;
    endpoint.port = port.empty() ? endpoint.port : portNumber(port).value_or(0);
    if (!endpoint.path.empty())
        endpoint.transport = Transport::Unix;
    else if (endpoint.port == 0 || !stack::readHostPort(endpoint.host, endpoint.port))
        return wrong("it names no host and port", "Write redis-cli -h HOST -p PORT, or redis://HOST:PORT");
    return address;
}

} // namespace portolan::connect
