// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/console_style.h"

#include "ui/support/action_button.h"
#include "ui/support/colours.h"

#include <QComboBox>
#include <QMenu>
#include <QPainter>
#include <QScrollArea>
#include <QStyleOptionComboBox>

namespace portolan::ui {

namespace {

constexpr int radius = 5;
constexpr int fieldPadding = 12; ///< above and below the text of a field together: as high as a button
constexpr int scrollBar = 10;
constexpr int leastHandle = 28;

void paintFrame(QPainter &painter, const QStyleOption &option, const QColor &fill)
{
    const Colours &colours = coloursOf(option.palette);
    const bool enabled = option.state & QStyle::State_Enabled;
    const bool focused = enabled && (option.state & QStyle::State_HasFocus);
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(focused ? colours.accent : colours.border, focused ? 1.6 : 1));
    painter.setBrush(enabled ? fill : colours.window);
    painter.drawRoundedRect(QRectF(option.rect).adjusted(0.8, 0.8, -0.8, -0.8), radius, radius);
    painter.restore();
}

void paintDestructive(QPainter &painter, const QStyleOption &option)
{
    const Colours &colours = coloursOf(option.palette);
    const bool enabled = option.state & QStyle::State_Enabled;
    const bool focused = enabled && (option.state & QStyle::State_HasFocus);
    const bool lit = option.state & (QStyle::State_MouseOver | QStyle::State_Sunken);
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(enabled ? colours.red : colours.border, focused ? 2.4 : 1.2));
    painter.setBrush(enabled ? blend(colours.red, colours.surface, lit ? 0.22 : 0.1) : colours.window);
    painter.drawRoundedRect(QRectF(option.rect).adjusted(1.2, 1.2, -1.2, -1.2), radius, radius);
    painter.restore();
}

/// Of a menu; one that is selected has the colours of the selection.
bool losesSomething(const QStyleOptionMenuItem &item, const QWidget *menu)
{
    const auto *shown = qobject_cast<const QMenu *>(menu);
    const bool plain = (item.state & QStyle::State_Enabled) && !(item.state & QStyle::State_Selected);
    return shown && plain && isDestructive(shown->actionAt(item.rect.center()));
}

void paintArrow(QPainter &painter, const QRectF &room, const QColor &colour)
{
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(colour, 1.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    const QPointF middle = room.center();
    painter.drawPolyline(QPolygonF{middle + QPointF(-4, -2), middle + QPointF(0, 2), middle + QPointF(4, -2)});
    painter.restore();
}

/// What is behind a scroll bar: a page's is on the window, any other on what it scrolls.
QColor groundOf(const QWidget *scrollBar, const QPalette &palette)
{
    const QWidget *holder = scrollBar ? scrollBar->parentWidget() : nullptr;
    const bool page = holder && qobject_cast<const QScrollArea *>(holder->parentWidget());
    return palette.color(page ? QPalette::Window : QPalette::Base);
}

void paintScrollBar(QPainter &painter, const QStyleOptionSlider &option, const QRect &handle, const QColor &ground)
{
    const Colours &colours = coloursOf(option.palette);
    const bool lit = option.state & QStyle::State_MouseOver || option.activeSubControls & QStyle::SC_ScrollBarSlider;
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(option.rect, ground);
    painter.setPen(Qt::NoPen);
    painter.setBrush(lit ? colours.muted : blend(colours.muted, colours.surface, 0.5));
    const QRectF inner = QRectF(handle).adjusted(2, 2, -2, -2);
    painter.drawRoundedRect(inner, 3, 3);
    painter.restore();
}

} // namespace

ConsoleStyle::ConsoleStyle() : QProxyStyle("Fusion") {}

void ConsoleStyle::drawPrimitive(PrimitiveElement element, const QStyleOption *option, QPainter *painter,
                                 const QWidget *widget) const
{
    if (element != PE_PanelLineEdit)
        return QProxyStyle::drawPrimitive(element, option, painter, widget);
    // An editable combo box has drawn the frame of both.
    if (widget && qobject_cast<const QComboBox *>(widget->parentWidget()))
        return;
    paintFrame(*painter, *option, option->palette.color(QPalette::Base));
}

void ConsoleStyle::drawComplexControl(ComplexControl control, const QStyleOptionComplex *option, QPainter *painter,
                                      const QWidget *widget) const
{
    if (const auto *slider = qstyleoption_cast<const QStyleOptionSlider *>(option); slider && control == CC_ScrollBar)
        return paintScrollBar(*painter, *slider, subControlRect(CC_ScrollBar, option, SC_ScrollBarSlider, widget),
                              groundOf(widget, option->palette));
    if (control != CC_ComboBox)
        return QProxyStyle::drawComplexControl(control, option, painter, widget);
    const Colours &colours = coloursOf(option->palette);
    paintFrame(*painter, *option, colours.surface);
    paintArrow(*painter, subControlRect(CC_ComboBox, option, SC_ComboBoxArrow, widget),
               option->state & State_Enabled ? colours.muted : colours.border);
}

void ConsoleStyle::drawControl(ControlElement element, const QStyleOption *option, QPainter *painter,
                               const QWidget *widget) const
{
    if (element == CE_PushButtonBevel && isDestructive(widget))
        return paintDestructive(*painter, *option);
    if (const auto *button = qstyleoption_cast<const QStyleOptionButton *>(option);
        element == CE_PushButtonLabel && button && isDestructive(widget)) {
        QStyleOptionButton red(*button);
        if (option->state & State_Enabled)
            red.palette.setColor(QPalette::ButtonText, coloursOf(option->palette).red);
        return QProxyStyle::drawControl(element, &red, painter, widget);
    }
    if (const auto *item = qstyleoption_cast<const QStyleOptionMenuItem *>(option);
        element == CE_MenuItem && item && losesSomething(*item, widget)) {
        QStyleOptionMenuItem red(*item);
        for (const auto role : {QPalette::Text, QPalette::WindowText, QPalette::ButtonText})
            red.palette.setColor(role, coloursOf(option->palette).red);
        return QProxyStyle::drawControl(element, &red, painter, widget);
    }
    const auto *bar = qstyleoption_cast<const QStyleOptionProgressBar *>(option);
    if (element == CE_ProgressBarGroove && bar) {
        paintFrame(*painter, *option, coloursOf(option->palette).raised);
        return;
    }
    if (element == CE_ProgressBarContents && bar) {
        const double part = bar->maximum > bar->minimum
                                ? double(bar->progress - bar->minimum) / double(bar->maximum - bar->minimum)
                                : 0;
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        painter->setPen(Qt::NoPen);
        painter->setBrush(blend(coloursOf(option->palette).accent, coloursOf(option->palette).surface, 0.45));
        QRectF filled = QRectF(option->rect).adjusted(1, 1, -1, -1);
        filled.setWidth(filled.width() * std::clamp(part, 0.0, 1.0));
        painter->drawRoundedRect(filled, radius - 1, radius - 1);
        painter->restore();
        return;
    }
    QProxyStyle::drawControl(element, option, painter, widget);
}

QRect ConsoleStyle::subControlRect(ComplexControl control, const QStyleOptionComplex *option, SubControl part,
                                   const QWidget *widget) const
{
    const auto *slider = qstyleoption_cast<const QStyleOptionSlider *>(option);
    if (control == CC_ComboBox && part == SC_ComboBoxEditField)
        return QProxyStyle::subControlRect(control, option, part, widget).adjusted(4, 0, 0, 0);
    if (control != CC_ScrollBar || !slider)
        return QProxyStyle::subControlRect(control, option, part, widget);
    // The bar is the groove: there are no arrows.
    const bool across = slider->orientation == Qt::Horizontal;
    const int room = across ? slider->rect.width() : slider->rect.height();
    const int range = slider->maximum - slider->minimum;
    const int handle = range > 0 ? std::clamp(int(qint64(room) * slider->pageStep / (range + slider->pageStep)),
                                              std::min(leastHandle, room), room)
                                 : room;
    const int start = sliderPositionFromValue(slider->minimum, slider->maximum, slider->sliderPosition, room - handle,
                                              slider->upsideDown);
    const auto along = [&](int from, int length) {
        return across ? QRect(slider->rect.left() + from, slider->rect.top(), length, slider->rect.height())
                      : QRect(slider->rect.left(), slider->rect.top() + from, slider->rect.width(), length);
    };
    switch (part) {
    case SC_ScrollBarSlider:
        return along(start, handle);
    case SC_ScrollBarGroove:
        return slider->rect;
    case SC_ScrollBarSubPage:
        return along(0, start);
    case SC_ScrollBarAddPage:
        return along(start + handle, room - start - handle);
    default:
        return {};
    }
}

QSize ConsoleStyle::sizeFromContents(ContentsType type, const QStyleOption *option, const QSize &size,
                                     const QWidget *widget) const
{
    QSize result = QProxyStyle::sizeFromContents(type, option, size, widget);
    if ((type == CT_LineEdit || type == CT_ComboBox) && widget)
        result.setHeight(widget->fontMetrics().height() + fieldPadding);
    if (type == CT_ComboBox)
        result.rwidth() += 10;
    return result;
}

int ConsoleStyle::pixelMetric(PixelMetric metric, const QStyleOption *option, const QWidget *widget) const
{
    switch (metric) {
    case PM_ScrollBarExtent:
        return scrollBar;
    case PM_ScrollView_ScrollBarOverlap:
        return 0;
    case PM_DefaultFrameWidth:
        // Fields keep their text away from their rounded frame.
        return widget && widget->inherits("QLineEdit") ? 6 : QProxyStyle::pixelMetric(metric, option, widget);
    default:
        return QProxyStyle::pixelMetric(metric, option, widget);
    }
}

int ConsoleStyle::styleHint(StyleHint hint, const QStyleOption *option, const QWidget *widget,
                            QStyleHintReturn *data) const
{
    if (hint == SH_ScrollBar_Transient)
        return 0;
    return QProxyStyle::styleHint(hint, option, widget, data);
}

} // namespace portolan::ui
