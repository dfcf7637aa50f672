// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <vector>

namespace portolan::ui {

/// Tiles with two cards below them, where overview_layout.h puts them; scrolled where the window is too small.
class OverviewBoard final : public QWidget
{
    Q_OBJECT

public:
    using QWidget::QWidget;
    /// In the order of the tab key. They become its children.
    void setParts(std::vector<QWidget *> tiles, QWidget &left, QWidget &right);
    void setCardsMost(int height); ///< what the cards can fill
    QSize minimumSizeHint() const override;

protected:
    void resizeEvent(QResizeEvent *event) override;
    void changeEvent(QEvent *event) override;
    bool event(QEvent *event) override; ///< a part needs more or less room

private:
    struct OverviewNeeds needs() const;
    void arrange();

    std::vector<QWidget *> m_tiles;
    QWidget *m_left = nullptr;
    QWidget *m_right = nullptr;
    int m_cardsMost = 0;
};

} // namespace portolan::ui
