// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/link_row.h"

#include "ui/support/colours.h"

#include <QKeyEvent>
#include <QPainter>

namespace portolan::ui {

namespace {

constexpr int padding = 8;
constexpr double captionPart = 0.32; ///< of the width

} // namespace

LinkRow::LinkRow(const QString &caption, QWidget *parent) : QAbstractButton(parent), m_caption(caption)
{
    setFocusPolicy(Qt::StrongFocus);
    setCursor(Qt::PointingHandCursor);
    setAttribute(Qt::WA_Hover);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::MinimumExpanding);
    setAccessibleName(caption);
}

void LinkRow::setContent(const QString &name, const QString &figure, bool stale)
{
    if (name == m_name && figure == m_figure && stale == m_stale)
        return;
    m_name = name;
    m_figure = figure;
    m_stale = stale;
    setAccessibleDescription(figure.isEmpty() ? name : name + ", " + figure);
    setToolTip(m_caption + ": " + accessibleDescription()); // any of the three may have too little room
    update();
}

QSize LinkRow::sizeHint() const { return {fontMetrics().height() * 16, fontMetrics().height() + 10}; }

void LinkRow::keyPressEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter)
        click();
    else
        QAbstractButton::keyPressEvent(event);
}

void LinkRow::paintEvent(QPaintEvent *)
{
    const Colours &colours = coloursOf(palette());
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    if (hasFocus() || underMouse()) {
        painter.setPen(hasFocus() ? QPen(colours.accent, 1.5) : QPen(Qt::NoPen));
        painter.setBrush(underMouse() ? blend(colours.raised, colours.surface, 0.6) : colours.surface);
        painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 5, 5);
    }
    const QRect inner = rect().adjusted(padding, 0, -padding, 0);
    const QFontMetrics metrics = fontMetrics();
    const int caption = int(inner.width() * captionPart);
    painter.setPen(colours.muted);
    painter.drawText(QRect(inner.left(), 0, caption - padding, height()), Qt::AlignVCenter,
                     metrics.elidedText(m_caption, Qt::ElideRight, caption - padding));
    const int figure = std::min(metrics.horizontalAdvance(m_figure), inner.width() / 2);
    const bool quiet = m_stale || m_figure.isEmpty();
    painter.setPen(quiet ? colours.muted : colours.text);
    painter.drawText(QRect(inner.right() - figure, 0, figure + 1, height()), Qt::AlignVCenter | Qt::AlignRight,
                     metrics.elidedText(m_figure, Qt::ElideRight, figure + 1));
    const int room = inner.width() - caption - figure - padding;
    painter.drawText(QRect(inner.left() + caption, 0, room, height()), Qt::AlignVCenter,
                     metrics.elidedText(m_name, Qt::ElideMiddle, room));
}

} // namespace portolan::ui
