// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractButton>

namespace portolan::ui {

/// One line that leads somewhere: what it is, its name, and its figure at the right.
class LinkRow final : public QAbstractButton
{
    Q_OBJECT

public:
    explicit LinkRow(const QString &caption, QWidget *parent = nullptr);
    /// `figure` empty: there is nothing, and `name` says so.
    void setContent(const QString &name, const QString &figure, bool stale);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;

private:
    const QString m_caption;
    QString m_name;
    QString m_figure;
    bool m_stale = false;
};

} // namespace portolan::ui
