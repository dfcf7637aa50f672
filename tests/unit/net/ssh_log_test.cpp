// SPDX-License-Identifier: GPL-3.0-or-later
// What OpenSSH 9.2 said, recorded, and what becomes of it.

#include "core/net/ssh_log.h"

#include <QTest>
#include <sstream>

using namespace portolan;
using namespace portolan::net;

namespace {

SshLog logOf(const QByteArray &text, const std::string &host = "inner")
{
    SshLog log(host);
    std::istringstream lines(text.toStdString());
    for (std::string line; std::getline(lines, line);)
        log.read(line);
    return log;
}

constexpr char changed[] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
                           "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
                           "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
                           "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n"
                           "Someone could be eavesdropping on you right now (man-in-the-middle attack)!\n"
                           "It is also possible that a host key has just been changed.\n"
                           "The fingerprint for the ED25519 key sent by the remote host is\n"
                           "SHA256:qVJ9cwQ7BFHmrBrFI3oPPrHvhuC5BOZ0eZ8AzcVCOOo.\n"
                           "Please contact your system administrator.\n"
                           "Add correct host key in /home/u/.ssh/known_hosts to get rid of this message.\n"
                           "Offending ED25519 key in /home/u/.ssh/known_hosts:7\n"
                           "  remove with:\n"
                           "  ssh-keygen -f \"/home/u/.ssh/known_hosts\" -R \"[10.0.0.2]:2222\"\n"
                           "Host key for [10.0.0.2]:2222 has changed and you have requested strict checking.\n"
                           "Host key verification failed.\n"
                           "kex_exchange_identification: Connection closed by remote host\n"
                           "Connection closed by UNKNOWN port 65535\n";

} // namespace

class SshLogTest final : public QObject
{
    Q_OBJECT
private slots:
    void tellsWhyItIsNotUp_data();
    void tellsWhyItIsNotUp();
    void tellsTheHostKey();
    void followsConnections();
    void followsConnectionsOutOfOrder();
    void isNotMisledByOthers();
    void tellsWhyItIsGone();
    void tellsWhyThereIsNoConnection_data();
    void tellsWhyThereIsNoConnection();
    void shows();
};

void SshLogTest::tellsWhyItIsNotUp_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("words");
    const auto row = [](const char *name, const char *text, const char *code, const char *words) {
        QTest::newRow(name) << QByteArray(text) << "tunnel-ssh-" + QByteArray(code) << QByteArray(words);
    };
    row("refused", "ssh: connect to host 127.0.0.1 port 43021: Connection refused\r\n", "unreachable",
        "ssh cannot reach inner (ssh: connect to host 127.0.0.1 port 43021: Connection refused)");
    row("at a jump host",
        "ssh: connect to host 127.0.0.1 port 43021: Connection refused\n"
        "kex_exchange_identification: Connection closed by remote host\n"
        "Connection closed by UNKNOWN port 65535\n",
        "unreachable", "port 43021");
    row("behind a jump host",
        "Authenticated to 127.0.0.1 ([127.0.0.1]:43021) using \"publickey\".\n"
        "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\n"
        "kex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535\n",
        "unreachable", "A jump host cannot reach the next on the way to inner (connect failed: Connection refused)");
    row("a jump host that forwards nothing",
        "channel 0: open failed: administratively prohibited: open failed\nstdio forwarding failed\n"
        "Connection closed by UNKNOWN port 65535\n",
        "forbidden", "A jump host to inner may not forward");
    row("banner", "Connection timed out during banner exchange\nConnection to 10.0.0.1 port 22 timed out\n",
        "unreachable", "banner exchange");
    row("name", "ssh: Could not resolve hostname nowhere.invalid: Name or service not known\r\n", "name",
        "Name or service not known");
    row("sign-in", "deploy@10.0.0.1: Permission denied (publickey,password).\n", "auth", "Permission denied");
    row("too many keys",
        "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\n"
        "Disconnected from 10.0.0.1 port 22\n",
        "auth", "Too many");
    row("passphrase",
        "debug1: Offering public key: /home/u/.ssh/my key ED25519 SHA256:abc explicit\n"
        "debug1: Server accepts key: /home/u/.ssh/my key ED25519 SHA256:abc explicit\n"
        "debug1: Offering public key: /home/u/.ssh/id_rsa RSA SHA256:def\n"
        "debug1: No more authentication methods to try.\nu@h: Permission denied (publickey).\n",
        "passphrase", "/home/u/.ssh/my key");
    row("second factor",
        "debug1: Server accepts key: /home/u/.ssh/id ED25519 SHA256:abc explicit\n"
        "Authenticated using \"publickey\" with partial success.\nu@h: Permission denied (keyboard-interactive).\n",
        "auth", "keyboard-interactive");
    row("a jump host's key was no matter",
        "debug1: Server accepts key: /home/u/.ssh/id ED25519 SHA256:abc explicit\n"
        "Authenticated to h ([10.0.0.1]:22) using \"publickey\".\nu@h: Permission denied (publickey).\n",
        "auth", "Permission denied");
    row("key",
        "No ED25519 host key is known for [10.0.0.2]:2222 and you have requested strict checking.\n"
        "Host key verification failed.\n",
        "host-key-unknown", "The key of [10.0.0.2]:2222 is not known");
    row("changed", changed, "host-key-changed", "/home/u/.ssh/known_hosts:7");
    row("revoked",
        "@       WARNING: REVOKED HOST KEY DETECTED!               @\n"
        "The ED25519 host key for h is marked as revoked.\n"
        "ED25519 host key for h was revoked and you have requested strict checking.\n",
        "host-key-changed", "revoked");
    row("configuration",
        "/home/u/.ssh/config: line 1: Bad configuration option: foo\n"
        "/home/u/.ssh/config: terminating, 1 bad configuration options\n",
        "failed", "line 1: Bad configuration option");
    row("rights", "Bad owner or permissions on /home/u/.ssh/config\n", "failed", "Bad owner");
    row("something", "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found.\n", "failed",
        "no matching host key type");
    row("nothing", "", "failed", "exit code 255");
}

void SshLogTest::tellsWhyItIsNotUp()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, words);
    const auto error = logOf(text).whyNotUp("exit code 255");
    QCOMPARE(QByteArray::fromStdString(error.code), code);
    QCOMPARE(error.kind, ErrorKind::Unavailable);
    const auto said = QByteArray::fromStdString(inWords(error));
    QVERIFY2(said.contains(words), said.constData());
    QVERIFY(!error.hint.empty() && !error.about.empty());
    if (text.isEmpty())
        QCOMPARE(logOf(text).whyNotUp({}).kind, ErrorKind::Timeout);
}

void SshLogTest::tellsTheHostKey()
{
    const auto key = logOf(changed).hostKey().value();
    QCOMPARE(key.host, std::string("[10.0.0.2]:2222"));
    QCOMPARE(key.kind, std::string("ED25519"));
    QCOMPARE(key.sha256, std::string("SHA256:qVJ9cwQ7BFHmrBrFI3oPPrHvhuC5BOZ0eZ8AzcVCOOo"));
    QCOMPARE(key.known, std::string("/home/u/.ssh/known_hosts:7"));
    QCOMPARE(logOf(changed).whyNotUp("exit code 255").mend,
             std::string("ssh-keygen -R '[10.0.0.2]:2222' -f /home/u/.ssh/known_hosts"));
    const auto unknown =
        logOf("No ECDSA host key is known for h and you have requested strict checking.\n").hostKey().value();
    QCOMPARE(unknown.host, std::string("h"));
    QCOMPARE(unknown.kind, std::string("ECDSA"));
    QVERIFY(unknown.sha256.empty() && unknown.known.empty());
}

void SshLogTest::followsConnections()
{
    SshLog log("inner");
    QVERIFY(!log.tellsOfConnections());
    QCOMPARE(log.read("debug1: Connection to port -2 forwarding to redis.inner port 6379 requested.").kind,
             SshEvent::Kind::None);
    QVERIFY(log.tellsOfConnections());
    const auto asked = log.read("debug1: channel 1: new direct-tcpip [direct-tcpip] (inactive timeout: 0)");
    QCOMPARE(asked.kind, SshEvent::Kind::Asked);
    QCOMPARE(asked.target, targetKey({"redis.inner", 6379, {}}));
    QCOMPARE(log.read("debug2: channel 1: window 1 sent adjust 2").kind, SshEvent::Kind::None);
    const auto opened = log.read("debug2: channel 1: open confirm rwindow 2097152 rmax 32768");
    QCOMPARE(opened.kind, SshEvent::Kind::Opened);
    QCOMPARE(opened.target, asked.target);
    // What becomes of it later is no news, also where its number is used again for ssh's own.
    QCOMPARE(log.read("debug1: channel 1: free: direct-tcpip: listening port -2 for redis.inner").kind,
             SshEvent::Kind::None);
    QCOMPARE(log.read("debug1: channel 1: new mux-control [mux-control] (inactive timeout: 0)").kind,
             SshEvent::Kind::None);
    log.read("debug1: Connection to port -2 forwarding to /run/s.sock port -2 requested.");
    log.read("debug1: channel 1: new direct-streamlocal@openssh.com [direct-streamlocal@openssh.com]");
    const auto refused = log.read("channel 1: open failed: connect failed: open failed");
    QCOMPARE(refused.kind, SshEvent::Kind::Refused);
    QCOMPARE(refused.target, targetKey({{}, 0, "/run/s.sock"}));
    QCOMPARE(refused.why, std::string("connect failed: open failed"));
}

void SshLogTest::followsConnectionsOutOfOrder()
{
    SshLog log("inner");
    const auto request = [&](const char *host, const char *channel) {
        log.read("debug1: Connection to port -2 forwarding to " + std::string(host) + " port 80 requested.");
        log.read("debug2: fd 6 setting O_NONBLOCK");
        return log.read("debug1: channel " + std::string(channel) + ": new direct-tcpip [direct-tcpip]").target;
    };
    QCOMPARE(request("slow", "3"), std::string("slow 80"));
    QCOMPARE(request("fast", "4"), std::string("fast 80"));
    QCOMPARE(log.read("debug2: channel 4: open confirm rwindow 1 rmax 1").target, std::string("fast 80"));
    QCOMPARE(log.read("channel 3: open failed: connect failed: Connection timed out").target, std::string("slow 80"));
    // One that ends without a word.
    QCOMPARE(request("gone", "3"), std::string("gone 80"));
    QCOMPARE(log.read("debug1: channel 3: free: direct-tcpip: listening").kind, SshEvent::Kind::Refused);
    // ssh cuts a long name.
    const std::string longName(140, 'a');
    QCOMPARE(targetKey({longName, 80, {}}), std::string(100, 'a') + " 80");
    QCOMPARE(targetKey({"0:0:0:0:0:0:0:1", 80, {}}), std::string("::1 80"));
}

/// A banner, and the ssh of a jump host, write to the same place.
void SshLogTest::isNotMisledByOthers()
{
    SshLog log("inner");
    QCOMPARE(log.read("debug2: channel 0: open confirm rwindow 2097152 rmax 32768").kind, SshEvent::Kind::None);
    QCOMPARE(log.read("channel 7: open failed: connect failed: x").kind, SshEvent::Kind::None);
    QCOMPARE(log.read("debug1: channel 1: new direct-tcpip [direct-tcpip]").kind, SshEvent::Kind::None);
    QCOMPARE(log.read("debug1: Connection to port forwarding to").kind, SshEvent::Kind::None);
    QCOMPARE(log.read("channel : open failed: ").kind, SshEvent::Kind::None);
    QCOMPARE(log.read(std::string(100'000, 'x')).shown.size(), SshLog::longestLine);
    for (int i = 0; i < 2'000; ++i) { // bounded
        log.read("debug1: Connection to port -2 forwarding to h port 80 requested.");
        log.read("debug1: channel " + std::to_string(i) + ": new direct-tcpip [direct-tcpip]");
    }
    QCOMPARE(log.read("debug2: channel 1999: open confirm").kind, SshEvent::Kind::None);
    QCOMPARE(log.read("debug2: channel 10: open confirm").kind, SshEvent::Kind::Opened);
}

void SshLogTest::tellsWhyItIsGone()
{
    auto log = logOf("Connection closed by 10.0.0.9 port 22\n"); // of one address that was tried first
    log.connected();
    log.read("Timeout, server 10.0.0.1 not responding.\r");
    const auto error = log.whyGone("exit code 255");
    QCOMPARE(error.code, std::string("tunnel-ssh-gone"));
    QCOMPARE(error.told, std::string("Timeout, server 10.0.0.1 not responding."));
    QVERIFY(error.message.find("exit code 255") != std::string::npos);
}

void SshLogTest::tellsWhyThereIsNoConnection_data()
{
    QTest::addColumn<QByteArray>("why");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<bool>("late");
    const auto row = [](const char *why, const char *code, bool late = false) {
        QTest::newRow(why) << QByteArray(why) << "tunnel-ssh-" + QByteArray(code) << late;
    };
    row("connect failed: Connection refused", "refused");
    row("connect failed: Name or service not known", "name");
    row("connect failed: Temporary failure in name resolution", "name");
    row("connect failed: No route to host", "unreachable");
    row("connect failed: Network is unreachable", "unreachable");
    row("connect failed: Connection timed out", "unreachable", true);
    row("administratively prohibited: open failed", "forbidden");
    row("administratively prohibited: cannot open direct-tcpip: not permitted", "forbidden");
    row("resource shortage: open failed", "failed");
    row("", "failed");
}

void SshLogTest::tellsWhyThereIsNoConnection()
{
    QFETCH(QByteArray, why);
    QFETCH(QByteArray, code);
    QFETCH(bool, late);
    const auto error = forwardError("inner", {"redis", 6379, {}}, why.toStdString());
    QCOMPARE(QByteArray::fromStdString(error.code), code);
    QCOMPARE(error.kind, late ? ErrorKind::Timeout : ErrorKind::Unavailable);
    QCOMPARE(error.about, std::string("redis:6379"));
    QVERIFY(error.message.find("inner") != std::string::npos && !error.hint.empty());
    QVERIFY(!error.message.ends_with("..") && error.message.ends_with('.'));
}

void SshLogTest::shows()
{
    SshLog log("inner");
    QVERIFY(log.read("debug1: Executing proxy command: exec connect --password opensesame").shown.empty());
    QVERIFY(log.read("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026").shown.empty());
    QVERIFY(log.read("  \r").shown.empty());
    QCOMPARE(log.read("proxy: password=opensesame \x1b[2J").shown, std::string("proxy: password=*** \\x1b[2J"));
}

QTEST_GUILESS_MAIN(SshLogTest)
#include "ssh_log_test.moc"
