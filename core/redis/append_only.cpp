// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/append_only.h"

#include "core/base/child_process.h"
#include "core/base/data_directory.h"

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

/// What can be used of files that belong together, without touching them.
struct Examined
{
    std::vector<AofFile> good;         ///< up to the first damaged one; none: the base is damaged
    std::optional<std::uintmax_t> cut; ///< of the last of these: so much of it is good
};
Result<Examined> examine(const std::string &checker, const fs::path &folder, const std::vector<AofFile> &files)
{
    Examined examined;
    for (const AofFile &file : files) {
        const auto upTo = goodUpTo(checker, folder / file.name, file.base);
        if (!upTo)
            return upTo.error();
        if (file.base && *upTo == 0u)
            break;
        examined.good.push_back(file);
        if (*upTo) {
            examined.cut = *upTo;
            break;
        }
    }
    return examined;
}

bool isNoDirectory(const fs::path &path)
{
    std::error_code ignored;
    return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

/// Why Redis would not start with all of `there` on this manifest; empty: it would.
std::string faultOf(const fs::path &manifest, const std::optional<std::vector<AofFile>> &listed,
                    const std::vector<AofFile> &there)
{
    if (!listed)
        return "The append-only files of the embedded Redis have lost their manifest (" + manifest.string() +
               "): without it Redis would start empty.";
    if (std::ranges::none_of(*listed, &AofFile::base))
        return "The manifest " + manifest.string() + " names no base: Redis would start with a part only.";
    std::uint64_t newest = 0;
    for (const AofFile &file : *listed) {
        if (std::ranges::find(there, file) == there.end())
            return "The append-only file " + (manifest.parent_path() / file.name).string() +
                   " of the embedded Redis is gone, which its manifest names.";
        newest = file.base ? newest : std::max(newest, file.sequence);
    }
    // Redis names a file before it writes to it, and deletes old ones after it has stopped naming them.
    for (const AofFile &file : there)
        if (!file.base && file.sequence > newest && sizeOf(manifest.parent_path() / file.name) > 0)
            return "The manifest " + manifest.string() + " does not name " + file.name +
                   ", which is newer than what it names: Redis would start without it.";
    return {};
}

/// The last bytes of a file, where an RDB file has its checksum, in hexadecimal.
std::string endOf(const fs::path &path)
{
    constexpr std::streamoff checksumSize = 8;
    std::ifstream file(path, std::ios::binary);
    const auto size = static_cast<std::streamoff>(sizeOf(path));
    file.seekg(std::max<std::streamoff>(0, size - checksumSize));
    std::string text = "=";
    constexpr std::string_view digits = "0123456789abcdef";
    for (int byte = file.get(); byte >= 0; byte = file.get()) {
        text += digits[static_cast<unsigned>(byte) >> 4];
        text += digits[static_cast<unsigned>(byte) & 15u];
    }
    return text;
}

constexpr std::string_view inOrderLine = "in order";
constexpr std::string_view runningLine = "running";

} // namespace

/// The note: how Redis was left in the first line, then of each file the name, the size and what endOf() says.
struct AppendOnly::Noted
{
    struct Entry
    {
        std::string name;
        std::uintmax_t size = 0;
        std::string end; ///< empty: noted by an earlier version
    };
    bool something = false; ///< there is a note, if perhaps none that can be read
    bool inOrder = false;
    std::vector<Entry> entries;
};

AppendOnly::AppendOnly(fs::path directory, fs::path note)
    : m_directory(std::move(directory)), m_note(note.empty() ? oldNote() : std::move(note))
{}

AppendOnly::Noted AppendOnly::noted() const
{
    std::error_code ignored;
    // Where both are, an earlier version ran since.
    const fs::path place = fs::exists(oldNote(), ignored) ? oldNote() : m_note;
    Noted noted;
    noted.something = fs::exists(place, ignored);
    const auto text = readFile(place, 1024 * 1024);
    std::istringstream lines(text ? *text : std::string());
    for (std::string line; std::getline(lines, line);) {
        if (line == inOrderLine || line == runningLine) {
            noted.inOrder = line == inOrderLine;
            continue;
        }
        Noted::Entry entry;
        std::istringstream words(line);
        if (words >> entry.name >> entry.size && parseName(entry.name)) {
            words >> entry.end;
            noted.entries.push_back(std::move(entry));
        }
    }
    return noted;
}

void AppendOnly::forgetNote() const
{
    std::error_code ignored;
    fs::remove_all(m_note, ignored);
    fs::remove_all(oldNote(), ignored);
}

/// What no mending brings back, a sentence each.
std::vector<std::string> AppendOnly::lossesOf(const Noted &left) const
{
    std::vector<std::string> words;
    for (const Noted::Entry &entry : left.entries) {
        const auto size = sizeOf(folder() / entry.name);
        if (size < entry.size && left.inOrder)
            words.push_back(std::to_string(entry.size - size) + " of " + std::to_string(entry.size) + " bytes of " +
                            entry.name + " are gone, and what was written in them is lost.");
        else if (left.inOrder && parseName(entry.name)->base &&
                 (size != entry.size || endOf(folder() / entry.name) != entry.end))
            words.push_back(entry.name + " is not the one that was left; what that held is lost.");
    }
    return words;
}

Result<void> AppendOnly::check() const
{
    for (const fs::path &place : {m_directory, folder()})
        if (isNoDirectory(place))
            return damaged("In place of the directory " + place.string() +
                           " of the embedded Redis, with sessions and waiting tasks, lies something else.");
    const auto there = filesIn(folder());
    std::error_code ignored;
    const Noted left = noted();
    if (there.empty() && !fs::exists(manifest(), ignored)) {
        if (!left.something)
            return {};
        return damaged("The append-only files of the embedded Redis are gone from " + folder().string() +
                       ", where the last start left some: sessions and waiting tasks were in them.");
    }
    const auto listed = readManifest(manifest());
    if (std::string fault = faultOf(manifest(), listed, there); !fault.empty())
        return damaged(std::move(fault));
    for (const Noted::Entry &entry : left.entries) {
        const std::string name = (folder() / entry.name).string();
        const auto file = std::ranges::find(*listed, entry.name, &AofFile::name);
        if (file == listed->end() && left.inOrder)
            return damaged("The manifest " + manifest().string() + " names " + entry.name +
                           " no longer, which it did when it was left.");
        if (file == listed->end())
            continue;
        const auto size = sizeOf(folder() / entry.name);
        if (entry.size > 0 && size == 0)
            return damaged("The append-only file " + name +
                           " of the embedded Redis is empty; it was not when it was left.");
        if (left.inOrder && size < entry.size)
            return damaged("The append-only file " + name + " of the embedded Redis has " + std::to_string(size) +
                           " bytes; it had " + std::to_string(entry.size) + " when it was left.");
        if (left.inOrder && file->base && (size != entry.size || endOf(name) != entry.end))
            return damaged("The append-only file " + name + " of the embedded Redis is not the one that was left.");
    }
    return {};
}

bool AppendOnly::hasBase() const { return std::ranges::any_of(filesIn(folder()), &AofFile::base); }

void AppendOnly::note(Left left) const
{
    const auto listed = readManifest(manifest());
    if (!listed)
        return;
    std::string text = std::string(left == Left::InOrder ? inOrderLine : runningLine) + "\n";
    for (const AofFile &file : *listed)
        text += file.name + " " + std::to_string(sizeOf(folder() / file.name)) + " " +
                (file.base ? endOf(folder() / file.name) : std::string("=")) + "\n";
    std::error_code ignored;
    if (!writeFileAtomically(m_note, text)) {
        if (noted().inOrder)
            forgetNote(); // rather less careful at the next start than told what is true no longer
    } else if (m_note != oldNote())
        fs::remove(oldNote(), ignored);
}

Result<fs::path> AppendOnly::keep(bool move) const
{
    std::error_code failed;
    const fs::path what = isNoDirectory(m_directory) ? m_directory : folder();
    if (!fs::exists(fs::symlink_status(what, failed)))
        return fs::path();
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    const std::string beside = what.string() + ".kept-" + stamp;
    fs::path copy = beside;
    for (int again = 2; fs::exists(copy, failed); ++again)
        copy = beside + "-" + std::to_string(again);
    if (move)
        fs::rename(what, copy, failed);
    else
        fs::copy(what, copy, fs::copy_options::recursive, failed);
    if (failed)
        return failure(failed == std::errc::no_space_on_device ? ErrorKind::Full : ErrorKind::Unavailable,
                       "No copy of " + what.string() + " could be kept: " + failed.message() + ".",
                       "Free some room on that disk; nothing was changed.");
    return copy;
}

Result<AppendOnly::Mended> AppendOnly::startEmpty() const
{
    const auto copy = keep(true);
    if (!copy)
        return copy.error();
    forgetNote();
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
    const Noted left = noted();
    const auto lost = lossesOf(left);
    std::vector<AofFile> files = listed.value_or(std::vector<AofFile>());
    const bool namesAll = std::ranges::all_of(left.entries, [&](const Noted::Entry &entry) {
        return !left.inOrder || std::ranges::find(files, entry.name, &AofFile::name) != files.end();
    });
    if (!namesAll || !faultOf(manifest(), listed, there).empty())
        files = belonging(folder(), there);
    if (files.empty() || !files.front().base)
        return nothing("The base of the append-only files is gone from " + folder().string() +
                       ": what was written after it is no whole without it.");
    const auto examined = examine(checker, folder(), files);
    if (!examined)
        return examined.error();
    const auto &[good, cut] = *examined;
    if (good.empty())
        return nothing("The base of the append-only files, " + (folder() / files.front().name).string() +
                       ", is damaged and cannot be mended.");
    if (!cut && good == listed && check())
        return Mended{{}, {"The append-only files in " + folder().string() + " are whole: nothing was changed."}};
    const auto copy = keep(false);
    if (!copy)
        return copy.error();
    Mended mended{*copy, {"The append-only files were copied to " + copy->string() + "."}};
    mended.words.insert(mended.words.end(), lost.begin(), lost.end());
    if (cut) {
        const AofFile &file = good.back();
        const auto size = sizeOf(folder() / file.name);
        std::error_code failed;
        fs::resize_file(folder() / file.name, *cut, failed);
        if (failed)
            return failure(ErrorKind::Unavailable,
                           "Cannot cut " + (folder() / file.name).string() + ": " + failed.message() + ".");
        mended.words.push_back("The last " + std::to_string(size - *cut) + " of " + std::to_string(size) +
                               " bytes of " + file.name + " were damaged and are left out.");
        if (good.size() < files.size())
            mended.words.push_back("What was written after that is left out too.");
    }
    if (!listed || good != *listed) {
        if (const auto written = writeFileAtomically(manifest(), manifestOf(good)); !written)
            return written.error();
        mended.words.push_back("The manifest was written anew; it names " + std::to_string(good.size()) +
                               (good.size() == 1 ? " file." : " files."));
    }
    forgetNote();
    note(Left::Running);
    return mended;
}

} // namespace portolan::redis
