// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/adaptive_row.h"

namespace portolan::ui {

AdaptiveRow::AdaptiveRow(int narrow, QWidget *parent)
    : QWidget(parent), m_narrow(narrow), m_row(new QBoxLayout(QBoxLayout::LeftToRight, this))
{
    m_row->setContentsMargins(0, 0, 0, 0);
    m_row->setSpacing(12);
}

void AdaptiveRow::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    m_row->setDirection(width() < fontMetrics().height() * m_narrow ? QBoxLayout::TopToBottom
                                                                    : QBoxLayout::LeftToRight);
}

} // namespace portolan::ui
