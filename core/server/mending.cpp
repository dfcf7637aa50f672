// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/mending.h"

#include "core/base/data_directory.h"
#include "core/redis/append_only.h"
#include "core/redis/server_directory.h"
#include "core/server/environment.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>

namespace portolan::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds leftOverPatience{10};

fs::path noteIn(const fs::path &dataDirectory) { return dataDirectory / "database.note"; }

/// A path within the data directory is noted relative to it ("./portal.db"), so that the directory may be moved.
std::string notedForm(const fs::path &dataDirectory, const std::string &path)
{
    const fs::path absolute = fs::absolute(dataDirectory).lexically_normal();
    const fs::path within = fs::path(path).lexically_normal().lexically_relative(absolute);
    return within.empty() || *within.begin() == ".." ? path : "./" + within.string();
}

/// Whether the portal was noted to keep its users at `path`. A note that cannot be read may have named any place.
bool isNoted(const fs::path &dataDirectory, const std::string &path)
{
    std::error_code ignored;
    if (!fs::exists(noteIn(dataDirectory), ignored))
        return false;
    const auto noted = readFile(noteIn(dataDirectory), 64 * 1024);
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    if (!noted || std::ranges::any_of(*noted, control) || !(noted->starts_with('/') || noted->starts_with("./")))
        return true;
    return *noted == path || *noted == notedForm(dataDirectory, path);
}

/// What stands at a database's path.
enum class Place : std::uint8_t {
    Database, ///< or what SQLite has to say itself
    Gone,
    Directory,
    Empty,   ///< no byte, or no table and no log that might hold one
    Foreign, ///< not SQLite's
};

std::uintmax_t sizeOf(const fs::path &path)
{
    std::error_code failed;
    const auto size = fs::file_size(path, failed);
    return failed ? 0 : size;
}

fs::path logOf(const std::string &path) { return path + "-wal"; }

/// By the first page (https://www.sqlite.org/fileformat2.html, 1.3 and 1.6): it is the root of the schema's table, a
/// leaf without cells where there is no table.
Place placeOf(const std::string &path)
{
    std::error_code failed;
    const auto status = fs::status(path, failed);
    if (status.type() == fs::file_type::not_found)
        return Place::Gone;
    if (fs::is_directory(status))
        return Place::Directory;
    if (!fs::is_regular_file(status))
        return Place::Database;
    constexpr std::size_t headerSize = 108, typeAt = 100, cellsAt = 103;
    constexpr char leafOfTable = 0x0d;
    constexpr std::string_view magic("SQLite format 3\0", 16);
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return Place::Database; // which may not be read
    std::string header(headerSize, '\0');
    file.read(header.data(), headerSize);
    header.resize(static_cast<std::size_t>(file.gcount()));
    if (header.empty())
        return Place::Empty;
    if (header.size() < headerSize || !header.starts_with(magic))
        return Place::Foreign;
    const bool noTable = header[typeAt] == leafOfTable && header[cellsAt] == 0 && header[cellsAt + 1] == 0;
    return noTable && sizeOf(logOf(path)) == 0 ? Place::Empty : Place::Database;
}

/// The end of "The database file PATH …".
std::string_view faultOf(Place place)
{
    switch (place) {
    case Place::Directory:
        return "has become a directory";
    case Place::Empty:
        return "is empty";
    case Place::Foreign:
        return "holds no database any more";
    default:
        return "is gone";
    }
}

/// Moved aside under a name that is free.
Result<std::string> keepAside(const fs::path &path)
{
    std::error_code failed;
    fs::path kept = path.string() + ".kept";
    for (int again = 2; fs::exists(fs::symlink_status(kept, failed)); ++again)
        kept = path.string() + ".kept-" + std::to_string(again);
    fs::rename(path, kept, failed);
    if (failed)
        return failure(ErrorKind::Unavailable,
                       "No copy of " + path.string() + " could be kept: " + failed.message() + ".");
    return kept.string();
}

/// As a shell takes it for one word.
std::string quoted(const std::string &word)
{
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("/._-+,=@%").find(c) != std::string_view::npos;
    };
    if (!word.empty() && std::ranges::all_of(word, plain))
        return word;
    std::string text = "'";
    for (const char c : word)
        text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

} // namespace

fs::path redisNote(const fs::path &dataDirectory) { return dataDirectory / "redis.note"; }

std::string mendCommand(const Settings &settings)
{
    return "portoland mend --data-dir " + quoted(fs::absolute(dataDirectoryPath(settings)).string());
}

Result<std::vector<std::string>> mendData(const Settings &settings, bool empty)
{
    const fs::path place = dataDirectoryPath(settings);
    std::error_code ignored;
    if (!fs::exists(place, ignored))
        return ofSettings(
            failure(ErrorKind::NotFound, "There is no data directory " + place.string() + ".", "Name the right one."),
            {"data_dir"});
    const auto directory = DataDirectory::open(place);
    if (!directory)
        return directory.error();
    if (settings.isSet("redis.url"))
        return failure(ErrorKind::Unsupported, "The Redis of this portal was named, and is not ours to mend.",
                       "Mend it with its own tools.");
    const fs::path where = directory->file("redis");
    if (!fs::exists(where, ignored) && !fs::exists(redisNote(directory->path()), ignored))
        return std::vector<std::string>{"No private Redis has run in " + place.string() + ": nothing is damaged."};
    const redis::AppendOnly files(fs::absolute(where).lexically_normal(), redisNote(directory->path()));
    std::optional<redis::ServerDirectory> held;
    if (!fs::exists(where, ignored) || fs::is_directory(where, ignored)) { // otherwise no Redis can be in there
        auto redis = redis::ServerDirectory::open(where);
        if (!redis)
            return redis.error();
        held.emplace(std::move(*redis));
        if (auto free = held->endLeftOver(leftOverPatience); !free)
            return free.error();
    }
    auto mended = empty ? files.startEmpty() : files.mend();
    if (!mended)
        return mended.error();
    return std::move(mended->words);
}

Result<std::vector<std::string>> forgetDatabase(const Settings &settings)
{
    const auto directory = DataDirectory::open(dataDirectoryPath(settings));
    if (!directory)
        return directory.error();
    const auto path = databaseUrl(settings);
    if (!path)
        return path.error();
    std::vector<std::string> words{"The portal starts with nobody registered."};
    if (placeOf(path->path) != Place::Database) {
        // SQLite would take a log without its database for nothing, and delete it.
        for (const fs::path &left : {fs::path(path->path), logOf(path->path)}) {
            std::error_code ignored;
            if (!fs::exists(left, ignored))
                continue;
            const auto kept = keepAside(left);
            if (!kept)
                return kept.error();
            words.push_back("What was left of the old one is in " + *kept + ".");
        }
    }
    std::error_code failed;
    fs::remove_all(noteIn(directory->path()), failed);
    if (failed)
        return failure(ErrorKind::Unavailable,
                       "Cannot delete " + noteIn(directory->path()).string() + ": " + failed.message() + ".");
    return words;
}

Result<void> noteDatabase(const fs::path &dataDirectory, const std::string &path)
{
    const auto noted = readFile(noteIn(dataDirectory), 64 * 1024);
    const std::string form = notedForm(dataDirectory, path);
    return noted && *noted == form ? Result<void>() : writeFileAtomically(noteIn(dataDirectory), form);
}

Result<void> checkDatabaseIsLeft(const Settings &settings, const fs::path &dataDirectory, const std::string &path)
{
    const Place place = path.empty() ? Place::Database : placeOf(path);
    if (place == Place::Database)
        return {};
    const bool logLeft = sizeOf(logOf(path)) > 0;
    if (!logLeft && !isNoted(dataDirectory, path))
        return {};
    const std::string directory = quoted(fs::absolute(dataDirectoryPath(settings)).string());
    const bool inTheWay = place == Place::Directory || place == Place::Foreign || logLeft;
    const std::string restoring = "`portoland restore FILE --data-dir " + directory + "`";
    Error error = failure(
        ErrorKind::Unavailable,
        "The database file " + path + ", in which this portal kept its users, " + std::string(faultOf(place)) +
            (logLeft ? "; its log " + logOf(path).string() + " is still there." : "."),
        inTheWay ? "Put it back; or `" + mendCommand(settings) +
                       " --empty` keeps what is left aside and begins with nobody, before or without a backup put back "
                       "with " +
                       restoring + "."
                 : "Put it back, or a backup with " + restoring + "; `" + mendCommand(settings) +
                       " --empty` begins with nobody.");
    error.code = "database-missing";
    return error;
}

} // namespace portolan::server
