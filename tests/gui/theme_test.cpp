// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/colours.h"
#include "ui/support/portal_scheme.h"
#include "ui/support/theme.h"

#include <QApplication>
#include <QDBusConnection>
#include <QDBusContext>
#include <QDBusMessage>
#include <QDBusVariant>
#include <QElapsedTimer>
#include <QLocalServer>
#include <QProcess>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace portolan::ui;

/// A settings portal, as desktops have one.
class SettingsPortal final : public QObject, protected QDBusContext
{
    Q_OBJECT
    Q_CLASSINFO("D-Bus Interface", "org.freedesktop.portal.Settings")

public:
    uint scheme = 0;
    bool silent = false;
    int asked = 0;

    void change(const QString &space, const QString &key, uint value)
    {
        scheme = value;
        emit SettingChanged(space, key, QDBusVariant(value));
    }

public slots:
    // NOLINTNEXTLINE(readability-identifier-naming): as D-Bus spells it
    QDBusVariant Read(const QString &space, const QString &key)
    {
        ++asked;
        if (silent)
            setDelayedReply(true);
        if (space != "org.freedesktop.appearance" || key != "color-scheme")
            sendErrorReply("org.freedesktop.portal.Error.NotFound", "Requested setting not found");
        return QDBusVariant(QVariant::fromValue(QDBusVariant(scheme)));
    }

signals:
    void SettingChanged(const QString &space, const QString &key, const QDBusVariant &value);
};

/// The theme follows the desktop, on a bus of the test's own.
class ThemeTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void cleanup();
    void whatThePortalSays_data();
    void whatThePortalSays();
    void changesAreFollowed();
    void theThemeFollows();
    void noPortal();
    void silentPortal();
    void noBus();
    void silentBus();

private:
    std::unique_ptr<QProcess> m_daemon;
    QTemporaryDir m_folder;
    QString m_address;
    std::unique_ptr<SettingsPortal> m_portal;
};

namespace {

constexpr auto connectionName = "the portal";
constexpr auto space = "org.freedesktop.appearance";
constexpr auto key = "color-scheme";

} // namespace

void ThemeTest::init()
{
    m_daemon = std::make_unique<QProcess>();
    m_daemon->start("dbus-daemon", {"--session", "--nofork", "--nopidfile", "--print-address=1",
                                    "--address=unix:dir=" + m_folder.path()});
    QVERIFY2(m_daemon->waitForStarted(), "dbus-daemon does not start: install the package dbus-daemon");
    QVERIFY(m_daemon->waitForReadyRead());
    m_address = QString::fromLocal8Bit(m_daemon->readLine()).trimmed();
    auto bus = QDBusConnection::connectToBus(m_address, connectionName);
    QVERIFY(bus.isConnected());
    m_portal = std::make_unique<SettingsPortal>();
    QVERIFY(bus.registerObject("/org/freedesktop/portal/desktop", m_portal.get(),
                               QDBusConnection::ExportAllSlots | QDBusConnection::ExportAllSignals));
    QVERIFY(bus.registerService("org.freedesktop.portal.Desktop"));
}

void ThemeTest::cleanup()
{
    QDBusConnection::disconnectFromBus(connectionName);
    m_daemon->terminate();
    m_daemon->waitForFinished();
}

void ThemeTest::whatThePortalSays_data()
{
    QTest::addColumn<uint>("scheme");
    QTest::addColumn<std::optional<bool>>("dark");
    QTest::newRow("no preference") << 0u << std::optional<bool>();
    QTest::newRow("dark") << 1u << std::optional(true);
    QTest::newRow("light") << 2u << std::optional(false);
    QTest::newRow("something new") << 7u << std::optional<bool>();
}

void ThemeTest::whatThePortalSays()
{
    QFETCH(uint, scheme);
    QFETCH(std::optional<bool>, dark);
    m_portal->scheme = scheme;
    const PortalScheme desktop(m_address);
    QVERIFY(!desktop.dark()); // nobody has waited
    QSignalSpy answered(&desktop, &PortalScheme::answered);
    QVERIFY(answered.wait());
    QVERIFY(desktop.dark() == dark);
    QCOMPARE(m_portal->asked, 1);
}

void ThemeTest::changesAreFollowed()
{
    const PortalScheme desktop(m_address);
    QSignalSpy answered(&desktop, &PortalScheme::answered);
    QVERIFY(answered.wait());
    QSignalSpy changed(&desktop, &PortalScheme::changed);
    m_portal->change("org.gnome.desktop.interface", key, 1); // somebody else's
    m_portal->change(space, "accent-color", 1);
    m_portal->change(space, key, 1);
    QVERIFY(changed.wait());
    QVERIFY(desktop.dark() == std::optional(true));
    m_portal->change(space, key, 1); // no change
    m_portal->change(space, key, 2);
    QVERIFY(changed.wait());
    QVERIFY(desktop.dark() == std::optional(false));
    QCOMPARE(changed.size(), 2);
}

void ThemeTest::theThemeFollows()
{
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
    const bool byPortal = QApplication::styleHints()->colorScheme() == Qt::ColorScheme::Unknown;
#else
    const bool byPortal = true;
#endif
    QSettings settings(m_folder.filePath("settings.ini"), QSettings::IniFormat);
    const PortalScheme desktop(m_address);
    Theme theme(*qApp, settings, &desktop);
    QSignalSpy changed(&desktop, &PortalScheme::changed);
    QSignalSpy answered(&desktop, &PortalScheme::answered);
    QVERIFY(answered.wait());
    m_portal->change(space, key, 1);
    QVERIFY(changed.wait());
    QVERIFY(isDark(QApplication::palette()) || !byPortal);
    theme.setMode(Theme::Mode::Light);
    QVERIFY(!isDark(QApplication::palette()));
    m_portal->change(space, key, 2);
    QVERIFY(changed.wait());
    m_portal->change(space, key, 1);
    QVERIFY(changed.wait());
    QVERIFY(!isDark(QApplication::palette())); // what was chosen counts
    theme.setMode(Theme::Mode::System);
    QVERIFY(isDark(QApplication::palette()) || !byPortal);
    m_portal->change(space, key, 2);
    QVERIFY(changed.wait());
    QVERIFY(!isDark(QApplication::palette()));
}

void ThemeTest::noPortal()
{
    QDBusConnection(connectionName).unregisterService("org.freedesktop.portal.Desktop");
    const PortalScheme desktop(m_address);
    QSignalSpy answered(&desktop, &PortalScheme::answered);
    QVERIFY(answered.wait());
    QVERIFY(!desktop.dark());
}

void ThemeTest::silentPortal()
{
    m_portal->silent = true;
    const PortalScheme desktop(m_address);
    QSignalSpy answered(&desktop, &PortalScheme::answered);
    QVERIFY(answered.wait(10'000)); // its deadline
    QVERIFY(!desktop.dark());
    QSignalSpy changed(&desktop, &PortalScheme::changed);
    m_portal->change(space, key, 1);
    QVERIFY(changed.wait());
    QVERIFY(desktop.dark() == std::optional(true));
}

void ThemeTest::noBus()
{
    const PortalScheme desktop("unix:path=" + m_folder.filePath("nothing"));
    QSignalSpy answered(&desktop, &PortalScheme::answered);
    QVERIFY(answered.wait());
    QVERIFY(!desktop.dark());
}

void ThemeTest::silentBus()
{
    QLocalServer server; // takes connections and never says a word
    QVERIFY(server.listen(m_folder.filePath("silent")));
    QElapsedTimer timer;
    timer.start();
    {
        const PortalScheme desktop("unix:path=" + m_folder.filePath("silent"));
        QVERIFY(timer.elapsed() < 500);
        QVERIFY(!desktop.dark());
        QTRY_VERIFY(server.hasPendingConnections());
        timer.start();
    }
    QVERIFY(timer.elapsed() < 3000);
}

QTEST_MAIN(ThemeTest)
#include "theme_test.moc"
