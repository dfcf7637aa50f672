// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/work_area.h"

#include <QEvent>
#include <QScreen>
#include <QTimer>
#include <QWindow>
#include <algorithm>
#include <cmath>

namespace portolan::ui {

QRect fittedInto(const QRect &area, const QRect &content, const QMargins &frame, const QSize &least)
{
    QRect whole = content.marginsAdded(frame);
    const QSize smallest = least.grownBy(frame);
    whole.setSize(whole.size().boundedTo(area.size()).expandedTo(smallest));
    // The upper left corner counts most: there the window is held by.
    whole.moveLeft(std::max(area.left(), std::min(whole.left(), area.right() - whole.width() + 1)));
    whole.moveTop(std::max(area.top(), std::min(whole.top(), area.bottom() - whole.height() + 1)));
    return whole.marginsRemoved(frame);
}

void WorkArea::keep(QWidget &window) { new WorkArea(window); }

WorkArea::WorkArea(QWidget &window) : QObject(&window), m_window(window) { window.installEventFilter(this); }

bool WorkArea::eventFilter(QObject *watched, QEvent *event)
{
    switch (event->type()) {
    case QEvent::Show:
        m_area = {};
        // Not in the middle of being shown.
        QMetaObject::invokeMethod(this, &WorkArea::look, Qt::QueuedConnection);
        break;
    case QEvent::Move:
    case QEvent::Resize:
    case QEvent::ScreenChangeInternal:
        QMetaObject::invokeMethod(this, &WorkArea::look, Qt::QueuedConnection);
        break;
    default:
        break;
    }
    return QObject::eventFilter(watched, event);
}

void WorkArea::look()
{
    constexpr Qt::WindowStates whole = Qt::WindowMaximized | Qt::WindowFullScreen | Qt::WindowMinimized;
    const QWindow *handle = m_window.windowHandle();
    if (!m_window.isVisible() || !handle || (m_window.windowState() & whole))
        return;
    const QMargins frame = handle->frameMargins();
    QRect area = m_window.screen()->availableGeometry();
    // At 150 % it may be a fraction of a pixel less than it says.
    if (const double ratio = m_window.devicePixelRatioF(); ratio != std::floor(ratio))
        area.adjust(0, 0, -1, -1);
    if (frame == m_frame && area == m_area)
        return;
    m_frame = frame;
    m_area = area;
    const QSize least = m_window.minimumSizeHint().expandedTo(m_window.minimumSize());
    const QRect fitted = fittedInto(area, m_window.geometry(), frame, least);
    if (fitted != m_window.geometry())
        m_window.setGeometry(fitted);
}

} // namespace portolan::ui
