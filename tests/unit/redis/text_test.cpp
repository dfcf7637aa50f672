// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/command.h"
#include "core/redis/endpoint.h"
#include "core/redis/errors.h"
#include "core/redis/keys.h"
#include "core/redis/reply.h"
#include "core/redis/script.h"
#include "tests/fakes/texts_with_secrets.h"

#include <QTest>

using namespace portolan;
using namespace portolan::redis;
using namespace std::string_literals;

/// What goes in and out as text: URLs, commands, error replies, key names.
class TextTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsUrls_data();
    void readsUrls();
    void refusesUrls_data();
    void refusesUrls();
    void refusalsNameThePartAndTheMend_data();
    void refusalsNameThePartAndTheMend();
    void takesThePasswordApart();
    void takesTheFilesOfTls();
    void writesCommands();
    void hashesScripts();
    void repeatsNoSecret();
    void mapsErrorReplies_data();
    void mapsErrorReplies();
    void knowsTheFamilyOfAKey_data();
    void knowsTheFamilyOfAKey();
    void namesEveryFamily();
};

void TextTest::readsUrls_data()
{
    QTest::addColumn<QByteArray>("url");
    QTest::addColumn<QByteArray>("display");
    QTest::addColumn<QByteArray>("user");
    QTest::addColumn<QByteArray>("password");
    QTest::newRow("plain") << QByteArray("redis://cache:7000") << QByteArray("redis://cache:7000") << QByteArray()
                           << QByteArray();
    QTest::newRow("default port") << QByteArray("redis://cache") << QByteArray("redis://cache:6379") << QByteArray()
                                  << QByteArray();
    QTest::newRow("trailing slash") << QByteArray("redis://cache/") << QByteArray("redis://cache:6379") << QByteArray()
                                    << QByteArray();
    QTest::newRow("all") << QByteArray("rediss://u:p%40ss%3A@h:1/15") << QByteArray("rediss://h:1/15")
                         << QByteArray("u") << QByteArray("p@ss:");
    QTest::newRow("password only") << QByteArray("redis://:secret@h") << QByteArray("redis://h:6379") << QByteArray()
                                   << QByteArray("secret");
    QTest::newRow("ipv6") << QByteArray("redis://[::1]:6380/1") << QByteArray("redis://[::1]:6380/1") << QByteArray()
                          << QByteArray();
    QTest::newRow("database as parameter")
        << QByteArray("redis://h?db=3") << QByteArray("redis://h:6379/3") << QByteArray() << QByteArray();
    QTest::newRow("unix") << QByteArray("unix:/run/redis.sock") << QByteArray("unix:/run/redis.sock") << QByteArray()
                          << QByteArray();
    QTest::newRow("unix, slashes") << QByteArray("unix:///run/a%20b.sock?db=2") << QByteArray("unix:/run/a b.sock?db=2")
                                   << QByteArray() << QByteArray();
    const auto same = [](const char *url, const char *display, const char *password = "") {
        QTest::newRow(url) << QByteArray(url) << QByteArray(display) << QByteArray() << QByteArray(password);
    };
    same("redis://", "redis://127.0.0.1:6379");
    same("redis:///0", "redis://127.0.0.1:6379");
    same("redis:///7/", "redis://127.0.0.1:6379/7");
    same("redis+socket:///s?virtual_host=1", "unix:/s?db=1");
    same("redis+unix:///s", "unix:/s");
    same("valkey://h:6379/0", "redis://h:6379");
    same("valkeys://h", "rediss://h:6379");
    same("tls://h:1", "rediss://h:1");
    same("tcp://h:1", "redis://h:1");
    same("REDIS://h/0", "redis://h:6379");
    same("Rediss://h/0", "rediss://h:6379");
    same("rediss://h/0?ssl_cert_reqs=required", "rediss://h:6379");
    same("redis://h/0?health_check_interval=30&socket_timeout=5", "redis://h:6379");
    same("redis://h?password=secret&db=2", "redis://h:6379/2", "secret");
    same("redis://h/5?db=5", "redis://h:6379/5"); // said twice, and the same
    same("redis://:secret@h?password=secret", "redis://h:6379", "secret");
    same("redis://:secret@h?password=", "redis://h:6379", "secret");
    same("redis://h:65535/0?", "redis://h:65535");
    same("redis://h?db=1&db=1&", "redis://h:6379/1");
    QTest::newRow("unix, user") << QByteArray("unix://u:p@/run/redis.sock") << QByteArray("unix:/run/redis.sock")
                                << QByteArray("u") << QByteArray("p");
}

void TextTest::readsUrls()
{
    QFETCH(QByteArray, url);
    QFETCH(QByteArray, display);
    QFETCH(QByteArray, user);
    QFETCH(QByteArray, password);
    const auto endpoint = Endpoint::parse(url.toStdString());
    QVERIFY2(endpoint.has_value(), endpoint ? "" : endpoint.error().message.c_str());
    QCOMPARE(endpoint->display(), display.toStdString());
    QCOMPARE(endpoint->user, user.toStdString());
    QCOMPARE(endpoint->password, password.toStdString());
}

void TextTest::refusesUrls_data()
{
    QTest::addColumn<QByteArray>("url");
    QTest::newRow("empty") << QByteArray("");
    QTest::newRow("no scheme") << QByteArray("localhost:6379");
    QTest::newRow("other scheme") << QByteArray("http://secret@localhost");
    QTest::newRow("several hosts") << QByteArray("redis://h1:6379,h2:6379/0");
    QTest::newRow("slash in the password") << QByteArray("redis://:secret/9r/A=@h/0");
    QTest::newRow("question mark in the password") << QByteArray("redis://:secret?x@h/0");
    QTest::newRow("no scheme") << QByteArray("user:secret@h:6379");
    QTest::newRow("no scheme, password first") << QByteArray("secret@h:6379");
    QTest::newRow("a host alone") << QByteArray("localhost:6379");
    QTest::newRow("unverified") << QByteArray("rediss://u:secret@h/0?ssl_cert_reqs=none");
    QTest::newRow("sentinel") << QByteArray("redis-sentinel://u:secret@h/0");
    QTest::newRow("port 0") << QByteArray("redis://h:0");
    QTest::newRow("port too large") << QByteArray("redis://h:70000");
    QTest::newRow("port that wraps round") << QByteArray("redis://127.0.0.1:99999/0");
    QTest::newRow("port that wraps round, TLS") << QByteArray("rediss://h:65536");
    QTest::newRow("two passwords") << QByteArray("redis://:secret@h?password=secret2");
    QTest::newRow("no slashes") << QByteArray("redis:secret@h");
    QTest::newRow("port no number") << QByteArray("redis://h:port");
    QTest::newRow("database no number") << QByteArray("redis://h/x");
    QTest::newRow("database negative") << QByteArray("redis://h/-1");
    QTest::newRow("two databases") << QByteArray("redis://h/1/2");
    QTest::newRow("user alone") << QByteArray("redis://secret@h");
    QTest::newRow("hash in the password") << QByteArray("redis://u:se#cret@h");
    QTest::newRow("fragment") << QByteArray("redis://u:secret@h/0#x");
    QTest::newRow("unknown parameter") << QByteArray("redis://u:secret@h?timeout=3");
    QTest::newRow("relative socket") << QByteArray("unix:redis.sock");
    QTest::newRow("socket with host") << QByteArray("unix://run/redis.sock");
    QTest::newRow("socket root") << QByteArray("unix:/");
    QTest::newRow("long socket") << QByteArray("unix:/" + QByteArray(107, 'x'));
    QTest::newRow("zero byte in socket") << QByteArray("unix:/a%00b");
    QTest::newRow("bad escape") << QByteArray("redis://u:secret%zz@h");
    QTest::newRow("too long") << QByteArray("redis://" + QByteArray(5000, 'h'));
    QTest::newRow("cluster") << QByteArray("redis+cluster://h");
}

void TextTest::refusesUrls()
{
    QFETCH(QByteArray, url);
    const auto endpoint = Endpoint::parse(url.toStdString());
    QVERIFY(endpoint.has_error());
    QVERIFY(!endpoint.error().message.empty() && !endpoint.error().hint.empty());
    QVERIFY(endpoint.error().message.find("secret") == std::string::npos);
    QVERIFY(endpoint.error().kind == ErrorKind::Invalid || endpoint.error().code == "redis-cluster" ||
            endpoint.error().code == "redis-sentinel");
}

void TextTest::refusalsNameThePartAndTheMend_data()
{
    QTest::addColumn<QByteArray>("url");
    QTest::addColumn<QByteArray>("part");
    const auto row = [](const char *url, const char *part) {
        QTest::newRow(url) << QByteArray(url) << QByteArray(part);
    };
    row("redis://:dsa86321+9r/A=@127.0.0.1:6379/14", "'/' must be written %2F");
    row("redis://tok3n@h:6379", "redis://:password@host");
    row("redis://h?timeot=3", "'timeot'");
    row("rediss://h/0?ssl_cert_reqs=none", "'ssl_cert_reqs=none'");
    row("rediss://h/0?ssl_cert_reqs=none", "pin it instead");
    row("rediss://h/0?ssl_check_hostname=false", "'ssl_check_hostname=false'");
    row("rediss://h/0?ssl_ca_certs=", "ssl_ca_certs names no file");
    row("rediss://h/0?ssl_ca_certs=/a.pem&ssl_ca_certs=/b.pem", "two files behind ssl_ca_certs");
    row("rediss://h/0?ssl_keyfile=/k.pem", "without that of its certificate");
    row("redis://h/0?ssl_ca_certs=/ca.pem", "Write rediss:// for TLS");
    row("unix:/s?ssl_ca_certs=/ca.pem", "Write rediss:// for TLS");
    row("redis://h/x", "'x' behind the slash is no number");
    row("redis://h/99999", "'99999' behind the slash is out of range: from 0 to 65535");
    row("redis://h?db=99999999999", "behind db= is out of range: from 0 to 65535");
    row("redis-sentinel://h", "primary");
    row("redis://h:99999", "from 1 to 65535");
    row("redis://127.0.0.1:6379x/0", "its port");
    row("redis://h:pw", "an @ and the host must follow");
    row("redis://:pw", "an @ and the host must follow");
    row("redis:pw@h", "two slashes");
    row("redis:/:pw@h", "two slashes");
    row("redis://h1:6379;h2:6379", "several hosts");
    row("redis://h1:6379,h2:6379/0", "several hosts");
    row("redis://::1:6379", "IPv6 address without brackets");
    row("redis://[::1:6379", "bracket");
    row("redis://h/5?db=3", "two databases, 5 and 3");
    row("unix:/s?db=1&virtual_host=2", "two databases, 1 and 2");
    row("redis://u:p@h?username=v", "two users");
    row("redis://u:p@h?password=q", "two passwords");
    row("redis://h?password=a&b", "%26");
    row("http://h", "'http'");
    row("localhost:6379", "Write redis:// before it");
    row("unix://run/redis.sock", "'run'");
}

void TextTest::refusalsNameThePartAndTheMend()
{
    QFETCH(QByteArray, url);
    QFETCH(QByteArray, part);
    const auto endpoint = Endpoint::parse(url.toStdString());
    QVERIFY(endpoint.has_error());
    const std::string words = inWords(endpoint.error());
    QVERIFY2(words.find(part.toStdString()) != std::string::npos, words.c_str());
}

void TextTest::takesThePasswordApart()
{
    QCOMPARE(Endpoint::parse("redis://h", "s/e?c ret")->password, std::string("s/e?c ret"));
    QCOMPARE(Endpoint::parse("redis://u@h", "secret")->user, std::string("u"));
    QCOMPARE(Endpoint::parse("redis://:own@h", "secret")->password, std::string("own"));
    QCOMPARE(Endpoint::ignoredParameters("redis://h/0?health_check_interval=30&db=1"),
             std::vector<std::string>{"health_check_interval"});
}

void TextTest::takesTheFilesOfTls()
{
    QVERIFY(Endpoint::parse("rediss://h")->trust == TrustSpec{});
    const TrustSpec file{Roots::File, "/etc/my ca.pem", {}, {}, {}};
    QVERIFY(Endpoint::parse("rediss://h/0?ssl_cert_reqs=required&ssl_ca_certs=/etc/my%20ca.pem")->trust == file);
    const TrustSpec ours{Roots::System, {}, {}, "/c.pem", "/k.pem"};
    QVERIFY(Endpoint::parse("rediss://h?ssl_certfile=/c.pem&ssl_keyfile=/k.pem")->trust == ours);
}

void TextTest::writesCommands()
{
    Command command("SET", "k\r\n", std::string_view("\0", 1), "EX", 900);
    QCOMPARE(command.bytes(), "*5\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$1\r\n\0\r\n$2\r\nEX\r\n$3\r\n900\r\n"s);
    command.add("DECRBY", "n", std::numeric_limits<std::int64_t>::min()).begin(2).argument("GET").argument("");
    QCOMPARE(command.count(), std::size_t{3});
    QVERIFY(command.bytes().ends_with("$20\r\n-9223372036854775808\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n"));
    Command both;
    both.append(command).append(Command("PING"));
    QCOMPARE(both.count(), std::size_t{4});
    QCOMPARE(both.bytes(), command.bytes() + "*1\r\n$4\r\nPING\r\n");
}

void TextTest::hashesScripts()
{
    // FIPS 180-4's example "abc".
    QCOMPARE(Script("abc", "abc").sha(), std::string("a9993e364706816aba3e25717850c26c9cd0d89d"));
}

void TextTest::repeatsNoSecret()
{
    for (const auto &text : textsWithSecrets()) {
        const auto endpoint = Endpoint::parse(text);
        const std::string shown = endpoint ? endpoint->display() : inWords(endpoint.error());
        QVERIFY2(shown.find(secretMark) == std::string::npos, (text + ": " + shown).c_str());
    }
}

void TextTest::mapsErrorReplies_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<int>("kind");
    QTest::addColumn<QByteArray>("code");
    const auto row = [](const char *text, ErrorKind kind, const char *code) {
        QTest::newRow(text) << QByteArray(text) << static_cast<int>(kind) << QByteArray(code);
    };
    row("OOM command not allowed when used memory > 'maxmemory'.", ErrorKind::Full, "redis-full");
    row("MISCONF Redis is configured to save RDB snapshots", ErrorKind::Unavailable, "redis-read-only");
    row("READONLY You can't write against a read only replica.", ErrorKind::Unavailable, "redis-read-only");
    row("LOADING Redis is loading the dataset in memory", ErrorKind::Unavailable, "redis-loading");
    row("NOAUTH Authentication required.", ErrorKind::Unavailable, "redis-auth");
    row("NOPERM this user has no permissions", ErrorKind::Unavailable, "redis-rights");
    row("NOPERM this user has no permissions to run the 'evalsha' command", ErrorKind::Unavailable, "redis-rights");
    row("NOPERM this user has no permissions to access one of the keys used as arguments", ErrorKind::Unavailable,
        "redis-rights");
    row("NOPERM this user has no permissions to access one of the channels used as arguments", ErrorKind::Unavailable,
        "redis-rights");
    row("WRONGPASS invalid username-password pair or user is disabled.", ErrorKind::Unavailable, "redis-auth");
    row("WRONGTYPE Operation against a key holding the wrong kind of value script: 2a48246bf8f3, on @user_script:1.",
        ErrorKind::Internal, "redis-wrong-type");
    row("ERR Error running script (call to f_2a48246bf8f3cfe5bb919d8f9e552e62ee0c4628): @user_script:1: WRONGTYPE "
        "Operation against a key holding the wrong kind of value ",
        ErrorKind::Internal, "redis-wrong-type");
    row("MOVED 3999 127.0.0.1:6381", ErrorKind::Unsupported, "redis-cluster");
    row("BUSY Redis is busy running a script.", ErrorKind::Unavailable, "redis-busy-script");
    row("WRONGTYPE Operation against a key", ErrorKind::Internal, "redis-wrong-type");
    row("OOMPH", ErrorKind::Internal, "");
    row("ERR unknown command 'EVALSHA', with args beginning with: 'abc' 'secret' ", ErrorKind::Unavailable,
        "redis-rights");
    row("ERR unknown command `client`, with args beginning with: `list`, ", ErrorKind::Unavailable, "redis-rights");
    row("ERR The user executing the script can't run this command or subcommand script: "
        "2a48246bf8f3cfe5bb919d8f9e552e62ee0c4628, on @user_script:1.",
        ErrorKind::Unavailable, "redis-rights");
    row("ERR The user executing the script can't access at least one of the keys mentioned in the command arguments "
        "script: 131b5f2ed4a6e4f431cc21897ae043d687859f08, on @user_script:1.",
        ErrorKind::Unavailable, "redis-rights");
    row("ERR Unknown Redis command called from script script: 6a478d20a4af648cbc589ce526ac5b22ab8f2e15, on "
        "@user_script:1.",
        ErrorKind::Unavailable, "redis-rights");
    row("ERR Error running script (call to f_2a48246bf8f3cfe5bb919d8f9e552e62ee0c4628): @user_script:1: @user_script: "
        "1: Unknown Redis command called from Lua script ",
        ErrorKind::Unavailable, "redis-rights");
    row("ERR value is not an integer or out of range", ErrorKind::Internal, "");
}

void TextTest::mapsErrorReplies()
{
    QFETCH(QByteArray, text);
    QFETCH(int, kind);
    QFETCH(QByteArray, code);
    Reply reply;
    reply.type = Reply::Type::Error;
    reply.text = text.toStdString();
    const auto error = errorOf(reply);
    QCOMPARE(static_cast<int>(error.kind), kind);
    QCOMPARE(error.code, code.toStdString());
    // Words for people: no hash of a script, nothing of what was asked.
    for (const char *raw : {"script:", "user_script", "with args", "secret", "f_2a48", "NOPERM", "Operation against"})
        QVERIFY2(error.message.find(raw) == std::string::npos, error.message.c_str());
    QVERIFY(error.message.ends_with('.') && !error.message.ends_with(".."));
    // Whoever meets one refusal is led to the message that knows them all.
    if (text.startsWith("NOPERM"))
        QVERIFY2(error.hint.starts_with("The log lists all"), error.hint.c_str());
}

void TextTest::knowsTheFamilyOfAKey_data()
{
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<QByteArray>("family");
    const auto row = [](const QByteArray &key, const char *family) {
        QTest::newRow(key.constData()) << key << QByteArray(family);
    };
    row("s:0123456789012345678901", "sessions");
    row("l:42", "limits");
    row("celery", "queue");
    row("celery\x06\x16"
        "3",
        "queue");
    row("reports\x06\x16"
        "9",
        "queue");
    row("reports", "queue");
    row("unacked", "queue");
    row("unacked_index", "queue");
    row("unacked_mutex", "queue");
    row("_kombu.binding.celery", "queue");
    row("q:revoked", "queue");
    row("6f1d.reply.celery.pidbox", "queue");
    row("6f1d.reply.celery.pidbox\x06\x16"
        "3",
        "queue");
    row("celery-task-meta-1", "results");
    row("celery-taskset-meta-1.j", "results");
    row("chord-unlock-1", "results");
    row("p:tasks", "push");
    row("t:AAPL", "tickers");
    row("c:summary:1", "cache");
    row("i:web-1a2b", "instances");
    row("session:abc", "other");
    row("celeryx", "other");
    row("s", "other");
    row("", "other");
}

void TextTest::knowsTheFamilyOfAKey()
{
    QFETCH(QByteArray, key);
    QFETCH(QByteArray, family);
    const std::array queues{std::string("reports")};
    QCOMPARE(QByteArray::fromStdString(std::string(nameOf(familyOf(key.toStdString(), queues)))), family);
}

void TextTest::namesEveryFamily()
{
    for (const auto family : families) {
        QCOMPARE(familyNamed(nameOf(family)), std::optional(family));
        QCOMPARE(patternsOf(family).empty(), family == Family::Other);
    }
    QVERIFY(!familyNamed("nothing"));
    QCOMPARE(queueKey("celery", 0), std::string("celery"));
    QCOMPARE(queueKey("celery", 6), std::string("celery\x06\x16"
                                                "6"));
}

QTEST_GUILESS_MAIN(TextTest)
#include "text_test.moc"
