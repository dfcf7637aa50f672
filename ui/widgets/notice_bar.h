#pragma once

#include <QLabel>
#include <QPointer>
#include <QTimer>
#include <QWidget>

namespace portolan::ui {

/// How the last action ended, over a place where nothing can be clicked, so that nothing moves below somebody's
/// pointer unless the sentence needs more lines than there are. Good news goes by itself, bad news stays until it is
/// dismissed.
class NoticeBar final : public QWidget
{
    Q_OBJECT

public:
    /// Covers `place`, which says nothing of how things stand, as a child of `over`, in which it lies; makes it
    /// higher where the sentence needs more room, so that no zone is hidden.
    NoticeBar(QWidget &place, QWidget &over);
    void tell(const QString &sentence, bool worked);
    QString sentence() const;

protected:
    void paintEvent(QPaintEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void hideEvent(QHideEvent *event) override;
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void cover();
    void dismiss();

    QWidget &m_place;
    QLabel *m_label;
    QTimer m_hide;
    QPointer<QWidget> m_before; ///< that had the focus before a part of this got it
    bool m_worked = true;
};

} // namespace portolan::ui
