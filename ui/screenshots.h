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
};

/// Takes them of a window, which is shown for it. Answers the files written; one that could not be is missing.
QStringList takeScreenshots(MainWindow &window, Theme &theme, const ScreenshotRequest &request);

} // namespace portolan::ui
