// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/button_row.h"

#include <algorithm>

namespace portolan::ui {

namespace {

constexpr int gap = 6;

}

void ButtonRow::addWidget(QWidget *button)
{
    button->setParent(this);
    button->show();
    m_buttons.append(button);
    arrange();
}

QSize ButtonRow::sizeHint() const
{
    int widest = 0;
    for (const QWidget *button : m_buttons)
        widest = std::max(widest, button->sizeHint().width());
    return {widest, minimumHeight()};
}

void ButtonRow::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    arrange();
}

void ButtonRow::arrange()
{
    int x = 0, y = 0, line = 0;
    for (QWidget *button : m_buttons) {
        const QSize size = button->sizeHint();
        if (x > 0 && x + size.width() > width()) {
            x = 0;
            y += line + gap;
        }
        button->setGeometry(QRect(QPoint(x, y), size));
        x += size.width() + gap;
        line = size.height();
    }
    setFixedHeight(y + line);
}

} // namespace portolan::ui
