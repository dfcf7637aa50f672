// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QSettings>

class QApplication;

namespace portolan::ui {

class PortalScheme;

/// Light, dark, or as the system is, which is followed while the program runs: as Qt knows it from 6.5 on, before that
/// as the desktop's settings portal says, and where nobody does, as the palette was at the start. The choice is kept in
/// the settings.
class Theme final : public QObject
{
    Q_OBJECT

public:
    enum class Mode { System, Light, Dark };
    Q_ENUM(Mode)

    /// `desktop`: the portal; null: it is not asked.
    Theme(QApplication &application, QSettings &settings, const PortalScheme *desktop = nullptr,
          QObject *parent = nullptr);

    Mode mode() const { return m_mode; }
    void setMode(Mode mode);

signals:
    void modeChanged();

private:
    bool systemIsDark() const;
    void apply();

    QApplication &m_application;
    QSettings &m_settings;
    const PortalScheme *m_desktop;
    bool m_startedDark;
    Mode m_mode = Mode::System;
};

} // namespace portolan::ui
