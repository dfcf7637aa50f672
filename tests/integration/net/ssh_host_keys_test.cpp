// SPDX-License-Identifier: GPL-3.0-or-later
// Keys of hosts that ssh sees for the first time: shown hop by hop, and kept once confirmed.

#include "core/net/ssh_host_keys.h"
#include "ssh_harness.h"

#include <QProcess>
#include <QTest>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

namespace {

/// As ssh-keygen -l shows it.
std::string fingerprint(const SshPlace &place, const std::string &hostKey)
{
    QProcess keygen;
    keygen.start("ssh-keygen", {"-l", "-f", QString::fromStdString(place.at(hostKey + ".pub"))});
    keygen.waitForFinished();
    const auto words = keygen.readAllStandardOutput().split(' ');
    return words.size() > 1 ? words[1].toStdString() : "";
}

std::size_t count(const std::string &text, const std::string &part)
{
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

} // namespace

class SshHostKeysTest final : public QObject
{
    Q_OBJECT
private slots:
    void showsHopByHop_data();
    void showsHopByHop();
    void showsAChangedKey();
    void keepsOnlyWhatWasShown();
    void keepsWhatIsInTheFile();
    void saysWhyNot();

private:
    using Looked = Result<std::optional<HostKeyFacts>>;
    static Looked look(SshNet &net, SshHostKeys &keys, const std::string &host, std::chrono::milliseconds within = 20s)
    {
        return runSync<Looked>(net.runtime.at(1),
                               [&] { return keys.look(host, std::chrono::steady_clock::now() + within); });
    }
};

void SshHostKeysTest::showsHopByHop_data()
{
    QTest::addColumn<bool>("hashed");
    QTest::addColumn<bool>("jumpsByPort"); // "user@host:port" in ProxyJump
    QTest::newRow("plain") << false << false;
    QTest::newRow("hashed") << true << false;
    QTest::newRow("by port") << false << true;
}

void SshHostKeysTest::showsHopByHop()
{
    QFETCH(bool, hashed);
    QFETCH(bool, jumpsByPort);
    SshNet net;
    std::filesystem::remove(net.place.at("known"));
    const auto third = std::make_unique<SshdFixture>(net.place, "third");
    std::string jumps = "  ProxyJump bastion,inner\n";
    if (jumpsByPort) // what it is given there is not in the configuration, which knows it by its address
        jumps = "  ProxyJump bastion," + SshPlace::user() + "@127.0.0.1:" + std::to_string(net.inner.port()) + "\n";
    net.place.addHost("third", third->port(), jumps);
    net.place.addHost("127.0.0.1", net.inner.port());
    if (!hashed)
        net.place.write("first", "HashKnownHosts no\n");
    auto options = net.options();
    options.systemConfig = options.userConfig;
    options.userConfig = net.place.at(hashed ? "config" : "first");
    SshHostKeys keys(options);
    net.open("third", options);
    QCOMPARE(net.dial(1).code(), std::string("tunnel-ssh-host-key-unknown"));

    const std::vector<const SshdFixture *> hops{&net.outer, &net.inner, third.get()};
    for (const auto *hop : hops) {
        const auto key = look(net, keys, "third");
        QVERIFY2(key.has_value(), key ? "" : inWords(key.error()).c_str());
        QVERIFY(key->has_value());
        QCOMPARE((*key)->host, "[127.0.0.1]:" + std::to_string(hop->port()));
        QCOMPARE((*key)->kind, std::string("ED25519"));
        QCOMPARE((*key)->sha256, fingerprint(net.place, hop->hostKey()));
        QVERIFY((*key)->known.empty());
        // It has been asked for its key and for nothing else, and nothing is kept yet.
        QCOMPARE(count(hop->log(), "Accepted"), std::size_t{0});
        QVERIFY(look(net, keys, "third").value() == *key);
        const auto kept = keys.trust(**key);
        QVERIFY2(kept.has_value(), kept ? "" : inWords(kept.error()).c_str());
    }
    QVERIFY(!look(net, keys, "third").value()); // all are known
    const auto known = net.place.read("known");
    QCOMPARE(count(known, "\n"), std::size_t{3});
    QCOMPARE(count(known, "|1|"), std::size_t(hashed ? 3 : 0));
    QCOMPARE(count(known, "127.0.0.1"), std::size_t(hashed ? 0 : 3));
    // And ssh takes them for known.
    net.tunnel->retry();
    net.settle();
    const auto server = echoServer();
    const auto dialed = net.dial(server->port());
    QVERIFY2(dialed.ok(), inWords(dialed.error()).c_str());
    QCOMPARE(dialed.echo("through three"), std::string("through three"));
}

void SshHostKeysTest::showsAChangedKey()
{
    SshNet net;
    const auto before = net.place.read("known");
    net.inner.kill();
    net.place.makeHostKey(net.inner.hostKey());
    net.inner.start();
    SshHostKeys keys(net.options());
    const auto key = look(net, keys, "inner").value();
    QVERIFY(key.has_value());
    QCOMPARE(key->host, "[127.0.0.1]:" + std::to_string(net.inner.port()));
    QCOMPARE(key->kind, std::string("ED25519"));
    QCOMPARE(key->sha256, fingerprint(net.place, net.inner.hostKey()));
    QCOMPARE(key->known, net.place.at("known") + ":2");
    QCOMPARE(keys.trust(*key).error().kind, ErrorKind::Conflict);
    QCOMPARE(net.place.read("known"), before);
}

void SshHostKeysTest::keepsOnlyWhatWasShown()
{
    SshNet net;
    std::filesystem::remove(net.place.at("known"));
    SshHostKeys keys(net.options());
    const auto key = look(net, keys, "bastion").value().value();
    auto other = key;
    other.sha256 = fingerprint(net.place, net.inner.hostKey());
    QCOMPARE(keys.trust(other).error().kind, ErrorKind::Conflict);
    other = key;
    other.host = "[127.0.0.1]:1";
    QCOMPARE(keys.trust(other).error().kind, ErrorKind::Conflict);
    QVERIFY(!std::filesystem::exists(net.place.at("known")));
    QVERIFY(keys.trust(key).has_value());
    QCOMPARE(keys.trust(key).error().kind, ErrorKind::Conflict); // once
    QCOMPARE(count(net.place.read("known"), "\n"), std::size_t{1});
    // It was replaced between the look and the yes: what is kept is what was shown, and ssh refuses the other.
    net.outer.kill();
    net.place.makeHostKey(net.outer.hostKey());
    net.outer.start();
    net.open("bastion");
    QCOMPARE(net.dial(1).code(), std::string("tunnel-ssh-host-key-changed"));
}

void SshHostKeysTest::keepsWhatIsInTheFile()
{
    SshNet net;
    net.place.write("known", "# mine\nother.example ssh-ed25519 AAAA"); // without its line end
    SshHostKeys keys(net.options());
    const auto key = look(net, keys, "bastion").value().value();
    QVERIFY(keys.trust(key).has_value());
    QVERIFY(net.place.read("known").starts_with("# mine\nother.example ssh-ed25519 AAAA\n|1|"));
    QVERIFY(!look(net, keys, "bastion").value());
}

void SshHostKeysTest::saysWhyNot()
{
    SshNet net;
    SshHostKeys keys(net.options());
    QCOMPARE(look(net, keys, "-v").error().code, std::string("tunnel-ssh-name"));
    net.inner.pause();
    const auto late = look(net, keys, "inner", 500ms);
    QCOMPARE(late.error().kind, ErrorKind::Timeout);
    net.inner.resume();
    net.outer.kill();
    QCOMPARE(look(net, keys, "inner").error().code, std::string("tunnel-ssh-unreachable"));
    net.place.addHost("round", 1, "  ProxyJump about\n");
    net.place.addHost("about", 1, "  ProxyJump round\n");
    QCOMPARE(look(net, keys, "round").error().code, std::string("tunnel-ssh-failed"));
    auto options = net.options();
    options.program = "/nonexistent/ssh";
    SshHostKeys missing(options);
    QCOMPARE(look(net, missing, "inner").error().code, std::string("tunnel-ssh-missing"));
    QVERIFY(net.folders().empty());
}

QTEST_GUILESS_MAIN(SshHostKeysTest)
#include "ssh_host_keys_test.moc"
