// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/zone_badge.h"

#include "ui/support/zones.h"

namespace portolan::ui {

namespace {

constexpr int edge = 8; ///< of the ground around what stands on it

} // namespace

ZoneBadge::ZoneBadge(QWidget *parent) : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setZone(Zone::Unknown);
}

void ZoneBadge::setZone(Zone zone, const QString &words, const QString &more)
{
    const QString shown = words.isEmpty() ? zoneWord(zone) : words;
    if (zone == m_zone && shown == m_words && more == m_more)
        return;
    m_zone = zone;
    m_words = shown;
    m_more = more;
    const QString rest = more.isEmpty() ? QString() : tr(", %1").arg(more);
    // Read out, the zone's word is heard once.
    const bool said = shown.startsWith(zoneWord(zone), Qt::CaseInsensitive);
    setAccessibleName((said ? shown : zoneWord(zone) + ": " + shown) + rest);
    setToolTip(words.isEmpty() ? more : words + rest);
    updateGeometry();
    update();
}

QSize ZoneBadge::sizeHint() const
{
    const int around = isOnGround() ? 2 * edge : 0;
    return {fontMetrics().height() + 8 + fontMetrics().horizontalAdvance(m_words) + around, fontMetrics().height() + 6};
}

QSize ZoneBadge::minimumSizeHint() const { return {fontMetrics().height() * 4, sizeHint().height()}; }

void ZoneBadge::paintEvent(QPaintEvent *)
{
    const Colours &colours = coloursOf(palette());
    QPainter painter(this);
    const double side = fontMetrics().height() * 0.78;
    const int left = isOnGround() ? edge : 0;
    if (isOnGround()) {
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(blend(colours.red, colours.window, 0.18));
        painter.drawRoundedRect(rect(), 6, 6);
    }
    paintZone(painter, QRectF(left, (height() - side) / 2, side, side), m_zone, colours);
    painter.setPen(m_zone == Zone::Unknown ? colours.muted : colours.text);
    const QRect room = rect().adjusted(left + int(side) + 8, 0, -left, 0);
    painter.drawText(room, Qt::AlignVCenter | Qt::AlignLeft,
                     fontMetrics().elidedText(m_words, Qt::ElideRight, room.width()));
}

} // namespace portolan::ui
