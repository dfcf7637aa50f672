// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAction>
#include <QDialog>
#include <QLineEdit>
#include <QListWidget>
#include <functional>
#include <vector>

namespace portolan::ui {

/// Everything the console can do, found by typing a part of it, and below it where else what was typed can be looked
/// for. Enter does it, Escape leaves. What cannot be done now comes after what fits as well, and says why ("what's
/// this" of its action).
class CommandPalette final : public QDialog
{
    Q_OBJECT

public:
    /// A page that can look for something.
    struct Search
    {
        QString what; ///< "accounts"
        std::function<void(const QString &words)> look;
    };
    CommandPalette(const QList<QAction *> &actions, std::vector<Search> searches, QWidget *parent);

protected:
    bool eventFilter(QObject *watched, QEvent *event) override;

private:
    void filter(const QString &typed);
    void addCommand(QAction *action);
    QIcon noIcon() const;
    void addSearches(const QString &typed);
    void sayNothingFits(const QString &typed);
    void run();

    QList<QAction *> m_actions;
    std::vector<Search> m_searches;
    QLineEdit *m_line;
    QListWidget *m_list;
};

/// How well `typed` fits: its letters must come in this order; 0: not at all. Whole words and beginnings count most.
int matchQuality(const QString &text, const QString &typed);

} // namespace portolan::ui
