#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/url_text.h"
#include "core/storage/database.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <initializer_list>

namespace portolan::storage {
namespace {

constexpr const char *sqliteForm =
    "Write sqlite:///name.db for a file in the working folder, or sqlite:////folder/name.db (sqlite:/folder/name.db) "
    "for one anywhere.";

Error invalid(std::string message,
              std::string hint =
                  "Write sqlite:/path/to/file, or postgresql://host:5432/name with user:password and an @ "
                  "before the host.")
{
    return failure(ErrorKind::Invalid, std::move(message), std::move(hint));
}

std::string named(std::string_view part) { return "'" + visible(part.substr(0, 64)) + "'"; }

std::string small(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return result;
}

bool isAnyOf(std::string_view name, std::initializer_list<std::string_view> known)
{
    return std::ranges::find(known, name) != known.end();
}

/// What other programs write behind a SQLite file's name. What changes nothing here passes; the rest is refused.
Result<void> checkSqliteParameters(std::string_view query)
{
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto parameter = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const auto name = parameter.substr(0, parameter.find('='));
        const auto value = name.size() < parameter.size() ? parameter.substr(name.size() + 1) : std::string_view{};
        if (parameter.empty() ||
            isAnyOf(name, {"timeout", "check_same_thread", "cached_statements", "isolation_level"}))
            continue;
        if (name == "uri" || (name == "mode" && (value == "rwc" || value == "rw")) ||
            (name == "cache" && value == "private"))
            continue;
        if (name == "mode" && value == "memory")
            return invalid("A SQLite database in memory cannot be shared by several connections.", sqliteForm);
        return invalid("The database URL has " +
                           named(isSecretName(name) ? std::string(name) + "=***" : std::string(parameter)) +
                           ", which cannot be done here.",
                       "Leave it out. A '?' that is part of the file's name cannot be written; rename the file.");
    }
    return {};
}

/// `rest` is what stands behind the scheme and its colon. As SQLAlchemy, Flask and Django read it: an authority that is
/// always empty, then a slash, then the path, which is absolute when it begins with another slash. Without an authority
/// (sqlite:/path, sqlite:name) the path is what it says; so it is behind `file:` always, which is SQLite's own form.
Result<DatabaseUrl> parseSqlite(std::string_view rest, bool sqlitesOwn)
{
    const auto question = rest.find('?');
    std::string_view path = rest.substr(0, question);
    const auto query = question == std::string_view::npos ? std::string_view{} : rest.substr(question + 1);
    if (path.find(":memory:") != path.npos || path == "//" || path == "///")
        return invalid("A SQLite database in memory cannot be shared by several connections.", sqliteForm);
    if (const auto fit = checkSqliteParameters(query); !fit)
        return fit.error();
    if (path.starts_with("///")) {
        path.remove_prefix(sqlitesOwn ? 2 : 3);
        if (path.starts_with("file:"))
            return parseSqlite(path.substr(5), true);
    } else if (path.starts_with("//")) {
        std::string name(path.substr(path.rfind('@') == path.npos ? 2 : path.rfind('@') + 1));
        return invalid("The database URL has a host, " + named(name.substr(0, name.find('/'))) +
                           ", which a file has not.",
                       "Write sqlite:///" + name + " for that name in the working folder, or sqlite:////" + name +
                           " for /" + name + ".");
    }
    if (path.empty())
        return invalid("The database URL names no file.", sqliteForm);
    if (path.find('\0') != path.npos)
        return invalid("The database URL holds a NUL character.");
    for (auto at = path.find('%'); at != path.npos; at = path.find('%', at + 1))
        if (at + 2 < path.size() && std::isxdigit(static_cast<unsigned char>(path[at + 1])) &&
            std::isxdigit(static_cast<unsigned char>(path[at + 2])))
            return invalid("The file's name in the database URL has " + named(path.substr(at, 3)) +
                               ", which some programs take for another character.",
                           "Write the character itself.");
    std::error_code failed;
    const auto whole = std::filesystem::absolute(std::filesystem::path(path), failed).lexically_normal();
    if (failed)
        return invalid("The working folder cannot be told: " + failed.message() + ".",
                       "Write the whole path: sqlite:/folder/name.db.");
    DatabaseUrl url;
    url.path = whole.string();
    return url;
}

Result<void> readPort(const std::string &port, DatabaseUrl &url)
{
    const auto read = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (read.ec != std::errc() || read.ptr != port.data() + port.size() || url.port == 0)
        return invalid("The port of the database URL is not a number from 1 to 65535.");
    return {};
}

Result<void> readParameter(const std::string &name, const std::string &value, DatabaseUrl &url)
{
    if (name == "host")
        url.host = value;
    else if (name == "port")
        return readPort(value, url);
    else if (name == "user")
        url.user = value;
    else if (name == "password")
        url.password = value;
    else if (name == "dbname")
        url.name = value;
    else if (name == "sslmode")
        url.sslMode = value;
    // Time limits, pools and the name in pg_stat_activity are ours to choose.
    else if (!isAnyOf(name, {"connect_timeout", "application_name", "fallback_application_name", "keepalives",
                             "keepalives_idle", "keepalives_interval", "keepalives_count", "client_encoding",
                             "pool_size", "max_overflow", "pool_timeout", "conn_max_age", "pgbouncer", "schema"}) ||
             (name == "schema" && value != "public"))
        return invalid("The database URL has the unknown parameter " + named(name) + ".",
                       "Leave it out; host, port, user, password, dbname and sslmode are known.");
    return {};
}

Result<DatabaseUrl> parsePostgreSql(std::string_view text)
{
    if (const auto characters = unescapedCharacters(text))
        return invalid("The database URL is not valid: " + *characters + ".",
                       "Escape it so, or put the password behind ?password=, escaped alike.");
    const auto parsed = boost::urls::parse_uri(text);
    const auto authority = text.substr(text.find("://") + 3);
    const auto hosts = authority.substr(0, authority.find_first_of("/?#"));
    if (hosts.substr(hosts.rfind('@') + 1).find(',') != std::string_view::npos)
        return invalid("The database URL names several hosts.",
                       "Name the primary; those that answer reads are named by DATABASE_REPLICA_URLS.");
    if (!parsed)
        return invalid("The database URL is malformed: " + parsed.error().message() + ".");
    if (parsed->has_fragment())
        return invalid("A '#' in the database URL must be written %23.");
    DatabaseUrl url;
    url.dialect = Dialect::PostgreSql;
    url.host = parsed->host_address();
    if (parsed->has_port()) // port_number() of Boost 1.81 wraps around
        if (const auto port = readPort(std::string(parsed->port()), url); !port)
            return port.error();
    url.user = parsed->user();
    url.password = parsed->password();
    for (const auto &segment : parsed->segments()) {
        if (!url.name.empty())
            return invalid("The database URL names more than one database.");
        url.name = segment;
    }
    for (const auto &param : parsed->params())
        if (const auto read = readParameter(std::string(param.key), std::string(param.value), url); !read)
            return read.error();
    if (url.name.empty())
        return invalid("The database URL names no database.");
    // These go into libpq's connection string, where a semicolon of ours would become a blank (see QPSQLDriver::open).
    if (url.sslMode.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != std::string::npos)
        return invalid("The sslmode of the database URL is unknown.",
                       "Use one of disable, allow, prefer, require, verify-ca, verify-full.");
    for (const auto *part : {&url.host, &url.user, &url.password, &url.name})
        if (part->find('\0') != std::string::npos)
            return invalid("The database URL holds a NUL character.");
    return url;
}

} // namespace

Result<DatabaseUrl> DatabaseUrl::parse(std::string_view url)
{
    constexpr std::size_t longest = 4096;
    if (url.size() > longest)
        return invalid("The database URL is longer than 4096 bytes.");
    const auto colon = url.find(':');
    if (colon == std::string_view::npos) {
        if (url.find('=') != std::string_view::npos)
            return invalid("The database is given as keywords (host=… dbname=…), not as a URL.");
        return invalid("The database URL has no scheme.", sqliteForm);
    }
    std::string scheme = small(url.substr(0, colon));
    if (scheme.find_first_of("= @/") != std::string::npos) {
        if (scheme.find('=') != std::string::npos)
            return invalid("The database is given as keywords (host=… dbname=…), not as a URL.");
        return invalid("The database URL has no scheme.");
    }
    scheme.resize(std::min(scheme.find('+'), scheme.size())); // a driver of SQLAlchemy's: postgresql+psycopg2
    if (isAnyOf(scheme, {"sqlite", "sqlite3", "file"}))
        return parseSqlite(url.substr(colon + 1), scheme == "file");
    const bool authority = url.substr(colon).starts_with("://");
    if (authority && isAnyOf(scheme, {"postgresql", "postgres", "pgsql", "psql", "postgis"}))
        return parsePostgreSql(url);
    if (scheme == "jdbc")
        return invalid("The database URL is one for Java.", "Leave 'jdbc:' out and write postgresql://host:5432/name.");
    return invalid("The database URL is of no kind this program knows" +
                   (authority ? ": " + named(scheme) + "." : std::string(".")));
}

std::string DatabaseUrl::display() const
{
    if (dialect == Dialect::Sqlite)
        return "sqlite:" + path;
    const bool plainPort = port == 5432;
    const bool bracketed = host.find(':') != std::string::npos;
    return "postgresql://" + (bracketed ? '[' + host + ']' : host) + (plainPort ? "" : ":" + std::to_string(port)) +
           '/' + name;
}

} // namespace portolan::storage
