// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/blocking_pool.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/base/time_format.h"
#include "core/market/calendar.h"
#include "core/market/csv_provider.h"
#include "core/market/price_csv.h"
#include "core/market/risk.h"
#include "core/market/simulated_market.h"
#include "tests/fakes/manual_clock.h"

#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <fstream>
#include <set>
#include <thread>

using namespace portolan;
using namespace portolan::market;
using namespace std::chrono;

namespace {

WallTime at(const char *text) { return *parseTime(text); }
sys_days dayOf(const char *text) { return floor<days>(at((std::string(text) + "T00:00:00Z").c_str())); }

} // namespace

/// Where prices come from: the calendar, the simulated market, files.
class PricesTest final : public QObject
{
    Q_OBJECT
private slots:
    void symbols_data();
    void symbols();
    void calendar_data();
    void calendar();
    void barsDependOnSeedSymbolAndDateOnly();
    void barsArePlausible();
    void levelsStayThoseOfStocks();
    void volatilityClusters();
    void quotesWalkThroughTheDay();
    void answersAsAProvider();
    void servesManyThreads();
    void csvRows_data();
    void csvRows();
    void csvHeaders_data();
    void csvHeaders();
    void csvOfOtherKinds();
    void csvProviderReadsFiles();
};

void PricesTest::symbols_data()
{
    QTest::addColumn<bool>("good");
    for (const char *text : {"A", "AAPL", "GOOGL"})
        QTest::newRow(text) << true;
    for (const char *text : {"aapl", "GOOGLE", "A1", "A.B", " A", "A ", "../A", "Ä"})
        QTest::newRow(text) << false;
}

void PricesTest::symbols()
{
    QFETCH(bool, good);
    QCOMPARE(isSymbol(QTest::currentDataTag()), good);
    QVERIFY(!isSymbol(""));
}

void PricesTest::calendar_data()
{
    QTest::addColumn<bool>("trading");
    for (const char *text : {"2024-12-24", "2025-07-03", "2021-12-31", "2021-06-18", "2026-01-02", "2024-02-29"})
        QTest::newRow(text) << true;
    // Published closing days of the exchange.
    for (const char *text :
         {"2024-01-01", "2024-01-15", "2024-02-19", "2024-03-29", "2024-05-27", "2024-06-19", "2024-07-04",
          "2024-09-02", "2024-11-28", "2024-12-25", "2023-01-02", "2022-06-20", "2021-07-05", "2020-07-03",
          "2022-12-26", "2025-04-18", "2026-04-03", "2024-06-01", "2024-06-02", "2021-12-24"})
        QTest::newRow(text) << false;
}

void PricesTest::calendar()
{
    QFETCH(bool, trading);
    QCOMPARE(isTradingDay(dayOf(QTest::currentDataTag())), trading);
    QVERIFY(previousTradingDay(dayOf("2024-01-02")) == dayOf("2023-12-29"));
    QVERIFY(lastFinishedDay(at("2024-01-02T20:59:59Z")) == dayOf("2023-12-29"));
    QVERIFY(lastFinishedDay(at("2024-01-02T21:00:00Z")) == dayOf("2024-01-02"));
    QCOMPARE(sessionFraction(at("2024-01-02T17:45:00Z")), 0.5);
    QCOMPARE(sessionFraction(at("2024-01-02T03:00:00Z")), 0.0);
    QCOMPARE(sessionFraction(at("2024-01-02T23:00:00Z")), 1.0);
}

void PricesTest::barsDependOnSeedSymbolAndDateOnly()
{
    ManualClock clock;
    SimulatedMarket first(clock, 42);
    SimulatedMarket second(clock, 42);
    SimulatedMarket other(clock, 43);
    const auto late = second.bar("ACME", dayOf("2025-12-31"));
    (void)second.historyAt("WIDGE", clock.wall(), 100);
    const auto early = second.bar("ACME", dayOf("2010-03-03"));
    QVERIFY(early && late);
    QVERIFY(*first.bar("ACME", dayOf("2010-03-03")) == *early); // the other way round
    QVERIFY(*first.bar("ACME", dayOf("2025-12-31")) == *late);
    QVERIFY(!(*first.bar("ACMF", dayOf("2025-12-31")) == *late));
    QVERIFY(!(*other.bar("ACME", dayOf("2025-12-31")) == *late));
    QVERIFY(!first.bar("ACME", dayOf("2025-12-25")) && !first.bar("ACME", dayOf("2004-12-31")));
    for (char c = 'A'; c <= 'Z'; ++c) // push ACME out of the cache
        for (char d = 'A'; d <= 'C'; ++d)
            (void)first.bar(std::string{c, d}, dayOf("2005-01-04"));
    QVERIFY(*first.bar("ACME", dayOf("2025-12-31")) == *late);
    clock.advance(days(30));
    QVERIFY(*first.bar("ACME", dayOf("2025-12-31")) == *late);
}

void PricesTest::barsArePlausible()
{
    ManualClock clock;
    SimulatedMarket market(clock, 1);
    for (const char *symbol : {"AAPL", "MSFT", "GOOGL", "A", "ZZZZZ", "TSLA"}) {
        const auto bars = market.historyAt(symbol, clock.wall(), 2520);
        QCOMPARE(bars.size(), std::size_t(2520));
        Series closes;
        for (std::size_t i = 0; i < bars.size(); ++i) {
            const Bar &bar = bars[i];
            QVERIFY(bar.low > 0 && bar.low <= std::min(bar.open, bar.close) &&
                    bar.high >= std::max(bar.open, bar.close));
            QVERIFY(bar.volume >= 100 && isTradingDay(floor<days>(bar.date)));
            QVERIFY(i == 0 || bar.date > bars[i - 1].date);
            QVERIFY(std::abs(bar.close * 100 - std::round(bar.close * 100)) < 1e-6);
            closes.push_back(bar.close);
        }
        const double volatility = *annualisedVolatility(logReturns(closes));
        QVERIFY2(volatility > 0.10 && volatility < 0.8, qPrintable(QString("%1: %2").arg(symbol).arg(volatility)));
        QVERIFY(std::abs(*mean(logReturns(closes))) < 0.003);
    }
}

void PricesTest::levelsStayThoseOfStocks()
{
    ManualClock clock;
    for (const std::uint64_t seed : {1, 2, 3}) {
        SimulatedMarket market(clock, seed);
        for (const char *symbol :
             {"AAPL", "MSFT", "GOOGL", "AMZN", "TSLA", "NVDA", "META", "IBM", "F", "GE", "KO", "T"})
            for (const Bar &bar : market.historyAt(symbol, clock.wall(), 2520))
                QVERIFY2(bar.close > 5 && bar.close < 1500, qPrintable(QString("%1: %2").arg(symbol).arg(bar.close)));
    }
}

void PricesTest::volatilityClusters()
{
    // Squared returns of a GARCH process are correlated from day to day; returns themselves are not.
    ManualClock clock;
    SimulatedMarket market(clock, 1);
    double ofReturns = 0;
    double ofSquares = 0;
    const int symbols = 12;
    for (int s = 0; s < symbols; ++s) {
        Series closes;
        for (const auto &bar : market.historyAt("SYM" + std::string(1, char('A' + s)), clock.wall(), 2520))
            closes.push_back(bar.close);
        Series returns = logReturns(closes);
        const double middle = *mean(returns);
        Series squares;
        for (double &value : returns) {
            value -= middle;
            squares.push_back(value * value);
        }
        const auto correlation = [](const Series &x) {
            const double m = *mean(x);
            double lagged = 0;
            double variance = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                variance += (x[i] - m) * (x[i] - m);
                if (i > 0)
                    lagged += (x[i] - m) * (x[i - 1] - m);
            }
            return lagged / variance;
        };
        ofReturns += correlation(returns) / symbols;
        ofSquares += correlation(squares) / symbols;
    }
    QVERIFY2(std::abs(ofReturns) < 0.03, qPrintable(QString::number(ofReturns)));
    QVERIFY2(ofSquares > 0.06, qPrintable(QString::number(ofSquares)));
}

void PricesTest::quotesWalkThroughTheDay()
{
    ManualClock clock;
    SimulatedMarket market(clock, 1);
    const auto today = dayOf("2026-01-06");
    const Bar bar = *market.bar("AAPL", today);
    const Bar before = *market.bar("AAPL", dayOf("2026-01-05"));
    std::uint64_t volume = 0;
    std::set<double> prices;
    for (auto time = at("2026-01-06T14:30:00Z"); time < at("2026-01-06T21:00:00Z"); time += minutes(5)) {
        const auto quote = *market.quoteAt("AAPL", time);
        QVERIFY(quote.price >= bar.low && quote.price <= bar.high);
        QVERIFY(quote.time == time && quote.volume >= volume && quote.volume <= bar.volume);
        QCOMPARE(quote.previousClose, before.close);
        QVERIFY(std::abs(quote.changePercent - (quote.price / before.close - 1) * 100) < 1e-9);
        QVERIFY(*market.quoteAt("AAPL", time) == quote);
        volume = quote.volume;
        prices.insert(quote.price);
    }
    QVERIFY(prices.size() > 20);
    QCOMPARE(market.quoteAt("AAPL", at("2026-01-06T14:30:00Z"))->price, bar.open);
    // Next to the close the walk ends there; after it, the day's own close stands until the next opening.
    QVERIFY(std::abs(market.quoteAt("AAPL", at("2026-01-06T20:59:59Z"))->price / bar.close - 1) < 0.002);
    for (const char *later : {"2026-01-06T21:00:00Z", "2026-01-07T14:29:59Z"}) {
        const auto quote = *market.quoteAt("AAPL", at(later));
        QVERIFY(quote.price == bar.close && quote.volume == bar.volume && quote.time == at("2026-01-06T21:00:00Z"));
    }
    // A U: the first and last hour trade more than the hour at noon.
    const auto traded = [&](const char *from, const char *to) {
        return market.quoteAt("AAPL", at(to))->volume - market.quoteAt("AAPL", at(from))->volume;
    };
    const auto noon = traded("2026-01-06T17:15:00Z", "2026-01-06T18:15:00Z");
    QVERIFY(traded("2026-01-06T14:30:00Z", "2026-01-06T15:30:00Z") > 2 * noon);
    QVERIFY(traded("2026-01-06T20:00:00Z", "2026-01-06T20:59:59Z") > 2 * noon);
    QVERIFY(market.quoteAt("AAPL", at("2004-01-01T00:00:00Z")).has_error());
}

void PricesTest::answersAsAProvider()
{
    ManualClock clock;
    SimulatedMarket market(clock, 1);
    Runtime runtime(1);
    QuoteProvider &provider = market;
    const auto quote = [&](std::string symbol) {
        return runSync<Result<Quote>>(runtime.at(0), [&provider, symbol] { return provider.quote(symbol); });
    };
    const auto history = [&](std::string symbol, unsigned count) {
        return runSync<Result<std::vector<Bar>>>(
            runtime.at(0), [&provider, symbol, count] { return provider.history(symbol, count); });
    };
    QCOMPARE(quote("AAPL")->symbol, std::string("AAPL"));
    QCOMPARE(quote("aapl").error().kind, ErrorKind::Invalid);
    QCOMPARE(history("AAPL", 30)->size(), std::size_t(30));
    QVERIFY(history("AAPL", 30)->back().date < clock.wall());
    QVERIFY(history("AAPL", 0).has_error() && history("AAPL", 2521).has_error() && history("A B", 5).has_error());
}

void PricesTest::servesManyThreads()
{
    ManualClock clock;
    SimulatedMarket market(clock, 1);
    const auto expected = SimulatedMarket(clock, 1).historyAt("AAPL", clock.wall(), 300);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                wrong += market.historyAt("AAPL", clock.wall(), 300) != expected;
                (void)market.quoteAt("S" + std::string(1, char('A' + (t * 20 + i) % 26)), clock.wall());
            }
        });
    for (auto &thread : threads)
        thread.join();
    QCOMPARE(wrong.load(), 0);
}

void PricesTest::csvRows_data()
{
    QTest::addColumn<QByteArray>("rows");
    QTest::addColumn<int>("bars");
    QTest::addColumn<int>("row"); // of the first one that was left out, 0: none
    QTest::addColumn<QByteArray>("detail");
    const QByteArray good = "2026-01-02,10,12,9,11,100\n";
    const auto bad = [&](const char *name, const char *row, const char *detail) {
        QTest::newRow(name) << good + row + "\n" << 1 << 3 << QByteArray(detail);
    };
    QTest::newRow("one") << good << 1 << 0 << QByteArray();
    QTest::newRow("no end of line") << good.trimmed() << 1 << 0 << QByteArray();
    QTest::newRow("CRLF") << QByteArray("2026-01-02,10,12,9,11,100\r\n2026-01-05,1.5,1.5,1.5,1.5,0\r\n") << 2 << 0
                          << QByteArray();
    QTest::newRow("quoted") << QByteArray("\"2026-01-02\",\"10\",\"12\",\"9\",\"11\",\"1,000\"\n") << 1 << 0
                            << QByteArray();
    QTest::newRow("newest first") << QByteArray("2026-01-05,10,12,9,11,100\n") + good << 2 << 0 << QByteArray();
    QTest::newRow("empty line within") << good + "\n2026-01-06,10,12,9,11,100\n" << 2 << 0 << QByteArray();
    QTest::newRow("whole volume with a point")
        << QByteArray("2026-01-02,10,12,9,11,30000100.0\n") << 1 << 0 << QByteArray();
    QTest::newRow("time of day") << QByteArray("2026-01-02 00:00:00-05:00,10,12,9,11,100\n2026-01-05T00:00:00Z,1,1,1,"
                                               "1,1\n")
                                 << 2 << 0 << QByteArray();
    QTest::newRow("money") << QByteArray("01/02/2026,$10.00,$12.00,$9.00,$11.00,1.5M\n01/15/2026,1,1,1,1,1\n") << 2 << 0
                           << QByteArray();
    QTest::newRow("day before month") << QByteArray("02/01/2026,10,12,9,11,1\n15/01/2026,1,1,1,1,1\n") << 2 << 0
                                      << QByteArray();
    QTest::newRow("rounded") << QByteArray("2026-01-02,10.00001,10,9,9.5,100\n") << 1 << 0 << QByteArray();
    QTest::newRow("an empty field behind") << good + "2026-01-05,10,12,9,11,100,\n" << 2 << 0 << QByteArray();
    QTest::newRow("no volume told") << good + "2026-01-05,10,12,9,11\n2026-01-06,10,12,9,11,null\n"
                                    << 3 << 0 << QByteArray();
    QTest::newRow("none") << QByteArray() << 0 << 0 << QByteArray();
    QTest::newRow("goes on behind a bad row")
        << QByteArray("x,1,1,1,1,1\n") + good << 1 << 2 << QByteArray("date must be written");
    QTest::newRow("last without a close")
        << good + "2026-01-05,10,12,9,,100" << 1 << 3 << QByteArray("close is missing");
    QTest::newRow("either way round") << QByteArray("01/02/2026,1,1,1,1,1\n02/03/2026,1,1,1,1,1\n") << 0 << 2
                                      << QByteArray("may be read in two ways");
    bad("more fields than columns", "2026-01-05,10,12,9,11,100,7", "7 fields, and the header 6");
    bad("a mark of thousands unquoted", "2026-01-05,10,$1,234.50,9,11,100", "7 fields, and the header 6");
    bad("few fields", "2026-01-05,10,12", "close is missing");
    bad("null row", "2026-01-05,null,null,null,null,null", "close is missing");
    bad("no such day", "2026-02-30,10,12,9,11,100", "date must be written");
    bad("same day", "2026-01-02,10,12,9,11,100", "stands in row 2 already");
    bad("negative", "2026-01-05,-10,12,9,11,100", "open must be a number above 0");
    bad("zero", "2026-01-05,10,12,0,11,100", "low must be a number above 0");
    bad("text", "2026-01-05,10,12,9,eleven,100", "close must be a number above 0");
    bad("huge", "2026-01-05,10,1e10,9,11,100", "high must be a number above 0");
    bad("volume in words", "2026-01-05,10,12,9,11,many", "volume must be a number");
    bad("low above", "2026-01-05,10,12,10.5,11,100", "not in order");
    bad("high below", "2026-01-05,10,10.5,9,11,100", "not in order");
}

void PricesTest::csvRows()
{
    QFETCH(QByteArray, rows);
    QFETCH(int, bars);
    QFETCH(int, row);
    QFETCH(QByteArray, detail);
    const auto read = readPriceCsv("\xef\xbb\xbf"
                                   "Date,Open,High,Low,Close,Volume\n" +
                                   rows.toStdString());
    QVERIFY2(row == 0 || !read.errors.empty(), "nothing was left out");
    QVERIFY2(read.errors.empty() == (row == 0), read.errors.empty() ? "" : read.errors[0].detail.c_str());
    QCOMPARE(int(read.bars.size()), bars);
    QVERIFY(std::ranges::is_sorted(read.bars, {}, &Bar::date));
    if (row > 0) {
        QCOMPARE(int(read.errors[0].row), row);
        QVERIFY2(read.errors[0].detail.find(detail.toStdString()) != std::string::npos, read.errors[0].detail.c_str());
    }
}

void PricesTest::csvHeaders_data()
{
    QTest::addColumn<QByteArray>("file");
    // Each says of 2026-01-02: open 10, high 12, low 9, close 11, volume 100 where it tells them.
    QTest::newRow("yfinance with two tickers' rows of header")
        << QByteArray("Price,Close,High,Low,Open,Volume\nTicker,ACME,ACME,ACME,ACME,ACME\nDate,,,,,\n"
                      "2026-01-02,11,12,9,10,100\n");
    QTest::newRow("adjusted close beside the close")
        << QByteArray("Date,Open,High,Low,Close,Adj Close,Volume\n2026-01-02,10,12,9,11,10.5,100\n");
    QTest::newRow("index without a name") << QByteArray(",Open,High,Low,Close,Volume\n2026-01-02,10,12,9,11,100\n");
    QTest::newRow("through the day") << QByteArray(
        "Datetime,Open,High,Low,Close,Volume\n2026-01-02 10:30:00,10.5,12,10,11,40\n"
        "2026-01-02 09:30:00,10,11,9,10.5,60\n");
    for (const char *times :
         {"9:30 10:30", "09:30 10:30:00", "9:30:00.5 9:30:00.75", "093000 103000", "0930 1030", "93000 103000",
          "9:30|AM 1:05|PM", "11:30|a.m. 12:00|p.m.", "09:30-05:00 10:30-05:00", "9:30|PST 10:30|PST"}) {
        QByteArrayList two = QByteArray(times).split(' ');
        for (QByteArray &time : two)
            time.replace('|', ' ');
        const QByteArray header = "Date,Time,Open,High,Low,Close,Volume\n";
        const QByteArray opens = "2026-01-02," + two[0] + ",10,11,9,10.5,60\n";
        const QByteArray closes = "2026-01-02," + two[1] + ",10.5,12,10,11,40\n";
        QTest::addRow("a column of times, %s", times) << header + opens + closes;
        QTest::addRow("a column of times, %s, newest first", times) << header + closes + opens;
    }
    QTest::newRow("quoted header") << QByteArray(
        "\"Date\",\"Close/Last\",\"Volume\",\"Open\",\"High\",\"Low\"\n\"2026-01-02\",\"$11\",\"100\","
        "\"$10\",\"$12\",\"$9\"\n");
    QTest::newRow("semicolons and decimal commas")
        << QByteArray("Date;Open;High;Low;Close;Volume\n2026-01-02;10,0;12,00;9;11,0;100,0\n");
    QTest::newRow("through the day from midnight on, newest first")
        << QByteArray("Datetime,Open,High,Low,Close,Volume\n2026-01-02 02:00:00,10.5,12,10,11,40\n"
                      "2026-01-02 01:00:00,10.2,11,10,10.5,30\n2026-01-02 00:00:00,10,11,9,10.2,30\n");
    QTest::newRow("tabs and marks of thousands")
        << QByteArray("date\topen\thigh\tlow\tclose\tvolume\tother\n2026-01-02\t10.0\t12\t9\t11\t100\t1,234,567.8\n");
    QTest::newRow("tabs") << QByteArray("date\topen\thigh\tlow\tclose\tvolume\n2026-01-02\t10\t12\t9\t11\t100\n");
    QTest::newRow("an empty line first") << QByteArray(
        "\r\nDATE,OPEN,HIGH,LOW,CLOSE,VOLUME\r\n2026-01-02,10,12,9,11,100\r\n");
    QTest::newRow("an unquoted quote") << QByteArray(
        "date,open,high,low,close,volume,name\n2026-01-02,10,12,9,11,100,5\" x\n");
}

void PricesTest::csvHeaders()
{
    QFETCH(QByteArray, file);
    const auto read = readPriceCsv(file.toStdString());
    QVERIFY2(read.errors.empty(), read.errors.empty() ? "" : read.errors[0].detail.c_str());
    QCOMPARE(read.bars.size(), std::size_t(1));
    const Bar bar{dayOf("2026-01-02"), 10, 12, 9, 11, 100};
    QVERIFY(read.bars[0] == bar);
}

void PricesTest::csvOfOtherKinds()
{
    for (const char *file : {"", "open,date\n", "\n\n", "Date,Open\n2026-01-02,1\n",
                             "\xff\xfe"
                             "D"}) {
        const auto read = readPriceCsv(file);
        QVERIFY(read.bars.empty());
        QCOMPARE(read.errors.size(), std::size_t(1));
        QVERIFY(read.errors[0].detail.find("date and close") != std::string::npos);
    }
    for (const char *file : {"date\tclose\n2026-01-02\t1,234.56\n", "date;close\n2026-01-02;1.234,56\n",
                             "date,close\n2026-01-02,\"1,234.56\"\n", "date;close\n2026-01-02;1,234.56\n"})
        QCOMPARE(readPriceCsv(file).bars.at(0).close, 1234.56);
    QCOMPARE(readPriceCsv("date\tclose\tvolume\n2026-01-02\t5\t1,234\n").bars.at(0).volume, std::uint64_t(1234));
    const auto closes = readPriceCsv("Date,Close\n2026-01-02,5\n");
    QVERIFY(closes.bars.size() == 1 && closes.bars[0].open == 5 && closes.bars[0].volume == 0);
    std::string many = "date,open,high,low,close,volume\n";
    for (int i = 0; i < 1000; ++i)
        many += "bad 1\n";
    QCOMPARE(readPriceCsv(many).errors.size(), std::size_t(100));
    QCOMPARE(readPriceCsv(many).leftOut, std::size_t(1000));
}

void PricesTest::csvProviderReadsFiles()
{
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    const std::string head = "date,open,high,low,close,volume\n";
    std::ofstream(path / "ACME.csv") << head << "2026-01-02,10,12,9,10,100\n2026-01-05,10,12,9,11,200\n";
    std::ofstream(path / "HOLES.csv") << head << "2026-01-02,10,12,9,11,100\nx,1\n";
    std::ofstream(path / "BAD.csv") << head << "2026-01-02,10,12,9,9000000000,100\n";
    std::ofstream(path / "EMPTY.csv") << head;
    Runtime runtime(1); // outlives the provider, which answers on it
    ManualClock clock;
    std::mutex mutex;
    std::string logged;
    LogOptions options;
    options.write = [&](std::string_view line) {
        const std::lock_guard lock(mutex);
        logged.append(line);
    };
    Logger logger(clock, options);
    CsvProvider provider(path, "EUR", std::make_unique<BlockingPool>("csv", 1, 8), &logger);
    QCOMPARE(std::string(provider.currency()), std::string("EUR"));
    const auto quote = [&](std::string symbol) {
        return runSync<Result<Quote>>(runtime.at(0), [&provider, symbol] { return provider.quote(symbol); });
    };
    const auto acme = quote("ACME");
    QVERIFY(acme.has_value());
    QVERIFY(acme->price == 11 && acme->previousClose == 10 && acme->change == 1 && acme->changePercent == 10 &&
            acme->volume == 200);
    QVERIFY(acme->time == at("2026-01-05T21:00:00Z"));
    QCOMPARE(quote("HOLES")->price, 11.0);
    QVERIFY(quote("BAD").error().kind == ErrorKind::Unavailable &&
            quote("EMPTY").error().kind == ErrorKind::Unavailable);
    QCOMPARE(quote("NONE").error().kind, ErrorKind::NotFound);
    for (const char *symbol : {"BAD", "EMPTY", "NONE"}) { // who asks reads no path and no row
        const Error error = quote(symbol).error();
        QVERIFY((error.message + error.hint).find(path.string()) == std::string::npos);
        QVERIFY((error.message + error.hint).find("row") == std::string::npos);
        QVERIFY(error.message.find(symbol) != std::string::npos);
    }
    QVERIFY(logger.flush());
    {
        const std::lock_guard lock(mutex);
        for (const std::string &told : {path.string() + "/BAD.csv", path.string() + "/HOLES.csv",
                                        std::string("row 3: "), std::string("\"left_out\":1")})
            QVERIFY2(logged.find(told) != std::string::npos, (told + " in " + logged).c_str());
    }
    QCOMPARE(quote("../X").error().kind, ErrorKind::Invalid);
    const auto bars = runSync<Result<std::vector<Bar>>>(runtime.at(0), [&] { return provider.history("ACME", 1); });
    QVERIFY(bars->size() == 1 && bars->front().close == 11);
    std::ofstream(path / "ACME.csv") << head << "2026-01-02,10,12,9,10,100\n";
    std::filesystem::last_write_time(path / "ACME.csv", std::filesystem::file_time_type::clock::now() + hours(1));
    QCOMPARE(quote("ACME")->price, 10.0);
}

QTEST_GUILESS_MAIN(PricesTest)
#include "prices_test.moc"
