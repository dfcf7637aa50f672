#include "core/base/masking.h"
#include "core/base/secret.h"
#include "core/base/time_format.h"
#include "core/base/units.h"

#include <QTest>

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
    void times_data();
    void times();
    void secretsCompareAndMove();
    void masks_data();
    void masks();
    void secretNames_data();
    void secretNames();
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
    QCOMPARE(formatDate(*parseDate("2026-01-01")), std::string("2026-01-01"));
    QVERIFY(parseDate("2026-01-01T00:00:00Z").has_error());
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
    row("http://host/path@home", "http://host/path@home");
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
