// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/tray.h"

#include <QApplication>
#include <QMenu>

namespace portolan::ui {

Tray::Tray(QWidget &window, std::function<void()> quit) : m_window(window), m_quit(std::move(quit)) {}

Tray::~Tray() = default;

bool Tray::available() { return QSystemTrayIcon::isSystemTrayAvailable(); }

void Tray::send(const QString &says)
{
    if (!available()) {
        m_window.showMinimized();
        return;
    }
    auto menu = std::make_unique<QMenu>();
    connect(menu->addAction(tr("Show the console")), &QAction::triggered, this, &Tray::bringBack);
    connect(menu->addAction(tr("Quit")), &QAction::triggered, this, [this] {
        bringBack(); // the question before quitting needs a window
        m_quit();
    });
    m_icon = std::make_unique<QSystemTrayIcon>(m_window.windowIcon());
    m_icon->setToolTip(says);
    m_icon->setContextMenu(menu.get());
    m_menuOwner = std::move(menu);
    connect(m_icon.get(), &QSystemTrayIcon::activated, this, [this](QSystemTrayIcon::ActivationReason reason) {
        if (reason == QSystemTrayIcon::Trigger || reason == QSystemTrayIcon::DoubleClick)
            bringBack();
    });
    m_icon->show();
    QApplication::setQuitOnLastWindowClosed(false);
    m_window.hide();
}

void Tray::tell(const QString &says)
{
    if (m_icon)
        m_icon->setToolTip(says);
}

void Tray::bringBack()
{
    QApplication::setQuitOnLastWindowClosed(true);
    m_window.show();
    m_window.setWindowState(m_window.windowState() & ~Qt::WindowMinimized);
    m_window.raise();
    m_window.activateWindow();
    if (m_icon)
        m_icon->hide();
}

} // namespace portolan::ui
