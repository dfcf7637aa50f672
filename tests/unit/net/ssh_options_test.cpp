// SPDX-License-Identifier: GPL-3.0-or-later
// How ssh is called: what reaches it, and what does not.

#include "core/net/ssh_host_keys.h"
#include "core/net/ssh_options.h"
#include "core/net/ssh_tunnel.h"

#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::net;
using namespace std::chrono_literals;

class SshOptionsTest final : public QObject
{
    Q_OBJECT
private slots:
    void takesHosts_data();
    void takesHosts();
    void namesTargets_data();
    void namesTargets();
    void overrules();
    void keepsSecretsFromIt();
    void quotesForAShell();
    void pauses();
    void readsHostKeys();
};

void SshOptionsTest::takesHosts_data()
{
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<bool>("good");
    for (const char *good : {"bastion", "deploy@10.0.0.1", "2001:db8::1", "a_b.example", "i-0abc@eu", "u@d@h"})
        QTest::newRow(good) << QByteArray(good) << true;
    for (const char *bad : {"", "-oProxyCommand=x", "u@-oProxyCommand=x", "@h", "u@", "a b", "a\nb", "a;b", "$(x)",
                            "a`b", "a|b", "a&b", "a'b", "a\"b", "a\\b", "a\tb", "a\x7f"})
        QTest::newRow(("not " + QByteArray(bad).toPercentEncoding()).constData()) << QByteArray(bad) << false;
    QTest::newRow("too long") << QByteArray(256, 'a') << false;
}

void SshOptionsTest::takesHosts()
{
    QFETCH(QByteArray, host);
    QFETCH(bool, good);
    const auto fits = checkSshHost(host.toStdString());
    QCOMPARE(fits.has_value(), good);
    if (!fits) {
        QCOMPARE(fits.error().kind, ErrorKind::Invalid);
        QCOMPARE(fits.error().code, std::string("tunnel-ssh-name"));
    }
}

void SshOptionsTest::namesTargets_data()
{
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<int>("port");
    QTest::addColumn<QByteArray>("path");
    QTest::addColumn<QByteArray>("named"); // empty: refused
    const auto row = [](const char *host, int port, const QByteArray &path, const char *named) {
        QTest::addRow("%s %d %s", host, port, path.left(20).constData())
            << QByteArray(host) << port << path << QByteArray(named);
    };
    row("redis.inner", 6379, "", "redis.inner:6379");
    row("10.0.0.1", 80, "", "10.0.0.1:80");
    row("::1", 80, "", "[::1]:80");
    row("shop.example", 0, "/run/redis.sock", "/run/redis.sock");
    row("a:b", 80, "", "");
    row("a b", 80, "", "");
    row("-x", 80, "", "");
    row("a%h", 80, "", "");
    row("a", 0, "", "");
    row("", 80, "", "");
    row("", 0, "run/s.sock", "");
    row("", 0, "/run/a:b", "");
    row("", 0, "/run/${HOME}", "");
    row("", 0, "/run/%h", "");
    row("", 0, "/" + QByteArray(107, 'a'), "");
}

void SshOptionsTest::namesTargets()
{
    QFETCH(QByteArray, host);
    QFETCH(int, port);
    QFETCH(QByteArray, path);
    QFETCH(QByteArray, named);
    const auto to = forwardTo({host.toStdString(), std::uint16_t(port), path.toStdString()});
    QCOMPARE(QByteArray::fromStdString(to.has_value() ? *to : std::string()), named);
    if (!to)
        QCOMPARE(to.error().kind, ErrorKind::Invalid);
}

void SshOptionsTest::overrules()
{
    SshOptions options;
    const std::string text = sshConfig(options);
    const auto theirs = text.find("Include \"~/.ssh/config\"");
    QVERIFY(theirs != std::string::npos);
    for (const char *line : {"StrictHostKeyChecking yes\n", "BatchMode yes\n", "ServerAliveInterval 15\n",
                             "ClearAllForwardings yes\n", "ControlPersist no\n", "RemoteCommand none\n"})
        QVERIFY2(text.find(line) < theirs, line); // the first value wins
    options.userConfig = "relative";
    QVERIFY(sshConfig(options).find("relative") == std::string::npos);
}

void SshOptionsTest::keepsSecretsFromIt()
{
    const auto environment =
        sshEnvironment({"PATH=/bin", "SSH_AUTH_SOCK=/run/agent", "PORTAL_TOKEN=x", "PORTOLAN_SECRET=x",
                        "SHOP_REDIS_PASSWORD=x", "AWS_SECRET_ACCESS_KEY=kept", "SSH_ASKPASS=/bin/x", "LANG=C"});
    QCOMPARE(environment, (std::vector<std::string>{"PATH=/bin", "SSH_AUTH_SOCK=/run/agent",
                                                    "AWS_SECRET_ACCESS_KEY=kept", "LANG=C"}));
}

void SshOptionsTest::quotesForAShell()
{
    QCOMPARE(shellWord("/home/u/.ssh/id_rsa"), std::string("/home/u/.ssh/id_rsa"));
    QCOMPARE(shellWord("my key"), std::string("'my key'"));
    QCOMPARE(shellWord("it's"), std::string("'it'\\''s'"));
    QCOMPARE(shellWord(""), std::string("''"));
}

void SshOptionsTest::pauses()
{
    const SshOptions options;
    Error error = failure(ErrorKind::Unavailable, "It broke.");
    const auto after = [&](const char *code) {
        error.code = code;
        std::vector<std::chrono::milliseconds> all;
        std::chrono::milliseconds pause{0};
        for (int i = 0; i < 8; ++i)
            all.push_back(pause = pauseAfter(pause, error, options));
        return all;
    };
    using Pauses = std::vector<std::chrono::milliseconds>;
    QCOMPARE(after("tunnel-ssh-gone"), (Pauses{1s, 2s, 4s, 5s, 5s, 5s, 5s, 5s}));
    QCOMPARE(after("tunnel-ssh-auth"), (Pauses{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}));
}

void SshOptionsTest::readsHostKeys()
{
    // Made by ssh-keygen -t ed25519; its fingerprint by ssh-keygen -l.
    const auto key = readHostKey("[10.0.0.2]:2222 ssh-ed25519 "
                                 "AAAAC3NzaC1lZDI1NTE5AAAAIN57Ncbgm8GdOuA+5rUsH1osNY4gTYO+1Tc+IUxHMwD9");
    QVERIFY(key.has_value());
    QCOMPARE(key->host, std::string("[10.0.0.2]:2222"));
    QCOMPARE(key->kind, std::string("ED25519"));
    QCOMPARE(key->sha256, std::string("SHA256:j7LtpgJPdxqpgpKD2IGnzYtadFxo26aBdgaQFR7jgWk"));
    for (const char *bad : {"", "h", "h ssh-ed25519", "h ssh-ed25519 ???", "h ssh-ed25519 AAA"})
        QVERIFY2(!readHostKey(bad), bad);
    // Made by ssh-keygen -H.
    QCOMPARE(hashedHost("shop.example", QByteArray::fromBase64("W5lJQd+9C9ldxbe1yEgnx6mgjfU=").toStdString()),
             std::string("|1|W5lJQd+9C9ldxbe1yEgnx6mgjfU=|WBRnPqpxuN5TyQGsS5HysGV4Cgg="));
}

QTEST_GUILESS_MAIN(SshOptionsTest)
#include "ssh_options_test.moc"
