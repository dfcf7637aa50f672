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
#include <span>

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

void paintCharts(QPainter &painter, std::span<const TimeChart *const> charts, const QRect &room)
{
    const int height = (room.height() - gap * int(charts.size() - 1)) / int(charts.size());
    int top = room.top();
    for (const TimeChart *chart : charts) {
        const auto copy = chart->copy();
        copy->setPalette(paletteOf(lightColours));
        copy->setFont(fontOf(12));
        copy->resize(room.width(), height);
        copy->render(&painter, QPoint(room.left(), top), {}, {});
        top += height + gap;
    }
}

} // namespace

QImage reportImage(const ChartReport &report)
{
    const int more = picture.height() - headHeight - margin;
    const QSize size(picture.width(), picture.height() + more * (int(report.charts.size()) - 1));
    QImage image(size * imageScale, QImage::Format_RGB32);
    image.setDevicePixelRatio(imageScale);
    image.fill(lightColours.surface);
    QPainter painter(&image);
    paintHead(painter, report, size.width(), {});
    paintCharts(painter, report.charts, QRect(QPoint(), size).adjusted(margin, margin + headHeight, -margin, -margin));
    return image;
}

QByteArray reportPdf(const ChartReport &report)
{
    QByteArray document;
    QBuffer buffer(&document);
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter writer(&buffer);
    writer.setTitle(report.title);
    writer.setCreator("Portolan");
    writer.setPageLayout(QPageLayout(QPageSize(QPageSize::A4), QPageLayout::Landscape, QMarginsF()));
    writer.setResolution(dotsPerInch);
    QPainter painter(&writer);
    painter.scale(dotsPerInch / 96.0, dotsPerInch / 96.0);
    const std::size_t pages = (report.charts.size() + chartsPerSheet - 1) / chartsPerSheet;
    for (std::size_t page = 0; page < pages; ++page) {
        if (page > 0)
            writer.newPage();
        const QString number = pages > 1 ? tr(", page %1 of %2").arg(page + 1).arg(pages) : QString();
        paintHead(painter, report, sheet.width(), number);
        const auto all = std::span(report.charts).subspan(page * chartsPerSheet);
        paintCharts(painter, all.first(std::min(all.size(), chartsPerSheet)),
                    QRect(QPoint(), sheet).adjusted(margin, margin + headHeight, -margin, -margin));
    }
    painter.end();
    return document;
}

} // namespace portolan::ui
