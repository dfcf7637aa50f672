// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/portal_scheme.h"

#include "ui/support/portal_listener.h"

#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QFile>

namespace portolan::ui {

namespace {

constexpr auto service = "org.freedesktop.portal.Desktop";
constexpr auto path = "/org/freedesktop/portal/desktop";
constexpr auto interface = "org.freedesktop.portal.Settings";
constexpr auto appearance = "org.freedesktop.appearance";
constexpr auto colourScheme = "color-scheme";
constexpr int answerPatience = 3000;  ///< ms
constexpr unsigned endPatience = 500; ///< ms

/// Without one libdbus would start a bus, by a helper that talks to the X server.
bool hasSessionBus()
{
    return !qEnvironmentVariableIsEmpty("DBUS_SESSION_BUS_ADDRESS") ||
           QFile::exists(qEnvironmentVariable("XDG_RUNTIME_DIR") + "/bus");
}

/// 1 is dark, 2 is light, all else is no preference. Read() wraps the value twice.
std::optional<bool> darkOf(QVariant value)
{
    while (value.canConvert<QDBusVariant>())
        value = value.value<QDBusVariant>().variant();
    const uint scheme = value.toUInt();
    return scheme == 1 ? std::optional(true) : scheme == 2 ? std::optional(false) : std::nullopt;
}

} // namespace

PortalListener::~PortalListener()
{
    if (!m_name.isEmpty())
        QDBusConnection::disconnectFromBus(m_name);
}

void PortalListener::listen()
{
    m_name = QString("portolan-scheme-%1").arg(quintptr(this));
    QDBusConnection bus = m_bus.isEmpty() ? QDBusConnection::connectToBus(QDBusConnection::SessionBus, m_name)
                                          : QDBusConnection::connectToBus(m_bus, m_name);
    if (!bus.isConnected()) {
        emit heard({});
        return;
    }
    bus.connect(service, path, interface, "SettingChanged", this, SLOT(settingChanged(QString, QString, QDBusVariant)));
    QDBusMessage question = QDBusMessage::createMethodCall(service, path, interface, "Read");
    question << QString(appearance) << QString(colourScheme);
    auto *watcher = new QDBusPendingCallWatcher(bus.asyncCall(question, answerPatience), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this, [this, watcher] {
        const QDBusPendingReply<QDBusVariant> reply = *watcher;
        watcher->deleteLater();
        if (!m_told) // what has changed meanwhile is newer
            emit heard(reply.isError() ? std::nullopt : darkOf(reply.value().variant()));
    });
}

void PortalListener::settingChanged(const QString &space, const QString &key, const QDBusVariant &value)
{
    if (space != appearance || key != colourScheme)
        return;
    m_told = true;
    emit heard(darkOf(value.variant()));
}

PortalScheme::PortalScheme(const QString &bus, QObject *parent) : QObject(parent), m_thread(new QThread)
{
    m_thread->setObjectName("desktop");
    if (bus.isEmpty() && !hasSessionBus()) {
        QMetaObject::invokeMethod(this, &PortalScheme::answered, Qt::QueuedConnection);
        return;
    }
    auto *listener = new PortalListener(bus);
    listener->moveToThread(m_thread);
    connect(m_thread, &QThread::started, listener, &PortalListener::listen);
    connect(m_thread, &QThread::finished, listener, &QObject::deleteLater);
    connect(listener, &PortalListener::heard, this, &PortalScheme::take);
    m_thread->start();
}

PortalScheme::~PortalScheme()
{
    m_thread->quit();
    if (m_thread->wait(endPatience))
        delete m_thread;
}

void PortalScheme::take(std::optional<bool> dark)
{
    const bool different = dark != m_dark;
    m_dark = dark;
    if (different)
        emit changed();
    emit answered();
}

} // namespace portolan::ui
