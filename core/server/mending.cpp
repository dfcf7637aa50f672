#include "core/server/mending.h"

#include "core/base/data_directory.h"
#include "core/redis/append_only.h"
#include "core/redis/server_directory.h"
#include "core/server/commands.h"
#include "core/server/environment.h"

#include <algorithm>
#include <chrono>
#include <iostream>

namespace portolan::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds leftOverPatience{10};

fs::path noteIn(const fs::path &dataDirectory) { return dataDirectory / "database.note"; }

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

std::string mendCommand(const Settings &settings)
{
    return "portoland mend --data-dir " + quoted(fs::absolute(dataDirectoryPath(settings)).string());
}

Result<std::vector<std::string>> mendData(const Settings &settings, bool empty)
{
    const fs::path place = dataDirectoryPath(settings);
    std::error_code ignored;
    if (!fs::exists(place, ignored))
        return failure(ErrorKind::NotFound, "There is no data directory " + place.string() + ".",
                       "Name the right one with --data-dir.");
    const auto directory = DataDirectory::open(place);
    if (!directory)
        return directory.error();
    if (settings.isSet("redis.url"))
        return failure(ErrorKind::Unsupported, "The Redis of this portal was named, and is not ours to mend.",
                       "Mend it with its own tools.");
    const auto redis = redis::ServerDirectory::open(directory->file("redis"));
    if (!redis)
        return redis.error();
    if (auto free = redis->endLeftOver(leftOverPatience); !free)
        return free.error();
    const redis::AppendOnly files(redis->path());
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
    std::error_code failed;
    fs::remove(noteIn(directory->path()), failed);
    std::vector<std::string> words{"The portal starts with nobody registered."};
    // SQLite would take a log without its file for nothing, and delete it.
    const fs::path log = path->path + "-wal";
    if (!fs::exists(path->path) && fs::exists(log)) {
        fs::rename(log, path->path + "-wal.kept", failed);
        words.push_back("What was left of the old one is in " + path->path + "-wal.kept.");
    }
    if (failed)
        return failure(ErrorKind::Unavailable,
                       "No copy of " + log.string() + " could be kept: " + failed.message() + ".");
    return words;
}

Result<void> noteDatabase(const fs::path &dataDirectory, const std::string &path)
{
    const auto noted = readFile(noteIn(dataDirectory), 64 * 1024);
    return noted && *noted == path ? Result<void>() : writeFileAtomically(noteIn(dataDirectory), path);
}

Result<void> checkDatabaseIsLeft(const Settings &settings, const fs::path &dataDirectory, const std::string &path)
{
    std::error_code ignored;
    const auto noted = readFile(noteIn(dataDirectory), 64 * 1024);
    const fs::path log = path + "-wal";
    const bool logLeft = fs::exists(log, ignored) && fs::file_size(log, ignored) > 0;
    if (fs::exists(path, ignored) || (!logLeft && (!noted || *noted != path)))
        return {};
    Error error = failure(ErrorKind::Unavailable,
                          "The database file " + path + " is gone, in which this portal kept its users" +
                              (logLeft ? "; its log " + log.string() + " is still there." : "."),
                          "Put it back, or a backup with `portoland restore FILE --data-dir " +
                              quoted(fs::absolute(dataDirectoryPath(settings)).string()) + "`; `" +
                              mendCommand(settings) + " --empty` begins with nobody.");
    error.code = "database-missing";
    return error;
}

int mend(const SettingSources &sources, const MendRequest &request)
{
    const auto settings = Settings::load(sources);
    if (!settings)
        return report(settings.error());
    const auto url = databaseUrl(*settings);
    const bool file = url && url->dialect == storage::Dialect::Sqlite;
    const auto left = checkDatabaseIsLeft(*settings, dataDirectoryPath(*settings), file ? url->path : std::string());
    const auto done = request.empty && file && !left ? forgetDatabase(*settings) : mendData(*settings, request.empty);
    if (!done)
        return report(done.error());
    for (const auto &sentence : *done)
        std::cout << "portoland: " << sentence << std::endl;
    return 0;
}

} // namespace portolan::server
