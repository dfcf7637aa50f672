// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/endpoint.h"

#include "core/base/masking.h"
#include "core/base/url_text.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace portolan::redis {

namespace {

namespace urls = boost::urls;

constexpr const char *form =
    "Write redis://host:port/db, rediss:// for TLS, or unix:/path?db=0; the password goes into "
    "REDIS_PASSWORD, or before the host as user:password and an @.";

Error invalid(std::string what, std::string hint = form)
{
    return Error{ErrorKind::Invalid, "redis-url", "The Redis URL is not valid: " + std::move(what) + ".",
                 std::move(hint),    {},          std::chrono::seconds{0}};
}

Error unsupported(std::string code, std::string what, std::string hint)
{
    return Error{ErrorKind::Unsupported, std::move(code), std::move(what), std::move(hint), {},
                 std::chrono::seconds{0}};
}

std::string named(std::string_view part) { return "'" + quotable(part, 64) + "'"; }

constexpr unsigned highestDatabase = 65535;

std::optional<unsigned> databaseNumber(std::string_view text)
{
    unsigned number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || end != text.data() + text.size() || number > highestDatabase)
        return std::nullopt;
    return number;
}

/// Why databaseNumber() takes it for none.
std::string notADatabase(std::string_view text)
{
    const bool digits = text.find_first_not_of("0123456789") == text.npos && !text.empty();
    return digits ? "is out of range: from 0 to " + std::to_string(highestDatabase) : "is no number";
}

/// What a URL says of one thing. Other programs take the first or the last of several, so several must agree.
template <class T> class Said final
{
public:
    bool agrees(T value) const { return !m_value || *m_value == value; }
    void take(T value) { m_value = std::move(value); }
    T orElse(T fallback) const { return m_value.value_or(std::move(fallback)); }

private:
    std::optional<T> m_value;
};

/// Of the parts that may be said twice.
struct Parts
{
    Said<unsigned> database;
    Said<std::string> user;
    Said<std::string> password;
    Said<std::string> authority; ///< the three files of TLS
    Said<std::string> certificate;
    Said<std::string> key;
};

Error twice(const std::string &what) { return invalid("it names two " + what, "Leave one of them out."); }

void takeUserInformation(const urls::url_view &url, Parts &parts)
{
    if (std::string user(url.user()); !user.empty())
        parts.user.take(std::move(user));
    if (std::string password(url.password()); !password.empty())
        parts.password.take(std::move(password));
}

/// What other clients take and that changes nothing here: deadlines, pools and encodings are our own.
bool isHarmless(std::string_view name)
{
    constexpr std::array<std::string_view, 20> known{
        "health_check_interval", "socket_timeout",  "socket_connect_timeout", "socket_keepalive",
        "retry_on_timeout",      "retry_on_error",  "max_connections",        "client_name",
        "decode_responses",      "encoding",        "encoding_errors",        "protocol",
        "visibility_timeout",    "connect_timeout", "read_timeout",           "pool_size",
        "pool_timeout",          "keepalive",       "socket_read_size",       "single_connection_client"};
    return std::ranges::find(known, name) != known.end();
}

std::string small(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return result;
}

/// The files of TLS, as redis-py names them.
Said<std::string> *tlsFile(const std::string &name, Parts &parts)
{
    if (name == "ssl_ca_certs")
        return &parts.authority;
    if (name == "ssl_certfile")
        return &parts.certificate;
    return name == "ssl_keyfile" ? &parts.key : nullptr;
}

/// rediss:// always verifies the server's certificate and name; a parameter may ask for that and say by whose word, and
/// for nothing less.
Result<void> readTlsParameter(const std::string &name, const std::string &value, Parts &parts)
{
    if (Said<std::string> *file = tlsFile(name, parts)) {
        if (value.empty() || value.find('\0') != value.npos)
            return invalid("its parameter " + name + " names no file", "Write the path of a PEM file behind it.");
        if (!file->agrees(value))
            return twice("files behind " + name);
        file->take(value);
        return {};
    }
    const std::string wanted = small(value);
    if (name == "ssl_cert_reqs" && (wanted == "required" || wanted == "cert_required"))
        return {};
    if (name == "ssl_check_hostname" && (wanted == "true" || wanted == "1" || wanted == "yes"))
        return {};
    return invalid(
        named(name + "=" + (isSecretName(name) ? "***" : value)) +
            " cannot be done: the server's certificate is always verified here",
        "Leave it out, and name the file of its authority: ssl_ca_certs=FILE (one that is signed by itself is "
        "its own). Where a deployment's file names this Redis, pin it instead: pin = \"AB:CD:…\".");
}

Result<void> takeDatabase(unsigned number, Parts &parts)
{
    if (!parts.database.agrees(number))
        return invalid("it names two databases, " + std::to_string(parts.database.orElse(0)) + " and " +
                           std::to_string(number),
                       "Leave one of them out.");
    parts.database.take(number);
    return {};
}

Result<void> takeParameter(const std::string &name, const std::string &value, Parts &parts)
{
    if (name == "db" || name == "virtual_host") {
        const auto number = databaseNumber(value.starts_with('/') ? std::string_view(value).substr(1) : value);
        if (!number)
            return invalid("the database " + named(value) + " behind " + name + "= " + notADatabase(value));
        return takeDatabase(*number, parts);
    }
    if (name == "username") {
        if (!parts.user.agrees(value))
            return twice("users");
        parts.user.take(value);
        return {};
    }
    if (name == "password") {
        if (!parts.password.agrees(value))
            return twice("passwords");
        parts.password.take(value);
        return {};
    }
    if (name.starts_with("ssl_"))
        return readTlsParameter(name, value, parts);
    if (!isHarmless(name))
        return invalid("its parameter " + named(name) + " is not known here",
                       "Leave it out; db, username and password are known.");
    return {};
}

Result<void> readParameters(const urls::url_view &url, Parts &parts)
{
    bool behindPassword = false;
    for (const auto &parameter : url.params()) {
        const std::string name(parameter.key);
        const std::string value(parameter.value);
        if (value.empty() && (name.empty() || name == "username" || name == "password"))
            continue; // of a '?' or '&' at the end, or not filled in
        if (auto taken = takeParameter(name, value, parts); !taken) {
            if (behindPassword) // what the parameter is called may be the rest of it
                return invalid("what follows its password behind an '&' is not known here",
                               "An '&' of the password must be written %26.");
            return taken;
        }
        behindPassword = behindPassword || isSecretName(name);
    }
    return {};
}

Result<void> takeTrust(const Parts &parts, Endpoint &endpoint)
{
    const std::string authority = parts.authority.orElse({});
    if (!authority.empty())
        endpoint.trust = TrustSpec{Roots::File, authority, {}, {}, {}};
    endpoint.trust.clientCertificate = parts.certificate.orElse({});
    endpoint.trust.clientKey = parts.key.orElse({});
    if (!endpoint.trust.clientKey.empty() && endpoint.trust.clientCertificate.empty())
        return invalid("it names the file of a key without that of its certificate", "Name it behind ssl_certfile=.");
    if (endpoint.trust != TrustSpec{} && endpoint.transport != Endpoint::Transport::Tls)
        return invalid("it names certificates for TLS, and is an address without", "Write rediss:// for TLS.");
    return {};
}

Result<void> readRest(const urls::url_view &url, Parts parts, Endpoint &endpoint)
{
    takeUserInformation(url, parts);
    if (auto parameters = readParameters(url, parts); !parameters)
        return parameters;
    endpoint.database = parts.database.orElse(0);
    endpoint.user = parts.user.orElse({});
    endpoint.password = parts.password.orElse({});
    return takeTrust(parts, endpoint);
}

Result<Endpoint> parseUnix(const urls::url_view &url)
{
    Endpoint endpoint;
    endpoint.transport = Endpoint::Transport::Unix;
    endpoint.path = url.path();
    if (!url.host().empty())
        return invalid("a Unix socket has no host, and " + named(std::string(url.host())) + " stands for one",
                       "Its path starts with one slash, or with three: unix:/path.");
    if (!endpoint.path.starts_with('/') || endpoint.path.size() < 2)
        return invalid("the path of the Unix socket must be absolute", "Write unix:/path/to/socket.");
    if (endpoint.path.find('\0') != std::string::npos)
        return invalid("the path of the Unix socket has a zero byte");
    if (endpoint.path.size() >= sizeof(sockaddr_un::sun_path))
        return invalid("the path of the Unix socket is longer than 107 bytes", "Name a shorter one.");
    if (auto rest = readRest(url, {}, endpoint); !rest)
        return rest.error();
    return endpoint;
}

Result<Endpoint> parseTcp(const urls::url_view &url, Endpoint::Transport transport)
{
    Endpoint endpoint;
    endpoint.transport = transport;
    // Without a host it is this machine's, as for redis-py and Celery.
    if (const std::string host(url.host_address()); !host.empty())
        endpoint.host = host;
    if (const auto port = portNumber(std::string(url.port())))
        endpoint.port = *port;
    const std::string path = url.path();
    std::string_view name = path;
    while (name.starts_with('/'))
        name.remove_prefix(1);
    while (name.ends_with('/'))
        name.remove_suffix(1);
    Parts parts;
    if (!name.empty()) {
        const auto number = databaseNumber(name);
        if (!number) // behind host:port it may be the rest of a password that begins with digits
            return invalid("the database " + (url.has_port() ? std::string() : named(name) + ' ') +
                               "behind the slash " + notADatabase(name),
                           "Write its number, or for a Unix socket unix:/path.");
        parts.database.take(*number);
    }
    if (auto rest = readRest(url, std::move(parts), endpoint); !rest)
        return rest.error();
    return endpoint;
}

/// How other programs spell what we know.
std::string_view schemeMeant(std::string_view scheme)
{
    if (scheme == "valkey" || scheme == "tcp")
        return "redis";
    if (scheme == "valkeys" || scheme == "tls" || scheme == "redis+tls" || scheme == "redis+ssl")
        return "rediss";
    if (scheme == "redis+socket" || scheme == "redis+unix" || scheme == "valkey+unix")
        return "unix";
    return scheme;
}

Result<Endpoint> refuseScheme(std::string_view url, const std::string &scheme)
{
    if (scheme.find("cluster") != std::string::npos)
        return unsupported("redis-cluster", "Redis Cluster is not supported.", "Name a single Redis server.");
    if (scheme.find("sentinel") != std::string::npos)
        return unsupported("redis-sentinel", "Redis Sentinel is not supported.",
                           "Name the primary itself: redis://host:port/db.");
    if (!url.substr(scheme.size()).starts_with("://")) // what is before its colon may be a password
        return invalid("it has no scheme", "Write redis:// before it.");
    return invalid("its scheme " + named(scheme) + " is none of redis, rediss and unix");
}

Result<Endpoint> parseKnown(std::string_view url)
{
    const auto colon = url.find(':');
    if (colon == std::string_view::npos)
        return invalid("it has no scheme", "Write redis:// before it.");
    const std::string scheme = small(url.substr(0, colon));
    const std::string_view meant = schemeMeant(scheme);
    if (meant != "redis" && meant != "rediss" && meant != "unix")
        return refuseScheme(url, scheme);
    if (const auto characters = unescapedCharacters(url))
        return invalid(*characters, "Escape it so, or put the password into REDIS_PASSWORD as it is.");
    if (meant != "unix")
        if (const auto flaw = authorityFlaw(url))
            return invalid(flaw->what, flaw->mend);
    const auto parsed = urls::parse_uri({url.data(), url.size()});
    if (!parsed)
        return invalid("it does not have the form of a URL");
    if (parsed->has_fragment())
        return invalid("a '#' in it must be written %23");
    if (meant == "unix")
        return parseUnix(*parsed);
    return parseTcp(*parsed, meant == "redis" ? Endpoint::Transport::Tcp : Endpoint::Transport::Tls);
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view url, std::string_view password)
{
    if (url.size() > 4096)
        return invalid("it is longer than 4096 bytes");
    auto endpoint = parseKnown(url);
    if (!endpoint)
        return endpoint;
    if (endpoint->password.empty())
        endpoint->password = password;
    if (!endpoint->user.empty() && endpoint->password.empty())
        return invalid("it names a user without a password",
                       "If that is the password, write a colon before it: redis://:password@host; or put the password "
                       "into REDIS_PASSWORD.");
    return endpoint;
}

std::vector<std::string> Endpoint::ignoredParameters(std::string_view url)
{
    std::vector<std::string> names;
    const auto parsed = urls::parse_uri({url.data(), url.size()});
    if (parsed)
        for (const auto &parameter : parsed->params())
            if (const std::string name(parameter.key); isHarmless(name))
                names.push_back(name);
    return names;
}

std::string Endpoint::display() const
{
    const std::string number = std::to_string(database);
    if (transport == Transport::Unix)
        return "unix:" + path + (database ? "?db=" + number : "");
    const bool v6 = host.find(':') != std::string::npos;
    return (transport == Transport::Tls ? "rediss://" : "redis://") + (v6 ? "[" + host + "]" : host) + ":" +
           std::to_string(port) + (database ? "/" + number : "");
}

} // namespace portolan::redis
