#include "core/redis/endpoint.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <sys/un.h>

#include <charconv>
#include <optional>

namespace portolan::redis {

namespace {

namespace urls = boost::urls;

Error invalid(std::string what)
{
    return Error{ErrorKind::Invalid,
                 "redis-url",
                 "The Redis URL is not valid: " + std::move(what) + ".",
                 "Write redis://[user:password@]host:port[/db], rediss://… for TLS, or unix:/path[?db=N].",
                 {},
                 std::chrono::seconds{0}};
}

std::optional<unsigned> databaseNumber(std::string_view text)
{
    unsigned number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || end != text.data() + text.size() || number > 65535)
        return std::nullopt;
    return number;
}

Result<void> readUserInfo(const urls::url_view &url, Endpoint &endpoint)
{
    endpoint.user = url.user();
    endpoint.password = url.password();
    if (!endpoint.user.empty() && !url.has_password())
        return invalid("it names a user without a password");
    return {};
}

Result<void> readDatabaseParameter(const urls::url_view &url, Endpoint &endpoint)
{
    for (const auto &parameter : url.params()) {
        if (parameter.key != "db")
            return invalid("it has an unknown parameter (only db is known)");
        const auto number = databaseNumber(parameter.value);
        if (!number)
            return invalid("the database after db= is no number");
        endpoint.database = *number;
    }
    return {};
}

Result<Endpoint> parseUnix(const urls::url_view &url)
{
    Endpoint endpoint;
    endpoint.transport = Endpoint::Transport::Unix;
    endpoint.path = url.path();
    if (!url.host().empty())
        return invalid("a Unix socket has no host; its path starts with one slash: unix:/path");
    if (!endpoint.path.starts_with('/') || endpoint.path.size() < 2)
        return invalid("the path of the Unix socket must be absolute");
    if (endpoint.path.find('\0') != std::string::npos)
        return invalid("the path of the Unix socket has a zero byte");
    if (endpoint.path.size() >= sizeof(sockaddr_un::sun_path))
        return invalid("the path of the Unix socket is longer than 107 bytes");
    if (auto user = readUserInfo(url, endpoint); !user)
        return user.error();
    if (auto database = readDatabaseParameter(url, endpoint); !database)
        return database.error();
    return endpoint;
}

Result<Endpoint> parseTcp(const urls::url_view &url, Endpoint::Transport transport)
{
    Endpoint endpoint;
    endpoint.transport = transport;
    endpoint.host = url.host_address();
    if (endpoint.host.empty())
        return invalid("it has no host");
    if (url.has_port() && !url.port().empty()) {
        if (url.port_number() == 0)
            return invalid("the port must be 1 to 65535");
        endpoint.port = url.port_number();
    }
    if (auto user = readUserInfo(url, endpoint); !user)
        return user.error();
    if (auto database = readDatabaseParameter(url, endpoint); !database)
        return database.error();
    const std::string path = url.path();
    if (path.size() > 1) {
        const auto number = databaseNumber(std::string_view(path).substr(1));
        if (!number)
            return invalid("the database after the slash is no number");
        endpoint.database = *number;
    }
    return endpoint;
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view url)
{
    if (url.size() > 4096)
        return invalid("it is longer than 4096 bytes");
    const auto parsed = urls::parse_uri({url.data(), url.size()});
    if (!parsed)
        return invalid("it does not have the form of a URL");
    if (parsed->has_fragment())
        return invalid("a '#' in the password must be written %23");
    const std::string scheme = parsed->scheme();
    if (scheme == "redis")
        return parseTcp(*parsed, Transport::Tcp);
    if (scheme == "rediss")
        return parseTcp(*parsed, Transport::Tls);
    if (scheme == "unix")
        return parseUnix(*parsed);
    if (scheme == "redis+cluster" || scheme == "rediss+cluster")
        return Error{ErrorKind::Unsupported,
                     "redis-cluster",
                     "Redis Cluster is not supported.",
                     "Name a single Redis server.",
                     {},
                     std::chrono::seconds{0}};
    return invalid("its scheme is none of redis, rediss and unix");
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
