// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/pictures.h"

#include "app/display.h"
#include "ui/pages/page_table.h"
#include "ui/screenshots.h"

#include <CLI/CLI.hpp>

#include <QCoreApplication>
#include <QProcess>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace portolan::app {
namespace {

constexpr auto scaleVariable = "PORTOLAN_SCREENSHOT_SCALE";
constexpr auto sourceVariable = "PORTOLAN_SCREENSHOT_SOURCE";
constexpr std::chrono::seconds dataPatience{120}; ///< until a portal that has just been made has something to show
constexpr std::size_t historyPoints = 62;         ///< a minute: some figures are counted that rarely
constexpr int childPatience = 400'000;            ///< ms

std::string sizeProblem(const std::string &text)
{
    int width = 0, height = 0;
    const bool read = std::sscanf(text.c_str(), "%dx%d", &width, &height) == 2;
    return read && width >= 320 && height >= 240 && width <= 8000 && height <= 8000
               ? std::string()
               : "a size is written 1180x780, of 320x240 to 8000x8000";
}

QSize sizeOf(const std::string &text)
{
    QSize size;
    std::sscanf(text.c_str(), "%dx%d", &size.rwidth(), &size.rheight());
    return size;
}

} // namespace

void PictureOptions::addTo(CLI::App &cli)
{
    cli.add_option("--screenshots", folder, "Take pictures of the pages into a folder")->type_name("DIR");
    cli.add_option("--theme", theme, "Of the pictures")->check(CLI::IsMember({"light", "dark", "both"}));
    cli.add_option("--scale", scales, "Of the pictures: 1,1.5")->delimiter(',')->check(CLI::Range(0.5, 4.0));
    cli.add_option("--source", sources,
                   "What the pictures show: demo,embedded,remote. An embedded one is a demonstration, "
                   "or the portal of --data-dir, --database or --redis")
        ->delimiter(',')
        ->check(CLI::IsMember({"demo", "embedded", "remote", "both"}));
    cli.add_option("--size", size, "Of the window in the pictures")->type_name("WxH")->check(sizeProblem);
}

std::optional<PictureTask> pictureTask()
{
    PictureTask task{qEnvironmentVariableIntValue(scaleVariable), qEnvironmentVariable(sourceVariable).toStdString()};
    if (task.scalePercent == 0 || task.source.empty())
        return std::nullopt;
    return task;
}

int takeInChildren(const PictureOptions &options, const QStringList &arguments)
{
    std::vector<std::string> sources = options.sources;
    if (std::ranges::find(sources, "both") != sources.end())
        sources = {"demo", "embedded"};
    int status = 0;
    for (const std::string &source : sources) {
        for (const double scale : options.scales) {
            QProcess child;
            QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
            environment.insert("QT_SCALE_FACTOR", QString::number(scale));
            environment.insert(scaleVariable, QString::number(std::lround(scale * 100)));
            environment.insert(sourceVariable, QString::fromStdString(source));
            if (!isDisplayNamed())
                environment.insert("QT_QPA_PLATFORM", "offscreen"); // pictures need nobody to look on
            child.setProcessEnvironment(environment);
            child.setProcessChannelMode(QProcess::ForwardedChannels);
            child.start(QCoreApplication::applicationFilePath(), arguments);
            if (!child.waitForFinished(childPatience) || child.exitStatus() != QProcess::NormalExit ||
                child.exitCode() != 0)
                status = 1;
        }
    }
    return status;
}

SettingSources pictureSources(SettingOptions settings, const QString &scratch)
{
    // Whatever the environment names is somebody's; what the command line names is meant.
    for (const auto &[key, value] :
         {std::pair<const char *, std::string>{"data_dir", scratch.toStdString() + "/portal"},
          {"listen", "127.0.0.1:0"},
          {"redis.url", ""},
          {"database.url", ""}}) {
        if (!settings.has(key))
            settings.set(key, value);
    }
    return settings.sources();
}

int takePictures(const PictureOptions &options, const PictureTask &task, const QString &page, ui::MainWindow &window,
                 ui::Theme &theme, Deployment &deployment)
{
    ui::ScreenshotRequest request;
    request.folder = QDir(QString::fromStdString(options.folder));
    if (options.theme != "dark")
        request.themes << ui::Theme::Mode::Light;
    if (options.theme != "light")
        request.themes << ui::Theme::Mode::Dark;
    if (!page.isEmpty())
        request.pages << page;
    request.scalePercent = task.scalePercent;
    request.source = QString::fromStdString(task.source);
    request.size = sizeOf(options.size);
    const bool live = task.source != "demo";
    QStringList missing;
    if (live) {
        request.samples = 2;
        window.show();
        const auto wanted = options.demonstration ? ui::DataWanted::OfEverything : ui::DataWanted::WhatThereIs;
        missing = ui::waitForData(deployment, wanted, historyPoints, dataPatience);
    }
    if (!missing.isEmpty())
        std::cerr << "portolan: " << missing.join(", ").toStdString() << " did not come in " << dataPatience.count()
                  << " s; the pictures are without\n";
    const qsizetype expected =
        request.themes.size() * (request.pages.isEmpty() ? qsizetype(ui::pageTable().size()) : 1);
    const qsizetype written = ui::takeScreenshots(window, theme, deployment, request).size();
    std::cout << written << " pictures of " << task.source << " at " << task.scalePercent << " %\n";
    return written == expected && missing.isEmpty() ? 0 : 1;
}

} // namespace portolan::app
