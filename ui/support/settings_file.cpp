// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/settings_file.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("settings", source); }

/// The first name that is free: what was kept before stays.
QString besides(const QString &path)
{
    QString kept = path + ".corrupt";
    for (int number = 2; QFileInfo::exists(kept); ++number)
        kept = QString("%1.corrupt-%2").arg(path).arg(number);
    return kept;
}

} // namespace

SettingsFile openSettings(const QString &path)
{
    SettingsFile opened{std::make_unique<QSettings>(path, QSettings::IniFormat), {}};
    opened.settings->allKeys(); // reads it
    const QString shown = QDir::toNativeSeparators(path);
    if (opened.settings->status() == QSettings::FormatError) {
        opened.settings.reset();
        const QString kept = besides(path);
        const bool moved = QFile::rename(path, kept);
        opened.settings = std::make_unique<QSettings>(path, QSettings::IniFormat);
        opened.problem =
            moved ? tr("The console's settings in %1 were damaged, so they begin anew. The damaged file is "
                       "kept as %2.")
                        .arg(shown, QDir::toNativeSeparators(kept))
                  : tr("The console's settings in %1 are damaged, and the file cannot be set aside: what you "
                       "choose lasts until the window is closed. Rename or delete the file.")
                        .arg(shown);
        return opened;
    }
    const QFileInfo file(path);
    const bool unreadable = file.exists() && !file.isReadable();
    if (unreadable || opened.settings->status() == QSettings::AccessError || !opened.settings->isWritable()) {
        opened.problem =
            tr("The console's settings in %1 cannot be %2: what you choose lasts until the window is closed. "
               "Give this user the right to use the file.")
                .arg(shown, unreadable ? tr("read") : tr("written"));
    }
    return opened;
}

} // namespace portolan::ui
