// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart_report.h"

#include "ui/support/colours.h"
#include "ui/support/format.h"
#include "ui/widgets/time_chart.h"

#include <QBuffer>
#include <QCoreApplication>
#include <QGuiApplication>
#include <QPainter>
#include <QPdfWriter>
#include <algorithm>
#include <utility>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("report", source); }

// In pixels of a screen; paper has 96 of them an inch.
constexpr int margin = 28;
constexpr int headHeight = 56;
constexpr int gap = 20;
constexpr QSize picture(1120, 360); ///< with one chart
constexpr int imageScale = 2;
constexpr QSize sheet(1122, 793); ///< A4 across
constexpr std::size_t chartsPerSheet = 3;
constexpr int dotsPerInch = 300;

QFont fontOf(int pixels, bool bold = false)
{
    // In pixels: they mean the same on a screen and on paper.
    QFont font = QGuiApplication::font();
    font.setPixelSize(pixels);
    font.setBold(bold);
    return font;
}

void paintHead(QPainter &painter, const ChartReport &report, int width, const QString &page)
{
    const QRectF line(margin, margin - 6, width - 2 * margin, 22);
    painter.setPen(lightColours.text);
    painter.setFont(fontOf(17, true));
    painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(report.title, Qt::ElideRight, int(line.width() * 0.55)));
    painter.setFont(fontOf(13));
    painter.drawText(line, Qt::AlignRight | Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(report.deployment, Qt::ElideRight, int(line.width() * 0.43)));
    painter.setPen(lightColours.muted);
    const QRectF below = line.translated(0, 24);
    painter.drawText(
        below, Qt::AlignLeft | Qt::AlignVCenter,
        tr("%1 to %2 (%3)").arg(dateTimeText(report.from), dateTimeText(report.to), timeZoneText(report.to)));
    painter.drawText(below, Qt::AlignRight | Qt::AlignVCenter,
                     tr("Portolan, %1").arg(dateTimeText(report.made)) + page);
}

void paintChart(QPainter &painter, TimeChart &chart, const QRect &room, int place, int count)
{
    const int height = (room.height() - gap * (count - 1)) / count;
    chart.setPalette(paletteOf(lightColours));
    chart.setFont(fontOf(12));
    chart.resize(room.width(), height);
    chart.render(&painter, QPoint(room.left(), room.top() + place * (height + gap)), {}, {});
}

} // namespace

/// What is painted on: an image, or the pages of a document.
struct ReportPainter::Canvas
{
    Canvas(const QString &title, std::size_t charts, Medium medium)
    {
        if (medium == Medium::Image) {
            const int more = picture.height() - headHeight - margin;
            size = QSize(picture.width(), picture.height() + more * (int(charts) - 1));
            image = QImage(size * imageScale, QImage::Format_RGB32);
            image.setDevicePixelRatio(imageScale);
            image.fill(lightColours.surface);
            painter.begin(&image);
            perPage = charts;
            return;
        }
        buffer.open(QIODevice::WriteOnly);
        writer = std::make_unique<QPdfWriter>(&buffer);
        writer->setTitle(title);
        writer->setCreator("Portolan");
        writer->setPageLayout(QPageLayout(QPageSize(QPageSize::A4), QPageLayout::Landscape, QMarginsF()));
        writer->setResolution(dotsPerInch);
        painter.begin(writer.get());
        painter.scale(dotsPerInch / 96.0, dotsPerInch / 96.0);
    }

    QSize size = sheet;
    std::size_t perPage = chartsPerSheet;
    QImage image;
    QBuffer buffer;
    std::unique_ptr<QPdfWriter> writer;
    QPainter painter;
};

ReportPainter::ReportPainter(ChartReport report, Medium medium)
    : m_report(std::move(report)), m_canvas(std::make_unique<Canvas>(m_report.title, m_report.charts.size(), medium))
{
    for (const TimeChart *chart : std::exchange(m_report.charts, {}))
        m_charts.push_back(chart->copy());
}

ReportPainter::~ReportPainter() = default;

bool ReportPainter::paintNext()
{
    if (m_next == m_charts.size()) {
        m_canvas->painter.end();
        return false;
    }
    const std::size_t perPage = m_canvas->perPage, page = m_next / perPage, place = m_next % perPage;
    const std::size_t pages = (m_charts.size() + perPage - 1) / perPage;
    if (place == 0) {
        if (page > 0)
            m_canvas->writer->newPage();
        const QString number = pages > 1 ? tr(", page %1 of %2").arg(page + 1).arg(pages) : QString();
        paintHead(m_canvas->painter, m_report, m_canvas->size.width(), number);
    }
    paintChart(m_canvas->painter, *m_charts[m_next],
               QRect(QPoint(), m_canvas->size).adjusted(margin, margin + headHeight, -margin, -margin), int(place),
               int(std::min(perPage, m_charts.size() - page * perPage)));
    ++m_next;
    return true;
}

QImage ReportPainter::image() const { return m_canvas->image; }

QByteArray ReportPainter::document() const { return m_canvas->buffer.data(); }

QImage reportImage(const ChartReport &report)
{
    ReportPainter painter(report, ReportPainter::Medium::Image);
    while (painter.paintNext()) {
    }
    return painter.image();
}

QByteArray reportPdf(const ChartReport &report)
{
    ReportPainter painter(report, ReportPainter::Medium::Document);
    while (painter.paintNext()) {
    }
    return painter.document();
}

} // namespace portolan::ui
