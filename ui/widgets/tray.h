// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QSystemTrayIcon>
#include <QWidget>
#include <functional>
#include <memory>

namespace portolan::ui {

/// Where a window waits out of sight while the portal in it goes on serving: in the tray, or minimised where the
/// desktop has none.
class Tray final : public QObject
{
    Q_OBJECT

public:
    /// `quit`: what its menu's last entry does. The window outlives it.
    Tray(QWidget &window, std::function<void()> quit);
    ~Tray() override;

    static bool available();
    void send(const QString &says); ///< the window goes there; `says`: what the icon tells
    void tell(const QString &says); ///< something else now, where it is in the tray
    void bringBack();

private:
    QWidget &m_window;
    std::function<void()> m_quit;
    std::unique_ptr<QWidget> m_menuOwner;
    std::unique_ptr<QSystemTrayIcon> m_icon; ///< while the window is in the tray
};

} // namespace portolan::ui
