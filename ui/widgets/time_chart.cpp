// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/time_chart.h"

#include "ui/support/axis.h"
#include "ui/support/colours.h"
#include "ui/support/format.h"
#include "ui/widgets/card.h"

#include <QEvent>
#include <QPainter>
#include <algorithm>
#include <cmath>

namespace portolan::ui {

namespace {

constexpr double eventGap = 8; ///< pixels

/// What people did points down, what started is a square, a link or an instance a disc, a zone a diamond.
void paintMark(QPainter &painter, EventKind kind, const QPointF &at)
{
    constexpr double r = 3.5;
    switch (kind) {
    case EventKind::Restart:
        return painter.drawRect(QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r));
    case EventKind::Link:
    case EventKind::Instance:
        return painter.drawEllipse(at, r, r);
    case EventKind::Zone:
        painter.drawPolygon(QPolygonF{at - QPointF(0, r), at + QPointF(r, 0), at + QPointF(0, r), at - QPointF(r, 0)});
        return;
    case EventKind::Action:
        painter.drawPolygon(QPolygonF{at + QPointF(-r, -r), at + QPointF(r, -r), at + QPointF(0, r)});
        return;
    }
}

} // namespace

TimeChart::TimeChart(const QString &title, Format format, AxisUnit unit, QWidget *parent)
    : QWidget(parent), m_title(title), m_format(std::move(format)), m_unit(unit)
{
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(title);
}

QSize TimeChart::sizeHint() const { return {fontMetrics().height() * 30, fontMetrics().height() * 12}; }

QSize TimeChart::minimumSizeHint() const { return {fontMetrics().height() * 12, fontMetrics().height() * 9}; }

void TimeChart::setLines(std::vector<Line> lines, WallTime from, WallTime to)
{
    m_lines = std::move(lines);
    m_from = from;
    m_to = to;
    recompute();
    update();
}

void TimeChart::setRange(WallTime from, WallTime to)
{
    if (from == m_from && to == m_to)
        return;
    m_from = from;
    m_to = to;
    recompute();
    update();
}

void TimeChart::setStanding(const Standing &standing)
{
    if (standing == m_standing)
        return;
    m_standing = standing;
    setToolTip(hint());
    describe();
    update();
}

std::optional<WallTime> TimeChart::knownUntil() const
{
    std::optional<WallTime> until;
    for (const Line &line : m_lines) {
        if (!line.series.points.empty())
            until = std::max(until.value_or(WallTime::min()),
                             std::min(m_to, endOf(line.series.points.back(), line.series.step)));
    }
    return until;
}

void TimeChart::setBands(const Bands &bands)
{
    if (bands == m_bands)
        return;
    m_bands = bands;
    recompute();
    update();
}

void TimeChart::setNameRoom(int pixels)
{
    m_nameRoom = std::max(8, pixels);
    recompute();
    update();
}

void TimeChart::setEvents(std::vector<Event> events)
{
    if (events == m_events)
        return;
    m_events = std::move(events);
    placeLabels();
    describe();
    update();
}

std::unique_ptr<TimeChart> TimeChart::copy() const
{
    auto copy = std::make_unique<TimeChart>(m_title, m_format, m_unit);
    copy->m_nameRoom = m_nameRoom;
    copy->m_bands = m_bands;
    copy->m_events = m_events;
    copy->m_standing = m_standing;
    copy->setLines(m_lines, m_from, m_to);
    return copy;
}

void TimeChart::recompute()
{
    const double em = fontMetrics().height();
    const double left = fontMetrics().horizontalAdvance("888.8 MB") + 10;
    m_plot = QRectF(rect()).adjusted(left, em * 1.9, -m_nameRoom, -em * 1.4);
    m_columns.clear();
    m_hasData = false;
    double most = 0;
    for (const Line &line : m_lines) {
        m_columns.push_back(reduce(line.series, m_from, m_to, std::max(1, int(plot().width()))));
        for (const PixelColumn &column : m_columns.back()) {
            m_hasData |= column.any;
            most = column.any ? std::max(most, column.high) : most;
        }
    }
    // How far it is to the first zone belongs into the picture, however little there is, and all of them once they are
    // near: a line that fills a chart without zones looks like one at its limit.
    m_top = std::max(most * 1.15, m_bands.yellow.value_or(0) * 1.1);
    if (m_top <= 0)
        m_top = 1;
    if (m_bands.yellow && most >= *m_bands.yellow * 0.4) {
        const double zones = m_bands.red.value_or(*m_bands.yellow) * 1.2;
        m_top = std::max(m_top, m_bands.limit ? std::min(*m_bands.limit * 1.02, zones) : zones);
    }
    placeLabels();
    if (m_cursor && *m_cursor >= int(plot().width()))
        m_cursor.reset();
}

std::vector<Tick> TimeChart::valueTicks(int wanted) const
{
    std::vector<Tick> ticks;
    for (; wanted > 0; --wanted) {
        ticks.clear();
        for (const double value : roundSteps(m_top, wanted, m_unit == AxisUnit::Bytes))
            ticks.push_back({value, thresholdLabel(value)});
        // Of what is counted in whole numbers there is no half.
        if (std::ranges::adjacent_find(ticks, {}, &Tick::label) == ticks.end())
            break;
    }
    return ticks;
}

QStringList TimeChart::valueLabels() const
{
    QStringList labels;
    for (const Tick &tick : valueTicks(mostValueTicks()))
        labels << tick.label;
    return labels;
}

int TimeChart::mostValueTicks() const
{
    return std::clamp(int(plot().height() / (fontMetrics().height() * 2.2)), 2, 6);
}

double TimeChart::yOf(double value) const
{
    const QRectF area = plot();
    return area.bottom() - std::clamp(value / m_top, 0.0, 1.0) * area.height();
}

double TimeChart::xOf(WallTime time) const
{
    const QRectF area = plot();
    return area.left() + double((time - m_from).count()) / double((m_to - m_from).count()) * area.width();
}

void TimeChart::paintEvent(QPaintEvent *)
{
    const Colours &colours = coloursOf(palette());
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const double em = fontMetrics().height();
    painter.setPen(colours.muted);
    painter.drawText(QRectF(0, 0, width(), em * 1.2), Qt::AlignLeft | Qt::AlignVCenter,
                     fontMetrics().elidedText(heading(), Qt::ElideRight, width()));
    if (hasFocus()) {
        painter.setPen(QPen(colours.accent, 1));
        painter.setBrush(Qt::NoBrush);
        // Below the caption: what is at its edge would run through the letters.
        painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, em * 1.2 + 0.5, -0.5, -0.5), 4, 4);
    }
    if (!m_hasData) {
        painter.setPen(QPen(colours.border, 1));
        painter.drawLine(plot().bottomLeft(), plot().bottomRight());
        painter.setPen(colours.muted);
        painter.drawText(plot(), Qt::AlignCenter | Qt::TextWordWrap,
                         m_standing.words.isEmpty() ? tr("No data for this time: figures appear as they are measured")
                                                    : m_standing.words);
        return;
    }
    paintAxes(painter);
    paintBands(painter);
    paintEvents(painter);
    paintMissing(painter);
    // The first line is the one that matters: it is painted over the others.
    for (std::size_t line = m_lines.size(); line-- > 0;)
        paintLine(painter, line);
    paintEnds(painter);
    paintLabels(painter);
    paintDrag(painter);
    paintCursor(painter);
}

void TimeChart::paintAxes(QPainter &painter) const
{
    const Colours &colours = coloursOf(palette());
    const QRectF area = plot();
    const double em = fontMetrics().height();
    for (const auto &[value, label] : valueTicks(mostValueTicks())) {
        painter.setPen(QPen(blend(colours.border, colours.surface, value == 0 ? 1.0 : 0.6), 1));
        painter.drawLine(QPointF(area.left(), yOf(value)), QPointF(area.right(), yOf(value)));
        painter.setPen(colours.muted);
        painter.drawText(QRectF(0, yOf(value) - em / 2, area.left() - 8, em), Qt::AlignRight | Qt::AlignVCenter, label);
    }
    const int wanted = std::max(2, int(area.width() / (em * 6)));
    for (const Tick &tick : timeTicks(m_from, m_to, wanted)) {
        const double x = xOf(m_from + std::chrono::milliseconds(std::int64_t(tick.value * 1000)));
        painter.setPen(QPen(colours.border, 1));
        painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4));
        const double wide = fontMetrics().horizontalAdvance(tick.label) + 4;
        // The first and the last one stay inside.
        const double left = std::clamp(x - wide / 2, area.left() - 20, width() - wide);
        painter.setPen(colours.muted);
        painter.drawText(QRectF(left, area.bottom() + 5, wide, em), Qt::AlignCenter, tick.label);
    }
}

void TimeChart::paintMissing(QPainter &painter) const
{
    const auto until = knownUntil();
    if (!m_standing.stale || !until || *until >= m_to)
        return;
    QColor colour = coloursOf(palette()).muted;
    colour.setAlphaF(0.35f);
    QRectF rect = plot();
    rect.setLeft(std::max(rect.left(), xOf(*until)));
    painter.fillRect(rect, QBrush(colour, Qt::BDiagPattern));
}

QColor TimeChart::lineColour(std::size_t line) const
{
    const Colours &colours = coloursOf(palette());
    const QColor &colour = colours.lines[line % colours.lines.size()];
    // Still to be told apart, but none that looks alive.
    return m_standing.stale ? blend(line == 0 ? colours.muted : colour, colours.surface, line == 0 ? 0.9 : 0.6)
                            : colour;
}

void TimeChart::paintSpread(QPainter &painter, std::size_t line) const
{
    const QRectF area = plot();
    const int width = int(m_columns[line].size());
    const double ratio = painter.device()->devicePixelRatioF();
    // A thousand rectangles of one pixel each take ten times as long as one image of them.
    QImage spread(width, std::max(1, int(std::ceil(area.height() * ratio))), QImage::Format_ARGB32_Premultiplied);
    spread.fill(Qt::transparent);
    QColor fill = lineColour(line);
    fill.setAlphaF(0.28f);
    const QRgb pixel = qPremultiply(fill.rgba());
    auto *const pixels = reinterpret_cast<QRgb *>(spread.bits());
    const qsizetype stride = spread.bytesPerLine() / qsizetype(sizeof(QRgb));
    for (int x = 0; x < width; ++x) {
        const PixelColumn &column = m_columns[line][std::size_t(x)];
        const double top = yOf(column.high), bottom = yOf(column.low);
        if (!column.any || bottom - top <= 1)
            continue;
        const int last = std::min(spread.height(), int(std::lround((bottom - area.top()) * ratio)));
        for (int y = std::max(0, int(std::lround((top - area.top()) * ratio))); y < last; ++y)
            pixels[y * stride + x] = pixel;
    }
    painter.drawImage(QRectF(area.left(), area.top(), width, spread.height() / ratio), spread);
}

void TimeChart::paintLine(QPainter &painter, std::size_t line) const
{
    const QColor colour = lineColour(line);
    const QRectF area = plot();
    constexpr qsizetype piece = 16; // points
    QPolygonF mean;
    paintSpread(painter, line);
    const auto flush = [&] {
        painter.setPen(QPen(colour, 1.6, Qt::SolidLine, Qt::RoundCap, Qt::BevelJoin));
        // A long polyline is one outline to fill, whose cost grows with how often it crosses itself: so in pieces, and
        // without round joins, which add to it at each point.
        for (qsizetype from = 0; from + 1 < mean.size(); from += piece)
            painter.drawPolyline(mean.data() + from, int(std::min(piece + 1, mean.size() - from)));
        if (mean.size() == 1)
            painter.drawPoint(mean.first());
        mean.clear();
    };
    const auto &columns = m_columns[line];
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const PixelColumn &column = columns[i];
        if (!column.any)
            continue;
        if (column.gap && !mean.isEmpty())
            flush();
        const double x = area.left() + double(i);
        const bool edge = i == 0 || i + 1 == columns.size() || !columns[i + 1].any || columns[i + 1].gap;
        if (!column.held || column.flat || edge)
            mean << QPointF(x + 0.5, yOf(column.mean));
    }
    if (!mean.isEmpty())
        flush();
}

void TimeChart::paintEnds(QPainter &painter) const
{
    if (m_lines.size() < 2)
        return;
    struct End
    {
        double y;
        std::size_t line;
    };
    std::vector<End> ends;
    for (std::size_t line = 0; line < m_lines.size(); ++line) {
        const auto last = std::find_if(m_columns[line].rbegin(), m_columns[line].rend(),
                                       [](const PixelColumn &column) { return column.any; });
        if (last != m_columns[line].rend())
            ends.push_back({yOf(last->mean), line});
    }
    // Names stand beside the ends of their lines, and never on each other.
    std::ranges::sort(ends, std::greater{}, &End::y);
    const double em = fontMetrics().height();
    double floor = plot().bottom() + em / 2;
    for (End &end : ends) {
        end.y = std::min(end.y, floor - em / 2);
        floor = end.y - em / 2;
        const Colours &colours = coloursOf(palette());
        // Of what is stale a shade of its line, dark enough to be read.
        const double hue = end.line == 0 ? 0 : 0.6;
        painter.setPen(m_standing.stale ? blend(lineColour(end.line), colours.muted, hue) : lineColour(end.line));
        painter.drawText(QRectF(plot().right() + 8, end.y - em / 2, width() - plot().right() - 8, em),
                         Qt::AlignLeft | Qt::AlignVCenter, m_lines[end.line].name);
    }
}

void TimeChart::paintEvents(QPainter &painter) const
{
    const Colours &colours = coloursOf(palette());
    const QRectF area = plot();
    double last = area.left() - eventGap;
    for (const Event &event : m_events) {
        const double x = xOf(event.time);
        // Of a month there are hundreds: one mark stands for all that are as near as its width.
        if (event.time < m_from || event.time >= m_to || x - last < eventGap)
            continue;
        last = x;
        painter.setPen(QPen(colours.muted, 1, Qt::DotLine));
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
        painter.setPen(Qt::NoPen);
        painter.setBrush(colours.muted);
        paintMark(painter, event.kind, QPointF(x, area.top() + 3.5));
    }
}

void TimeChart::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    recompute();
}

void TimeChart::changeEvent(QEvent *event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::PaletteChange) // labels keep their colour
        recompute();
}

} // namespace portolan::ui
