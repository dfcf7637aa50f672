// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/watch_file.h"

#include "core/base/credentials.h"
#include "core/base/data_directory.h"
#include "core/base/file_owner.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/settings.h"
#include "core/base/tier_file.h"
#include "core/base/toml_file.h"
#include "core/stack/watch_checks.h"
#include "core/stack/watch_keys.h"
#include "core/stack/watch_values.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace portolan::stack {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largestFile = 1024 * 1024;
constexpr std::size_t mostTables = 100;   ///< of a kind
constexpr std::size_t mostKeys = 5000;    ///< and tables, all together
constexpr std::size_t mostMistakes = 100; ///< that are told; who has more has another kind of file
constexpr std::array<std::string_view, 3> tierParts{"zones", "budget", "families"};

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

Error missing() { return wrong("is missing"); }

std::string_view parentOf(std::string_view key)
{
    const auto dot = key.rfind('.');
    return dot == key.npos ? std::string_view() : key.substr(0, dot);
}

std::string_view partOf(std::string_view key) { return key.substr(0, key.find('.')); }

bool isTierPart(std::string_view part) { return std::ranges::find(tierParts, part) != tierParts.end(); }

const WatchPart *findPart(std::string_view name)
{
    const auto found = std::ranges::find(watchParts(), name, &WatchPart::name);
    return found == watchParts().end() ? nullptr : &*found;
}

/// Whether keys of ours, or of a later version's part, may be in this table.
bool isKnownTable(std::string_view key)
{
    const auto *part = findPart(partOf(key));
    return isTierPart(partOf(key)) || (part && (part->later || key == part->name)) ||
           std::ranges::any_of(watchKeys(), [&](const WatchKey &known) { return holdsKey(key, known.key); });
}

Error unknown(const std::string &what, const std::string &close)
{
    return wrong(what, close.empty() ? std::string() : "did you mean " + close + '?');
}

/// What somebody may have meant. Of a key beside the one it is, only its last part.
std::string closeTo(const std::string &key)
{
    std::vector<std::string> known;
    for (const auto &entry : watchKeys())
        known.push_back(entry.key);
    for (const auto &part : watchParts())
        known.emplace_back(part.name);
    for (const auto &part : tierParts)
        known.emplace_back(part);
    const std::string close = closestTo(key, known);
    if (parentOf(close) != parentOf(key))
        return close;
    const std::string last = close.substr(close.rfind('.') + 1);
    return closestTo(key.substr(key.rfind('.') + 1), {last}); // close itself, not by what both have before it
}

/// Where entries come from: the file itself, or one element of an array of tables.
struct Place
{
    std::string prefix; ///< of keys in the table: "probe."
    std::string shown;  ///< of the same for people: "probe[2]."
    unsigned line = 0;  ///< of the table
};

class Reader final
{
public:
    Reader(const fs::path &path, ReadFor who) : m_who(who)
    {
        std::error_code failed;
        const fs::path whole = fs::absolute(path, failed);
        m_folder = failed ? fs::path("/") : whole.parent_path();
        m_source = visible(path.string());
        file().path = path.string();
    }

    void read(std::string_view text)
    {
        std::vector<TomlFlaw> flaws;
        const TomlDocument document = parseToml(text, flaws);
        for (const auto &flaw : flaws) {
            note(flaw.line, quotable(flaw.key), wrong(flaw.why));
            m_flawed.insert(flaw.key);
        }
        if (!flaws.empty() && flaws.front().key.empty())
            return;
        if (sizeOf(document) > mostKeys)
            return note(0, {}, wrong("it has more than 5000 keys and tables"));
        readParts(document);
        readEntries(document.entries, {});
        for (const auto &section : document.sections)
            requireKeys(section.key, {{}, {}, section.line}, document.entries);
        requireKeys({}, {}, document.entries);
        readTables(document);
        readTier();
        for (const auto &[line, key, error] : checkTogether(file(), m_met))
            note(line, key, error);
    }

    /// A file that others may have written runs nothing.
    void forbidPrograms(const Error &why)
    {
        for (const auto &program : file().programs)
            note(program.line, program.key, wrong("no program of this file is run: " + why.message, why.hint));
    }

    WatchReading take()
    {
        std::ranges::stable_sort(m_reading.mistakes, {}, &Mistake::line);
        if (m_more)
            m_reading.mistakes.push_back({m_source, 0, {}, wrong("more is wrong with it").message, {}});
        const auto byLine = [](auto &list) {
            std::ranges::stable_sort(list, {}, [](const auto &item) { return item.line; });
        };
        byLine(file().given);
        byLine(file().secrets);
        byLine(file().files);
        byLine(file().programs);
        byLine(file().later);
        return std::move(m_reading);
    }

    void note(unsigned line, const std::string &key, const Error &error)
    {
        if (m_reading.mistakes.size() < mostMistakes)
            m_reading.mistakes.push_back({m_source, line, key, error.message, error.hint});
        else
            m_more = true;
    }

private:
    WatchFile &file() { return m_reading.file; }
    bool isFull() const { return m_reading.mistakes.size() >= mostMistakes; }
    /// What is not told need not be looked for.
    std::string closeUnlessMany(const std::string &key) const { return isFull() ? std::string() : closeTo(key); }

    /// Makes the parts that the file has, so that keys have a place to be read into.
    void readParts(const TomlDocument &document)
    {
        for (const auto &[key, line] : document.sections)
            if (isKnownTable(key))
                makePart(key, line);
            else
                refuseTable(key, key, line);
        // One of its tables may stand before it.
        const auto sentinel = std::ranges::find(document.sections, "redis.sentinel", &TomlSection::key);
        if (file().redis && sentinel != document.sections.end())
            file().redis->sentinel.emplace();
    }

    static std::size_t sizeOf(const TomlDocument &document)
    {
        std::size_t size = document.entries.size() + document.sections.size() + document.tables.size();
        for (const auto &table : document.tables)
            size += table.entries.size() + table.sections.size();
        return size;
    }

    /// Whether there is a place for what the key says: one in quotes, with dots in it, may be in no table.
    bool hasPlace(const std::string &key)
    {
        const auto part = partOf(key);
        return part == key || (m_met.tables.contains(std::string(part)) &&
                               (!key.starts_with("redis.sentinel.") || file().redis->sentinel));
    }

    /// Said once, and not again of each key in it.
    void refuseTable(const std::string &key, const std::string &shown, unsigned line)
    {
        if (!isInUnknown(key))
            note(line, quotable(shown), unknown("unknown table", closeUnlessMany(key)));
        m_unknown.push_back(key + '.');
    }

    bool isInUnknown(std::string_view key) const
    {
        return std::ranges::any_of(m_unknown, [&](const auto &table) { return key.starts_with(table); });
    }

    void makePart(std::string_view part, unsigned line)
    {
        if (findPart(part))
            m_met.tables.emplace(part, line);
        if (part == "redis")
            file().redis.emplace();
        else if (part == "celery")
            file().celery.emplace();
        else if (part == "metrics")
            file().metrics.emplace_back();
        else if (part == "probe")
            file().probes.emplace_back();
        else if (part == "portal")
            file().portal.emplace();
        else if (const auto *known = findPart(part); known && known->later)
            file().later.push_back({std::string(part), line});
    }

    void readEntries(const std::vector<TomlEntry> &entries, const Place &place)
    {
        for (const auto &entry : entries) {
            const std::string key = place.prefix + entry.key;
            const std::string shown = (place.shown.empty() ? place.prefix : place.shown) + entry.key;
            if (isInUnknown(key))
                continue;
            if (isTierPart(partOf(key)))
                noteTierEntry(key, entry);
            else if (const auto known = findWatchKey(key); known && hasPlace(key))
                readEntry(*known, entry, shown);
            else
                refuseEntry(key, shown, entry);
        }
    }

    void readEntry(const WatchKeyMatch &known, const TomlEntry &entry, const std::string &key)
    {
        if (entry.array != known.key->list) {
            m_met.refused.insert(key);
            const bool program = entry.array && findWatchKey(known.key->key + ".command");
            const char *mend = program ? R"(Name a program by { command = ["PROGRAM", "ARG"] })" : "";
            return note(entry.line, key,
                        entry.array ? wrong("write one value, not a list", mend)
                                    : wrong("write a list", R"(Values in brackets: ["…", "…"])"));
        }
        WatchValue value{entry, m_folder, known.name};
        if (const auto set = known.key->set(file(), value); !set) {
            m_met.refused.insert(key);
            return note(entry.line, key, set.error());
        }
        value.shown = value.shown.empty() ? shownText(entry, known.key->name) : visible(value.shown);
        file().given.push_back({key, known.key->key, value.shown, entry.line});
        if (value.secret)
            takeSecret(*value.secret, key, entry.line);
        if (!value.program.empty())
            file().programs.push_back({key, entry.line, value.program});
        if (!value.file.empty())
            file().files.push_back({key, entry.line, value.file});
    }

    static std::string shownText(const TomlEntry &entry, bool name)
    {
        if (!entry.array)
            return name ? shownName(entry.text) : quotable(entry.text, 200);
        std::string text;
        for (const auto &item : entry.items)
            text.append(text.empty() ? "[" : ", ").append(name ? shownName(item) : quotable(item));
        return text.empty() ? "[]" : text + ']';
    }

    void takeSecret(const SecretRef &reference, const std::string &key, unsigned line)
    {
        if (reference.kind == SecretRef::Kind::Keychain && m_who == ReadFor::Daemon)
            note(line, key,
                 wrong("keychain: is for the console: portoland has none",
                       "Write env:NAME, file:PATH or command:[PROGRAM, ARG] instead"));
        file().secrets.push_back({key, line, reference});
    }

    /// What is no key, and why.
    void refuseEntry(const std::string &key, const std::string &shown, const TomlEntry &entry)
    {
        const auto *part = findPart(partOf(key));
        if ((part && key == part->name) || (isTierPart(key)))
            return note(
                entry.line, key,
                wrong("it is a table", "Write " + (part && part->several ? "[[" + key + "]]" : '[' + key + ']')));
        if (part && part->later && m_met.tables.contains(std::string(part->name)))
            return takeLaterEntry(key, shown, entry);
        const bool ofTier = findTierKey(key).has_value();
        note(entry.line, quotable(shown),
             ofTier ? wrong("it belongs into a tier's file", "Name that file: tier = \"./shop-tier.toml\"")
                    : unknown("unknown key", closeUnlessMany(key)));
    }

    /// A part of a later version may have keys that this one does not know, but no slip of one it knows, and no secret
    /// in any of them.
    void takeLaterEntry(const std::string &key, const std::string &shown, const TomlEntry &entry)
    {
        const std::string name = key.substr(key.rfind('.') + 1);
        const std::string close = closeUnlessMany(key);
        if (close.find('.') == close.npos && close.starts_with(name.substr(0, 1)) && !name.empty() && !close.empty())
            return note(entry.line, quotable(shown), unknown("unknown key", close));
        const bool masked = shownName(entry.text, entry.text.size()) != visible(entry.text);
        if (isSecretName(name) || masked)
            if (const auto reference = parseSecretRef(entry.text, m_folder); !reference)
                return note(entry.line, quotable(shown), reference.error());
        file().later.push_back({quotable(shown), entry.line});
    }

    /// What a table must have. `entries` have their keys from `place.prefix` on.
    void requireKeys(std::string_view table, const Place &place, const std::vector<TomlEntry> &entries)
    {
        for (const auto &known : watchKeys()) {
            const std::string pattern(parentOf(known.key));
            if (!known.required || pattern != table || known.key.find('*') != std::string::npos)
                continue;
            const bool given =
                std::ranges::any_of(entries, [&](const auto &entry) { return place.prefix + entry.key == known.key; });
            if (!given && !m_flawed.contains(known.key))
                note(place.line, place.shown.empty() ? known.key : place.shown + known.key.substr(place.prefix.size()),
                     missing());
        }
    }

    void readTables(const TomlDocument &document)
    {
        std::map<std::string, std::size_t> all;
        for (const auto &table : document.tables)
            ++all[table.name];
        std::map<std::string, std::size_t> seen;
        for (const auto &table : document.tables) {
            const auto *part = findPart(table.name);
            const std::size_t number = ++seen[table.name];
            if (!part || !part->several) {
                note(table.line, quotable(table.name),
                     part ? wrong("it is written once", "Write [" + table.name + ']')
                          : unknown("unknown table", closeUnlessMany(table.name)));
                continue;
            }
            if (number > mostTables) {
                if (number == mostTables + 1)
                    note(table.line, table.name, wrong("there are more than 100 of them"));
                continue;
            }
            readTable(table, all[table.name] > 1 ? table.name + '[' + std::to_string(number) + "]." : std::string());
        }
    }

    void readTable(const TomlTable &table, const std::string &shown)
    {
        const Place place{table.name + '.', shown.empty() ? table.name + '.' : shown, table.line};
        makePart(table.name, table.line);
        m_unknown.clear(); // those of another table with the same keys
        for (const auto &section : table.sections)
            if (!isKnownTable(place.prefix + section.key))
                refuseTable(place.prefix + section.key, place.shown + section.key, section.line);
        readEntries(table.entries, place);
        requireKeys(table.name, place, table.entries);
        for (const auto &section : table.sections)
            requireKeys(place.prefix + section.key, {place.prefix, place.shown, section.line}, table.entries);
        if (table.name != "target")
            return;
        for (const auto &[key, error] : checkTarget(table.entries))
            note(table.line, place.shown + key, error);
        const auto id = std::ranges::find(table.entries, "id", &TomlEntry::key);
        if (id != table.entries.end() && !m_targets.insert(id->text).second)
            note(id->line, place.shown + "id", wrong("another target has the same"));
    }

    void noteTierEntry(const std::string &key, const TomlEntry &entry)
    {
        const auto match = findTierKey(key);
        if (!match)
            return note(entry.line, quotable(key),
                        unknown("unknown key", isFull() ? std::string() : closeTierKey(key)));
        m_tierEntries.emplace_back(*match, entry);
        file().given.push_back({key, match->key->key, shownText(entry, partOf(key) == "families"), entry.line});
    }

    static std::string closeTierKey(const std::string &key)
    {
        std::vector<std::string> known;
        for (const auto &entry : tierKeys())
            if (isTierPart(partOf(entry.key)))
                known.push_back(entry.key);
        return closestTo(key, known);
    }

    /// A tier's file is beside this one, and never a pipe: whoever wrote the file chose its name.
    Result<Tier> namedTier()
    {
        const std::string &name = file().tierName;
        const bool ofFile = name.find('/') != name.npos || name.ends_with(".toml");
        if (!ofFile || name.find_first_of(":@=?") != name.npos) // an address was put in the wrong place
            return loadTier(name);
        const fs::path path = (m_folder / fs::path(name)).lexically_normal();
        const auto text = readFile(path, largestFile);
        if (!text)
            return text.error();
        return parseTier(*text, path.string());
    }

    void readTier()
    {
        const unsigned line = lineOf(file(), "tier");
        auto tier = namedTier();
        if (!tier)
            return note(line, "tier", tier.error());
        std::ranges::stable_sort(m_tierEntries, {}, [](const auto &item) { return item.first.order; });
        bool sound = true;
        for (const auto &[match, entry] : m_tierEntries)
            if (const auto set = match.key->set(*tier, match.name, entry.text); !set) {
                note(entry.line, entry.key, set.error());
                sound = false;
            }
        if (const auto checked = checkTier(*tier); sound && !checked)
            note(m_tierEntries.empty() ? line : m_tierEntries.back().second.line, "tier", checked.error());
        file().tier = std::move(*tier);
    }

    const ReadFor m_who;
    fs::path m_folder;
    std::string m_source;
    WatchReading m_reading;
    std::vector<std::string> m_unknown; ///< tables that are none, each with a dot behind
    Met m_met;
    bool m_more = false; ///< mistakes that are not told
    std::set<std::string> m_targets;
    std::set<std::string> m_flawed; ///< keys that are there, as what none can be
    std::vector<std::pair<TierKeyMatch, TomlEntry>> m_tierEntries;
};

} // namespace

std::string Mistake::text() const
{
    std::string made = source;
    if (line > 0)
        made.append(1, ':').append(std::to_string(line));
    if (!key.empty())
        made.append(": ").append(key);
    std::string_view said = what;
    while (said.ends_with('.'))
        said.remove_suffix(1);
    made.append(": ").append(said);
    if (mend.empty())
        return made;
    const bool sentence = mend.front() >= 'A' && mend.front() <= 'Z';
    made.append(sentence ? ". " : "; ").append(mend);
    if (!mend.ends_with('.') && !mend.ends_with('?'))
        made += '.';
    return made;
}

WatchReading parseWatchFile(std::string_view text, const std::filesystem::path &path, ReadFor who)
{
    Reader reader(path, who);
    reader.read(text);
    return reader.take();
}

WatchReading readWatchFile(const std::filesystem::path &path, ReadFor who)
{
    Reader reader(path, who);
    const auto owned = readOwnedFile(path, largestFile);
    if (!owned) {
        reader.note(0, {}, owned.error());
        return reader.take();
    }
    reader.read(owned->text);
    if (owned->foreign)
        reader.forbidPrograms(*owned->foreign);
    return reader.take();
}

Error errorOf(const std::vector<Mistake> &mistakes)
{
    std::string text;
    for (const auto &mistake : mistakes)
        text.append(text.empty() ? "" : "\n").append(mistake.text());
    Error error = failure(ErrorKind::Invalid, std::move(text));
    error.code = "watch-file";
    return error;
}

} // namespace portolan::stack
