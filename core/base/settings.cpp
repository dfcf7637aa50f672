// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/settings.h"

#include "core/base/data_directory.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/secret_key_check.h"
#include "core/base/toml_file.h"
#include "core/base/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <stdexcept>

namespace portolan {

namespace {

constexpr std::size_t longestValue = 16 * 1024;

const SettingSpec *findSpec(std::string_view key)
{
    const auto schema = settingSchema();
    const auto found = std::ranges::find(schema, key, &SettingSpec::key);
    return found == schema.end() ? nullptr : &*found;
}

std::vector<std::string> allKeys()
{
    std::vector<std::string> keys;
    for (const auto &spec : settingSchema())
        keys.emplace_back(spec.key);
    for (const auto &key : tierKeys())
        keys.push_back(key.key);
    return keys;
}

/// One line, in which nothing is hidden but secrets. `where` the value was given is Error::about. `key`: of the
/// setting, where it is one.
Error refusal(const std::string &where, const std::string &why, const std::string &hint = {},
              const std::string &key = {})
{
    Error error = failure(ErrorKind::Invalid, visible(where.empty() ? why : where + ": " + why), hint);
    error.about = visible(where);
    if (!key.empty())
        error.settings.push_back(key);
    return error;
}

std::string inQuotes(std::string_view text) { return '"' + quotable(text) + '"'; }

/// What stands for a key, for a message: it may be a value whose key was forgotten, or have a secret behind a blank.
std::string quotedKey(std::string_view key)
{
    const bool spelled = std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.' || c == ' ';
    });
    bool harmless = key.find(' ') == std::string_view::npos || !isSecretName(key);
    for (auto blank = key.find(' '), word = std::size_t{0}; blank != std::string_view::npos;
         word = blank + 1, blank = key.find(' ', word))
        harmless = harmless && !isSecretName(key.substr(word, blank - word));
    return spelled && harmless && key.size() <= 64 ? quotable(key) : "what stands before the '='";
}

/// A file that somebody names, for a message. What is no path may be the secret itself.
std::string quotedPath(const std::string &path)
{
    const bool spelled = path.starts_with('/') || path.starts_with("./") || path.starts_with("../");
    return spelled && path.find("://") == std::string::npos ? path : "the file it names";
}

std::optional<std::int64_t> wholeNumber(std::string_view text)
{
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

/// In any case, as other programs write them.
std::optional<bool> truth(std::string_view given)
{
    std::string text(given);
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    for (const std::string_view yes : {"true", "yes", "on", "1"})
        if (text == yes)
            return true;
    for (const std::string_view no : {"false", "no", "off", "0"})
        if (text == no)
            return false;
    return std::nullopt;
}

/// The value of a bounded type as the number its range is about.
Result<std::int64_t> measured(ValueType type, const std::string &text)
{
    if (type == ValueType::Duration) {
        const auto value = parseDuration(text);
        return value.has_error() ? Result<std::int64_t>(value.error()) : std::int64_t(value->count());
    }
    if (type == ValueType::Size) {
        const auto value = parseSize(text);
        return value.has_error() ? Result<std::int64_t>(value.error()) : std::int64_t(*value);
    }
    if (const auto value = wholeNumber(text))
        return *value;
    return failure(ErrorKind::Invalid, inQuotes(text) + " is not a whole number");
}

std::string shown(ValueType type, std::int64_t value)
{
    if (type == ValueType::Duration)
        return formatDuration(std::chrono::milliseconds(value));
    return type == ValueType::Size ? formatSize(std::uint64_t(value)) : std::to_string(value);
}

Result<void> checkChoice(const SettingSpec &spec, const std::string &text)
{
    if (spec.choices.empty() || std::ranges::find(spec.choices, text) != spec.choices.end())
        return {};
    std::string all;
    for (const auto choice : spec.choices)
        all.append(all.empty() ? "" : ", ").append(choice);
    return failure(ErrorKind::Invalid, inQuotes(spec.secret ? maskedText : text) + " is not known",
                   "Use one of " + all);
}

/// Whether a text is a value of the setting. Empty always is: it means "not set".
Result<void> checkValue(const SettingSpec &spec, const std::string &text)
{
    if (text.empty())
        return {};
    if (text.size() > longestValue || text.find('\0') != std::string::npos)
        return failure(ErrorKind::Invalid, "the value is longer than 16 KB or holds a NUL character");
    if (const auto quotes = surroundingQuotes(text))
        return failure(ErrorKind::Invalid, "the value is in quotes (" + *quotes + ")",
                       "Leave the quotes out: they are taken as part of the value here");
    switch (spec.type) {
    case ValueType::Text:
    case ValueType::List:
        return checkChoice(spec, text);
    case ValueType::Boolean:
        if (!truth(text))
            return failure(ErrorKind::Invalid, inQuotes(text) + " is not true or false");
        return {};
    case ValueType::Number: {
        double value = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !std::isfinite(value))
            return failure(ErrorKind::Invalid, inQuotes(text) + " is not a number");
        return {};
    }
    case ValueType::Integer:
    case ValueType::Duration:
    case ValueType::Size:
        break;
    }
    const auto value = measured(spec.type, text);
    if (value.has_error())
        return value.error();
    if (spec.range && (*value < spec.range->first || *value > spec.range->second))
        return failure(ErrorKind::Invalid, inQuotes(text) + " is out of range",
                       "Use " + shown(spec.type, spec.range->first) + " to " + shown(spec.type, spec.range->second));
    return {};
}

} // namespace

/// Gathers layer by layer, lowest first; what a later one names replaces the earlier.
struct Settings::Loader
{
    struct Given
    {
        std::string key;
        std::string text;
        Origin origin;
        std::string where;
    };

    Settings settings;
    std::vector<Given> tierGiven;

    /// The one way a value comes in, whatever its source.
    Result<void> take(Given given)
    {
        given.text = trimmed(given.text);
        if (const auto *spec = findSpec(given.key)) {
            if (const auto good = checkValue(*spec, given.text); good.has_error())
                return refusal(given.where, given.key + ": " + good.error().message, good.error().hint, given.key);
            settings.m_values[given.key] = {given.text, given.origin, given.where, spec, spec->type};
            return {};
        }
        if (findTierKey(given.key)) {
            if (const auto quotes = surroundingQuotes(given.text))
                return refusal(given.where, given.key + ": the value is in quotes (" + *quotes + ")",
                               "Leave the quotes out: they are taken as part of the value here", given.key);
            tierGiven.push_back(std::move(given));
            return {};
        }
        const std::string close = closestTo(given.key, allKeys());
        return refusal(given.where, quotedKey(given.key) + " is not a setting",
                       close.empty() ? "check-config lists them all" : "Did you mean " + close + "?");
    }

    Result<void> readFile(const std::filesystem::path &path)
    {
        const auto text = readNamedFile(path, 1024 * 1024);
        if (text.has_error())
            return refusal("--config", path.string().find("://") == std::string::npos
                                           ? text.error().message
                                           : "it names an address, not a file");
        const auto document = parseToml(*text, path.string());
        if (document.has_error())
            return document.error();
        if (!document->tables.empty())
            return refusal(path.string() + ':' + std::to_string(document->tables[0].line),
                           document->tables[0].name + " belongs into a tier file",
                           "Name the tier file with tier = \"…\"");
        for (const auto &entry : document->entries)
            if (auto taken =
                    take({entry.key, entry.text, Origin::ConfigFile, path.string() + ':' + std::to_string(entry.line)});
                taken.has_error())
                return taken;
        return {};
    }

    Result<void> readEnvironment(const SettingSources &sources)
    {
        if (!sources.environment)
            return {};
        for (const auto &spec : settingSchema()) {
            if (spec.environment.empty())
                continue;
            const std::string name(spec.environment);
            if (auto taken = readVariable(sources, spec, name); taken.has_error())
                return taken;
        }
        return {};
    }

    /// X, or the content of the file X_FILE names, as containers hand secrets over. An empty variable is an unset one.
    Result<void> readVariable(const SettingSources &sources, const SettingSpec &spec, const std::string &name)
    {
        const auto value = sources.environment(name).value_or("");
        const bool given = !trimmed(value).empty();
        const std::string fileName = name + "_FILE";
        const auto pathGiven = sources.environment(fileName).value_or("");
        const std::string path(trimmed(pathGiven));
        if (path.empty())
            return given ? take({std::string(spec.key), value, Origin::Environment, name}) : Result<void>();
        if (given)
            return refusal(fileName, "both " + name + " and " + fileName + " are set", "Keep one of them");
        auto content = readNamedFile(path, longestValue);
        if (content.has_error() && quotedPath(path) != path)
            return refusal(fileName, "the file it names cannot be read",
                           "Name it by its whole path; the value itself belongs into " + name);
        if (content.has_error())
            return refusal(fileName, content.error().message, "Name a file that this user can read, or set " + name);
        if (trimmed(*content).empty())
            return refusal(fileName, quotedPath(path) + " is empty", "Write the value of " + name + " into it");
        auto taken = take({std::string(spec.key), *content, Origin::Environment, fileName + " " + path});
        wipe(*content);
        return taken;
    }

    Result<void> readCommandLine(const SettingSources &sources)
    {
        for (const auto &[key, text] : sources.commandLine) {
            const auto *spec = findSpec(key);
            const std::string where = !sources.namesOptions           ? std::string()
                                      : spec && !spec->option.empty() ? std::string(spec->option)
                                                                      : "--set " + quotedKey(key);
            if (auto taken = take({key, text, Origin::CommandLine, where}); taken.has_error())
                return taken;
        }
        return {};
    }

    /// The named tier, then what overrides it: layer by layer, within one in the order of the table.
    Result<void> readTier()
    {
        const auto &chosen = settings.m_values["tier"];
        auto tier = loadTier(chosen.text);
        if (tier.has_error())
            return refusal(chosen.where.empty() ? "tier" : chosen.where, tier.error().message, tier.error().hint,
                           "tier");
        settings.m_tier = std::move(*tier);
        for (const auto &key : tierKeys())
            note(key, Origin::Tier, {});
        const auto order = [](const Given &given) { return std::pair(given.origin, findTierKey(given.key)->order); };
        std::ranges::stable_sort(tierGiven, [&](const auto &a, const auto &b) { return order(a) < order(b); });
        for (const auto &given : tierGiven) {
            const auto match = findTierKey(given.key);
            if (const auto set = match->key->set(settings.m_tier, match->name, given.text); set.has_error())
                return refusal(given.where, given.key + ": " + set.error().message, set.error().hint, given.key);
            note(*match->key, given.origin, given.where);
            for (const auto &key : tierKeys()) // those follow the plan
                if (key.key.starts_with("zones."))
                    note(key, given.origin, given.where);
            auto &value = settings.m_values[given.key]; // also where it says what the tier said already
            value.origin = given.origin;
            value.where = given.where;
        }
        if (const auto checked = checkTier(settings.m_tier); checked.has_error())
            return refusal(tierGiven.empty() ? "tier" : tierGiven.back().where, checked.error().message,
                           checked.error().hint, tierGiven.empty() ? "tier" : tierGiven.back().key);
        return {};
    }

    /// Built-in tiers name much that later versions act on; a person who names it wants to know.
    Result<void> findIdle()
    {
        auto &idle = settings.m_withoutEffect;
        const std::string &tier = settings.m_values["tier"].text;
        const auto builtIn = builtInTiers();
        if (std::ranges::find(builtIn, tier) == builtIn.end()) {
            const auto file = loadTier(tier);
            const auto small = loadTier("small");
            if (file.has_error() || small.has_error())
                return file.has_error() ? file.error() : small.error();
            idle = portolan::withoutEffect(*file, *small);
        }
        for (const auto &given : tierGiven)
            if (const auto why = findTierKey(given.key)->key->noEffect; !why.empty())
                idle.push_back(given.key + ": " + std::string(why));
        for (const auto &[key, value] : settings.m_values)
            if (value.spec && !value.spec->noEffect.empty() && value.origin >= Origin::ConfigFile &&
                !value.text.empty())
                idle.push_back(key + ": " + std::string(value.spec->noEffect));
        return {};
    }

    /// Lists a tier key's effective values; the origin changes only where the value did.
    void note(const TierKey &key, Origin origin, const std::string &where)
    {
        for (auto &[name, text] : key.get(settings.m_tier)) {
            const std::string full = name.empty() ? key.key : key.key.substr(0, key.key.size() - 1) + name;
            auto &value = settings.m_values[full];
            if (value.text == text && value.origin != Origin::BuiltIn)
                continue;
            value = {text, origin, where, nullptr, key.type};
        }
    }
};

Result<Settings> Settings::load(const SettingSources &sources)
{
    Loader loader;
    for (const auto &spec : settingSchema())
        loader.settings.m_values[std::string(spec.key)] = {
            std::string(spec.fallback), Origin::BuiltIn, {}, &spec, spec.type};
    if (sources.configFile)
        if (const auto read = loader.readFile(*sources.configFile); read.has_error())
            return read.error();
    if (const auto read = loader.readEnvironment(sources); read.has_error())
        return read.error();
    if (const auto read = loader.readCommandLine(sources); read.has_error())
        return read.error();
    if (const auto read = loader.readTier(); read.has_error())
        return read.error();
    if (const auto read = loader.findIdle(); read.has_error())
        return read.error();
    const auto &key = loader.settings.m_values["secret_key"];
    if (loader.settings.production())
        if (const auto fit = checkSecretKey(key.text); fit.has_error())
            return refusal(key.where.empty() ? "PORTAL_SECRET_KEY" : key.where, fit.error().message, fit.error().hint,
                           "secret_key");
    return std::move(loader.settings);
}

const Settings::Effective &Settings::at(std::string_view key, ValueType type) const
{
    const auto found = m_values.find(key);
    if (found == m_values.end() || found->second.type != type)
        throw std::logic_error("no setting of that name and type: " + std::string(key));
    return found->second;
}

const std::string &Settings::text(std::string_view key) const
{
    const auto found = m_values.find(key);
    if (found == m_values.end())
        throw std::logic_error("no setting of that name: " + std::string(key));
    return found->second.text;
}

std::int64_t Settings::integer(std::string_view key) const
{
    return wholeNumber(at(key, ValueType::Integer).text).value_or(0);
}

double Settings::number(std::string_view key) const
{
    const std::string &text = at(key, ValueType::Number).text;
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

bool Settings::boolean(std::string_view key) const { return truth(at(key, ValueType::Boolean).text).value_or(false); }

std::chrono::milliseconds Settings::duration(std::string_view key) const
{
    const std::string &text = at(key, ValueType::Duration).text;
    return text.empty() ? std::chrono::milliseconds(0) : parseDuration(text).value();
}

std::uint64_t Settings::size(std::string_view key) const
{
    const std::string &text = at(key, ValueType::Size).text;
    return text.empty() ? 0 : parseSize(text).value();
}

std::vector<std::string> Settings::list(std::string_view key) const
{
    std::vector<std::string> items;
    std::string item;
    for (const char c : at(key, ValueType::List).text + ',') {
        if (c != ',' && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            item += c;
        else if (!item.empty())
            items.push_back(std::exchange(item, {}));
    }
    return items;
}

Secret Settings::secret(std::string_view key) const { return Secret(at(key, ValueType::Text).text); }

Origin Settings::origin(std::string_view key) const
{
    const auto found = m_values.find(key);
    if (found == m_values.end())
        throw std::logic_error("no setting of that name: " + std::string(key));
    return found->second.origin;
}

std::vector<std::string> Settings::withoutEffect() const { return m_withoutEffect; }

std::optional<std::string> processEnvironment(const std::string &name)
{
    const char *value = std::getenv(name.c_str()); // NOLINT(concurrency-mt-unsafe): nobody changes the environment
    return value ? std::optional<std::string>(value) : std::nullopt;
}

std::string closestTo(std::string_view text, const std::vector<std::string> &known)
{
    std::string best;
    std::size_t least = std::max<std::size_t>(2, text.size() / 4) + 1;
    if (text.size() > 200)
        return best;
    for (const auto &candidate : known) {
        std::vector<std::size_t> row(text.size() + 1);
        std::iota(row.begin(), row.end(), 0);
        for (std::size_t i = 1; i <= candidate.size(); ++i) {
            std::size_t diagonal = std::exchange(row[0], i);
            for (std::size_t j = 1; j <= text.size(); ++j) {
                const std::size_t cost = diagonal + (candidate[i - 1] != text[j - 1]);
                diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, cost}));
            }
        }
        if (row.back() < least) {
            least = row.back();
            best = candidate;
        }
    }
    return best;
}

} // namespace portolan
