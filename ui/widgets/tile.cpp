// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/tile.h"

#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/widgets/card.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
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
constexpr double edge = 12; ///< above and below
constexpr double gap = 6;
constexpr double plateEdge = 6; ///< of a zone's word
constexpr double gaugeHeight = 6;
constexpr double smaller = 0.85;  ///< the day's name
constexpr double step = 1 / 60.0; ///< of the trend, by a key
constexpr int leastTrend = 30;    ///< pixels

} // namespace

Tile::Tile(QWidget *parent) : QAbstractButton(parent)
{
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setCursor(Qt::PointingHandCursor);
    setAttribute(Qt::WA_Hover);
    setMouseTracking(true);
}

void Tile::setContent(const TileText &content)
{
    if (content == m_content)
        return;
    if (content.title != m_content.title)
        updateGeometry();
    m_content = content;
    setAccessibleName(content.title);
    describe();
    update();
}

void Tile::setTrend(TileTrend trend)
{
    if (trend == m_trend)
        return;
    m_trend = std::move(trend);
    if (m_readOut)
        describe();
    update();
}

void Tile::setDay(TileDay day)
{
    if (day == m_day)
        return;
    m_day = std::move(day);
    describe();
    update();
}

void Tile::setFormat(std::function<QString(double)> format) { m_format = std::move(format); }

void Tile::describe()
{
    QStringList words{m_content.value + ' ' + m_content.limit};
    if (m_content.limited)
        words.prepend(zoneWord(m_content.zone));
    words << m_content.next << dayWords() << m_content.age;
    words.removeAll({});
    if (m_readOut)
        words = QStringList{trendWords(*m_readOut)};
    setAccessibleDescription(words.join(", "));
}

QRectF Tile::innerRect() const { return QRectF(rect()).adjusted(padding, edge, -padding, -edge); }

/// Below the title and the figure.
QRectF Tile::gaugeRect() const
{
    const QRectF inner = innerRect();
    return {inner.left(), inner.top() + fontMetrics().height() * 2.9 + 12, inner.width(), gaugeHeight};
}

QRectF Tile::dayRect() const
{
    if (m_day.until <= m_day.from)
        return {};
    const QRectF inner = innerRect();
    const double high = fontMetrics().height() * smaller;
    return {inner.left(), inner.bottom() - high, inner.width(), high};
}

QRectF Tile::footRect() const
{
    const QRectF inner = innerRect();
    const QRectF day = dayRect();
    const double bottom = day.isEmpty() ? inner.bottom() : day.top() - gap;
    const double line = fontMetrics().height();
    return {inner.left(), bottom - line, inner.width(), line};
}

/// All that is left between the gauge and the foot.
QRectF Tile::trendRect() const
{
    const double top = gaugeRect().bottom() + gap + 2;
    const QRectF foot = footRect();
    return {foot.left(), top, foot.width(), foot.top() - gap - top};
}

/// The value at a part of the trend's time, and when; empty: none is known there.
QString Tile::trendWords(double part) const
{
    if (!m_format || part < 0 || part > 1)
        return {};
    const WallTime time =
        m_trend.from + std::chrono::duration_cast<WallTime::duration>((m_trend.until - m_trend.from) * part);
    const Series &series = m_trend.series;
    for (const Point &point : series.points)
        if (beginOf(point) <= time && time < endOf(point, series.step))
            return clockText(time) + ": " + m_format(point.mean);
    return clockText(time) + ": " + unknownText();
}

/// "last 24 h: green"
QString Tile::dayWords() const
{
    if (m_day.until <= m_day.from || !m_content.limited)
        return {};
    const QString told = zoneSpansText(m_day.spans, m_day.from, m_day.until);
    const auto hours = std::chrono::round<std::chrono::hours>(m_day.until - m_day.from).count();
    return tr("last %1 h: %2").arg(hours).arg(told.isEmpty() ? unknownText() : told);
}

QString Tile::foot() const
{
    if (m_readOut)
        return trendWords(*m_readOut);
    // Of what is fresh the status bar tells the age; "just now" below a line would be taken for the time at its end.
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(m_trend.until - m_trend.from).count();
    const bool trend = minutes > 0 && !m_trend.series.points.empty();
    return m_content.stale || !trend ? m_content.age : tr("last %1 min").arg(minutes);
}

bool Tile::event(QEvent *event)
{
    if (event->type() != QEvent::ToolTip)
        return QAbstractButton::event(event);
    const auto *help = static_cast<QHelpEvent *>(event);
    const QRectF trend = trendRect();
    QString words = accessibleName() + ": " + accessibleDescription();
    if (trend.contains(help->pos()) && !m_trend.series.points.empty())
        words = trendWords((help->pos().x() - trend.left()) / trend.width());
    else if (dayRect().contains(help->pos()) && !dayWords().isEmpty())
        words = dayWords();
    QToolTip::showText(help->globalPos(), words, this);
    return true;
}

QSize Tile::sizeHint() const
{
    const int em = fontMetrics().height();
    int badge = 0;
    for (const Zone zone : {Zone::Unknown, Zone::Yellow})
        badge = std::max(badge, int(std::ceil(zoneWordWidth(zone))));
    const int head = fontMetrics().horizontalAdvance(m_content.title) + 8 + badge + 2 * int(padding);
    const double lines = em * (2.9 + 1 + smaller) + 12 + gaugeHeight + 3 * gap + 2 + 2 * edge;
    return {std::max(em * 12, head), int(std::ceil(lines)) + leastTrend};
}

/// Of its shape, its word, and the plate or frame that they stand on.
double Tile::zoneWordWidth(Zone zone) const
{
    const double in = zone == Zone::Red || zone == Zone::Yellow ? plateEdge : 0;
    return fontMetrics().height() * 0.78 + 6 + fontMetrics().horizontalAdvance(zoneWord(zone)) + 2 * in;
}

void Tile::readOutAt(std::optional<double> part)
{
    const bool known = part && !m_trend.series.points.empty() && m_trend.until > m_trend.from;
    if (std::exchange(m_readOut, known ? std::optional(std::clamp(*part, 0.0, 1.0)) : std::nullopt) == m_readOut)
        return;
    describe();
    update();
}

void Tile::keyPressEvent(QKeyEvent *event)
{
    switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter:
        return click();
    case Qt::Key_Left:
        return readOutAt(m_readOut.value_or(1) - step);
    case Qt::Key_Right:
        return readOutAt(m_readOut.value_or(1 - step) + step);
    case Qt::Key_Escape:
        if (m_readOut)
            return readOutAt(std::nullopt);
        break;
    default:
        break;
    }
    QAbstractButton::keyPressEvent(event);
}

void Tile::mouseMoveEvent(QMouseEvent *event)
{
    QAbstractButton::mouseMoveEvent(event);
    const QRectF trend = trendRect();
    const bool inside = trend.contains(event->position());
    readOutAt(inside ? std::optional((event->position().x() - trend.left()) / trend.width()) : std::nullopt);
}

void Tile::enterEvent(QEnterEvent *event)
{
    QAbstractButton::enterEvent(event);
    update();
}

void Tile::leaveEvent(QEvent *event)
{
    QAbstractButton::leaveEvent(event);
    readOutAt(std::nullopt);
    update();
}

void Tile::focusOutEvent(QFocusEvent *event)
{
    QAbstractButton::focusOutEvent(event);
    readOutAt(std::nullopt);
}

void Tile::paintEvent(QPaintEvent *)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    paintGround(painter);
    paintHead(painter);
    paintFigure(painter);
    paintGauge(painter);
    paintTrend(painter, trendRect());
    paintFoot(painter);
    paintDay(painter);
}

/// Red and yellow have edges of their own, wide and half as wide: they are found without colour.
void Tile::paintGround(QPainter &painter) const
{
    const Colours &colours = coloursOf(palette());
    const bool lit = hasFocus() || isDown();
    const bool zoned = m_content.limited && (m_content.zone == Zone::Red || m_content.zone == Zone::Yellow);
    const bool red = zoned && m_content.zone == Zone::Red;
    const QColor usual = underMouse() ? colours.muted : colours.border;
    painter.setPen(QPen(usual, 1));
    painter.setBrush(red ? blend(colours.red, colours.surface, 0.08) : colours.surface);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8);
    painter.setBrush(Qt::NoBrush);
    if (zoned) {
        const double wide = red ? 3 : 1.5;
        painter.setPen(QPen(colours.zone(m_content.zone), wide));
        painter.drawRoundedRect(QRectF(rect()).adjusted(wide / 2, wide / 2, -wide / 2, -wide / 2), 8, 8);
    }
    if (lit) {
        const double in = zoned ? (red ? 5 : 3.5) : 1; // beside the edge of its zone, not instead of it
        painter.setPen(QPen(colours.accent, 2));
        painter.drawRoundedRect(QRectF(rect()).adjusted(in, in, -in, -in), 7, 7);
    }
}

/// Title at the left, zone at the right, as wide as they need.
void Tile::paintHead(QPainter &painter) const
{
    const Colours &colours = coloursOf(palette());
    const QRectF inner = innerRect();
    const double line = fontMetrics().height();
    const QString word = m_content.limited ? zoneWord(m_content.zone) : QString();
    const double badge = word.isEmpty() ? 0 : zoneWordWidth(m_content.zone);
    if (!word.isEmpty())
        paintZoneWord(painter, QRectF(inner.right() - badge, inner.top() - 1, badge, line + 2));
    painter.setPen(colours.muted);
    const QRectF titleRect(inner.left(), inner.top(), inner.width() - badge - 8, line);
    painter.drawText(titleRect, Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(m_content.title, Qt::ElideMiddle, int(titleRect.width())));
}

/// Red on a full plate, yellow in a frame, green and unknown as words.
void Tile::paintZoneWord(QPainter &painter, const QRectF &rect) const
{
    const Colours &colours = coloursOf(palette());
    const double side = fontMetrics().height() * 0.78;
    const bool red = m_content.zone == Zone::Red, yellow = m_content.zone == Zone::Yellow;
    const double in = red || yellow ? plateEdge : 0;
    Colours shape = colours;
    if (red) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(colours.red);
        painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2);
        shape.red = colours.surface;
    } else if (yellow) {
        painter.setPen(QPen(colours.yellow, 1));
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), rect.height() / 2, rect.height() / 2);
    }
    const double wide = side + 6 + fontMetrics().horizontalAdvance(zoneWord(m_content.zone));
    const double left = rect.right() - in - wide;
    paintZone(painter, QRectF(left, rect.center().y() - side / 2, side, side), m_content.zone, shape);
    painter.setPen(red ? colours.surface : m_content.zone == Zone::Unknown ? colours.muted : colours.text);
    painter.drawText(QRectF(left, rect.top(), wide, rect.height()), Qt::AlignRight | Qt::AlignVCenter,
                     zoneWord(m_content.zone));
}

void Tile::paintFigure(QPainter &painter) const
{
    const Colours &colours = coloursOf(palette());
    const QRectF inner = innerRect();
    const double line = fontMetrics().height();
    painter.setFont(scaledFont(font(), m_content.known ? 1.75 : 1.15, m_content.known));
    const QFontMetricsF large(painter.font());
    const QRectF valueRect(inner.left(), inner.top() + line + 6, inner.width(), line * 1.9);
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
}

void Tile::paintGauge(QPainter &painter) const
{
    if (!m_content.gauge)
        return;
    const Colours &colours = coloursOf(palette());
    const TileGauge &gauge = *m_content.gauge;
    const QRectF rect = gaugeRect();
    const double radius = rect.height() / 2;
    painter.setPen(Qt::NoPen);
    painter.setBrush(colours.raised);
    painter.drawRoundedRect(rect, radius, radius);
    const bool zoned = m_content.zone == Zone::Yellow || m_content.zone == Zone::Red;
    painter.setBrush(m_content.stale ? colours.muted : zoned ? colours.zone(m_content.zone) : colours.accent);
    if (gauge.filled > 0)
        painter.drawRoundedRect(
            QRectF(rect.left(), rect.top(), std::max(rect.height(), rect.width() * gauge.filled), rect.height()),
            radius, radius);
    for (const auto &[at, colour, high] :
         {std::tuple(gauge.yellow, colours.yellow, 2.0), std::tuple(gauge.red, colours.red, 3.0)}) {
        if (!at)
            continue;
        // Where yellow begins a short tick, where red begins a longer and wider one.
        const double x = std::min(rect.right() - 1, std::round(rect.left() + rect.width() * *at));
        const double wide = high;
        painter.fillRect(QRectF(x - wide / 2, rect.top() - high, wide, rect.height() + 2 * high), colour);
    }
}

void Tile::paintFoot(QPainter &painter) const
{
    const Colours &colours = coloursOf(palette());
    const QRectF rect = footRect();
    const QString right = foot();
    painter.setPen(m_readOut ? colours.text : colours.muted);
    painter.drawText(rect, Qt::AlignRight | Qt::AlignVCenter, right);
    const int room = int(rect.width()) - fontMetrics().horizontalAdvance(right) - 12;
    painter.setPen(m_content.zone == Zone::Green ? colours.muted : colours.text);
    painter.drawText(rect, Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(m_content.next, Qt::ElideMiddle, room));
}

void Tile::paintDay(QPainter &painter) const
{
    const QRectF rect = dayRect();
    if (rect.isEmpty() || !m_content.limited)
        return;
    const Colours &colours = coloursOf(palette());
    painter.setFont(scaledFont(font(), smaller));
    painter.setPen(colours.muted);
    const auto hours = std::chrono::round<std::chrono::hours>(m_day.until - m_day.from).count();
    const QString name = tr("%1 h").arg(hours);
    painter.drawText(rect, Qt::AlignLeft | Qt::AlignVCenter, name);
    const double left = QFontMetricsF(painter.font()).horizontalAdvance(name) + 8;
    painter.setFont(font());
    paintZoneSpans(painter, rect.adjusted(left, 0, 0, -1), m_day.spans, m_day.from, m_day.until, colours);
}

/// The ground of the trend, and where in it yellow and red begin.
void Tile::paintBands(QPainter &painter, const QRectF &rect) const
{
    const Colours &colours = coloursOf(palette());
    const double top = m_trend.top();
    const QColor ground = blend(colours.raised, colours.surface, 0.35);
    painter.fillRect(rect, ground);
    const auto y = [&](double value) { return rect.bottom() - std::clamp(value / top, 0.0, 1.0) * rect.height(); };
    const auto band = [&](double from, double to, const QColor &colour) {
        painter.fillRect(QRectF(QPointF(rect.left(), y(to)), QPointF(rect.right(), y(from))),
                         blend(colour, ground, 0.09));
    };
    if (m_trend.yellow)
        band(*m_trend.yellow, m_trend.red.value_or(top), colours.yellow);
    if (m_trend.red)
        band(*m_trend.red, top, colours.red);
}

void Tile::paintTrend(QPainter &painter, const QRectF &rect) const
{
    const double top = m_trend.top();
    const auto lines = rect.height() < 8 ? std::vector<QPolygonF>() : trendLines(m_trend, rect);
    if (lines.empty())
        return;
    const Colours &colours = coloursOf(palette());
    const auto y = [&](double value) { return rect.bottom() - std::clamp(value / top, 0.0, 1.0) * rect.height(); };
    paintBands(painter, rect);
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
    if (!m_readOut)
        return;
    const double x = rect.left() + *m_readOut * rect.width();
    painter.setPen(QPen(colours.text, 1));
    painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()));
}

} // namespace portolan::ui
