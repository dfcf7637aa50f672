// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QWidget>

namespace portolan::ui {

/// Buttons beside each other, on as many lines as it takes. Its height is its own affair: a layout whose height depends
/// on its width would have the whole page ask for more room than it needs.
class ButtonRow final : public QWidget
{
    Q_OBJECT

public:
    using QWidget::QWidget;
    void addWidget(QWidget *button);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    void arrange();

    QList<QWidget *> m_buttons;
};

} // namespace portolan::ui
