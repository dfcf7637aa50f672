// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/settings.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace portolan::app {

/// The settings of a portal on a command line, the same wherever one is served: an option for each setting that has
/// one, --set KEY=VALUE for any, --config FILE for many. Outlives the parsing.
class SettingOptions final
{
public:
    /// Which of the settings have an option of their own on a command.
    enum class Which : std::uint8_t {
        All,    ///< of one that serves a portal, or says what it would be served with
        Common, ///< of any other: where its data is. The rest is refused with the command that takes it
    };
    void addTo(CLI::App &command, Which which = Which::All);
    void set(std::string key, std::string value) { m_values.emplace_back(std::move(key), std::move(value)); }
    bool has(std::string_view key) const;                       ///< said on the command line
    bool any() const { return !m_values.empty() || hasFile(); } ///< anything was said
    bool hasFile() const { return !m_configFile.empty(); }
    /// What was said, above the file, above this process's environment.
    SettingSources sources() const;
    /// The same with what was chosen in the console before (setting → text): below what was said here, an option or a
    /// file, above the environment.
    SettingSources sources(const std::vector<std::pair<std::string, std::string>> &remembered) const;

private:
    std::vector<std::pair<std::string, std::string>> m_values;
    std::string m_configFile;
};

constexpr auto demoDescription = "With users, analyses and visitors to look at, in a data folder of its own";
/// Settings of a demonstration: unless others were said here, a data folder, a Redis and a database of its own, so that
/// it leaves what the user's portal keeps alone, and what the environment names.
SettingSources demoSources(const SettingOptions &options);

} // namespace portolan::app
