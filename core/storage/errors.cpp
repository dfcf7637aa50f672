// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/errors.h"

#include "core/storage/text.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>

// SQLite: https://www.sqlite.org/rescode.html (extended codes, which Qt's driver switches on).
// PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html; a failure to connect has no SQLSTATE,
// only libpq's text.
namespace portolan::storage {
namespace {

Error coded(ErrorKind kind, std::string_view code, std::string message, std::string hint = {})
{
    Error error = failure(kind, std::move(message), std::move(hint));
    error.code = code;
    if (kind == ErrorKind::Unavailable)
        error.retryAfter = std::chrono::seconds(1);
    return error;
}

/// A driver's words on one line, bounded.
std::string said(std::string_view words)
{
    while (!words.empty() && static_cast<unsigned char>(words.back()) <= ' ')
        words.remove_suffix(1);
    return fitText(words, 300);
}

/// libpq's words end in a question: "Is the server running there and accepting TCP/IP connections?"
std::string sentence(const std::string &text) { return text.ends_with('?') || text.ends_with('.') ? text : text + '.'; }

std::string said(const QSqlError &error)
{
    const std::string text = error.databaseText().trimmed().toStdString();
    return said(text.empty() ? error.driverText().toStdString() : text);
}

Error sqliteConstraint(int extended, const QSqlError &error)
{
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return coded(ErrorKind::Conflict, codeUnique, "It exists already (" + said(error) + ").");
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return coded(ErrorKind::Conflict, codeReference, "It refers to something that does not exist.");
    default:
        return coded(ErrorKind::Invalid, "constraint", "The database refuses the value (" + said(error) + ").");
    }
}

/// Of the setting that names the database.
Error ofItsUrl(Error error) { return ofSettings(std::move(error), {"database.url"}); }

/// What connecting fails with, by words of libpq or the server. In another language than English the last line answers.
Error postgresConnect(const std::string &where, const std::string &text)
{
    struct Known
    {
        std::string_view words;
        ErrorKind kind;
        std::string_view code;
        std::string_view hint;
        bool ofUrl = false; ///< the URL is at fault, or may be
    };
    static constexpr std::array known{
        Known{"password authentication failed", ErrorKind::Invalid, "database-refused",
              "Check the user and password in the URL of the database.", true},
        Known{"no password supplied", ErrorKind::Invalid, "database-refused",
              "Put the password into the URL of the database.", true},
        Known{"no pg_hba.conf entry", ErrorKind::Invalid, "database-not-allowed",
              "Allow this user and address in the server's pg_hba.conf."},
        Known{"Peer authentication failed", ErrorKind::Invalid, "database-peer",
              "Use the database user of the same name as the system user, or a password.", true},
        Known{"starting up", ErrorKind::Unavailable, codeLost, "Wait for the server to finish starting."},
        Known{"shutting down", ErrorKind::Unavailable, codeLost, "Start the server again."},
        Known{"too many clients", ErrorKind::Unavailable, "database-connections",
              "Raise max_connections of the server or make the pools smaller."},
        Known{"remaining connection slots", ErrorKind::Unavailable, "database-connections",
              "Raise max_connections of the server or make the pools smaller."},
        Known{"does not exist", ErrorKind::Invalid, "database-missing",
              "Create the database or the role (createdb, createuser), or correct the URL of the database.", true},
    };
    for (const auto &entry : known) {
        if (text.find(entry.words) == std::string::npos)
            continue;
        Error error = aboutThat(coded(entry.kind, entry.code, "Cannot connect to " + where + ": " + sentence(text),
                                      std::string(entry.hint)),
                                where, text);
        return entry.ofUrl ? ofItsUrl(std::move(error)) : error;
    }
    return ofItsUrl(
        aboutThat(coded(ErrorKind::Unavailable, codeLost, "Cannot connect to " + where + ": " + sentence(text),
                        "Check that the server runs and that the URL of the database names it."),
                  where, text));
}

} // namespace

Error classifySqlite(const DatabaseUrl &url, const QSqlError &error, std::string_view doing)
{
    const int extended = error.nativeErrorCode().toInt();
    const std::string file = url.path;
    switch (extended & 0xff) {
    case SQLITE_CONSTRAINT:
        return sqliteConstraint(extended, error);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return aboutThat(coded(ErrorKind::Unavailable, codeRetry,
                               "The database file " + file + " is being written by another process.",
                               "Try again in a moment."),
                         file);
    case SQLITE_INTERRUPT:
        return coded(ErrorKind::Timeout, {}, "The database did not finish in time.");
    case SQLITE_FULL:
        return aboutThat(coded(ErrorKind::Full, "disk-full",
                               "There is no room left for the database file " + file + '.',
                               "Free space on its disk; nothing is lost, and reading still works."),
                         file);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return aboutThat(coded(ErrorKind::Internal, "database-corrupt",
                               "The database file " + file + " is damaged (" + said(error) + ").",
                               "Keep a copy of it, then put a backup back with 'portoland restore FILE', or save what "
                               "is left with 'sqlite3 " +
                                   file + " .recover'."),
                         file, said(error));
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ofSettings(
            aboutThat(coded(ErrorKind::Unavailable, "database-unwritable",
                            "The database file " + file + " cannot be opened for writing (" + said(error) + ").",
                            "Give this user the right to write the file and its directory, or choose another."),
                      file, said(error)),
            {"data_dir", "database.url"});
    case SQLITE_IOERR:
        return aboutThat(coded(ErrorKind::Unavailable, "disk-error",
                               "The disk failed under the database file " + file + " (" + said(error) + ").",
                               "Check the disk, its quota and the system log."),
                         file, said(error));
    case SQLITE_TOOBIG:
        return coded(ErrorKind::TooLarge, {}, "The value is too large for the database.");
    default:
        return aboutThat(coded(ErrorKind::Internal,
                               error.databaseText().startsWith("no such table") ? codeNoTable : std::string_view(),
                               "Could not " + std::string(doing) + ": " + said(error) + '.'),
                         file, said(error));
    }
}

Error classifyPostgreSqlConnect(const DatabaseUrl &url, std::string_view words)
{
    return postgresConnect(url.display(), said(words));
}

Error classifyPostgreSql(const DatabaseUrl &url, std::string_view state, std::string_view words, std::string_view doing,
                         bool connected)
{
    const std::string where = url.display();
    if (!connected || state.starts_with("08") || state == "57P01" || state == "57P02" || state == "57P03")
        return aboutThat(coded(ErrorKind::Unavailable, codeLost, "The connection to " + where + " was lost.",
                               "It is opened again by itself when the server is back."),
                         where, said(words));
    if (state == "23505")
        return coded(ErrorKind::Conflict, codeUnique, "It exists already (" + said(words) + ").");
    if (state == "23503")
        return coded(ErrorKind::Conflict, codeReference, "It refers to something that does not exist.");
    if (state.starts_with("23") || state.starts_with("22"))
        return coded(ErrorKind::Invalid, "constraint", "The database refuses the value (" + said(words) + ").");
    if (state == "40001" || state == "40P01" || state == "55P03")
        return coded(ErrorKind::Unavailable, codeRetry, "Others are changing the same rows.", "Try again in a moment.");
    if (state == "57014")
        return coded(ErrorKind::Timeout, {}, "The database did not finish in time.");
    if (state == "53100")
        return aboutThat(coded(ErrorKind::Full, "disk-full", "The disk of " + where + " is full.",
                               "Free space on the server's disk; nothing is lost, and reading still works."),
                         where);
    if (state.starts_with("53"))
        return aboutThat(coded(ErrorKind::Unavailable, "database-resources",
                               "The server " + where + " is short of resources (" + said(words) + ").",
                               "Look at its memory and its max_connections."),
                         where, said(words));
    if (state == "25006")
        return ofItsUrl(aboutThat(coded(ErrorKind::Unavailable, "database-standby",
                                        "The server " + where + " is read-only, as a standby is.",
                                        "Name the primary in the URL of the database."),
                                  where, said(words)));
    if (state == "42501")
        return ofItsUrl(aboutThat(coded(ErrorKind::Forbidden, "database-rights",
                                        "The database user may not do that (" + said(words) + ").",
                                        "Grant the user in the URL of the database the rights on its schema."),
                                  where, said(words)));
    if (state == "XX001" || state == "XX002")
        return aboutThat(coded(ErrorKind::Internal, "database-corrupt",
                               "The database " + where + " is damaged (" + said(words) + ").",
                               "Put a backup back with 'portoland restore FILE'."),
                         where, said(words));
    return aboutThat(coded(ErrorKind::Internal, state == "42P01" ? codeNoTable : std::string_view(),
                           "Could not " + std::string(doing) + ": " + said(words) + '.'),
                     where, said(words));
}

} // namespace portolan::storage
