#include "ui/widgets/tile.h"

#include "ui/support/zones.h"
#include "ui/widgets/card.h"

#include <QKeyEvent>
#include <QPainterPath>
#include <algorithm>

namespace portolan::ui {

namespace {

constexpr double padding = 16;

}

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

void Tile::setTrend(Series trend, std::optional<double> yellow, std::optional<double> red)
{
    if (trend == m_trend && yellow == m_yellow && red == m_red)
        return;
    m_trend = std::move(trend);
    m_yellow = yellow;
    m_red = red;
    update();
}

QSize Tile::sizeHint() const
{
    const int em = fontMetrics().height();
    return {em * 14, em * 7 + int(padding)};
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
    painter.setPen(QPen(lit ? colours.accent : underMouse() ? colours.muted : colours.border, lit ? 2 : 1));
    painter.setBrush(colours.surface);
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
    paintTrend(painter,
               QRectF(inner.left(), valueRect.bottom() + 6, inner.width(), footRect.top() - valueRect.bottom() - 14));
    painter.setPen(colours.muted);
    painter.drawText(footRect, Qt::AlignRight | Qt::AlignVCenter, m_content.age);
    const int room = int(footRect.width()) - fontMetrics().horizontalAdvance(m_content.age) - 12;
    painter.setPen(m_content.zone == Zone::Green ? colours.muted : colours.text);
    painter.drawText(footRect, Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(m_content.next, Qt::ElideRight, room));
}

void Tile::paintTrend(QPainter &painter, const QRectF &rect) const
{
    const auto &points = m_trend.points;
    if (points.size() < 2 || rect.height() < 8)
        return;
    const Colours &colours = coloursOf(palette());
    double low = 1e300, high = -1e300;
    for (const Point &point : points) {
        low = std::min(low, point.mean);
        high = std::max(high, point.mean);
    }
    // A quiet figure must not look like a wild one: the scale is never finer than half of the value, or a quarter of
    // what would be yellow.
    const double least = std::max({std::abs(high) * 0.5, m_yellow.value_or(0) * 0.25, 1e-9});
    if (high - low < least) {
        const double middle = (high + low) / 2;
        low = middle - least / 2;
        high = middle + least / 2;
    }
    const double start = double(points.front().time.time_since_epoch().count());
    const double span = std::max(1.0, double(points.back().time.time_since_epoch().count()) - start);
    const auto x = [&](const Point &p) {
        return rect.left() + (double(p.time.time_since_epoch().count()) - start) / span * rect.width();
    };
    const auto y = [&](double value) { return rect.bottom() - (value - low) / (high - low) * rect.height(); };
    for (const auto &[threshold, colour] : {std::pair(m_yellow, colours.yellow), std::pair(m_red, colours.red)}) {
        if (threshold && *threshold > low && *threshold < high) {
            painter.setPen(QPen(colour, 1, Qt::DashLine));
            painter.drawLine(QPointF(rect.left(), y(*threshold)), QPointF(rect.right(), y(*threshold)));
        }
    }
    QPainterPath path;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const bool gap = i == 0 || points[i].time - points[i - 1].time > 2 * m_trend.step;
        const QPointF at(x(points[i]), y(points[i].mean));
        gap ? path.moveTo(at) : path.lineTo(at);
    }
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(m_content.stale ? colours.muted : colours.accent, 1.5));
    painter.drawPath(path);
}

} // namespace portolan::ui
