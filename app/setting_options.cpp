// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/setting_options.h"

#include "core/base/data_directory.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>

namespace portolan::app {

namespace {

/// What every command may be told: where the data is, and how to log.
bool isCommon(std::string_view option)
{
    constexpr std::array<std::string_view, 4> common{"--data-dir", "--database", "--redis", "--log-format"};
    return std::ranges::find(common, option) != common.end();
}

/// What stands for the value in the help.
std::string valueName(const SettingSpec &spec)
{
    std::string name;
    for (const auto choice : spec.choices)
        name.append(name.empty() ? "" : "|").append(choice);
    if (!name.empty())
        return name;
    if (spec.type == ValueType::Integer)
        return "N";
    if (spec.key == "listen")
        return "ADDRESS:PORT";
    if (spec.key.ends_with("_dir"))
        return "DIR";
    return spec.address ? "URL" : spec.key.starts_with("tls.") ? "FILE" : "NAME";
}

} // namespace

void SettingOptions::addTo(CLI::App &command, Which which)
{
    command.add_option("--config", m_configFile, "Settings as a TOML file")->type_name("FILE");
    command
        .add_option_function<std::vector<std::string>>(
            "--set",
            [this](const std::vector<std::string> &pairs) {
                for (const auto &pair : pairs) {
                    const auto equals = pair.find('=');
                    if (equals == std::string::npos || equals == 0) // which may be a value alone, and a secret
                        throw CLI::ArgumentMismatch("--set: what follows it is not KEY=VALUE");
                    set(pair.substr(0, equals), pair.substr(equals + 1));
                }
            },
            "Any setting, as `portoland check-config` lists them")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    for (const auto &spec : settingSchema()) {
        if (spec.option.empty() || (which == Which::Common && !isCommon(spec.option)))
            continue;
        const std::string key(spec.key);
        const std::string option(spec.option);
        const std::string description(spec.description);
        if (spec.type == ValueType::Boolean) {
            command.add_flag_callback(
                option, [this, key] { set(key, "true"); }, description);
        } else {
            command
                .add_option_function<std::string>(
                    option, [this, key](const std::string &text) { set(key, text); }, description)
                ->type_name(valueName(spec));
        }
    }
}

bool SettingOptions::has(std::string_view key) const
{
    return std::ranges::any_of(m_values, [key](const auto &one) { return one.first == key; });
}

SettingSources SettingOptions::sources() const
{
    SettingSources result;
    result.commandLine = m_values;
    result.environment = processEnvironment;
    if (!m_configFile.empty())
        result.configFile = m_configFile;
    return result;
}

SettingSources SettingOptions::sources(const std::vector<std::pair<std::string, std::string>> &remembered) const
{
    SettingSources result = sources();
    if (!m_configFile.empty())
        return result;
    for (const auto &one : remembered) {
        if (!has(one.first))
            result.commandLine.push_back(one);
    }
    return result;
}

SettingSources demoSources(const SettingOptions &options)
{
    SettingSources sources = options.sources();
    // Whatever the environment or a file names is somebody's.
    for (const char *store : {"redis.url", "database.url"}) {
        if (!options.has(store))
            sources.commandLine.emplace_back(store, "");
    }
    if (!options.has("data_dir"))
        sources.commandLine.emplace_back("data_dir", (defaultDataDirectory(processEnvironment) / "demo").string());
    return sources;
}

} // namespace portolan::app
