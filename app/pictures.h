// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/setting_options.h"
#include "ui/main_window.h"

#include <QStringList>
#include <optional>
#include <string>
#include <vector>

namespace portolan::app {

/// Pictures of the console's pages: which of them, as the command line says.
struct PictureOptions
{
    std::string folder; ///< empty: none
    std::string theme = "both";
    std::vector<double> scales{1.0};
    std::vector<std::string> sources{"demo"}; ///< of "demo", "embedded", "remote"; "both": the first two
    std::string size = "1180x780";
    bool demonstration = true; ///< what they are of has made-up users, and not whatever somebody's portal has

    void addTo(CLI::App &cli);
    bool wanted() const { return !folder.empty(); }
};

/// The part of them that one process takes: a scale is a matter of the whole process.
struct PictureTask
{
    int scalePercent = 100;
    std::string source;
};

/// What this process was started for, if it was started by takeInChildren().
std::optional<PictureTask> pictureTask();

/// Starts this program once for each scale and source, with the same arguments. Answers the exit code.
int takeInChildren(const PictureOptions &options, const QStringList &arguments);

/// A portal to take pictures of: a private one with a data directory in `scratch`, which nobody else can see.
SettingSources pictureSources(SettingOptions settings, const QString &scratch);

/// Takes them. `page`: only of this one; empty: of all. Answers the exit code.
int takePictures(const PictureOptions &options, const PictureTask &task, const QString &page, ui::MainWindow &window,
                 ui::Theme &theme, Deployment &deployment);

} // namespace portolan::app
