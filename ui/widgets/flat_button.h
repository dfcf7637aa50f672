// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QToolButton>

namespace portolan::ui {

/// A button with the look of the cards: one border, the accent when it is on or has the focus, red where something is
/// lost (support/action_button.h).
class FlatButton final : public QToolButton
{
    Q_OBJECT

public:
    explicit FlatButton(QWidget *parent = nullptr);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent *event) override;
    /// Qt hands the focus of a button that is greyed out to the next one, where the key that was meant for this one
    /// would do something else. It stays here instead, and Tab goes on from here.
    bool focusNextPrevChild(bool next) override;
};

} // namespace portolan::ui
