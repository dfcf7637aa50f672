// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <QThread>
#include <memory>
#include <optional>

namespace portolan::ui {

/// Whether the desktop is dark, as its settings portal says, and as long as this lives:
/// org.freedesktop.portal.Settings, namespace org.freedesktop.appearance, key color-scheme
/// (flatpak.github.io/xdg-desktop-portal). Qt knows it itself from 6.5 on.
///
/// All of D-Bus is on a thread of its own: connecting to a bus blocks, for as long as the bus likes. Nobody waits for
/// it; a portal that has not answered in 3 s has no preference until it says that one has changed.
class PortalScheme final : public QObject
{
    Q_OBJECT

public:
    /// `bus`: an address; empty: that of the session, if there is one.
    explicit PortalScheme(const QString &bus = {}, QObject *parent = nullptr);
    ~PortalScheme() override; ///< a thread that is still connecting is left to itself

    /// Nothing: not known yet, or no preference.
    std::optional<bool> dark() const { return m_dark; }

signals:
    void changed();  ///< dark()
    void answered(); ///< the first question, one way or another

private:
    void take(std::optional<bool> dark);

    std::optional<bool> m_dark;
    QThread *m_thread;
};

} // namespace portolan::ui
