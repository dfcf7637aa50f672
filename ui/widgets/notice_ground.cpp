// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/notice_ground.h"

namespace portolan::ui {

int noticeMargin(const QFontMetrics &font) { return 14 + font.height(); }

void paintNoticeGround(QPainter &painter, const QRect &rect, const QColor &colour, const QColor &behind)
{
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(blend(colour, behind, 0.5), 1));
    painter.setBrush(blend(colour, behind, 0.12));
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6);
}

QRectF noticeMark(const QFontMetrics &font, double middle)
{
    const double side = font.height() * 0.78;
    return {double(noticeEdge), middle - side / 2, side, side};
}

} // namespace portolan::ui
