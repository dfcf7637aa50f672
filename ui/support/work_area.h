// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QMargins>
#include <QObject>
#include <QRect>
#include <QWidget>

namespace portolan::ui {

/// Keeps a window, with the frame that the window manager puts around it, in the part of its screen that panels leave:
/// when it is shown, when its frame becomes known (which is later), and when the screen changes. What its user does
/// with it afterwards is theirs.
class WorkArea final : public QObject
{
    Q_OBJECT

public:
    /// For as long as the window lives.
    static void keep(QWidget &window);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    explicit WorkArea(QWidget &window);
    void look();

    QWidget &m_window;
    QMargins m_frame;
    QRect m_area; ///< both as they were when the window was last fitted
};

/// Where a window with this content and frame goes so that both are inside `area`: as little moved as possible, smaller
/// only where it must be, and never smaller than `least`. Content's geometry in, content's geometry out.
QRect fittedInto(const QRect &area, const QRect &content, const QMargins &frame, const QSize &least);

} // namespace portolan::ui
