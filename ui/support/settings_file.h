// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSettings>
#include <memory>

namespace portolan::ui {

struct SettingsFile
{
    std::unique_ptr<QSettings> settings;
    QString problem; ///< what a person should know, with the way out; empty: nothing
};

/// The console's settings (an INI file). One that cannot be understood is kept beside as `<path>.corrupt`, and settings
/// begin anew; one that cannot be read or written is left alone. The settings work either way.
SettingsFile openSettings(const QString &path);

} // namespace portolan::ui
