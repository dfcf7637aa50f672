#include "core/redis/append_only.h"

#include "core/base/data_directory.h"
#include "core/redis/child_process.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

namespace portolan::redis {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes checkPatience{10}; ///< for a file of gigabytes on a slow disk

/// "appendonly.aof.3.incr.aof"
struct AofFile
{
    std::string name;
    std::uint64_t sequence = 0;
    bool base = false;
    bool operator==(const AofFile &) const = default;
};

std::optional<AofFile> parseName(const std::string &name)
{
    constexpr std::string_view prefix = "appendonly.aof.";
    if (!name.starts_with(prefix))
        return std::nullopt;
    AofFile file{name, 0, false};
    const char *const end = name.data() + name.size();
    const auto [rest, failed] = std::from_chars(name.data() + prefix.size(), end, file.sequence);
    const std::string_view kind(rest, static_cast<std::size_t>(end - rest));
    if (failed != std::errc() || (kind != ".base.rdb" && kind != ".base.aof" && kind != ".incr.aof"))
        return std::nullopt;
    file.base = kind != ".incr.aof";
    return file;
}

std::vector<AofFile> filesIn(const fs::path &folder)
{
    std::vector<AofFile> files;
    std::error_code failed;
    for (const auto &entry : fs::directory_iterator(folder, failed))
        if (auto file = parseName(entry.path().filename().string()))
            files.push_back(std::move(*file));
    std::ranges::sort(
        files, [](const AofFile &a, const AofFile &b) { return a.base != b.base ? a.base : a.sequence < b.sequence; });
    return files;
}

/// What a manifest lists but for what is about to be deleted: "file NAME seq N type b|i|h". Nothing: it is no manifest.
std::optional<std::vector<AofFile>> readManifest(const fs::path &path)
{
    const auto text = readFile(path, 1024 * 1024);
    if (!text)
        return std::nullopt;
    std::vector<AofFile> files;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.front() == '#')
            continue;
        std::istringstream words(line);
        std::string file, name, seq, number, type, kind;
        if (!(words >> file >> name >> seq >> number >> type >> kind) || file != "file" || seq != "seq" ||
            type != "type")
            return std::nullopt;
        if (kind == "h")
            continue;
        auto parsed = parseName(name);
        if (!parsed || parsed->base != (kind == "b"))
            return std::nullopt;
        files.push_back(std::move(*parsed));
    }
    return files.empty() ? std::nullopt : std::optional(files);
}

std::string manifestOf(const std::vector<AofFile> &files)
{
    std::string text;
    for (const AofFile &file : files)
        text +=
            "file " + file.name + " seq " + std::to_string(file.sequence) + " type " + (file.base ? "b" : "i") + "\n";
    return text;
}

std::uintmax_t sizeOf(const fs::path &path)
{
    std::error_code failed;
    const auto size = fs::file_size(path, failed);
    return failed ? 0 : size;
}

Error damaged(std::string what)
{
    return Error{ErrorKind::Unavailable, "redis-corrupt", std::move(what), {}, {}, std::chrono::seconds{0}};
}

/// Which of the files belong together where no manifest says so: the newest base, and what was written after it. Redis
/// begins a new file of writes when it begins a new base, so a file not touched since that base was finished is in it;
/// the last one is always the present one.
std::vector<AofFile> belonging(const fs::path &folder, const std::vector<AofFile> &files)
{
    std::vector<AofFile> chosen;
    std::optional<fs::file_time_type> begun;
    std::error_code ignored;
    for (const AofFile &file : files) {
        if (file.base) {
            chosen.assign(1, file); // they come in order
            begun = fs::last_write_time(folder / file.name, ignored);
        }
    }
    for (const AofFile &file : files)
        if (!file.base &&
            (!begun || file == files.back() || fs::last_write_time(folder / file.name, ignored) >= *begun))
            chosen.push_back(file);
    return chosen;
}

/// How far redis-check-aof finds a file good; nothing: all of it. An error where it came to no end of its own (killed,
/// out of memory, not in time): that says nothing of the file.
Result<std::optional<std::uintmax_t>> goodUpTo(const std::string &checker, const fs::path &file, bool base)
{
    const auto program = findProgram(checker);
    if (!program)
        return failure(ErrorKind::Unavailable, "The program '" + checker + "' is not installed.",
                       "Install the package redis-tools (apt install redis-tools).");
    auto child = ChildProcess::start({*program, file.string()});
    if (!child)
        return child.error();
    std::optional<std::uintmax_t> good;
    const auto read = [&](std::string_view line) {
        constexpr std::string_view mark = "ok_up_to=";
        const auto at = line.find(mark);
        std::uintmax_t value = 0;
        if (at != std::string_view::npos &&
            std::from_chars(line.data() + at + mark.size(), line.data() + line.size(), value).ec == std::errc())
            good = value;
    };
    const auto until = std::chrono::steady_clock::now() + checkPatience;
    while (child->running()) {
        child->wait(-1, std::chrono::milliseconds(100), read);
        if (std::chrono::steady_clock::now() > until)
            child->signal(9);
    }
    child->wait(-1, std::chrono::milliseconds(0), read);
    if (child->ending() == "exit code 0")
        return std::optional<std::uintmax_t>();
    if (!good && !(base && child->ending().starts_with("exit code")))
        return failure(ErrorKind::Unavailable,
                       "The check of " + file.string() + " did not come to an end (" + child->ending() +
                           "); nothing was changed.",
                       "Try again when the machine has more room or time, or start empty.");
    return std::optional(good.value_or(0)); // a base tells no place: it is good or it is not
}

} // namespace

AppendOnly::AppendOnly(fs::path directory) : m_directory(std::move(directory)) {}

Result<void> AppendOnly::check() const
{
    const auto there = filesIn(folder());
    std::error_code ignored;
    const auto noted = readFile(noteFile(), 1024 * 1024);
    if (there.empty() && !fs::exists(manifest(), ignored)) {
        if (!noted || noted->empty())
            return {};
        return damaged("The append-only files of the embedded Redis are gone from " + folder().string() +
                       ", where the last start left some: sessions and waiting tasks were in them.");
    }
    const auto listed = readManifest(manifest());
    if (!listed)
        return damaged("The append-only files of the embedded Redis have lost their manifest (" + manifest().string() +
                       "): without it Redis would start empty.");
    if (std::ranges::none_of(*listed, &AofFile::base))
        return damaged("The manifest " + manifest().string() + " names no base: Redis would start with a part only.");
    for (const AofFile &file : *listed)
        if (std::ranges::find(there, file) == there.end())
            return damaged("The append-only file " + (folder() / file.name).string() +
                           " of the embedded Redis is gone, which its manifest names.");
    std::istringstream lines(noted ? *noted : std::string());
    std::string name;
    std::uintmax_t size = 0;
    while (lines >> name >> size)
        if (size > 0 && std::ranges::find(*listed, name, &AofFile::name) != listed->end() &&
            sizeOf(folder() / name) == 0)
            return damaged("The append-only file " + (folder() / name).string() +
                           " of the embedded Redis is empty; it was not when it was left.");
    return {};
}

void AppendOnly::note() const
{
    const auto listed = readManifest(manifest());
    if (!listed)
        return;
    std::string text;
    for (const AofFile &file : *listed)
        text += file.name + " " + std::to_string(sizeOf(folder() / file.name)) + "\n";
    (void)writeFileAtomically(noteFile(), text); // the next start is then less careful
}

Result<fs::path> AppendOnly::keep(bool move) const
{
    std::error_code failed;
    if (!fs::exists(folder(), failed))
        return fs::path();
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    fs::path copy = m_directory / (std::string("appendonlydir.kept-") + stamp);
    for (int again = 2; fs::exists(copy, failed); ++again)
        copy = m_directory / (std::string("appendonlydir.kept-") + stamp + "-" + std::to_string(again));
    if (move)
        fs::rename(folder(), copy, failed);
    else
        fs::copy(folder(), copy, fs::copy_options::recursive, failed);
    if (failed)
        return failure(failed == std::errc::no_space_on_device ? ErrorKind::Full : ErrorKind::Unavailable,
                       "No copy of " + folder().string() + " could be kept: " + failed.message() + ".",
                       "Free some room on that disk; nothing was changed.");
    return copy;
}

Result<AppendOnly::Mended> AppendOnly::startEmpty() const
{
    const auto copy = keep(true);
    if (!copy)
        return copy.error();
    std::error_code ignored;
    fs::remove(noteFile(), ignored);
    Mended mended{*copy, {}};
    mended.words.push_back(copy->empty() ? "There were no append-only files to keep."
                                         : "The append-only files were moved to " + copy->string() + ".");
    mended.words.push_back("The embedded Redis starts empty: everybody signs in again, waiting tasks are gone.");
    return mended;
}

Result<AppendOnly::Mended> AppendOnly::mend(const std::string &checker) const
{
    auto there = filesIn(folder());
    const auto nothing = [this](std::string why) {
        Error error = damaged(std::move(why));
        error.hint = "Put back a copy of " + folder().string() + ", or start empty.";
        return error;
    };
    if (there.empty())
        return nothing("There is nothing to mend in " + folder().string() + ": the append-only files are gone.");
    const auto listed = readManifest(manifest());
    std::vector<AofFile> files = listed.value_or(std::vector<AofFile>());
    const auto gone = [&](const AofFile &file) { return std::ranges::find(there, file) == there.end(); };
    if (std::ranges::none_of(files, &AofFile::base) || std::ranges::any_of(files, gone))
        files = belonging(folder(), there);
    if (files.empty() || !files.front().base)
        return nothing("The base of the append-only files is gone from " + folder().string() +
                       ": what was written after it is no whole without it.");
    const auto copy = keep(false);
    if (!copy)
        return copy.error();
    Mended mended{*copy, {"The append-only files were copied to " + copy->string() + "."}};

    std::vector<AofFile> good;
    for (const AofFile &file : files) {
        const auto upTo = goodUpTo(checker, folder() / file.name, file.base);
        if (!upTo)
            return upTo.error();
        const auto size = sizeOf(folder() / file.name);
        if (!*upTo) {
            good.push_back(file);
            continue;
        }
        if (file.base && **upTo == 0)
            return nothing("The base of the append-only files, " + (folder() / file.name).string() +
                           ", is damaged and cannot be mended. A copy is in " + copy->string() + ".");
        std::error_code failed;
        fs::resize_file(folder() / file.name, **upTo, failed);
        if (failed)
            return failure(ErrorKind::Unavailable,
                           "Cannot cut " + (folder() / file.name).string() + ": " + failed.message() + ".");
        mended.words.push_back("The last " + std::to_string(size - **upTo) + " of " + std::to_string(size) +
                               " bytes of " + file.name + " were damaged and are left out.");
        good.push_back(file);
        if (!(file == files.back()))
            mended.words.push_back("What was written after that is left out too.");
        break;
    }
    if (!listed || good != *listed) {
        if (const auto written = writeFileAtomically(manifest(), manifestOf(good)); !written)
            return written.error();
        mended.words.push_back("The manifest was written anew; it names " + std::to_string(good.size()) +
                               (good.size() == 1 ? " file." : " files."));
    }
    std::error_code ignored;
    fs::remove(noteFile(), ignored);
    note();
    return mended;
}

} // namespace portolan::redis
