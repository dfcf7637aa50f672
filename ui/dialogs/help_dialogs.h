// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAction>
#include <QDialog>

namespace portolan::ui {

/// Every command that has keys, page by page, and the keys of what pages are made of.
class ShortcutsDialog final : public QDialog
{
    Q_OBJECT

public:
    struct Group
    {
        QString title;
        QList<QAction *> actions;
        QList<std::pair<QString, QString>> keys = {}; ///< what they do, and which; of what is no action
    };
    /// The keys of what every page is made of: charts, tables and what else takes the focus.
    static std::vector<Group> widgetKeys();
    ShortcutsDialog(const std::vector<Group> &groups, QWidget *parent);
};

/// What this is, which version, under which licence.
class AboutDialog final : public QDialog
{
    Q_OBJECT

public:
    AboutDialog(const QString &version, QWidget *parent);
};

} // namespace portolan::ui
