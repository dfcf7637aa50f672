// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLabel>
#include <QPointer>
#include <QTimer>
#include <QToolButton>
#include <QWidget>

namespace portolan::ui {

/// How the last action ended, over a place where nothing can be clicked, so that nothing moves below somebody's
/// pointer before it is asked to. Good news goes by itself, bad news stays until it is dismissed or withdrawn. A
/// sentence that is longer than the line is cut there, and read whole on request: it hides nothing of the page.
class NoticeBar final : public QWidget
{
    Q_OBJECT

public:
    /// Covers `room`, which says nothing of how things stand, in `row`; all of the row where in large letters the room
    /// is too small. A child of `over`, in which they lie; makes the row higher while a long sentence is read whole.
    NoticeBar(QWidget &room, QWidget &row, QWidget &over);
    void tell(const QString &sentence, bool worked);
    /// What it says is so no longer. Whatever else is said meanwhile stays.
    void withdraw(const QString &sentence);
    QString sentence() const; ///< whole; empty: it says nothing

signals:
    void shownChanged(bool shown); ///< before it takes its place, and after it has left it

protected:
    void paintEvent(QPaintEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void changeEvent(QEvent *event) override;
    void hideEvent(QHideEvent *event) override;
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    QRect place() const; ///< in what it lies over
    void cover();
    void dismiss();

    QWidget &m_room;
    QWidget &m_row;
    QLabel *m_label;
    QToolButton *m_more; ///< where the sentence is longer than the line
    QToolButton *m_close;
    QString m_sentence;
    bool m_whole = false; ///< somebody asked to read all of it
    QTimer m_hide;
    QPointer<QWidget> m_before; ///< that had the focus before a part of this got it
    bool m_worked = true;
};

} // namespace portolan::ui
