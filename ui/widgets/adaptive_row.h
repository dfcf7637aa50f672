// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QBoxLayout>
#include <QWidget>

namespace portolan::ui {

/// Cards beside each other, or below each other where the window is too narrow for that.
class AdaptiveRow final : public QWidget
{
    Q_OBJECT

public:
    static constexpr int usual = 54;

    /// `narrow`: heights of a line below which they stand below each other; more for tables with much to say.
    explicit AdaptiveRow(int narrow = usual, QWidget *parent = nullptr);
    QBoxLayout &row() { return *m_row; }

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    const int m_narrow;
    QBoxLayout *m_row;
};

} // namespace portolan::ui
