// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/colours.h"
#include "ui/widgets/time_chart.h"

#include <QPainter>
#include <QRegularExpression>
#include <algorithm>
#include <array>

/// The part of a chart that says where its zones begin: bands, and their labels where nothing else is drawn.
namespace portolan::ui {

namespace {

constexpr double apart = 3; ///< pixels between a label and a line

/// Ticks are round: "10.0 MB" is "10 MB" there, and "0.50 %" is "0.5 %".
QString roundLabel(QString label)
{
    static const QRegularExpression zeros("(\\.\\d*?)0+(?!\\d)"), point("\\.(?!\\d)");
    return label.replace(zeros, "\\1").remove(point);
}

} // namespace

/// "20 MB": in the unit of the axis.
QString TimeChart::thresholdLabel(double value) const
{
    if (value == 0)
        return QStringLiteral("0");
    const QString label = axisLabel(value, std::max(m_top, value), m_unit);
    return label.isEmpty() ? roundLabel(m_format(value)) : label;
}

std::vector<TimeChart::Threshold> TimeChart::thresholds() const
{
    const Colours &colours = coloursOf(palette());
    std::vector<Threshold> all;
    if (m_bands.yellow)
        all.push_back({*m_bands.yellow, tr("yellow above %1").arg(thresholdLabel(*m_bands.yellow)), colours.yellow});
    if (m_bands.red)
        all.push_back({*m_bands.red, tr("red above %1").arg(thresholdLabel(*m_bands.red)), colours.red});
    if (m_bands.limit)
        all.push_back({*m_bands.limit, tr("limit %1").arg(thresholdLabel(*m_bands.limit)), colours.text});
    return all;
}

/// Whether a label may stand there: no line, no mark, no other label and no other threshold runs through it.
bool TimeChart::isFree(const QRectF &label) const
{
    const QRectF area = plot();
    if (!area.contains(label))
        return false;
    for (const PlacedLabel &other : m_labels)
        if (other.rect.intersects(label))
            return false;
    for (const Threshold &threshold : thresholds()) {
        const double y = yOf(threshold.value);
        if (threshold.value <= m_top && y > label.top() && y < label.bottom())
            return false;
    }
    for (const Event &event : m_events) {
        if (event.time >= m_from && event.time < m_to && xOf(event.time) > label.left() - apart &&
            xOf(event.time) < label.right() + apart)
            return false;
    }
    for (const auto &columns : m_columns) {
        const int first = std::max(0, int(label.left() - area.left() - apart));
        const int last = std::min(int(columns.size()), int(label.right() - area.left() + apart));
        for (int x = first; x < last; ++x) {
            const PixelColumn &column = columns[std::size_t(x)];
            if (column.any && yOf(column.high) < label.bottom() + apart && yOf(column.low) > label.top() - apart)
                return false;
        }
    }
    return true;
}

/// Above its line or below it, as far to the left as there is room; one that fits nowhere is told in the heading.
void TimeChart::placeLabels()
{
    m_labels.clear();
    m_unplaced.clear();
    const QRectF area = plot();
    const double em = fontMetrics().height();
    for (const Threshold &threshold : thresholds()) {
        const double wide = fontMetrics().horizontalAdvance(threshold.words) + 8.0;
        const double y = yOf(threshold.value);
        std::optional<QRectF> found;
        for (double x = area.left() + 4; !found && threshold.value <= m_top && x + wide < area.right(); x += em) {
            for (const double top : {y - em - 1, y + 2}) {
                const QRectF label(x, top, wide, em);
                if (!found && isFree(label))
                    found = label;
            }
        }
        if (found)
            m_labels.push_back({*found, threshold.words, threshold.colour});
        else
            m_unplaced << threshold.words;
    }
    setToolTip(hint());
}

/// What is wrong, whole where the line beside the title is cut, or else where the zones begin.
QString TimeChart::hint() const
{
    QStringList words;
    if (!m_standing.words.isEmpty())
        return m_standing.words;
    for (const Threshold &threshold : thresholds())
        words << threshold.words;
    return words.join(", ");
}

/// The title, with what is wrong, or else the zones whose labels have no room in the picture.
QString TimeChart::heading() const
{
    if (!m_cursor && m_hasData && !m_standing.words.isEmpty())
        return m_title + "  ·  " + m_standing.words;
    return m_cursor || m_unplaced.isEmpty() ? m_title : m_title + "  ·  " + m_unplaced.join(", ");
}

void TimeChart::paintBands(QPainter &painter) const
{
    const Colours &colours = coloursOf(palette());
    const QRectF area = plot();
    const auto band = [&](double from, double to, const QColor &colour) {
        if (from >= m_top)
            return;
        const QRectF rect(QPointF(area.left(), yOf(to)), QPointF(area.right(), yOf(from)));
        QColor tint = colour;
        tint.setAlphaF(0.09f);
        painter.fillRect(rect, tint);
        painter.setPen(QPen(colour, 1, Qt::DashLine));
        painter.drawLine(rect.bottomLeft(), rect.bottomRight());
    };
    if (m_bands.yellow)
        band(*m_bands.yellow, m_bands.red.value_or(m_top), colours.yellow);
    if (m_bands.red)
        band(*m_bands.red, m_top, colours.red);
    if (m_bands.limit && *m_bands.limit <= m_top) {
        painter.setPen(QPen(colours.text, 1));
        painter.drawLine(QPointF(area.left(), yOf(*m_bands.limit)), QPointF(area.right(), yOf(*m_bands.limit)));
    }
}

void TimeChart::paintLabels(QPainter &painter) const
{
    for (const PlacedLabel &label : m_labels) {
        QColor plate = coloursOf(palette()).surface;
        plate.setAlphaF(0.85f);
        painter.fillRect(label.rect, plate);
        painter.setPen(label.colour);
        painter.drawText(label.rect, Qt::AlignCenter, label.words);
    }
}

} // namespace portolan::ui
