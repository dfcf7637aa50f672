// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/tile.h"

#include "ui/support/format.h"
#include "ui/support/reduce.h"
#include "ui/support/zones.h"
#include "ui/widgets/card.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QPolygonF>
#include <QToolTip>
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace portolan::ui {

namespace {

constexpr double padding = 16;
constexpr double redPart = 1.2; ///< of where red begins, to be seen above it
constexpr double room = 1.25;   ///< above the highest, where there is no limit
constexpr double beyond = 1.1;  ///< above the highest, where it goes beyond its limit

} // namespace

Tile::Tile(QWidget *parent) : QAbstractButton(parent)
{
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setMaximumHeight(fontMetrics().height() * 12);
    setCursor(Qt::PointingHandCursor);
    setAttribute(Qt::WA_Hover);
}

void Tile::setContent(const TileText &content)
{
    if (content == m_content)
        return;
    if (content.title != m_content.title)
        updateGeometry();
    m_content = content;
    setAccessibleName(content.title);
    QStringList words{content.value + ' ' + content.limit};
    if (content.limited)
        words.prepend(zoneWord(content.zone));
    if (!content.next.isEmpty())
        words << content.next;
    words << content.age;
    setAccessibleDescription(words.join(", "));
    update();
}

void Tile::setTrend(TileTrend trend)
{
    if (trend == m_trend)
        return;
    m_trend = std::move(trend);
    update();
}

void Tile::setFormat(std::function<QString(double)> format) { m_format = std::move(format); }

/// Between the figure and the foot (paintEvent).
QRectF Tile::trendRect() const
{
    const double line = fontMetrics().height();
    const QRectF inner = QRectF(rect()).adjusted(padding, 12, -padding, -12);
    const double top = inner.top() + line * 2.9 + 14;
    return {inner.left(), top, inner.width(), inner.bottom() - line - 8 - top};
}

/// The value at a point of the trend, and when; empty: none is known there.
QString Tile::trendWords(const QPointF &at) const
{
    const QRectF rect = trendRect();
    if (!m_format || rect.width() <= 0 || !rect.contains(at))
        return {};
    const WallTime time = m_trend.from + std::chrono::duration_cast<WallTime::duration>(
                                             (m_trend.until - m_trend.from) * ((at.x() - rect.left()) / rect.width()));
    const Series &series = m_trend.series;
    for (const Point &point : series.points)
        if (beginOf(point) <= time && time < endOf(point, series.step))
            return secondText(beginOf(point)) + ": " + m_format(point.mean);
    return {};
}

bool Tile::event(QEvent *event)
{
    if (event->type() != QEvent::ToolTip)
        return QAbstractButton::event(event);
    const auto *help = static_cast<QHelpEvent *>(event);
    const QString words = trendWords(help->pos());
    QToolTip::showText(help->globalPos(), words.isEmpty() ? accessibleName() + ": " + accessibleDescription() : words,
                       this);
    return true;
}

QSize Tile::sizeHint() const
{
    const int em = fontMetrics().height();
    const int head = fontMetrics().horizontalAdvance(m_content.title) + 8 + em + 6 +
                     fontMetrics().horizontalAdvance(zoneWord(Zone::Unknown)) + 2 * int(padding);
    return {std::max(em * 14, head), em * 8 + em / 2 + int(padding)};
}

void Tile::keyPressEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter)
        click();
    else
        QAbstractButton::keyPressEvent(event);
}

void Tile::enterEvent(QEnterEvent *event)
{
    QAbstractButton::enterEvent(event);
    update();
}

void Tile::leaveEvent(QEvent *event)
{
    QAbstractButton::leaveEvent(event);
    update();
}

void Tile::paintEvent(QPaintEvent *)
{
    const Colours &colours = coloursOf(palette());
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool lit = hasFocus() || isDown();
    const bool red = m_content.limited && m_content.zone == Zone::Red;
    painter.setPen(QPen(lit            ? colours.accent
                        : red          ? colours.red
                        : underMouse() ? colours.muted
                                       : colours.border,
                        lit ? 2 : 1));
    painter.setBrush(red ? blend(colours.red, colours.surface, 0.08) : colours.surface);
    const double half = lit ? 1 : 0.5;
    painter.drawRoundedRect(QRectF(rect()).adjusted(half, half, -half, -half), 8, 8);

    const QRectF inner = QRectF(rect()).adjusted(padding, 12, -padding, -12);
    const double line = fontMetrics().height();
    // Title at the left, zone at the right, as wide as they need.
    const QString word = m_content.limited ? zoneWord(m_content.zone) : QString();
    const double badge = word.isEmpty() ? 0 : line * 0.78 + 6 + fontMetrics().horizontalAdvance(word);
    if (!word.isEmpty()) {
        const QRectF zoneRect(inner.right() - badge, inner.top(), badge, line);
        paintZone(painter, QRectF(zoneRect.left(), zoneRect.top() + line * 0.11, line * 0.78, line * 0.78),
                  m_content.zone, colours);
        painter.setPen(m_content.zone == Zone::Unknown ? colours.muted : colours.text);
        painter.drawText(zoneRect, Qt::AlignRight | Qt::AlignVCenter, word);
    }
    painter.setPen(colours.muted);
    const QRectF titleRect(inner.left(), inner.top(), inner.width() - badge - 8, line);
    painter.drawText(titleRect, Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(m_content.title, Qt::ElideRight, int(titleRect.width())));

    painter.setFont(scaledFont(font(), m_content.known ? 1.75 : 1.15, m_content.known));
    const QFontMetricsF large(painter.font());
    const QRectF valueRect(inner.left(), inner.top() + line + 8, inner.width(), line * 1.9);
    painter.setPen(m_content.known && !m_content.stale ? colours.text : colours.muted);
    const QString value = large.elidedText(m_content.value, Qt::ElideRight, valueRect.width());
    painter.drawText(valueRect, Qt::AlignLeft | Qt::AlignVCenter, value);
    const double used = large.horizontalAdvance(value) + 8;
    painter.setFont(font());
    painter.setPen(colours.muted);
    // The limit stands on the line of the figure.
    const double baseline = valueRect.center().y() + (large.ascent() - large.descent()) / 2;
    painter.drawText(QPointF(inner.left() + used, baseline),
                     fontMetrics().elidedText(m_content.limit, Qt::ElideRight, int(inner.width() - used)));

    const QRectF footRect(inner.left(), inner.bottom() - line, inner.width(), line);
    paintTrend(painter, trendRect());
    painter.setPen(colours.muted);
    // Of what is fresh the status bar tells the age; "just now" below a line would be taken for the time at its end.
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(m_trend.until - m_trend.from).count();
    const bool trend = minutes > 0 && !m_trend.series.points.empty();
    const QString right = m_content.stale || !trend ? m_content.age : tr("last %1 min").arg(minutes);
    painter.drawText(footRect, Qt::AlignRight | Qt::AlignVCenter, right);
    const int room = int(footRect.width()) - fontMetrics().horizontalAdvance(right) - 12;
    painter.setPen(m_content.zone == Zone::Green ? colours.muted : colours.text);
    painter.drawText(footRect, Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(m_content.next, Qt::ElideRight, room));
}

double TileTrend::top() const
{
    double most = least;
    if (red) // the whole of a share is too far away to see anything
        most = std::max(most, limit ? std::min(*limit, *red * redPart) : *red * redPart);
    else if (limit)
        most = std::max(most, *limit);
    for (const Point &point : series.points)
        most = std::max(most, point.high * (red || limit ? beyond : room));
    return most;
}

std::vector<QPolygonF> trendLines(const TileTrend &trend, const QRectF &rect)
{
    std::vector<QPolygonF> lines;
    const double top = trend.top();
    const double span = double((trend.until - trend.from).count());
    if (span <= 0 || top <= 0)
        return lines;
    const auto x = [&](WallTime time) {
        return rect.left() + std::clamp(double((time - trend.from).count()) / span, 0.0, 1.0) * rect.width();
    };
    const auto y = [&](double value) { return rect.bottom() - std::clamp(value / top, 0.0, 1.0) * rect.height(); };
    const Series &series = trend.series;
    QPolygonF line;
    std::optional<Point> before;
    for (const Point &point : series.points) {
        if (before && isGap(*before, point, series.step)) {
            lines.push_back(std::exchange(line, {}));
            before.reset();
        }
        // A point covers a time, and holds for all of it: first what is nearer to the one before, then the other
        // extreme. Of one that is much wider than the others that would be a tooth of a saw.
        const bool wide = isWide(point, series.step);
        const bool up = !before || std::abs(before->mean - point.low) <= std::abs(before->mean - point.high);
        line << QPointF(x(beginOf(point)), y(wide ? point.mean
                                             : up ? point.low
                                                  : point.high))
             << QPointF(x(endOf(point, series.step)), y(wide ? point.mean
                                                        : up ? point.high
                                                             : point.low));
        before = point;
    }
    if (!line.isEmpty())
        lines.push_back(std::move(line));
    return lines;
}

void Tile::paintTrend(QPainter &painter, const QRectF &rect) const
{
    const double top = m_trend.top();
    const auto lines = rect.height() < 8 ? std::vector<QPolygonF>() : trendLines(m_trend, rect);
    if (lines.empty())
        return;
    const Colours &colours = coloursOf(palette());
    const auto y = [&](double value) { return rect.bottom() - std::clamp(value / top, 0.0, 1.0) * rect.height(); };
    painter.setPen(QPen(colours.border, 1));
    const double bottom = std::floor(rect.bottom()) + 0.5;
    painter.drawLine(QPointF(rect.left(), bottom), QPointF(rect.right(), bottom));
    for (const auto &[threshold, colour] :
         {std::pair(m_trend.yellow, colours.yellow), std::pair(m_trend.red, colours.red)}) {
        if (threshold && *threshold <= top) {
            painter.setPen(QPen(blend(colour, colours.surface, 0.55), 1, Qt::DashLine));
            const double at = std::floor(y(*threshold)) + 0.5; // one row of pixels
            painter.drawLine(QPointF(rect.left(), at), QPointF(rect.right(), at));
        }
    }
    const QColor colour = m_content.stale || m_trend.stale ? colours.muted : colours.accent;
    QColor fill = colour;
    fill.setAlphaF(0.12f);
    for (const QPolygonF &line : lines) {
        QPolygonF area = line;
        area << QPointF(line.last().x(), rect.bottom()) << QPointF(line.first().x(), rect.bottom());
        painter.setPen(Qt::NoPen);
        painter.setBrush(fill);
        painter.drawPolygon(area);
        painter.setPen(QPen(colour, 1.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter.drawPolyline(line);
    }
}

} // namespace portolan::ui
