#pragma once

#include <QLabel>
#include <QTimer>
#include <QWidget>

namespace portolan::ui {

/// How the last action ended: a line below the header. Good news goes by itself, bad news stays until it is dismissed.
class NoticeBar final : public QWidget
{
    Q_OBJECT

public:
    explicit NoticeBar(QWidget *parent = nullptr);
    void tell(const QString &sentence, bool worked);
    QString sentence() const;

protected:
    void paintEvent(QPaintEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;

private:
    QLabel *m_label;
    QTimer m_hide;
    bool m_worked = true;
};

} // namespace portolan::ui
