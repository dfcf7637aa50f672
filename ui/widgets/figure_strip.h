#pragma once

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

private:
    std::vector<QLabel *> m_values;
};

} // namespace portolan::ui
