// SPDX-License-Identifier: GPL-3.0-or-later
// Why there is no tunnel, or no connection through it, as real sshds have it.

#include "ssh_harness.h"

#include <QTest>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

class SshRefusalsTest final : public QObject
{
    Q_OBJECT
private slots:
    void saysWhyNotThere_data();
    void saysWhyNotThere();
    void saysWhyNotConnected_data();
    void saysWhyNotConnected();
};

void SshRefusalsTest::saysWhyNotThere_data()
{
    QTest::addColumn<QByteArray>("lines"); // of sshd_config
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<QByteArray>("path");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("words");
    QTest::addColumn<QByteArray>("mend");
    const auto row = [](const char *name, const char *lines, const char *host, const char *path, const char *code,
                        const char *words, const char *mend) {
        QTest::newRow(name) << QByteArray(lines) << QByteArray(host) << QByteArray(path) << QByteArray(code)
                            << QByteArray(words) << QByteArray(mend);
    };
    row("nobody listens", "", "127.0.0.1", "", "tunnel-ssh-refused", "as seen from inner", "");
    row("no such name", "", "nowhere.invalid", "", "tunnel-ssh-name", "nowhere.invalid:", "");
    row("no such socket", "", "", "/nonexistent/s.sock", "tunnel-ssh-refused", "/nonexistent/s.sock", "");
    row("no forwarding", "AllowTcpForwarding no", "127.0.0.1", "", "tunnel-ssh-forbidden", "inner may not forward",
        "AllowTcpForwarding local");
    row("not there", "PermitOpen 127.0.0.1:1", "127.0.0.1", "", "tunnel-ssh-forbidden", "authorized_keys",
        "AllowTcpForwarding local");
    // sshd says no more of it than of a socket that is not there.
    row("no sockets", "AllowStreamLocalForwarding no", "", "/run/s.sock", "tunnel-ssh-refused",
        "AllowStreamLocalForwarding", "");
    row("no name at all", "", "shop:80:example", "", "tunnel-ssh-name", "cannot be reached", "");
}

void SshRefusalsTest::saysWhyNotThere()
{
    QFETCH(QByteArray, lines);
    QFETCH(QByteArray, host);
    QFETCH(QByteArray, path);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, words);
    QFETCH(QByteArray, mend);
    SshNet net({}, lines.toStdString());
    net.open();
    const Target target{host.toStdString(), path.isEmpty() ? SshdFixture::freePort() : std::uint16_t{0},
                        path.toStdString()};
    for (int time = 0; time < 2; ++time) { // the second finds the forward there
        const auto dialed = net.dial(target);
        QCOMPARE(QByteArray::fromStdString(dialed.code()), code);
        const auto said = QByteArray::fromStdString(inWords(dialed.error()));
        QVERIFY2(said.contains(words), said.constData());
        QVERIFY(!dialed.error().hint.empty());
        QCOMPARE(QByteArray::fromStdString(dialed.error().mend), mend);
    }
    QVERIFY(!net.tunnel->trouble()); // the tunnel itself stands
    QVERIFY(net.tunnel->figures().starts <= 1);
}

void SshRefusalsTest::saysWhyNotConnected_data()
{
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("words");
    QTest::addColumn<QByteArray>("mend");
    const auto row = [](const char *host, const char *code, const char *words, const char *mend) {
        QTest::newRow(host) << QByteArray(host) << QByteArray(code) << QByteArray(words) << QByteArray(mend);
    };
    row("stranger", "tunnel-ssh-auth", "Permission denied", "ssh-copy-id stranger");
    row("locked", "tunnel-ssh-passphrase", "locked by a passphrase", "ssh-add ");
    row("lockedjump", "tunnel-ssh-passphrase", "locked by a passphrase", "ssh-add ");
    row("closed", "tunnel-ssh-unreachable", "Connection refused", "");
    row("closedjump", "tunnel-ssh-unreachable", "Connection refused", "");
    row("behind", "tunnel-ssh-unreachable", "jump host", "");
    row("nowhere.invalid", "tunnel-ssh-name", "Could not resolve", "");
    row("nowherejump", "tunnel-ssh-name", "Could not resolve", "");
    row("unknown", "tunnel-ssh-host-key-unknown", "not known on this machine", "StrictHostKeyChecking=ask");
    row("unknownjump", "tunnel-ssh-host-key-unknown", "not known on this machine", "StrictHostKeyChecking=ask");
    row("changed", "tunnel-ssh-host-key-changed", "another key", "ssh-keygen -R ");
    row("revoked", "tunnel-ssh-host-key-changed", "revoked", "");
    row("badoption", "tunnel-ssh-failed", "onfiguration option", "");
}

void SshRefusalsTest::saysWhyNotConnected()
{
    QFETCH(QByteArray, host);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, words);
    QFETCH(QByteArray, mend);
    SshNet net;
    auto &place = net.place;
    const auto closed = SshdFixture::freePort();
    const auto files = [&](const char *name) { return "  UserKnownHostsFile " + place.at(name) + "\n"; };
    place.write("other", "[127.0.0.1]:" + std::to_string(net.inner.port()) + ' ' + place.read("stranger.pub"));
    place.write("gone", "@revoked * " + place.read(net.inner.hostKey() + ".pub"));
    // The first value wins, so what differs stands before the rest.
    const std::string jump = "  ProxyJump ";
    place.write("first", "Host unknown\n" + files("empty") + "Host changed\n" + files("other") + "Host revoked\n" +
                             files("gone") + "Host badoption\n  NoSuchOption yes\n");
    place.addHost("stranger", net.outer.port(), {}, "stranger");
    place.addHost("locked", net.outer.port(), {}, "locked");
    place.addHost("lockedjump", net.inner.port(), jump + "locked\n");
    place.addHost("closed", closed);
    place.addHost("closedjump", net.inner.port(), jump + "closed\n");
    place.addHost("behind", closed, jump + "bastion\n");
    place.addHost("nowherejump", net.inner.port(), jump + "nowhere.invalid\n");
    for (const char *name : {"unknown", "changed", "revoked"})
        place.addHost(name, net.inner.port());
    place.addHost("unknownjump", net.inner.port(), jump + "unknown\n");
    if (host != "badoption")
        place.write("first", place.read("first").substr(0, place.read("first").find("Host badoption")));
    auto options = net.options();
    options.systemConfig = place.at("config");
    options.userConfig = place.at("first");
    net.open(host.toStdString(), options);
    const auto dialed = net.dial(1);
    QCOMPARE(QByteArray::fromStdString(dialed.code()), code);
    QCOMPARE(dialed.error().kind, ErrorKind::Unavailable);
    const auto said = QByteArray::fromStdString(inWords(dialed.error()));
    QVERIFY2(said.contains(words), said.constData());
    QVERIFY(!dialed.error().hint.empty() && !dialed.error().about.empty());
    QVERIFY2(dialed.error().mend.find(mend.toStdString()) == 0 ||
                 dialed.error().mend.find(mend.toStdString()) != std::string::npos,
             dialed.error().mend.c_str());
    if (code.endsWith("passphrase"))
        QCOMPARE(dialed.error().mend, "ssh-add " + place.at("locked"));
    if (host == "changed")
        QVERIFY2(said.contains((place.at("other") + ":1").c_str()), said.constData());
    QCOMPARE(net.tunnel->trouble().value().code, dialed.error().code);
    QVERIFY(!net.tunnel->log().empty());
    QVERIFY(net.folders().empty());
}

QTEST_GUILESS_MAIN(SshRefusalsTest)
#include "ssh_refusals_test.moc"
