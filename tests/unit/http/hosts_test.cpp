// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/masking.h"
#include "core/http/forwarded.h"
#include "core/http/hosts.h"
#include "tests/fakes/texts_with_secrets.h"

#include <QTest>

using namespace portolan;
using namespace portolan::http;

/// The names a server is asked by and the pages that may ask it, as people write them.
class HostsTest final : public QObject
{
    Q_OBJECT
private slots:
    void understandsHosts_data();
    void understandsHosts();
    void refusesHostsThatNeverMatch_data();
    void refusesHostsThatNeverMatch();
    void knowsLoopbackNames_data();
    void knowsLoopbackNames();
    void putsOriginsIntoTheFormBrowsersSend_data();
    void putsOriginsIntoTheFormBrowsersSend();
    void refusesOriginsThatNeverMatch_data();
    void refusesOriginsThatNeverMatch();
    void repeatsNoSecret();
};

void HostsTest::understandsHosts_data()
{
    QTest::addColumn<QByteArray>("entry");
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<bool>("allowed");
    const auto row = [](const char *entry, const char *host, bool allowed) {
        QTest::addRow("%s by %s", host, entry) << QByteArray(entry) << QByteArray(host) << allowed;
    };
    for (const char *entry : {"portal.example", "portal.example:8080", "https://portal.example", "portal.example/",
                              "portal.example.", "PORTAL.Example", "https://portal.example:8443/"}) {
        for (const char *host : {"portal.example", "portal.example:4000", "portal.example.", "Portal.Example.:80"})
            row(entry, host, true);
        for (const char *host : {"evil.example", "evilportal.example", "a.portal.example", "portal.example.evil", ""})
            row(entry, host, false);
    }
    for (const char *entry : {".portal.example", "https://.portal.example/"}) {
        row(entry, "portal.example", true);
        row(entry, "a.b.portal.example.", true);
        row(entry, "evilportal.example", false);
    }
    row("*.portal.example", "a.portal.example:1", true);
    row("*.portal.example", "portal.example", false);
    row("*.portal.example", "evilportal.example", false);
    row("*", "anything", true);
    row("b\u00fccher.example", "xn--bcher-kva.example", true);
    row("[::1]:8080", "[::1]", true);
    row("::1", "[::1]:80", true);
    for (const char *entry : {"2001:DB8:0:0::1", "[2001:0db8::0001]:8080", "https://[2001:db8::1]/"})
        for (const char *host : {"[2001:db8::1]", "[2001:DB8:0::1]:80"})
            row(entry, host, true);
    row("2001:db8::1", "[2001:db8::2]", false);
    row("172.31.14.247", "172.31.14.247:4000", true);
    row("::ffff:127.0.0.1", "[::ffff:7f00:1]:8080", true); // as browsers write it
    row("1.2.3.4.example", "1.2.3.4.example", true);
    row("portal.example:08080", "portal.example", true);
}

void HostsTest::understandsHosts()
{
    QFETCH(QByteArray, entry);
    QFETCH(QByteArray, host);
    QFETCH(bool, allowed);
    const auto hosts = AllowedHosts::parse({entry.toStdString()});
    QVERIFY2(hosts.has_value(), entry.constData());
    QCOMPARE(hosts->allows(host.toStdString()), allowed);
    QVERIFY(AllowedHosts().allows(host.toStdString()));
    QVERIFY(AllowedHosts::parse({})->allows(host.toStdString()));
}

void HostsTest::refusesHostsThatNeverMatch_data()
{
    QTest::addColumn<QByteArray>("entry");
    for (const char *entry : {"any",
                              "ALL",
                              "none",
                              "https://any/",
                              "127.1",
                              "0177.0.0.1",
                              "0x7f.0.0.1",
                              "2130706433",
                              "1.2.3.256",
                              "1.2.3",
                              "a.1",
                              "0.0.0.0",
                              "0.0.0.0:8080",
                              "::",
                              "[::]",
                              "[::]:8080",
                              "a.example|b.example",
                              "",
                              "/",
                              "https://",
                              "portal.example/app",
                              "a..b",
                              "portal example",
                              "por*tal.example",
                              "*.",
                              "portal.example:http",
                              "portal.example:99999",
                              "[\"portal.example\"]",
                              "'portal.example'",
                              "a.example;b.example",
                              "portal.example?x",
                              "[::1",
                              "[::1]x",
                              "[1::2::3]",
                              "1:2:3",
                              "user@portal.example"})
        QTest::newRow(entry[0] ? entry : "empty") << QByteArray(entry);
}

void HostsTest::refusesHostsThatNeverMatch()
{
    QFETCH(QByteArray, entry);
    const auto hosts = AllowedHosts::parse({"portal.example", entry.toStdString()});
    QVERIFY(hosts.has_error());
    QCOMPARE(hosts.error().kind, ErrorKind::Invalid);
    const auto &error = hosts.error();
    QVERIFY(error.message.find(quotable(entry.toStdString())) != std::string::npos && !error.hint.empty());
    const auto mend = [](const char *one) { return AllowedHosts::parse({one}).error().hint; };
    QVERIFY(mend("127.1").find("127.0.0.1") != std::string::npos);
    QVERIFY(mend("2130706433").find("127.0.0.1") != std::string::npos);
    QVERIFY(mend("any").find("Write *") != std::string::npos);
    QVERIFY(mend("0.0.0.0").find("* for any") != std::string::npos);
}

void HostsTest::knowsLoopbackNames_data()
{
    QTest::addColumn<bool>("loopback");
    for (const char *name :
         {"localhost", "LOCALHOST:8080", "localhost.", "a.localhost", "127.0.0.1", "127.8.9.1:80", "[::1]",
          "[::1]:8080", "::1", "[0:0:0:0:0:0:0:1]:80", "[::ffff:127.0.0.1]:80", "[::FFFF:7f00:1]"})
        QTest::newRow(name) << true;
    for (const char *name :
         {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.evil.0.1", "0.0.0.0", "10.0.0.1",
          "[::2]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[::1", "evillocalhost", "127.0.0.1@evil.example"})
        QTest::newRow(name) << false;
}

void HostsTest::knowsLoopbackNames()
{
    QFETCH(bool, loopback);
    QCOMPARE(isLoopbackName(QTest::currentDataTag()), loopback);
    QCOMPARE(AllowedHosts::loopback().allows(QTest::currentDataTag()), loopback);
    QVERIFY(AllowedHosts::loopback().allows(""));
}

void HostsTest::putsOriginsIntoTheFormBrowsersSend_data()
{
    QTest::addColumn<QByteArray>("entry");
    QTest::addColumn<QByteArray>("origin");
    const auto row = [](const char *entry, const char *origin) {
        QTest::newRow(entry) << QByteArray(entry) << QByteArray(origin);
    };
    row("https://a.example", "https://a.example");
    row("https://a.example/", "https://a.example");
    row("https://A.example", "https://a.example");
    row("HTTPS://a.example:443", "https://a.example");
    row("http://a.example:80/", "http://a.example");
    row("http://a.example:443", "http://a.example:443");
    row("https://a.example.", "https://a.example");
    row("http://[::1]:3000", "http://[::1]:3000");
    row("http://[2001:DB8:0:0::1]:3000", "http://[2001:db8::1]:3000");
    row("https://b\u00fccher.example", "https://xn--bcher-kva.example");
    row("capacitor://localhost", "capacitor://localhost");
    row("https://a.example:08443", "https://a.example:8443");
    row("https://a.example:0443", "https://a.example");
    row("http://[::ffff:127.0.0.1]:80", "http://[::ffff:7f00:1]");
    row("http://0.0.0.0:3000", "http://0.0.0.0:3000");
    row("chrome-extension://abcdefgh", "chrome-extension://abcdefgh");
}

void HostsTest::putsOriginsIntoTheFormBrowsersSend()
{
    QFETCH(QByteArray, entry);
    QFETCH(QByteArray, origin);
    const auto normal = normalOrigin(entry.toStdString());
    QVERIFY2(normal.has_value(), normal ? "" : normal.error().message.c_str());
    QCOMPARE(*normal, origin.toStdString());
}

void HostsTest::refusesOriginsThatNeverMatch_data()
{
    QTest::addColumn<QByteArray>("entry");
    QTest::addColumn<QByteArray>("mend");
    const auto row = [](const char *entry, const char *mend) {
        QTest::newRow(entry) << QByteArray(entry) << QByteArray(mend);
    };
    row("a.example", "https://a.example");
    row("*", "Name each");
    row("https://*.example", "Name each");
    row("[\"https://a.example\"]", "commas");
    row("'https://a.example'", "without quotes");
    row("https://a.example;https://b.example", "commas");
    row("https://a.example/app", "https://a.example");
    row("https://a.example?x", "https://a.example");
    row("https://", "https://portal.example");
    row("https://a b", "https://portal.example");
    row("https://a.example:99999", "https://portal.example");
    row("wss://a.example", "https://");
    row("file:///x", "https://");
    row("null", "Serve the page from an address");
    row("https://127.1", "Write 127.0.0.1");
    row("https://0x7f.1", "Write 127.0.0.1");
    row("https://1.2.3.256", "four numbers");
    row("htps://a.example", "Write https://a.example");
    row("htp://a.example", "Write http://a.example");
    row("https:a.example", "Write https://a.example");
    row("https:/a.example", "Write https://a.example");
    row("https:///a.example", "Write https://a.example");
    row("https:///a", "Write https://a");
    row("https:", "https://portal.example");
    row("a.example:8443", "Write https://a.example:8443");
    row("https://a.example|https://b.example", "commas");
}

void HostsTest::refusesOriginsThatNeverMatch()
{
    QFETCH(QByteArray, entry);
    QFETCH(QByteArray, mend);
    const auto normal = normalOrigin(entry.toStdString());
    QVERIFY(normal.has_error());
    const std::string words = normal.error().message + ". " + normal.error().hint;
    QVERIFY2(words.find(mend.toStdString()) != std::string::npos, words.c_str());
    const auto at = words.find("Write http"); // what is to be written is taken
    if (at != std::string::npos && words.find(' ', at + 6) == std::string::npos)
        QVERIFY2(normalOrigin(words.substr(at + 6)), words.c_str());
}

void HostsTest::repeatsNoSecret()
{
    for (const auto &text : textsWithSecrets()) {
        std::string said;
        if (const auto hosts = AllowedHosts::parse({text}); !hosts)
            said += inWords(hosts.error());
        if (const auto origin = normalOrigin(text); !origin)
            said += inWords(origin.error());
        if (const auto proxies = TrustedProxies::parse({text}); !proxies)
            said += inWords(proxies.error());
        QVERIFY2(said.find(secretMark) == std::string::npos, (text + ": " + said).c_str());
    }
}

QTEST_GUILESS_MAIN(HostsTest)
#include "hosts_test.moc"
