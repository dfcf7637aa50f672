// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLabel>

namespace portolan::ui {

/// Why something is not as it should be: on a ground of red, with the shape and the word of what failed.
class ProblemLabel final : public QLabel
{
    Q_OBJECT

public:
    explicit ProblemLabel(QWidget *parent = nullptr);
    void setProblem(const QString &sentence); ///< empty: there is none, and it is hidden

protected:
    void paintEvent(QPaintEvent *event) override;
    void changeEvent(QEvent *event) override;

private:
    void makeRoom();
};

} // namespace portolan::ui
