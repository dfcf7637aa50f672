#include "ui/screenshots.h"

#include "ui/pages/page_table.h"

#include <QCoreApplication>
#include <QPixmap>

namespace portolan::ui {

namespace {

/// Layouts, delayed answers and repaints take a few rounds of the event loop.
void settle()
{
    for (int round = 0; round < 5; ++round) {
        QCoreApplication::sendPostedEvents();
        QCoreApplication::processEvents();
    }
}

} // namespace

QStringList takeScreenshots(MainWindow &window, Theme &theme, const ScreenshotRequest &request)
{
    QStringList written;
    const Theme::Mode before = theme.mode();
    window.resize(1180, 780);
    window.show();
    for (const Theme::Mode mode : request.themes) {
        theme.setMode(mode);
        for (const PageEntry &entry : pageTable()) {
            if (!request.pages.isEmpty() && !request.pages.contains(entry.id))
                continue;
            window.openPage(entry.id);
            settle();
            const QString file =
                request.folder.filePath(QString("%1-%2-%3-%4.png")
                                            .arg(entry.id, mode == Theme::Mode::Dark ? "dark" : "light")
                                            .arg(request.scalePercent)
                                            .arg(request.source));
            if (window.grab().save(file))
                written << file;
        }
    }
    theme.setMode(before);
    return written;
}

} // namespace portolan::ui
