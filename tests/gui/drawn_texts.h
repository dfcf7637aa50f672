// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QRectF>
#include <QString>
#include <QWidget>
#include <vector>

namespace portolan::ui {

/// A text as a widget has painted it, wherever it comes from: a label, a button, a cell, an axis.
struct DrawnText
{
    QString text;
    QRectF rect; ///< of its ink, as if there were room for all of it; in the coordinates of the widget that was asked
    QRectF seen; ///< the part of `rect` that was painted
    QWidget *by; ///< what painted it
};

/// Every text that a widget and its children paint, in their order: they are painted once more onto a device that
/// keeps what it is told instead of showing it. What is cut by a rectangle, a parent or an opaque sibling is known by
/// `seen`.
std::vector<DrawnText> drawnTexts(QWidget &widget);

} // namespace portolan::ui
