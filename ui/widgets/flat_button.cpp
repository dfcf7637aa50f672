// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/flat_button.h"

#include "ui/support/action_button.h"
#include "ui/support/colours.h"

#include <QMenu>
#include <QPainter>

namespace portolan::ui {

namespace {

constexpr int padding = 10;
constexpr int gap = 6;

} // namespace

FlatButton::FlatButton(QWidget *parent) : QToolButton(parent)
{
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_Hover);
}

QSize FlatButton::sizeHint() const
{
    const int height = fontMetrics().height() + 12;
    if (text().isEmpty())
        return {height + 4, height};
    const int mark = icon().isNull() ? 0 : fontMetrics().height() + gap;
    const int opens = menu() ? fontMetrics().height() / 2 + gap : 0;
    return {fontMetrics().horizontalAdvance(text()) + mark + opens + 2 * padding, height};
}

bool FlatButton::focusNextPrevChild(bool next) { return !isEnabled() || QToolButton::focusNextPrevChild(next); }

void FlatButton::paintEvent(QPaintEvent *)
{
    const Colours &colours = coloursOf(palette());
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool lit = isChecked() || isDown();
    const bool focused = hasFocus();
    painter.setPen(QPen(focused ? colours.accent : colours.border, focused ? 1.6 : 1));
    painter.setBrush(lit                           ? blend(colours.accent, colours.surface, 0.2)
                     : underMouse() && isEnabled() ? colours.raised
                                                   : colours.surface);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.8, 0.8, -0.8, -0.8), 5, 5);
    QRect inner = rect().adjusted(padding, 0, -padding, 0);
    if (!icon().isNull()) {
        const int side = fontMetrics().height();
        const int left = text().isEmpty() ? (width() - side) / 2 : inner.left();
        icon().paint(&painter, QRect(left, (height() - side) / 2, side, side), Qt::AlignCenter,
                     isEnabled() ? QIcon::Normal : QIcon::Disabled);
        inner.setLeft(inner.left() + side + gap);
    }
    const QColor words = palette().color(isEnabled() ? QPalette::Active : QPalette::Disabled, QPalette::ButtonText);
    painter.setPen(isEnabled() && isDestructive(defaultAction()) ? colours.red : words);
    if (menu() && !text().isEmpty()) {
        const double wide = fontMetrics().height() / 2.0, middle = height() / 2.0;
        const double left = inner.right() + 1 - wide;
        const QColor pen = painter.pen().color();
        painter.setPen(QPen(pen, 1.4, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter.drawPolyline(QPolygonF({QPointF(left, middle - wide / 4), QPointF(left + wide / 2, middle + wide / 4),
                                        QPointF(left + wide, middle - wide / 4)}));
        painter.setPen(pen);
        inner.setRight(int(left) - gap);
    }
    painter.drawText(inner, Qt::AlignCenter, text());
}

} // namespace portolan::ui
