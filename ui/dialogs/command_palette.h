#pragma once

#include <QAction>
#include <QDialog>
#include <QLineEdit>
#include <QListWidget>

namespace portolan::ui {

/// Everything the console can do, found by typing a part of it. Enter does it, Escape leaves.
/// What cannot be done now says why ("what's this" of its action).
class CommandPalette final : public QDialog
{
    Q_OBJECT

public:
    CommandPalette(const QList<QAction *> &actions, QWidget *parent);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void filter(const QString &typed);
    void run();

    QList<QAction *> m_actions;
    QLineEdit *m_line;
    QListWidget *m_list;
};

/// How well `typed` fits: its letters must come in this order; 0: not at all. Whole words and beginnings count most.
int matchQuality(const QString &text, const QString &typed);

} // namespace portolan::ui
