// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/grammar.h"
#include "core/limits/keys.h"
#include "core/limits/window_spec.h"

#include <QTest>

using namespace portolan;
using namespace portolan::limits;

namespace {

/// What QCOMPARE shows of a Result.
QString outcome(std::string_view text)
{
    const auto windows = parse(text);
    return QString::fromStdString(windows ? format(*windows) : windows.error().fields.at(0).detail);
}

} // namespace

class GrammarTest final : public QObject
{
    Q_OBJECT
private slots:
    void reads_data();
    void reads();
    void refuses_data();
    void refuses();
    void measuresAsFlaskLimiterDoes();
    void boundsTheText();
    void packsFixedWindowsFirst();
    void namesCallersByKeys();
};

void GrammarTest::reads_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("canonical");
    const auto row = [](const char *text, const char *canonical) { QTest::newRow(text) << text << canonical; };
    row("50 per day;10 per hour;3 per minute", "50 per day; 10 per hour; 3 per minute");
    row("3 per minute", "3 per minute");
    row("3/minute", "3 per minute");
    row("3 / minute", "3 per minute");
    row("5 per 2 minutes", "5 per 2 minutes");
    row("5/15 minutes", "5 per 15 minutes");
    row("500 per 15 minutes", "500 per 15 minutes");
    row("10 per second", "10 per second");
    row("1 per month, 12 per year", "1 per month; 12 per year");
    row("1 per day|2 per 2 days", "1 per day; 2 per 2 days");
    row("  7   PER  Hour  ", "7 per hour");
    row("7 per hours", "7 per hour");
    row("7per1hour", "7 per hour");
    row("100 per hour moving", "100 per hour moving");
    row("100 per hour MOVING; 100 per hour", "100 per hour moving; 100 per hour");
    row("0 per day", "0 per day");
    row("1000000000 per 4095 minutes", "1000000000 per 4095 minutes");
    row("007 per minute", "7 per minute");
    row("1 per 10 years", "1 per 10 years");
}

void GrammarTest::reads()
{
    QFETCH(QString, text);
    QFETCH(QString, canonical);
    QCOMPARE(outcome(text.toStdString()), canonical);
    QCOMPARE(outcome(canonical.toStdString()), canonical);
}

void GrammarTest::refuses_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("detail");
    const auto row = [](const char *text, const char *detail) {
        QTest::newRow(*text ? text : "empty") << text << detail;
    };
    row("", "column 1: expected a number of requests, 0 to 1000000000");
    row("  ", "column 3: expected a number of requests, 0 to 1000000000");
    row("ten per minute", "column 1: expected a number of requests, 0 to 1000000000");
    row("-1 per minute", "column 1: expected a number of requests, 0 to 1000000000");
    row("1000000001 per minute", "column 1: expected a number of requests, 0 to 1000000000");
    row("99999999999999999999999 per minute", "column 1: expected a number of requests, 0 to 1000000000");
    row("3 minutes", "column 3: expected 'per' or '/'");
    row("3 per", "column 6: expected second, minute, hour, day, month or year");
    row("3 per fortnight", "column 7: expected second, minute, hour, day, month or year");
    row("3 per 0 minutes", "column 7: expected a number of units, 1 to 4095");
    row("3 per 4096 minutes", "column 7: expected a number of units, 1 to 4095");
    row("3 per 11 years", "column 1: expected a window of at most ten years");
    row("3 per minute;", "column 14: expected a number of requests, 0 to 1000000000");
    row("3 per minute;;4 per hour", "column 14: expected a number of requests, 0 to 1000000000");
    row("3 per minute sliding", "column 14: expected ';', 'moving' or the end");
    row("3 per minute moving 4 per hour", "column 21: expected ';' or the end");
    row("3 per minute; 4 per 60 seconds",
        "column 15: expected a window of another length, there is one of this length already");
    row("1/second;1/minute;1/hour;1/day;1/month;1/year;1/2 years;1/3 years;1/4 years",
        "column 67: expected no more than 8 windows");
    row("3 per minute\n", "column 13: expected ';', 'moving' or the end");
}

void GrammarTest::refuses()
{
    QFETCH(QString, text);
    QFETCH(QString, detail);
    QCOMPARE(outcome(text.toStdString()), detail);
    QCOMPARE(parse(text.toStdString()).error().code, std::string("limit-syntax"));
}

void GrammarTest::measuresAsFlaskLimiterDoes()
{
    using namespace std::chrono_literals;
    const auto length = [](std::string_view text) { return parse(text)->front().length(); };
    QCOMPARE(length("1 per second"), 1s);
    QCOMPARE(length("1 per 15 minutes"), 15min);
    QCOMPARE(length("1 per month"), 24h * 30);
    QCOMPARE(length("1 per year"), 24h * 360);
}

void GrammarTest::boundsTheText()
{
    QVERIFY(parse(std::string(maxText + 1, ' ')).has_error());
    QVERIFY(parse(std::string(100'000, '9')).has_error());
}

void GrammarTest::packsFixedWindowsFirst()
{
    const WindowSpec spec(*parse("1 per minute moving; 258 per 2 hours"));
    QCOMPARE(spec.fixed(), std::size_t(1));
    QCOMPARE(spec.moving(), std::size_t(1));
    // id 2 << 13 | 2, count 258, 7,200,000 ms; then id 1 << 13 | 1 << 12 | 1, count 1, 60,000 ms.
    const std::string packed("\x02\x40\x02\x01\x00\x00\x00\xdd\x6d\x00\x00"
                             "\x01\x30\x01\x00\x00\x00\x60\xea\x00\x00\x00",
                             22);
    QCOMPARE(QByteArray(spec.packed().data(), qsizetype(spec.packed().size())).toHex(),
             QByteArray(packed.data(), 22).toHex());
}

void GrammarTest::namesCallersByKeys()
{
    QCOMPARE(keys::user(0x0102030405060708), std::string("l:\1\2\3\4\5\6\7\10"));
    QCOMPARE(keys::address("192.0.2.1"), std::string("l:a\xc0\0\2\1", 7));
    QCOMPARE(keys::address("::ffff:192.0.2.1"), keys::address("192.0.2.1"));
    QCOMPARE(keys::address("2001:db8::1"), keys::address("2001:db8:0:0:ffff::2")); // one customer's network
    QVERIFY(keys::address("2001:db8::1") != keys::address("2001:db8:0:1::1"));
    QVERIFY(keys::address("").starts_with("l:n"));
    QVERIFY(keys::address(std::string(200, 'x')).starts_with("l:n"));
}

QTEST_GUILESS_MAIN(GrammarTest)
#include "grammar_test.moc"
