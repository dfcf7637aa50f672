#pragma once

#include <QAction>
#include <QDialog>

namespace portolan::ui {

/// Every command that has keys, page by page.
class ShortcutsDialog final : public QDialog
{
    Q_OBJECT

public:
    struct Group
    {
        QString title;
        QList<QAction *> actions;
    };
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
