#include "core/storage/database.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <charconv>

namespace portolan::storage {
namespace {

Error invalid(std::string message)
{
    return failure(ErrorKind::Invalid, std::move(message),
                   "Write sqlite:/path/to/file or postgresql://user:password@host:5432/name.");
}

Result<DatabaseUrl> parseSqlite(std::string_view path)
{
    if (path.starts_with("///")) // the URI spelling with an empty authority
        path.remove_prefix(2);
    if (path.empty())
        return invalid("The database URL names no file.");
    if (path.find(":memory:") != path.npos)
        return invalid("A SQLite database in memory cannot be shared by several connections.");
    if (path.find('\0') != path.npos)
        return invalid("The database URL holds a NUL character.");
    DatabaseUrl url;
    url.path = path;
    return url;
}

Result<DatabaseUrl> parsePostgreSql(std::string_view text)
{
    const auto parsed = boost::urls::parse_uri(text);
    if (!parsed)
        return invalid("The database URL is malformed: " + parsed.error().message() + ".");
    DatabaseUrl url;
    url.dialect = Dialect::PostgreSql;
    url.host = parsed->host_address();
    if (parsed->has_port()) {
        const std::string port(parsed->port()); // port_number() of Boost 1.81 wraps around
        const auto read = std::from_chars(port.data(), port.data() + port.size(), url.port);
        if (read.ec != std::errc() || url.port == 0)
            return invalid("The port of the database URL is not a number from 1 to 65535.");
    }
    url.user = parsed->user();
    url.password = parsed->password();
    for (const auto &segment : parsed->segments()) {
        if (!url.name.empty())
            return invalid("The database URL names more than one database.");
        url.name = segment;
    }
    for (const auto &param : parsed->params()) {
        if (param.key == "host")
            url.host = param.value;
        else if (param.key == "sslmode")
            url.sslMode = param.value;
        else
            return invalid("The database URL has the unknown parameter '" + std::string(param.key) + "'.");
    }
    if (url.name.empty())
        return invalid("The database URL names no database.");
    // These go into libpq's connection string, where a semicolon of ours would become a blank (see QPSQLDriver::open).
    if (url.sslMode.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != std::string::npos)
        return invalid("The sslmode of the database URL is unknown.");
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
    constexpr std::string_view sqlite = "sqlite:";
    if (url.starts_with(sqlite))
        return parseSqlite(url.substr(sqlite.size()));
    if (url.starts_with("postgresql://") || url.starts_with("postgres://"))
        return parsePostgreSql(url);
    return invalid("The database URL is of no kind this program knows.");
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
