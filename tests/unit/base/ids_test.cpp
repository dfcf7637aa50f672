// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <algorithm>
#include <set>
#include <thread>

using namespace portolan;

namespace {

std::uint64_t millisecondsOf(Id id) { return id >> 22; } ///< since 2020
unsigned instanceOf(Id id) { return unsigned(id >> 12) & 1023; }

} // namespace

class IdsTest final : public QObject
{
    Q_OBJECT
private slots:
    void laysOutTimeInstanceAndSequence();
    void growsWhileTheClockStandsOrStepsBack();
    void neverRepeatsAcrossThreads();
    void parsesOnlyWhatItWrites_data();
    void parsesOnlyWhatItWrites();
    void makesTokensAndUuids();
    void codesBase64_data();
    void codesBase64();
    void refusesBadBase64_data();
    void refusesBadBase64();
};

void IdsTest::laysOutTimeInstanceAndSequence()
{
    ManualClock clock;
    IdGenerator ids(clock, 777);
    const Id id = ids.next();
    QCOMPARE(instanceOf(id), 777u);
    // 2026-01-01 is 2192 days after 2020-01-01.
    QCOMPARE(millisecondsOf(id), std::uint64_t(2192) * 86'400'000);
    QVERIFY(id >> 63 == 0);
}

void IdsTest::growsWhileTheClockStandsOrStepsBack()
{
    ManualClock clock;
    IdGenerator ids(clock, 3);
    const Id first = ids.next();
    Id last = first;
    for (int i = 0; i < 20'000; ++i) { // more than the 4096 of one millisecond
        const Id id = ids.next();
        QVERIFY(id > last);
        QCOMPARE(instanceOf(id), 3u);
        last = id;
    }
    clock.advance(-std::chrono::hours(1));
    const Id back = ids.next();
    QVERIFY(back > last);
    clock.advance(std::chrono::hours(2));
    const Id later = ids.next();
    QVERIFY(later > back && millisecondsOf(later) - millisecondsOf(first) == 3'600'000);
}

void IdsTest::neverRepeatsAcrossThreads()
{
    ManualClock clock;
    IdGenerator ids(clock);
    std::vector<std::vector<Id>> made(4);
    std::vector<std::thread> threads;
    for (auto &mine : made)
        threads.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i)
                mine.push_back(ids.next());
        });
    for (auto &thread : threads)
        thread.join();
    std::set<Id> all;
    for (const auto &mine : made) {
        QVERIFY(std::ranges::is_sorted(mine));
        all.insert(mine.begin(), mine.end());
    }
    QCOMPARE(all.size(), std::size_t(40'000));
}

void IdsTest::parsesOnlyWhatItWrites_data()
{
    QTest::addColumn<bool>("good");
    for (const char *text : {"1", "42", "9223372036854775807"})
        QTest::newRow(text) << true;
    for (const char *text :
         {"0", "01", "-1", "+1", " 1", "1 ", "9223372036854775808", "18446744073709551616", "0x10", "1.0", "a"})
        QTest::newRow(text) << false;
}

void IdsTest::parsesOnlyWhatItWrites()
{
    QFETCH(bool, good);
    const auto id = parseId(QTest::currentDataTag());
    QCOMPARE(id.has_value(), good);
    if (good)
        QCOMPARE(formatId(*id), std::string(QTest::currentDataTag()));
    QVERIFY(parseId("").has_error());
}

void IdsTest::makesTokensAndUuids()
{
    QCOMPARE(randomToken(16).size(), std::size_t(22));
    QCOMPARE(randomToken(32).size(), std::size_t(43));
    QVERIFY(randomToken(16) != randomToken(16));
    const std::string uuid = uuid4();
    QCOMPARE(uuid.size(), std::size_t(36));
    QVERIFY(uuid[8] == '-' && uuid[13] == '-' && uuid[14] == '4' && uuid[18] == '-' && uuid[23] == '-');
    QVERIFY(std::string_view("89ab").find(uuid[19]) != std::string_view::npos);
    QVERIFY(uuid4() != uuid);
}

void IdsTest::codesBase64_data()
{
    // RFC 4648, section 10, and one that shows the two alphabets.
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QByteArray>("standard");
    QTest::addColumn<QByteArray>("url");
    QTest::newRow("empty") << QByteArray("") << QByteArray("") << QByteArray("");
    QTest::newRow("f") << QByteArray("f") << QByteArray("Zg==") << QByteArray("Zg");
    QTest::newRow("fo") << QByteArray("fo") << QByteArray("Zm8=") << QByteArray("Zm8");
    QTest::newRow("foo") << QByteArray("foo") << QByteArray("Zm9v") << QByteArray("Zm9v");
    QTest::newRow("foobar") << QByteArray("foobar") << QByteArray("Zm9vYmFy") << QByteArray("Zm9vYmFy");
    QTest::newRow("alphabets") << QByteArray("\xfb\xff\xfe") << QByteArray("+//+") << QByteArray("-__-");
}

void IdsTest::codesBase64()
{
    QFETCH(QByteArray, bytes);
    QFETCH(QByteArray, standard);
    QFETCH(QByteArray, url);
    QCOMPARE(encodeBase64(bytes.toStdString()), standard.toStdString());
    QCOMPARE(encodeBase64Url(bytes.toStdString()), url.toStdString());
    QCOMPARE(*decodeBase64(standard.toStdString()), bytes.toStdString());
    QCOMPARE(*decodeBase64Url(url.toStdString()), bytes.toStdString());
}

void IdsTest::refusesBadBase64_data()
{
    QTest::addColumn<bool>("url");
    for (const char *text : {"Zg", "Zg=", "Z", "Zm9v ", "Zm-v", "Zh=="})
        QTest::newRow(text) << false;
    for (const char *text : {"Zg==", "Z", "Zm9v\n", "Zm+v", "Zh", "\xdaNed"})
        QTest::newRow(text) << true;
}

void IdsTest::refusesBadBase64()
{
    QFETCH(bool, url);
    const std::string text = QTest::currentDataTag();
    QVERIFY((url ? decodeBase64Url(text) : decodeBase64(text)).has_error());
}

QTEST_GUILESS_MAIN(IdsTest)
#include "ids_test.moc"
