#pragma once

#include <QToolButton>

namespace portolan::ui {

/// A button with the look of the cards: one border, the accent when it is on or has the focus.
class FlatButton final : public QToolButton
{
    Q_OBJECT

public:
    explicit FlatButton(QWidget *parent = nullptr);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent *event) override;
};

} // namespace portolan::ui
