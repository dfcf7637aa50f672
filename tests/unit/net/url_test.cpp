// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/http_url.h"
#include "tests/fakes/texts_with_secrets.h"

#include <QTest>

using namespace portolan;
using namespace portolan::net;

/// Addresses of HTTP.
class UrlTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsUrls_data();
    void readsUrls();
    void refusesUrls_data();
    void refusesUrls();
    void resolvesLocations_data();
    void resolvesLocations();
    void repeatsNoSecret();
};

void UrlTest::readsUrls_data()
{
    QTest::addColumn<QByteArray>("url");
    QTest::addColumn<QByteArray>("display");
    QTest::addColumn<QByteArray>("target");
    QTest::addColumn<QByteArray>("authority");
    QTest::addColumn<int>("port");
    const auto row = [](const char *url, const char *display, const char *target, const char *authority, int port) {
        QTest::newRow(url) << QByteArray(url) << QByteArray(display) << QByteArray(target) << QByteArray(authority)
                           << port;
    };
    row("http://h", "http://h", "/", "h", 80);
    row("https://h/", "https://h", "/", "h", 443);
    row("HTTPS://Shop.Example:443/A", "https://shop.example", "/A", "shop.example", 443);
    row("https://h:8443/a/b?c=%20&d", "https://h:8443", "/a/b?c=%20&d", "h:8443", 8443);
    row("http://h?x=1", "http://h", "/?x=1", "h", 80);
    row("http://[::1]:8080/metrics", "http://[::1]:8080", "/metrics", "[::1]:8080", 8080);
    row("http://10.0.0.1", "http://10.0.0.1", "/", "10.0.0.1", 80);
    row("http://h:443", "http://h:443", "/", "h:443", 443);
    row("https://h/a%2Fb#part", "https://h", "/a%2Fb", "h", 443);
}

void UrlTest::readsUrls()
{
    QFETCH(QByteArray, url);
    QFETCH(QByteArray, display);
    QFETCH(QByteArray, target);
    QFETCH(QByteArray, authority);
    QFETCH(int, port);
    const auto read = parseHttpUrl(url.toStdString());
    QVERIFY2(read.has_value(), read ? "" : read.error().message.c_str());
    QCOMPARE(read->origin.display(), display.toStdString());
    QCOMPARE(read->target, target.toStdString());
    QCOMPARE(read->origin.authority(), authority.toStdString());
    QCOMPARE(int(read->origin.port), port);
    QVERIFY(read->origin.host.find('[') == std::string::npos);
}

void UrlTest::refusesUrls_data()
{
    QTest::addColumn<QByteArray>("url");
    QTest::addColumn<QByteArray>("words");
    const auto row = [](const char *url, const char *words) {
        QTest::newRow(url) << QByteArray(url) << QByteArray(words);
    };
    row("", "no scheme");
    row("h:80", "no scheme");
    row("ftp://h", "neither http nor https");
    row("https://user:secret@h", "user or password");
    row("https://secret@h", "user or password");
    row("https://:secret@h", "user or password");
    row("https:///path", "no host");
    row("https://h:0", "port");
    row("https://h:99999", "port");
    row("https://h:x", "port");
    row("https://h/a b", "form of a URL");
    row("https://[::1", "bracket");
}

void UrlTest::refusesUrls()
{
    QFETCH(QByteArray, url);
    QFETCH(QByteArray, words);
    const auto read = parseHttpUrl(url.toStdString());
    QVERIFY(read.has_error());
    QCOMPARE(read.error().code, std::string("http-url"));
    QVERIFY2(read.error().message.find(words.toStdString()) != std::string::npos, read.error().message.c_str());
    QVERIFY(inWords(read.error()).find("secret") == std::string::npos);
}

void UrlTest::resolvesLocations_data()
{
    QTest::addColumn<QByteArray>("location");
    QTest::addColumn<QByteArray>("to"); // empty: refused
    const auto row = [](const char *location, const char *to) {
        QTest::newRow(location) << QByteArray(location) << QByteArray(to);
    };
    row("/x", "https://h:1/x");
    row("x", "https://h:1/a/x");
    row("../x", "https://h:1/x");
    row("?y=1", "https://h:1/a/b?y=1");
    row("//other/x", "https://other/x");
    row("http://other:8080", "http://other:8080/");
    row("https://u:p@other/", "");
    row("javascript:alert(1)", "");
    row("http://", "");
    row("a b", "");
}

void UrlTest::resolvesLocations()
{
    QFETCH(QByteArray, location);
    QFETCH(QByteArray, to);
    const auto from = parseHttpUrl("https://h:1/a/b?c=d").value();
    const auto resolved = resolveLocation(from, location.toStdString());
    QCOMPARE(resolved.has_value(), !to.isEmpty());
    if (resolved)
        QCOMPARE(resolved->origin.display() + resolved->target, to.toStdString());
}

void UrlTest::repeatsNoSecret()
{
    for (const auto &text : textsWithSecrets()) {
        const auto read = parseHttpUrl(text);
        const std::string shown = read ? read->origin.display() : inWords(read.error());
        QVERIFY2(shown.find(secretMark) == std::string::npos, (text + ": " + shown).c_str());
    }
}

QTEST_GUILESS_MAIN(UrlTest)
#include "url_test.moc"
