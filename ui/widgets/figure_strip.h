// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QGridLayout>
#include <QLabel>
#include <QWidget>
#include <vector>

namespace portolan::ui {

/// Figures side by side, each under its name.
class FigureStrip final : public QWidget
{
    Q_OBJECT

public:
    explicit FigureStrip(const QStringList &names, QWidget *parent = nullptr);
    /// In the order of the names. `stale`: greyed.
    void setValues(const QStringList &values, bool stale = false);

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    void arrange();

    struct Figure
    {
        QWidget *cell;
        QLabel *value;
    };
    std::vector<Figure> m_figures;
    QGridLayout *m_grid;
    int m_columns = 0;
};

} // namespace portolan::ui
