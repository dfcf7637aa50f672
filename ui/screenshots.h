// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/main_window.h"

#include <QDir>
#include <QStringList>

namespace portolan::ui {

/// Which pictures are taken of the pages, and what their names say: <page>-<theme>-<scale %>-<source>.png
struct ScreenshotRequest
{
    QDir folder;
    QList<Theme::Mode> themes; ///< Light, Dark
    QStringList pages;         ///< empty: all
    int scalePercent = 100;
    QString source; ///< "demo"
    QSize size{1180, 780};
    int samples = 0; ///< so many are let come on each page: a real portal's answers take a moment
};

/// Takes them of a window, which is shown for it. Answers the files written; one that could not be is missing.
QStringList takeScreenshots(MainWindow &window, Theme &theme, Deployment &deployment, const ScreenshotRequest &request);

enum class DataWanted {
    OfEverything, ///< of a demonstration: something on every page, so many points of history among it
    WhatThereIs   ///< of somebody's portal: that it has told of everything once, be it that there is nothing
};

/// Lets events run until a portal has that, or the patience is over. Answers what is missing, in words.
QStringList waitForData(Deployment &deployment, DataWanted wanted, std::size_t points,
                        std::chrono::milliseconds patience);

} // namespace portolan::ui
