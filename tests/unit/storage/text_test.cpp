// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/cursor.h"
#include "core/storage/database.h"
#include "core/storage/text.h"
#include "core/storage/user_cache.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/texts_with_secrets.h"

#include <QDir>
#include <QTest>
#include <atomic>
#include <thread>
#include <vector>

using namespace portolan;
using namespace portolan::storage;
using namespace std::chrono_literals;

/// What needs no database: URLs, cursors, stored text, the cache of users.
class TextTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsDatabaseUrls_data();
    void readsDatabaseUrls();
    void refusesDatabaseUrls_data();
    void refusesDatabaseUrls();
    void refusalsSayBothSpellings();
    void repeatsNoSecret();
    void cursorsComeBack();
    void fitsText_data();
    void fitsText();
    void cacheDropsTheLeastRecentlyUsed();
    void cacheForgetsWithTime();
    void cacheForgetsWhereverTheClockIsSet_data();
    void cacheForgetsWhereverTheClockIsSet();
    void cacheKeepsNothingReadBeforeAChange();
    void cacheStandsManyThreads();
};

void TextTest::readsDatabaseUrls_data()
{
    QTest::addColumn<QString>("url");
    QTest::addColumn<QString>("parts"); // host|port|user|password|name|path|sslmode
    QTest::addColumn<QString>("display");
    const QString here = QDir::currentPath() + '/';
    QTest::newRow("sqlite") << "sqlite:/var/lib/portolan/portal.db"
                            << "|5432||||/var/lib/portolan/portal.db|"
                            << "sqlite:/var/lib/portolan/portal.db";
    QTest::newRow("sqlite with slashes") << "sqlite:////tmp/a b.db"
                                         << "|5432||||/tmp/a b.db|"
                                         << "sqlite:/tmp/a b.db";
    QTest::newRow("sqlite relative") << "sqlite:portal.db"
                                     << "|5432||||" + here + "portal.db|"
                                     << "sqlite:" + here + "portal.db";
    const auto same = [&](const char *url, const QString &path) {
        QTest::newRow(url) << url << "|5432||||" + path + "|"
                           << "sqlite:" + path;
    };
    same("sqlite:///app.db", here + "app.db");
    same("sqlite:///./data/../app.db", here + "app.db");
    same("sqlite:////var/app.db", "/var/app.db");
    same("sqlite+pysqlite:///app.db", here + "app.db");
    same("sqlite3:////var/app.db?timeout=20&check_same_thread=false", "/var/app.db");
    same("SQLite:///app.db", here + "app.db");
    same("file:/var/app.db", "/var/app.db");
    same("file:///var/app.db?mode=rwc", "/var/app.db");
    same("file:app.db", here + "app.db");
    same("sqlite:///file:/var/app.db?uri=true", "/var/app.db");
    for (const char *scheme : {"postgres", "postgresql+psycopg2", "PostgreSQL", "pgsql", "postgresql+asyncpg"})
        QTest::newRow(scheme) << scheme + QString("://ann:p%2Fw@db/portal?connect_timeout=5")
                              << "db|5432|ann|p/w|portal||"
                              << "postgresql://db/portal";
    QTest::newRow("all as parameters") << "postgresql:///?host=/run&port=6543&user=ann&password=p%2Fw&dbname=portal"
                                       << "/run|6543|ann|p/w|portal||"
                                       << "postgresql:///run:6543/portal";
    QTest::newRow("plain") << "postgresql://db.example.com/portal"
                           << "db.example.com|5432|||portal||"
                           << "postgresql://db.example.com/portal";
    QTest::newRow("everything") << "postgres://ann:p%40ss%3A%2F@db:6543/por%20tal?sslmode=verify-full"
                                << "db|6543|ann|p@ss:/|por tal||verify-full"
                                << "postgresql://db:6543/por tal";
    QTest::newRow("socket") << "postgresql://ann@%2Frun%2Fpostgresql/portal"
                            << "/run/postgresql|5432|ann||portal||"
                            << "postgresql:///run/postgresql/portal";
    QTest::newRow("socket as parameter") << "postgresql:///portal?host=/run/postgresql"
                                         << "/run/postgresql|5432|||portal||"
                                         << "postgresql:///run/postgresql/portal";
    QTest::newRow("hosted") << "postgresql://db/portal?sslmode=require&channel_binding=require&"
                            << "db|5432|||portal||require"
                            << "postgresql://db/portal";
    QTest::newRow("IPv6") << "postgresql://[::1]:5433/portal"
                          << "::1|5433|||portal||"
                          << "postgresql://[::1]:5433/portal";
}

void TextTest::readsDatabaseUrls()
{
    QFETCH(QString, url);
    QFETCH(QString, parts);
    QFETCH(QString, display);
    const auto parsed = DatabaseUrl::parse(url.toStdString());
    QVERIFY(!parsed.has_error());
    const auto text = [](const std::string &part) { return QString::fromStdString(part); };
    const QStringList found{text(parsed->host),   QString::number(parsed->port),
                            text(parsed->user),   text(parsed->password),
                            text(parsed->name),   text(parsed->path),
                            text(parsed->sslMode)};
    QCOMPARE(found.join(u'|'), parts);
    QCOMPARE(text(parsed->channelBinding), url.contains("channel_binding") ? "require" : "");
    QCOMPARE(text(parsed->display()), display);
}

void TextTest::refusesDatabaseUrls_data()
{
    QTest::addColumn<QString>("url");
    QTest::newRow("empty") << "";
    QTest::newRow("another kind") << "mysql://secret@host/portal";
    QTest::newRow("no file") << "sqlite:";
    QTest::newRow("in memory") << "sqlite::memory:";
    QTest::newRow("in memory, three slashes") << "sqlite:///:memory:";
    QTest::newRow("in memory, two slashes") << "sqlite://";
    QTest::newRow("in memory, by mode") << "file:app.db?mode=memory";
    QTest::newRow("sqlite with a host") << "sqlite://app.db";
    QTest::newRow("sqlite with a host and a path") << "sqlite://host/app.db";
    QTest::newRow("sqlite with a password") << "sqlite://u:secret@host/app.db";
    QTest::newRow("sqlite, read only") << "file:/app.db?mode=ro";
    QTest::newRow("sqlite, escaped") << "sqlite:////var/a%20b.db";
    QTest::newRow("keywords") << "host=db user=ann password=secret dbname=portal";
    QTest::newRow("keywords with a colon") << "host=db password=a:secret";
    QTest::newRow("no scheme") << "ann:secret@host/portal";
    QTest::newRow("several hosts") << "postgresql://ann:secret@h1:5432,h2:5432/portal";
    QTest::newRow("slash in the password") << "postgresql://ann:12/secret@host/portal";
    QTest::newRow("Java's") << "jdbc:postgresql://host/portal";
    QTest::newRow("no database") << "postgresql://ann:secret@host";
    QTest::newRow("two databases") << "postgresql://ann:secret@host/a/b";
    QTest::newRow("port") << "postgresql://ann:secret@host:99999/a";
    QTest::newRow("malformed") << "postgresql://ann:secret%zz@host/a";
    QTest::newRow("unknown parameter") << "postgresql://ann:secret@host/a?options=-c";
    QTest::newRow("smuggled option") << "postgresql://ann:secret@host/a?sslmode=disable;hostaddr=1.2.3.4";
    QTest::newRow("huge") << "sqlite:" + QString(5000, u'a');
    QTest::newRow("port that wraps round") << "postgresql://host:70000/a";
    QTest::newRow("port no number") << "postgresql://ann:secret/a";
    QTest::newRow("host forgotten") << "postgresql://:secret";
    QTest::newRow("IPv6 without brackets") << "postgresql://::1:5432/a";
    QTest::newRow("two hosts") << "postgresql://host/a?host=other";
    QTest::newRow("two ports") << "postgresql://host:1/a?port=2";
    QTest::newRow("two passwords") << "postgresql://ann:secret@host/a?password=secret2";
    QTest::newRow("two databases, one as parameter") << "postgresql://host/a?dbname=b";
    QTest::newRow("unknown channel binding") << "postgresql://host/a?channel_binding=maybe";
    QTest::newRow("unknown sslmode") << "postgresql://host/a?sslmode=always";
    for (const char *end : {"\u00a0", "\u200b", ";", ",", "\"", "'"})
        QTest::newRow(qPrintable(QString("file's name ends in %1").arg(end))) << QString("sqlite:///app.db") + end;
    QTest::newRow("unseen in the file's name") << QString("sqlite:///a\u200bpp.db");
}

void TextTest::refusesDatabaseUrls()
{
    QFETCH(QString, url);
    const auto parsed = DatabaseUrl::parse(url.toStdString());
    QVERIFY(parsed.has_error());
    QCOMPARE(parsed.error().kind, ErrorKind::Invalid);
    QVERIFY(!parsed.error().hint.empty());
    QVERIFY(parsed.error().message.find("secret") == std::string::npos);
    QVERIFY(parsed.error().hint.find("secret") == std::string::npos);
}

void TextTest::refusalsSayBothSpellings()
{
    const auto parsed = DatabaseUrl::parse("sqlite://app.db");
    QVERIFY(parsed.has_error());
    QVERIFY(parsed.error().hint.find("sqlite:///app.db") != std::string::npos);
    QVERIFY(parsed.error().hint.find("sqlite:////app.db") != std::string::npos);
    const auto password = DatabaseUrl::parse("sqlite+x://:pw@/app.db");
    QVERIFY(password.error().hint.find("sqlite:///app.db for that name in the working folder") != std::string::npos);
    QVERIFY(password.error().hint.find("sqlite:////app.db for /app.db") != std::string::npos);
    QVERIFY(DatabaseUrl::parse("jdbc:sqlite:/x/app.db").error().hint.find("sqlite:///name.db") != std::string::npos);
    QVERIFY(DatabaseUrl::parse("postgresql://ann:a/b@h/db").error().message.find("%2F") != std::string::npos);
}

void TextTest::repeatsNoSecret()
{
    for (const auto &text : textsWithSecrets()) {
        const auto url = DatabaseUrl::parse(text);
        const std::string shown = url ? url->display() : inWords(url.error());
        QVERIFY2(shown.find(secretMark) == std::string::npos, (text + ": " + shown).c_str());
    }
}

void TextTest::cursorsComeBack()
{
    for (const Cursor &cursor :
         {Cursor{'i', 0, ""}, Cursor{'e', 0, "ann@example.com"}, Cursor{'t', 9223372036854775807u, "a:b"}})
        QVERIFY(parseCursor(formatCursor(cursor), cursor.kind).value() == cursor);
    QVERIFY(parseCursor(formatCursor({'i', 1, ""}), 'e').has_error());
    QVERIFY(parseCursor(formatCursor({'i', 9223372036854775808u, ""}), 'i').has_error());
    QVERIFY(parseCursor(formatCursor({'e', 0, std::string("a\0b", 3)}), 'e').has_error());
    QVERIFY(parseCursor(formatCursor({'e', 0, "a\xff"}), 'e').has_error());
    for (const char *text : {"", "i", "aQ", "aTE", "====", "\xff"})
        QVERIFY(parseCursor(text, 'i').has_error());
}

void TextTest::fitsText_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<int>("bytes");
    QTest::addColumn<QByteArray>("fitted");
    QTest::newRow("as it is") << QByteArray("Firefox") << 10 << QByteArray("Firefox");
    QTest::newRow("cut") << QByteArray("Firefox") << 4 << QByteArray("Fire");
    QTest::newRow("cut between characters") << QByteArray("a\xC3\xA4\xC3\xA4") << 4 << QByteArray("a\xC3\xA4");
    QTest::newRow("emoji") << QByteArray("ab\xF0\x9F\x9A\xA2") << 5 << QByteArray("ab");
    QTest::newRow("control characters") << QByteArray("a\0b\r\nc", 6) << 10 << QByteArray("a b  c");
    QTest::newRow("not UTF-8") << QByteArray("a\xff") << 10 << QByteArray("a\xEF\xBF\xBD");
    QTest::newRow("not UTF-8, no room to say so") << QByteArray("aa\xff") << 3 << QByteArray("aa");
    QTest::newRow("empty") << QByteArray("") << 0 << QByteArray("");
}

void TextTest::fitsText()
{
    QFETCH(QByteArray, text);
    QFETCH(int, bytes);
    QFETCH(QByteArray, fitted);
    QCOMPARE(QByteArray::fromStdString(fitText(text.toStdString(), static_cast<std::size_t>(bytes))), fitted);
}

namespace {
std::shared_ptr<const User> someone(Id id)
{
    auto user = std::make_shared<User>();
    user->id = id;
    return user;
}
} // namespace

void TextTest::cacheDropsTheLeastRecentlyUsed()
{
    const ManualClock clock;
    UserCache cache(clock, 160, 1h); // ten a shard
    std::uint64_t ticket = 0;
    for (Id id = 1; id <= 10'000; ++id) {
        QVERIFY(!cache.get(id, ticket));
        cache.put(someone(id), ticket);
        QVERIFY(cache.get(1, ticket)); // used all the time, so it stays
    }
    QVERIFY(cache.size() <= 160);
    QVERIFY(cache.get(10'000, ticket));
    QVERIFY(!cache.get(2, ticket));
}

void TextTest::cacheForgetsWithTime()
{
    ManualClock clock;
    UserCache cache(clock, 100, 5s);
    std::uint64_t ticket = 0;
    QVERIFY(!cache.get(7, ticket));
    cache.put(someone(7), ticket);
    clock.advance(4999ms);
    QVERIFY(cache.get(7, ticket));
    clock.advance(1ms);
    QVERIFY(!cache.get(7, ticket));
    QCOMPARE(cache.size(), std::size_t{0});
}

void TextTest::cacheForgetsWhereverTheClockIsSet_data()
{
    QTest::addColumn<int>("days");
    QTest::newRow("ahead") << 10;
    QTest::newRow("back") << -10;
}

void TextTest::cacheForgetsWhereverTheClockIsSet()
{
    QFETCH(int, days);
    ManualClock clock;
    UserCache cache(clock, 100, 5s);
    std::uint64_t ticket = 0;
    QVERIFY(!cache.get(7, ticket));
    cache.put(someone(7), ticket);
    clock.jump(std::chrono::days(days)); // wrong, or corrected
    QVERIFY(cache.get(7, ticket));
    clock.advance(5s);
    QVERIFY(!cache.get(7, ticket));
}

void TextTest::cacheKeepsNothingReadBeforeAChange()
{
    const ManualClock clock;
    UserCache cache(clock, 100, 5s);
    std::uint64_t before = 0;
    QVERIFY(!cache.get(7, before));
    cache.forget(7); // changed while it was being read
    cache.put(someone(7), before);
    std::uint64_t after = 0;
    QVERIFY(!cache.get(7, after));
    cache.put(someone(7), after);
    QVERIFY(cache.get(7, after));
}

void TextTest::cacheStandsManyThreads()
{
    const ManualClock clock;
    UserCache cache(clock, 64, 5s);
    std::vector<std::thread> threads;
    std::atomic<bool> wrong{false};
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (Id i = 0; i < 20'000; ++i) {
                const Id id = i * (t + 1) % 200 + 1;
                std::uint64_t ticket = 0;
                if (const auto user = cache.get(id, ticket))
                    wrong = wrong || user->id != id;
                else
                    cache.put(someone(id), ticket);
                if (i % 50 == 0)
                    cache.forget(id);
            }
        });
    }
    for (auto &thread : threads)
        thread.join();
    QVERIFY(!wrong);
    QVERIFY(cache.size() <= 64);
}

QTEST_GUILESS_MAIN(TextTest)
#include "text_test.moc"
