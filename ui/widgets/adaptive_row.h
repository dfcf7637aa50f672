#pragma once

#include <QBoxLayout>
#include <QWidget>

namespace portolan::ui {

/// Cards beside each other, or below each other where the window is too narrow for that.
class AdaptiveRow final : public QWidget
{
    Q_OBJECT

public:
    explicit AdaptiveRow(QWidget *parent = nullptr);
    QBoxLayout &row() { return *m_row; }

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    QBoxLayout *m_row;
};

} // namespace portolan::ui
