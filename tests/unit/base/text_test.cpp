// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/secret.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/secret_key_check.h"
#include "core/base/time_format.h"
#include "core/base/units.h"
#include "core/base/url_text.h"
#include "core/base/utf8.h"

#include <QTest>
#include <clocale>

using namespace portolan;
using namespace std::chrono;

/// Units, times, secrets and masking: everything that turns text into values and back.
class TextTest final : public QObject
{
    Q_OBJECT
private slots:
    void durations_data();
    void durations();
    void sizes_data();
    void sizes();
    void human_data();
    void human();
    void cutsBetweenCharacters();
    void times_data();
    void times();
    void secretsCompareAndMove();
    void masks_data();
    void masks();
    void masksAddresses_data();
    void masksAddresses();
    void namesWhatMustBeEscaped_data();
    void namesWhatMustBeEscaped();
    void secretNames_data();
    void secretNames();
    void weighsSecretKeys_data();
    void weighsSecretKeys();
    void trimsWhatComesIn();
    void showsWhatCannotBeSeen_data();
    void showsWhatCannotBeSeen();
    void findsQuotes();
    void writesNumbersInEveryLocale();
};

void TextTest::durations_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<qint64>("expected"); // ms; -1: refused
    QTest::addColumn<QByteArray>("shortest");
    QTest::newRow("seconds") << QByteArray("900s") << qint64(900'000) << QByteArray("15m");
    QTest::newRow("minutes") << QByteArray("15m") << qint64(900'000) << QByteArray("15m");
    QTest::newRow("hours") << QByteArray("24h") << qint64(86'400'000) << QByteArray("1d");
    QTest::newRow("milliseconds") << QByteArray("500ms") << qint64(500) << QByteArray("500ms");
    QTest::newRow("days") << QByteArray("7d") << qint64(604'800'000) << QByteArray("7d");
    QTest::newRow("odd") << QByteArray("90s") << qint64(90'000) << QByteArray("90s");
    QTest::newRow("zero") << QByteArray("0") << qint64(0) << QByteArray("0s");
    QTest::newRow("a century") << QByteArray("36500d") << qint64(3'153'600'000'000) << QByteArray("36500d");
    for (const char *bad : {"", "5", "s", "-5s", "+5s", "1.5s", "5 s", "5sec", "5S", "5ss", " 5s", "5s ", "36501d",
                            "99999999999999999999s", "18446744073709551615d"})
        QTest::newRow(bad[0] ? bad : "empty") << QByteArray(bad) << qint64(-1) << QByteArray();
}

void TextTest::durations()
{
    QFETCH(QByteArray, text);
    QFETCH(qint64, expected);
    QFETCH(QByteArray, shortest);
    const auto parsed = parseDuration(text.toStdString());
    QCOMPARE(parsed.has_value(), expected >= 0);
    if (parsed.has_error()) {
        QCOMPARE(parsed.error().kind, ErrorKind::Invalid);
        QVERIFY(!parsed.error().hint.empty());
        return;
    }
    QCOMPARE(qint64(parsed->count()), expected);
    QCOMPARE(QByteArray::fromStdString(formatDuration(*parsed)), shortest);
    QVERIFY(*parseDuration(formatDuration(*parsed)) == *parsed);
}

void TextTest::sizes_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<quint64>("expected");
    QTest::addColumn<bool>("good");
    QTest::newRow("30MB") << QByteArray("30MB") << quint64(31'457'280) << true;
    QTest::newRow("1GB") << QByteArray("1GB") << quint64(1'073'741'824) << true;
    QTest::newRow("512KB") << QByteArray("512KB") << quint64(524'288) << true;
    QTest::newRow("7B") << QByteArray("7B") << quint64(7) << true;
    QTest::newRow("2TB") << QByteArray("2TB") << quint64(2'199'023'255'552) << true;
    QTest::newRow("spaced") << QByteArray("30 MB") << quint64(31'457'280) << true;
    QTest::newRow("zero") << QByteArray("0") << quint64(0) << true;
    for (const char *bad : {"", "30", "MB", "-1MB", "1.5MB", "30mb", "30M", "30MiB", "30  MB", "30MB ", "8388608TB"})
        QTest::newRow(bad[0] ? bad : "empty") << QByteArray(bad) << quint64(0) << false;
}

void TextTest::sizes()
{
    QFETCH(QByteArray, text);
    QFETCH(quint64, expected);
    QFETCH(bool, good);
    const auto parsed = parseSize(text.toStdString());
    QCOMPARE(parsed.has_value(), good);
    if (!good)
        return;
    QCOMPARE(quint64(*parsed), expected);
    QCOMPARE(quint64(*parseSize(formatSize(*parsed))), expected);
}

void TextTest::human_data()
{
    QTest::addColumn<QByteArray>("shown");
    QTest::addColumn<QByteArray>("expected");
    const auto size = [](std::uint64_t bytes) { return QByteArray::fromStdString(humanSize(bytes)); };
    const auto time = [](nanoseconds value) { return QByteArray::fromStdString(humanDuration(value)); };
    QTest::newRow("no bytes") << size(0) << QByteArray("0 B");
    QTest::newRow("bytes") << size(512) << QByteArray("512 B");
    QTest::newRow("just below KB") << size(1023) << QByteArray("1023 B");
    QTest::newRow("18.7 MB") << size(19'608'371) << QByteArray("18.7 MB");
    QTest::newRow("rounds into the next unit") << size(1024 * 1024 - 100) << QByteArray("1 MB");
    QTest::newRow("30 MB") << size(31'457'280) << QByteArray("30 MB");
    QTest::newRow("microseconds") << time(microseconds(70)) << QByteArray("70 µs");
    QTest::newRow("milliseconds") << time(milliseconds(350)) << QByteArray("350 ms");
    QTest::newRow("seconds") << time(milliseconds(4200)) << QByteArray("4.2 s");
    QTest::newRow("quarter") << time(minutes(15)) << QByteArray("15 min");
    QTest::newRow("min and s") << time(seconds(61)) << QByteArray("1 min 1 s");
    QTest::newRow("h and min") << time(minutes(125)) << QByteArray("2 h 5 min");
    QTest::newRow("d and h") << time(hours(76)) << QByteArray("3 d 4 h");
    QTest::newRow("carries") << time(milliseconds(3'599'800)) << QByteArray("1 h");
    QTest::newRow("carries seconds") << time(milliseconds(59'980)) << QByteArray("1 min");
    QTest::newRow("negative") << time(-seconds(5)) << QByteArray("-5 s");
    QTest::newRow("zero") << time(nanoseconds(0)) << QByteArray("0 s");
    QTest::newRow("count") << QByteArray::fromStdString(humanCount(1'234'567)) << QByteArray("1,234,567");
    QTest::newRow("small count") << QByteArray::fromStdString(humanCount(999)) << QByteArray("999");
}

void TextTest::human()
{
    QFETCH(QByteArray, shown);
    QFETCH(QByteArray, expected);
    QCOMPARE(shown, expected);
}

void TextTest::cutsBetweenCharacters()
{
    const std::string text = "a\u00e9\u20ac\U0001f600z"; // 1, 2, 3, 4 and 1 bytes
    QVERIFY(isUtf8(text));
    const std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (std::size_t most = 0; most < std::size(ends); ++most) {
        QCOMPARE(cutText(text, most).size(), ends[most]);
        QVERIFY(isUtf8(cutText(text, most)));
    }
    QCOMPARE(cutText("\x80\x80\x80\x80\x80", 4).size(), std::size_t(4)); // no UTF-8: cut all the same
    for (const std::string bad :
         {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"}) {
        QVERIFY(!isUtf8(bad));
        QVERIFY(isUtf8(toUtf8(bad)));
    }
    QCOMPARE(toUtf8("caf\xe9!"), std::string("caf\xef\xbf\xbd!"));
}

void TextTest::times_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("canonical"); // empty: refused
    QTest::newRow("plain") << QByteArray("2026-01-01T00:00:00Z") << QByteArray("2026-01-01T00:00:00.000Z");
    QTest::newRow("fraction") << QByteArray("2026-01-01T00:00:00.1239Z") << QByteArray("2026-01-01T00:00:00.123Z");
    QTest::newRow("nanoseconds") << QByteArray("2026-01-01T00:00:00.123456789Z")
                                 << QByteArray("2026-01-01T00:00:00.123Z");
    QTest::newRow("offset") << QByteArray("2026-01-01T01:30:00+01:30") << QByteArray("2026-01-01T00:00:00.000Z");
    QTest::newRow("west") << QByteArray("2025-12-31t23:00:00-01:00") << QByteArray("2026-01-01T00:00:00.000Z");
    QTest::newRow("leap day") << QByteArray("2024-02-29T12:00:00z") << QByteArray("2024-02-29T12:00:00.000Z");
    QTest::newRow("leap second") << QByteArray("2016-12-31T23:59:60Z") << QByteArray("2017-01-01T00:00:00.000Z");
    QTest::newRow("before 1970") << QByteArray("1969-12-31T23:59:59.999Z") << QByteArray("1969-12-31T23:59:59.999Z");
    for (const char *bad :
         {"", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2025-02-29T00:00:00Z",
          "2026-13-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
          "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00", "9999-01-01T00:00:00Z",
          "1500-01-01T00:00:00Z", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00.1234567890Z", "2026-1-1T00:00:00Z"})
        QTest::newRow(bad[0] ? bad : "empty") << QByteArray(bad) << QByteArray();
}

void TextTest::times()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, canonical);
    const auto parsed = parseTime(text.toStdString());
    QCOMPARE(parsed.has_value(), !canonical.isEmpty());
    if (parsed.has_value())
        QCOMPARE(QByteArray::fromStdString(formatTime(*parsed)), canonical);
}

void TextTest::secretsCompareAndMove()
{
    Secret first("swordfish");
    QVERIFY(first.equals("swordfish") && !first.equals("swordfisH") && !first.equals("sword") && !first.equals(""));
    const Secret copy = first;
    const Secret moved = std::move(first);
    QVERIFY(copy == moved);
    QVERIFY(first.empty()); // NOLINT(bugprone-use-after-move): that it is empty is what is checked
    QVERIFY(Secret() == Secret("") && Secret().equals(""));
    std::string text = "swordfish, long enough to live on the heap";
    const char *data = text.data();
    wipe(text);
    QVERIFY(text.empty() && data[1] == '\0' && text.capacity() > 0);
}

void TextTest::masks_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("masked");
    const auto row = [](const char *text, const char *masked) {
        QTest::newRow(text) << QByteArray(text) << QByteArray(masked);
    };
    row("redis://:hunter2@localhost:6379/0", "redis://***@localhost:6379/0");
    row("rediss://bob:p@ss@host", "rediss://***@host");
    row("cannot reach postgresql://app:pw@db/x and http://ok/", "cannot reach postgresql://***@db/x and http://ok/");
    row("at redis://h/0?password=a@pw&db=1 now", "at redis://***&db=1 now");
    row("http://host/path@home", "http://host/path@home"); // paths of pages hold such things
    row("http://u:pw/path@home", "http://***@home");
    row("amqp://host/path@home", "amqp://***@home"); // it may be a name that nobody escaped
    row("at redis://:dsa86321+9r/A=@127.0.0.1:6379/14: refused", "at redis://***@127.0.0.1:6379/14: refused");
    row("at redis://:a?b#c\"d e@h/0 and more", "at redis://***@h/0 and more");
    row("redis://:a b@h", "redis://***@h");
    row("see http://ok:8080/x, or write to a@b.c", "see http://ok:8080/x, or write to a@b.c");
    row("postgresql://h/db?user=u&password=a,b;c&sslmode=require",
        "postgresql://h/db?user=u&password=***&sslmode=require");
    row("host=db password='it is \\' one' dbname=x", "host=db password='***' dbname=x");
    row("host=db password = hunter,2 dbname=x", "host=db password = *** dbname=x");
    row("passwd=a,token=b", "passwd=***,token=***");
    row("Authorization: Bearer abc.def.ghi", "Authorization: Bearer ***");
    row("authorization: Basic dTpw", "authorization: Basic ***");
    row("sent Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "sent Bearer ***");
    row("basic authentication works", "basic authentication works");
    row("GET /reset?token=abc123&next=/a", "GET /reset?token=***&next=/a");
    row("password=hunter2 user=bob", "password=*** user=bob");
    row(R"({"access_token":"abc","n":1})", R"({"access_token":"***","n":1})");
    row("Cookie: sid=abcdef; theme=dark", "Cookie: ***; theme=dark");
    row("inside sid=abcdef", "inside sid=***");
    row("Set-Cookie: sid=abc", "Set-Cookie: ***");
    row("the token expired", "the token expired");
    row("considered=1", "considered=1");
    row("", "");
}

void TextTest::masks()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, masked);
    QCOMPARE(QByteArray::fromStdString(maskSecrets(text.toStdString())), masked);
}

void TextTest::masksAddresses_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("masked");
    const auto row = [](const char *text, const char *masked) {
        QTest::newRow(text) << QByteArray(text) << QByteArray(masked);
    };
    row("redis://:dsa86321+9r/A=@127.0.0.1:6379/14", "redis://***@127.0.0.1:6379/14");
    row("redis://u:a b?c#d@e@h/0", "redis://***@h/0");
    row("redis://:secret:/@[::1]:1/0", "redis://***@[::1]:1/0");
    row("https://token:abc@h/x", "https://***@h/x");
    row("redis://h?token:a@secret", "redis://***");
    row("redis:/:secret@h", "redis:/***@h");
    row("redis//:secret@h", "***@h");
    row(":secret@h:6379", "***@h:6379");
    row("secret@h", "***@h");
    row("redis://:secret", "redis://***");
    row("postgresql://u:secret", "postgresql://***");
    row("redis://h:6379/0", "redis://h:6379/0");
    row("smtp://u:se/cret@mail.example:587", "smtp://***@mail.example:587");
    row("amqp://u:secret@h//vhost", "amqp://***@h//vhost");
    row("postgresql://u:secret@h1:5432,h2:5433/db?sslmode=require",
        "postgresql://***@h1:5432,h2:5433/db?sslmode=require");
    row("postgresql:///db?host=h&password=secret", "postgresql:///db?host=h&password=***");
    row("host=h user=u password=secret dbname=db", "host=h user=u password=*** dbname=db");
    row("postgresql://u:secret@a/db,postgresql://u:secret@b/db", "postgresql://***@a/db,postgresql://***@b/db");
    row("postgresql://u:sec,ret@a/db postgresql://b/db", "postgresql://***@a/db postgresql://b/db");
    row("sentinel://:secret@a;sentinel://:se;cret@b", "sentinel://***@a;sentinel://***@b");
    row("sqlite:/var/lib/portal.db", "sqlite:/var/lib/portal.db");
    row("redis://h/0?password=a@pw", "redis://***");
    row("redis://h/0?db=1&password=x y&a=b", "redis://h/0?db=1&password=***&a=b");
    row("redis:secret@h", "redis:***@h");
    row("redis://h:secret", "redis://***");
    row("host=h password='x@secret' dbname=db", "***' dbname=db");
    row("", "");
}

void TextTest::masksAddresses()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, masked);
    QCOMPARE(QByteArray::fromStdString(maskAddresses(text.toStdString())), masked);
}

void TextTest::namesWhatMustBeEscaped_data()
{
    QTest::addColumn<QByteArray>("url");
    QTest::addColumn<QByteArray>("words"); // empty: nothing must
    const auto row = [](const char *url, const char *words) {
        QTest::newRow(url) << QByteArray(url) << QByteArray(words);
    };
    row("redis://:dsa86321+9r/A=@127.0.0.1:6379/14", "in its password '/' must be written %2F");
    row("postgresql://u:a?b c#@h/db",
        "in its password '?' must be written %3F, a blank must be written %20 and '#' must be written %23");
    row("redis://u:p@ss@h", "in its password '@' must be written %40");
    row("redis://u/x:p@h", "in its user name '/' must be written %2F");
    row("redis://:100%@h", "in its password '%' must be written %25");
    row("redis://:p\u00e4@h", "in its password '\u00e4' must be written %C3%A4");
    row("redis://:p\u200b@h", "in its password '\\u200b' must be written %E2%80%8B");
    row("postgresql://app:12/34@h/db", "in its password '/' must be written %2F");
    row("redis://:p%40ss@h", "");
    row("redis://h/0?user=a@b", "");
    row("postgresql:///db?host=/run&user=a@b", "");
    row("redis://h:6379/0", "");
    row("no url", "");
}

void TextTest::namesWhatMustBeEscaped()
{
    QFETCH(QByteArray, url);
    QFETCH(QByteArray, words);
    QCOMPARE(QByteArray::fromStdString(unescapedCharacters(url.toStdString()).value_or("")), words);
}

void TextTest::weighsSecretKeys_data()
{
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<bool>("good");
    QTest::newRow("base64") << QByteArray("q1sb2Sy0p8YcS5cQe7kWk0m1nN3hV0oLkqJQhzq7x2E=") << true;
    QTest::newRow("hexadecimal") << QByteArray("9f86d081884c7d659a2feaa0c55ad015") << true;
    QTest::newRow("long hexadecimal") << QByteArray("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")
                                      << true;
    QTest::newRow("a sentence") << QByteArray("the same key for all instances of a portal") << true;
    QTest::newRow("none") << QByteArray("") << false;
    QTest::newRow("short") << QByteArray("q1sb2Sy0p8YcS5cQe7kWk0m1nN3hV0o") << false;
    QTest::newRow("zeros") << QByteArray(32, '0') << false;
    QTest::newRow("NUL bytes") << QByteArray(64, '\0') << false;
    QTest::newRow("two characters") << QByteArray("ab").repeated(40) << false;
    QTest::newRow("a piece over and over") << QByteArray("x7Qw").repeated(20) << false;
    QTest::newRow("a row") << QByteArray("abcdefghijklmnopqrstuvwxyz0123456789") << false;
    QTest::newRow("digits in a row") << QByteArray("01234567890123456789012345678901") << false;
    QTest::newRow("digits") << QByteArray("11112222333344445555666677778888") << false;
    QTest::newRow("an example's") << QByteArray("django-insecure-4x!b8s7d6f5g4h3j2k1l0q9w8e7r") << false;
    QTest::newRow("a placeholder") << QByteArray("ChangeMe-q1sb2Sy0p8YcS5cQe7kWk0m1nN") << false;
    for (const char *example :
         {"change-this-secret-key-in-production", "supersecretkeychangethisinproduction!",
          "Your_Super_Secret_JWT_Key_At_Least_32_Characters", "generate-a-random-secret-key-and-put-it-here",
          "my-very-long-secret-key-for-development-12345678", "please set this key in production 1"})
        QTest::newRow(example) << QByteArray(example) << false;
}

void TextTest::weighsSecretKeys()
{
    QFETCH(QByteArray, key);
    QFETCH(bool, good);
    const auto fit = checkSecretKey(key.toStdString());
    QCOMPARE(fit.has_value(), good);
    if (!good) {
        QVERIFY(fit.error().hint.find("openssl rand -base64 32") != std::string::npos);
        QVERIFY(key.isEmpty() || fit.error().message.find(key.toStdString()) == std::string::npos);
    }
}

void TextTest::trimsWhatComesIn()
{
    QCOMPARE(std::string(trimmed(" \tx y\r\n")), std::string("x y"));
    QCOMPARE(std::string(trimmed("\xEF\xBB\xBFx\r")), std::string("x"));
    QCOMPARE(std::string(trimmed("\r")), std::string());
    QCOMPARE(std::string(withoutLineEnd(" secret \r\n")), std::string(" secret "));
    QCOMPARE(std::string(withoutLineEnd("secret\r")), std::string("secret"));
    QCOMPARE(std::string(withoutLineEnd("se\rcret")), std::string("se\rcret"));
}

void TextTest::showsWhatCannotBeSeen_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("shown");
    const auto row = [](const char *text, const char *shown) {
        QTest::newRow(shown) << QByteArray(text) << QByteArray(shown);
    };
    row("production\r", "production\\r");
    row("a\tb\nc\x7f", "a\\tb\\nc\\x7f");
    row("admin\u200b", "admin\\u200b");
    row("\u202egro", "\\u202egro");
    row("a\u00a0b\u00adc", "a\\u00a0b\\u00adc");
    row("\U000e0041", "\\U000e0041");
    row("\xff\xc3", "\\xff\\xc3");
    row("\xed\xa0\x80", "\\xed\\xa0\\x80"); // half of a pair
    row("\u00e4 \u20ac \U0001f6a2 %", "\u00e4 \u20ac \U0001f6a2 %");
}

void TextTest::showsWhatCannotBeSeen()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, shown);
    QCOMPARE(QByteArray::fromStdString(visible(text.toStdString())), shown);
}

void TextTest::findsQuotes()
{
    for (const char *text : {"\"x\"", "'x'", "\u201cx\u201d", "`x`", "\"\""})
        QVERIFY2(surroundingQuotes(text), text);
    for (const char *text : {"x", "\"", "'x", "x\"", "it's", ""})
        QVERIFY2(!surroundingQuotes(text), text);
}

void TextTest::writesNumbersInEveryLocale()
{
    // CTest runs this under a locale with a decimal comma, which Qt's application objects take over.
    if (qEnvironmentVariableIsSet("LOCPATH")) {
        QVERIFY(std::setlocale(LC_ALL, ""));
        QCOMPARE(QByteArray(std::localeconv()->decimal_point), QByteArray(","));
    }
    QCOMPARE(fixedText(0.5, 2), std::string("0.50"));
    QCOMPARE(fixedText(1795971031.360117, 6), std::string("1795971031.360117"));
    QCOMPARE(fixedText(-2.5, 0), std::string("-2"));
    QCOMPARE(humanSize(19'608'371), std::string("18.7 MB"));
    QCOMPARE(humanDuration(milliseconds(4200)), std::string("4.2 s"));
    std::setlocale(LC_ALL, "C");
}

void TextTest::secretNames_data()
{
    QTest::addColumn<bool>("secret");
    for (const char *name : {"password", "PASSWORD", "new_password", "token", "access_token", "X-CSRF-Token", "csrf",
                             "Authorization", "cookie", "Set-Cookie", "sid", "secret_key", "PORTAL_SECRET_KEY",
                             "api_key", "ALPHA_VANTAGE_API_KEY", "X-App-Key", "apiKey"})
        QTest::newRow(name) << true;
    for (const char *name : {"message", "side", "user", "keys", "key", "email", "author", "redis.maxmemory"})
        QTest::newRow(name) << false;
}

void TextTest::secretNames()
{
    QFETCH(bool, secret);
    QCOMPARE(isSecretName(QTest::currentDataTag()), secret);
}

QTEST_GUILESS_MAIN(TextTest)
#include "text_test.moc"
