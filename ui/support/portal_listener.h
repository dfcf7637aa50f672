// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDBusConnection>
#include <QDBusVariant>
#include <QObject>
#include <optional>

namespace portolan::ui {

/// The part of PortalScheme that talks to the bus, on its thread.
class PortalListener final : public QObject
{
    Q_OBJECT

public:
    explicit PortalListener(QString bus) : m_bus(std::move(bus)) {}
    ~PortalListener() override;
    void listen();

signals:
    void heard(std::optional<bool> dark);

private slots:
    void settingChanged(const QString &space, const QString &key, const QDBusVariant &value);

private:
    const QString m_bus;
    QString m_name; ///< of the connection
    bool m_told = false;
};

} // namespace portolan::ui
