// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/colours.h"
#include "ui/support/format.h"
#include "ui/widgets/time_chart.h"
#include "ui/words/event_words.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <algorithm>
#include <cmath>
#include <utility>

/// The part of a chart that somebody moves: the cursor with what it reads out, and the time shown.
namespace portolan::ui {

namespace {

constexpr double dot = 3.5;
constexpr double zoomStep = 2;
constexpr double panStep = 0.25;
constexpr int reach = 12;    ///< pixels: beside a gap the nearest figure is meant
constexpr int leastDrag = 6; ///< pixels: less is a click
constexpr double eventReach = 5;
constexpr std::size_t eventsTold = 3;

} // namespace

WallTime TimeChart::timeAt(int column) const
{
    const double part = (double(column) + 0.5) / std::max(1.0, plot().width());
    return m_from + WallTime::duration(std::int64_t(double((m_to - m_from).count()) * part));
}

const PixelColumn *TimeChart::columnNear(std::size_t line, int place) const
{
    const auto &columns = m_columns[line];
    for (int away = 0; away <= reach; ++away) {
        for (const int column : {place - away, place + away}) {
            if (column >= 0 && column < int(columns.size()) && columns[std::size_t(column)].any)
                return &columns[std::size_t(column)];
        }
    }
    return nullptr;
}

QString TimeChart::readOut() const
{
    if (!m_cursor || !m_hasData)
        return {};
    QStringList parts{figures(), eventWords(), m_standing.words};
    parts.removeAll({});
    return parts.join("   ");
}

/// What is known at the cursor.
QString TimeChart::figures() const
{
    const WallTime time = timeAt(*m_cursor);
    const bool days = m_to - m_from > std::chrono::hours(30);
    QStringList parts{days ? dateTimeText(time) : clockText(time)};
    for (std::size_t line = 0; line < m_lines.size(); ++line) {
        QString value = unknownText();
        if (const PixelColumn *column = columnNear(line, *m_cursor)) {
            value = m_format(column->mean);
            if (m_format(column->low) != m_format(column->high))
                value += tr(" (%1 – %2)").arg(m_format(column->low), m_format(column->high));
        }
        parts << (m_lines.size() > 1 ? m_lines[line].name + ' ' + value : value);
    }
    return parts.join("   ");
}

/// "17:03 Redis memory turned yellow"
QString TimeChart::timedText(const Event &event) const
{
    const bool days = m_to - m_from > std::chrono::hours(30);
    return (days ? dateTimeText(event.time) : clockText(event.time).left(5)) + ' ' + eventText(event);
}

QString TimeChart::eventWords() const
{
    QStringList words;
    std::size_t more = 0;
    for (const Event &event : m_events) {
        if (!m_cursor || std::abs(xOf(event.time) - plot().left() - *m_cursor) >= eventReach)
            continue;
        if (std::size_t(words.size()) < eventsTold)
            words << timedText(event);
        else
            ++more;
    }
    if (more > 0)
        words << tr("%1 more").arg(more);
    return words.join(", ");
}

void TimeChart::describe()
{
    QStringList words{readOut()};
    if (!m_cursor || !m_hasData) {
        words = QStringList{m_standing.words};
        std::vector<const Event *> shown;
        for (const Event &event : m_events) {
            if (event.time >= m_from && event.time < m_to)
                shown.push_back(&event);
        }
        const auto told = std::min(shown.size(), eventsTold);
        for (std::size_t i = shown.size() - told; i < shown.size(); ++i)
            words << timedText(*shown[i]);
    }
    words.removeAll({});
    const QString description = words.join("   ");
    if (description != accessibleDescription())
        setAccessibleDescription(description); // tells who listens
}

void TimeChart::paintCursor(QPainter &painter) const
{
    if (!m_cursor)
        return;
    const Colours &colours = coloursOf(palette());
    const QRectF area = plot();
    const double x = area.left() + *m_cursor + 0.5;
    painter.setPen(QPen(colours.text, 1));
    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()));
    for (std::size_t line = 0; line < m_lines.size(); ++line) {
        if (const PixelColumn *column = columnNear(line, *m_cursor)) {
            painter.setPen(QPen(colours.surface, 1.5));
            painter.setBrush(lineColour(line));
            painter.drawEllipse(QPointF(x, yOf(column->mean)), dot, dot);
        }
    }
    painter.setPen(colours.text);
    if (const QString happened = eventWords(); !happened.isEmpty()) {
        // Beside the mark, on the side where there is more room.
        const bool right = x < area.center().x();
        const QRectF room(right ? x + 8 : area.left(), area.top(), right ? area.right() - x - 8 : x - 8 - area.left(),
                          fontMetrics().height() * 1.2);
        const QString words = fontMetrics().elidedText(happened, Qt::ElideRight, int(room.width()) - 8);
        QRectF label(0, room.top(), fontMetrics().horizontalAdvance(words) + 8.0, room.height());
        right ? label.moveLeft(room.left()) : label.moveRight(room.right());
        painter.fillRect(label, colours.surface);
        painter.drawText(label, Qt::AlignCenter, words);
    }
    const double left = fontMetrics().horizontalAdvance(m_title) + 20.0;
    const QRectF head(left, 0, width() - left - 2, fontMetrics().height() * 1.2);
    painter.drawText(
        head, Qt::AlignRight | Qt::AlignVCenter,
        fontMetrics().elidedText(m_standing.words.isEmpty() ? figures() : figures() + "   " + m_standing.words,
                                 Qt::ElideRight, int(head.width())));
}

void TimeChart::moveCursor(std::optional<int> column)
{
    if (column)
        column = std::clamp(*column, 0, std::max(0, int(plot().width()) - 1));
    if (column == m_cursor)
        return;
    m_cursor = column;
    describe();
    update();
    emit cursorMoved(column ? std::optional(timeAt(*column)) : std::nullopt);
}

void TimeChart::followCursor(std::optional<WallTime> time)
{
    std::optional<int> column;
    if (time && *time >= m_from && *time < m_to)
        column = std::clamp(int(xOf(*time) - plot().left()), 0, std::max(0, int(plot().width()) - 1));
    if (std::exchange(m_cursor, column) != column)
        update();
}

void TimeChart::mouseMoveEvent(QMouseEvent *event)
{
    if (!(event->buttons() & Qt::LeftButton))
        m_dragged.reset(); // it was let go of where nobody heard it: over a dialog, on another page
    const double x = event->position().x() - plot().left();
    // A drag goes on beside the plot, and then means its edge.
    moveCursor(m_dragged || (x >= 0 && x < plot().width()) ? std::optional(int(x)) : std::nullopt);
}

void TimeChart::mousePressEvent(QMouseEvent *event)
{
    QWidget::mousePressEvent(event);
    const double x = event->position().x() - plot().left();
    if (event->button() == Qt::LeftButton && x >= 0 && x < plot().width())
        m_dragged = int(x);
}

void TimeChart::mouseReleaseEvent(QMouseEvent *event)
{
    QWidget::mouseReleaseEvent(event);
    const auto from = event->button() == Qt::LeftButton ? std::exchange(m_dragged, std::nullopt) : std::nullopt;
    if (!from)
        return;
    update();
    const int to = std::clamp(int(event->position().x() - plot().left()), 0, std::max(0, int(plot().width()) - 1));
    if (std::abs(to - *from) >= leastDrag && m_to > m_from)
        emit rangeWanted(timeAt(std::min(*from, to)), timeAt(std::max(*from, to)));
}

void TimeChart::mouseDoubleClickEvent(QMouseEvent *event)
{
    QWidget::mouseDoubleClickEvent(event);
    m_dragged.reset();
    emit nowWanted();
}

void TimeChart::paintDrag(QPainter &painter) const
{
    if (!m_dragged || !m_cursor || std::abs(*m_cursor - *m_dragged) < leastDrag)
        return;
    const Colours &colours = coloursOf(palette());
    const QRectF area = plot();
    QColor fill = colours.accent;
    fill.setAlphaF(0.16f);
    const QRectF chosen(area.left() + std::min(*m_dragged, *m_cursor), area.top(), std::abs(*m_cursor - *m_dragged),
                        area.height());
    painter.fillRect(chosen, fill);
    painter.setPen(QPen(colours.accent, 1));
    painter.drawLine(chosen.topLeft(), chosen.bottomLeft());
    painter.drawLine(chosen.topRight(), chosen.bottomRight());
}

void TimeChart::leaveEvent(QEvent *event)
{
    QWidget::leaveEvent(event);
    moveCursor(std::nullopt);
}

void TimeChart::focusOutEvent(QFocusEvent *event)
{
    QWidget::focusOutEvent(event);
    moveCursor(std::nullopt);
}

void TimeChart::wheelEvent(QWheelEvent *event)
{
    // The wheel alone scrolls the page.
    if (!(event->modifiers() & Qt::ControlModifier) || event->angleDelta().y() == 0)
        return QWidget::wheelEvent(event);
    zoom(event->angleDelta().y() > 0 ? 1 / zoomStep : zoomStep, event->position().x() - plot().left());
    event->accept();
}

void TimeChart::zoom(double factor, double column)
{
    const double part = std::clamp(column / std::max(1.0, plot().width()), 0.0, 1.0);
    const double span = double((m_to - m_from).count());
    const WallTime from = m_from + WallTime::duration(std::int64_t(span * part * (1 - factor)));
    if (m_to > m_from)
        emit rangeWanted(from, from + WallTime::duration(std::int64_t(span * factor)));
}

void TimeChart::pan(double part)
{
    const auto by = WallTime::duration(std::int64_t(double((m_to - m_from).count()) * part));
    if (m_to > m_from)
        emit rangeWanted(m_from + by, m_to + by);
}

/// To the next event (forward) or the one before.
void TimeChart::seekEvent(bool forward)
{
    const int here = m_cursor.value_or(forward ? -1 : int(plot().width()));
    std::optional<int> found;
    for (const Event &event : m_events) {
        const int column = int(xOf(event.time) - plot().left());
        const bool beyond = forward ? column > here : column < here;
        if (event.time >= m_from && event.time < m_to && beyond && (!found || forward == (column < *found)))
            found = column;
    }
    if (found)
        moveCursor(found);
}

void TimeChart::keyPressEvent(QKeyEvent *event)
{
    const int last = int(plot().width()) - 1;
    const int step = event->modifiers() & Qt::ControlModifier ? 40 : 8;
    const bool shift = event->modifiers() & Qt::ShiftModifier;
    switch (event->key()) {
    case Qt::Key_Left:
        return shift ? pan(-panStep) : moveCursor(m_cursor.value_or(last) - step);
    case Qt::Key_Right:
        return shift ? pan(panStep) : moveCursor(m_cursor.value_or(last - step) + step);
    case Qt::Key_Home:
        return moveCursor(0);
    case Qt::Key_End:
        return moveCursor(last);
    case Qt::Key_PageUp:
        return seekEvent(false);
    case Qt::Key_PageDown:
        return seekEvent(true);
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        return zoom(1 / zoomStep, m_cursor.value_or(last));
    case Qt::Key_Minus:
        return zoom(zoomStep, m_cursor.value_or(last));
    case Qt::Key_0:
        return emit nowWanted();
    case Qt::Key_Escape:
        if (std::exchange(m_dragged, std::nullopt))
            return update();
        return m_cursor ? moveCursor(std::nullopt) : emit nowWanted();
    default:
        break;
    }
    QWidget::keyPressEvent(event);
}

} // namespace portolan::ui
