// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/url_text.h"
#include "core/storage/database.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <initializer_list>
#include <optional>

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

std::string named(std::string_view part) { return "'" + quotable(part, 64) + "'"; }

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
        return invalid("The database URL has " + named(parameter) + ", which cannot be done here.",
                       "Leave it out. A '?' that is part of the file's name cannot be written; rename the file.");
    }
    return {};
}

/// `rest` is what stands behind the two slashes of a SQLite URL, where others have user information and a host.
Error refuseHost(std::string_view rest)
{
    const auto sign = rest.rfind('@');
    std::string_view name = sign == rest.npos ? rest : rest.substr(sign + 1);
    const bool user = sign != rest.npos && name.starts_with('/');
    while (name.starts_with('/'))
        name.remove_prefix(1);
    const auto quoted = quotable(name);
    if (name.empty() || quoted != name)
        return invalid("The database URL has a user or a host, which a file has not.", sqliteForm);
    return invalid(user ? std::string("The database URL has a user or a password, which a file has not.")
                        : "The database URL has a host, " + named(name.substr(0, name.find_first_of("/?"))) +
                              ", which a file has not.",
                   "Write sqlite:///" + quoted + " for that name in the working folder, or sqlite:////" + quoted +
                       " for /" + quoted + ".");
}

/// What is left at the end of a name by whatever it was copied from. A file would be made by it that nobody means.
std::optional<Error> nameFlaw(std::string_view path)
{
    if (visible(path) != path)
        return invalid("The file's name in the database URL has a character that cannot be seen: " +
                           named(path.substr(path.rfind('/') + 1)) + ".",
                       "Type the name anew.");
    for (const std::string_view mark : {";", ",", "\"", "'", "`", "\u201c", "\u201d", "\u2019"})
        if (path.ends_with(mark))
            return invalid("The file's name in the database URL ends in " + std::string(mark) + ".",
                           "Leave it out, or name the file otherwise.");
    return std::nullopt;
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
    if (path.starts_with("//") && !path.starts_with("///")) // what follows a '?' may be of a password then
        return refuseHost(rest.substr(2));
    if (const auto fit = checkSqliteParameters(query); !fit)
        return fit.error();
    if (path.starts_with("///")) {
        path.remove_prefix(sqlitesOwn ? 2 : 3);
        if (path.starts_with("file:"))
            return parseSqlite(path.substr(5), true);
    }
    if (path.empty())
        return invalid("The database URL names no file.", sqliteForm);
    if (path.find('\0') != path.npos)
        return invalid("The database URL holds a NUL character.");
    if (const auto flaw = nameFlaw(path))
        return *flaw;
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

struct Parts
{
    std::string host, port, user, password, name, sslMode, channelBinding;
};

/// Other programs take the first or the last of what is said twice, so both must agree.
Result<void> takeText(std::string &part, const std::string &value, const char *what)
{
    if (!part.empty() && part != value)
        return invalid("The database URL names two " + std::string(what) + ".", "Leave one of them out.");
    part = value;
    return {};
}

Result<void> readParameter(const std::string &name, const std::string &value, Parts &parts)
{
    if (name == "host")
        return takeText(parts.host, value, "hosts");
    if (name == "port")
        return takeText(parts.port, value, "ports");
    if (name == "user")
        return takeText(parts.user, value, "users");
    if (name == "password")
        return takeText(parts.password, value, "passwords");
    if (name == "dbname")
        return takeText(parts.name, value, "databases");
    if (name == "sslmode")
        return takeText(parts.sslMode, value, "values of sslmode");
    if (name == "channel_binding")
        return takeText(parts.channelBinding, value, "values of channel_binding");
    // Time limits, pools and the name in pg_stat_activity are ours to choose.
    if (!isAnyOf(name, {"connect_timeout", "application_name", "fallback_application_name", "keepalives",
                        "keepalives_idle", "keepalives_interval", "keepalives_count", "client_encoding", "pool_size",
                        "max_overflow", "pool_timeout", "conn_max_age", "pgbouncer", "schema"}) ||
        (name == "schema" && value != "public"))
        return invalid("The database URL has the unknown parameter " + named(name) + ".",
                       "Leave it out; host, port, user, password, dbname, sslmode and channel_binding are known.");
    return {};
}

Result<void> readParameters(const boost::urls::url_view &url, Parts &parts)
{
    bool behindPassword = false;
    for (const auto &param : url.params()) {
        const std::string name(param.key);
        const std::string value(param.value);
        if (name.empty() && value.empty())
            continue; // of a '?' or '&' at the end
        if (auto read = readParameter(name, value, parts); !read) {
            if (behindPassword) // what the parameter is called may be the rest of it
                return invalid("What follows the password of the database URL behind an '&' is not known.",
                               "An '&' of the password must be written %26.");
            return read;
        }
        behindPassword = behindPassword || name == "password";
    }
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
    if (const auto flaw = authorityFlaw(text))
        return invalid("The database URL is not valid: " + flaw->what + ".", flaw->mend);
    if (!parsed)
        return invalid("The database URL is malformed: " + parsed.error().message() + ".");
    if (parsed->has_fragment())
        return invalid("A '#' in the database URL must be written %23.");
    Parts parts;
    parts.host = parsed->host_address();
    parts.port = std::string(parsed->port()); // port_number() of Boost 1.81 wraps around
    parts.user = parsed->user();
    parts.password = parsed->password();
    for (const auto &segment : parsed->segments()) {
        if (!parts.name.empty())
            return invalid("The database URL names more than one database.");
        parts.name = segment;
    }
    if (const auto read = readParameters(*parsed, parts); !read)
        return read.error();
    if (parts.name.empty())
        return invalid("The database URL names no database.");
    DatabaseUrl url;
    url.dialect = Dialect::PostgreSql;
    const auto port = portNumber(parts.port.empty() ? "5432" : parts.port);
    if (!port)
        return invalid("The port of the database URL is not a number from 1 to 65535.");
    url.port = *port;
    url.host = std::move(parts.host);
    url.user = std::move(parts.user);
    url.password = std::move(parts.password);
    url.name = std::move(parts.name);
    url.sslMode = std::move(parts.sslMode);
    url.channelBinding = std::move(parts.channelBinding);
    // These go on to libpq as they are, which would say what is wrong with them only when it connects.
    if (!url.sslMode.empty() &&
        !isAnyOf(url.sslMode, {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}))
        return invalid("The sslmode of the database URL is unknown.",
                       "Use one of disable, allow, prefer, require, verify-ca, verify-full.");
    if (!url.channelBinding.empty() && !isAnyOf(url.channelBinding, {"disable", "prefer", "require"}))
        return invalid("The channel_binding of the database URL is unknown.", "Use one of disable, prefer, require.");
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
        return invalid("The database URL is one for Java.",
                       small(url.substr(colon + 1)).starts_with("sqlite")
                           ? std::string("Leave 'jdbc:' out. ") + sqliteForm
                           : "Leave 'jdbc:' out and write postgresql://host:5432/name.");
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
