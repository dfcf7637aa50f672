#pragma once

#include "core/api/clock.h"

#include <QByteArray>
#include <QImage>
#include <QString>
#include <vector>

namespace portolan::ui {

class TimeChart;

/// Charts as they are handed on: with whose they are and of which time, in the light colours, without the cursor.
struct ChartReport
{
    QString title;
    QString deployment;
    WallTime from{};
    WallTime to{};
    WallTime made{};
    std::vector<const TimeChart *> charts;
};

/// All charts below each other, at twice the size of the screen.
QImage reportImage(const ChartReport &report);
/// A PDF document, A4 across, three charts a page.
QByteArray reportPdf(const ChartReport &report);

} // namespace portolan::ui
