// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/portal_address.h"

#include <QTest>

using namespace portolan;
using namespace portolan::client;

class AddressTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsAddresses_data();
    void readsAddresses();
    void refusesAddresses_data();
    void refusesAddresses();
};

void AddressTest::readsAddresses_data()
{
    QTest::addColumn<QByteArray>("url");
    QTest::addColumn<QByteArray>("display");
    QTest::addColumn<QByteArray>("base");
    const auto row = [](const char *url, const char *display, const char *base) {
        QTest::newRow(url) << QByteArray(url) << QByteArray(display) << QByteArray(base);
    };
    row("https://shop.example", "https://shop.example", "");
    row("https://shop.example/", "https://shop.example", "");
    row("https://Shop.Example:443//", "https://shop.example", "");
    row("https://shop.example/portal/", "https://shop.example/portal", "/portal");
    row("https://shop.example:8443/a/b%20c", "https://shop.example:8443/a/b%20c", "/a/b%20c");
    row("http://localhost:8080", "http://localhost:8080", "");
    row("http://app.localhost/x", "http://app.localhost/x", "/x");
    row("http://127.0.0.1", "http://127.0.0.1", "");
    row("http://127.9.0.1:81", "http://127.9.0.1:81", "");
    row("http://[::1]:8080/p", "http://[::1]:8080/p", "/p");
}

void AddressTest::readsAddresses()
{
    QFETCH(QByteArray, url);
    QFETCH(QByteArray, display);
    QFETCH(QByteArray, base);
    const auto read = parsePortalAddress(url.toStdString());
    QVERIFY2(read.has_value(), read ? "" : read.error().message.c_str());
    QCOMPARE(read->display(), display.toStdString());
    QCOMPARE(read->base, base.toStdString());
}

void AddressTest::refusesAddresses_data()
{
    QTest::addColumn<QByteArray>("url");
    QTest::addColumn<QByteArray>("words");
    const auto row = [](const char *url, const char *words) {
        QTest::newRow(url) << QByteArray(url) << QByteArray(words);
    };
    row("shop.example", "https://");
    row("ftp://shop.example", "https");
    row("https://", "host");
    row("https://me:letmein1@shop.example", "Leave it out");
    row("https://shop.example/?next=1", "query");
    row("https://shop.example/#top", "fragment");
    row("http://shop.example", "could be read on the way");
    row("http://10.0.0.7:8080", "could be read on the way");
    row("http://localhost.shop.example", "could be read on the way");
    row("http://[2001:db8::1]", "could be read on the way");
}

void AddressTest::refusesAddresses()
{
    QFETCH(QByteArray, url);
    QFETCH(QByteArray, words);
    const auto read = parsePortalAddress(url.toStdString());
    QVERIFY(read.has_error());
    QCOMPARE(read.error().kind, ErrorKind::Invalid);
    QVERIFY(!read.error().hint.empty());
    const auto said = QByteArray::fromStdString(inWords(read.error()));
    QVERIFY2(said.contains(words), said.constData());
    QVERIFY2(!said.contains("letmein1"), said.constData());
}

QTEST_GUILESS_MAIN(AddressTest)
#include "address_test.moc"
