// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/settings.h"
#include "core/server/environment.h"

#include <QProcess>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::server;
using namespace std::chrono_literals;

/// What is said about settings that nothing is wrong with.
class SettingNotesTest final : public QObject
{
    Q_OBJECT
private slots:
    void tellsWhenACertificateIsGood_data();
    void tellsWhenACertificateIsGood();
};

void SettingNotesTest::tellsWhenACertificateIsGood_data()
{
    QTest::addColumn<int>("hours"); // from now, of a certificate that is made now for two days
    QTest::addColumn<QString>("note");
    QTest::newRow("before") << -2 << "is not valid before ";
    QTest::newRow("soon after it was made") << 1 << "";
    QTest::newRow("on the last day") << 47 << "";
    QTest::newRow("afterwards") << 49 << "expired on ";
}

void SettingNotesTest::tellsWhenACertificateIsGood()
{
    QFETCH(const int, hours);
    QFETCH(const QString, note);
    QTemporaryDir folder;
    QProcess openssl;
    openssl.setWorkingDirectory(folder.path());
    openssl.start("openssl", {"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                              "-keyout", "key.pem", "-out", "cert.pem"});
    QVERIFY(openssl.waitForFinished() && openssl.exitCode() == 0);
    SettingSources sources;
    sources.commandLine = {{"tls.cert", folder.filePath("cert.pem").toStdString()},
                           {"tls.key", folder.filePath("key.pem").toStdString()}};
    const auto settings = Settings::load(sources);
    QVERIFY(settings.has_value());
    const auto notes = settingNotes(*settings, std::chrono::system_clock::now() + std::chrono::hours(hours));
    const auto about =
        std::ranges::find_if(notes, [](const auto &text) { return text.find("(tls.cert)") != text.npos; });
    QCOMPARE(about != notes.end(), !note.isEmpty());
    if (about != notes.end())
        QVERIFY2(about->find("cert.pem (tls.cert) " + note.toStdString() + "20") != about->npos, about->c_str());
}

QTEST_GUILESS_MAIN(SettingNotesTest)
#include "setting_notes_test.moc"
