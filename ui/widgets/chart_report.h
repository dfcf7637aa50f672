// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <QByteArray>
#include <QImage>
#include <QString>
#include <memory>
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

/// Paints a report one chart at a time, so that a window goes on meanwhile. It shows what the charts showed when it was
/// made.
class ReportPainter final
{
public:
    enum class Medium {
        Image,    ///< all charts below each other, at twice the size of the screen
        Document, ///< a PDF document, A4 across, three charts a page
    };

    ReportPainter(ChartReport report, Medium medium);
    ~ReportPainter();
    bool paintNext();            ///< false: all are painted
    QImage image() const;        ///< when all are
    QByteArray document() const; ///< when all are

private:
    struct Canvas;
    ChartReport m_report; ///< without its charts
    std::vector<std::unique_ptr<TimeChart>> m_charts;
    std::unique_ptr<Canvas> m_canvas;
    std::size_t m_next = 0;
};

/// All of it at once.
QImage reportImage(const ChartReport &report);
QByteArray reportPdf(const ChartReport &report);

} // namespace portolan::ui
