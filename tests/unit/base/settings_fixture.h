// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/settings.h"

#include <QObject>
#include <QTemporaryDir>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

namespace portolan {

inline std::string reasonOf(const Result<Settings> &settings)
{
    return settings.has_error() ? settings.error().message + " | " + settings.error().hint : "";
}

/// A test with a configuration file and an environment of its own.
class SettingsFixture : public QObject
{
protected:
    void begin()
    {
        m_dir = std::make_unique<QTemporaryDir>();
        m_variables.clear();
    }
    SettingSources sources(const std::string &config)
    {
        const auto file = std::filesystem::path(m_dir->path().toStdString()) / "portal.toml";
        std::ofstream(file) << config;
        return {{}, [this](const std::string &name) { return variable(name); }, file};
    }
    std::optional<std::string> variable(const std::string &name) const
    {
        const auto found = m_variables.find(name);
        return found == m_variables.end() ? std::nullopt : std::optional(found->second);
    }

    std::unique_ptr<QTemporaryDir> m_dir;
    std::map<std::string, std::string> m_variables;
};

} // namespace portolan
