// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/api/tier.h"
#include "core/base/tier_file.h"

#include <boost/describe/enum.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan {

class DataDirectory;

/// Where an effective value comes from; a later one wins.
enum class Origin : std::uint8_t { BuiltIn, Tier, ConfigFile, Environment, CommandLine };
BOOST_DESCRIBE_ENUM(Origin, BuiltIn, Tier, ConfigFile, Environment, CommandLine)

/// One setting of the process. One that has a variable X can also be read from the file that X_FILE names. Adding one
/// is one entry in settings_schema.cpp. The keys of the tier (tier_file.h) are settings as well and need no entry.
struct SettingSpec
{
    std::string_view key; ///< "http.idle_timeout": as in the config file and for --set
    ValueType type;
    std::string_view fallback;    ///< the built-in value
    std::string_view environment; ///< variable, or empty
    std::string_view option;      ///< "--listen", or empty: then only by --set
    std::string_view description;
    bool secret = false;
    std::vector<std::string_view> choices = {};                      ///< allowed texts, if not empty
    std::optional<std::pair<std::int64_t, std::int64_t>> range = {}; ///< of Integer, Duration (ms) and Size (bytes)
    bool address = false;           ///< a URL, or a list of them: shown with everything before its last `@` masked
    std::string_view noEffect = {}; ///< why nothing in this version acts on it; empty: it acts
};

/// The settings that are not the tier's, in the order they are listed.
std::span<const SettingSpec> settingSchema();

/// What Settings are made of.
struct SettingSources
{
    /// Key → text, from named options and --set, in the order given. Later ones win.
    std::vector<std::pair<std::string, std::string>> commandLine;
    /// Reads an environment variable; nullopt: unset. Empty function: nothing is set.
    std::function<std::optional<std::string>(const std::string &)> environment;
    /// --config; a file that is named must exist.
    std::optional<std::filesystem::path> configFile = {};
    /// Refusals of what is on the command line name options ("--listen"); false, where there are none: settings.
    bool namesOptions = true;
};

/// The process's environment, for SettingSources.
std::optional<std::string> processEnvironment(const std::string &name);

/// Every setting with its effective value: command line > environment > config file > tier > built-in. Whatever the
/// source, a value loses the blanks and line ends around it, and one in quotes is refused (given_text.h). Immutable
/// once loaded. Asking for a key that does not exist, or with the wrong type, throws std::logic_error: a bug.
class Settings final
{
public:
    /// Invalid with one line that names the setting, where it was set (file and line, variable, option), and the mend.
    static Result<Settings> load(const SettingSources &sources);

    const std::string &text(std::string_view key) const;
    bool isSet(std::string_view key) const { return !text(key).empty(); }
    std::int64_t integer(std::string_view key) const;
    double number(std::string_view key) const;
    bool boolean(std::string_view key) const;
    std::chrono::milliseconds duration(std::string_view key) const;
    std::uint64_t size(std::string_view key) const;
    std::vector<std::string> list(std::string_view key) const; ///< separated by commas or spaces; a TOML array
    Secret secret(std::string_view key) const;
    Origin origin(std::string_view key) const;

    /// What somebody set, in a file of his, a variable or an option, that nothing in this version acts on: "key: why".
    std::vector<std::string> withoutEffect() const;

    /// The tier with everything that overrides it.
    const Tier &tier() const { return m_tier; }
    bool production() const { return text("app_env") == "production"; }

    /// What check-config shows: every setting in order, secrets masked.
    struct Line
    {
        std::string key;
        std::string value;
        Origin origin;
        std::string where; ///< "portal.toml:12", "REDIS_URL", "--listen"; empty for tier and built-in
        std::string description;
        std::string noEffect; ///< why nothing acts on it, or empty
    };
    std::vector<Line> lines() const;
    std::string render() const; ///< lines() as aligned text; for an empty value what that means

private:
    struct Effective
    {
        std::string text;
        Origin origin = Origin::BuiltIn;
        std::string where;
        const SettingSpec *spec = nullptr; ///< null: the tier's
        ValueType type = ValueType::Text;
    };
    struct Loader;

    const Effective &at(std::string_view key, ValueType type) const;
    std::map<std::string, Effective, std::less<>> m_values;
    std::vector<std::string> m_withoutEffect;
    Tier m_tier;
};

/// The key that signs tokens and cookies: `secret_key` (PORTAL_SECRET_KEY, at least 32 bytes). In production a missing,
/// short or guessable one is Invalid; in development it is made once and kept in `secret.key` (mode 0600) of the data
/// directory.
Result<Secret> signingKey(const Settings &settings, const DataDirectory &directory);

/// Levenshtein distance decides: the closest of `known` if it is close enough to be a slip, else empty.
std::string closestTo(std::string_view text, const std::vector<std::string> &known);

} // namespace portolan
