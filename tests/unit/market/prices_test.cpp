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
sys_days dayOf(const char *text) { return floor<days>(*parseDate(text)); }

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
    void volatilityClusters();
    void quotesWalkThroughTheDay();
    void answersAsAProvider();
    void servesManyThreads();
    void csvRows_data();
    void csvRows();
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
    QTest::addColumn<int>("row"); // of the first error, 0: none
    QTest::addColumn<QByteArray>("detail");
    const QByteArray good = "2026-01-02,10,12,9,11,100\n";
    const auto bad = [&](const char *name, const char *row, const char *detail) {
        QTest::newRow(name) << good + row + "\n" << 1 << 3 << QByteArray(detail);
    };
    QTest::newRow("one") << good << 1 << 0 << QByteArray();
    QTest::newRow("no end of line") << good.trimmed() << 1 << 0 << QByteArray();
    QTest::newRow("CRLF") << QByteArray("2026-01-02,10,12,9,11,100\r\n2026-01-05,1.5,1.5,1.5,1.5,0\r\n") << 2 << 0
                          << QByteArray();
    QTest::newRow("none") << QByteArray() << 0 << 0 << QByteArray();
    QTest::newRow("goes on behind a bad row")
        << QByteArray("x,1,1,1,1,1\n") + good << 1 << 2 << QByteArray("date must be written");
    bad("few fields", "2026-01-05,10,12,9,11", "must have 6 fields");
    bad("many fields", "2026-01-05,10,12,9,11,100,1", "must have 6 fields");
    bad("empty line within", "\n2026-01-06,10,12,9,11,100", "must have 6 fields");
    bad("no such day", "2026-02-30,10,12,9,11,100", "date must be written");
    bad("same day", "2026-01-02,10,12,9,11,100", "date must be later");
    bad("earlier", "2025-12-31,10,12,9,11,100", "date must be later");
    bad("negative", "2026-01-05,-10,12,9,11,100", "open must be a number above 0");
    bad("zero", "2026-01-05,10,12,0,11,100", "low must be a number above 0");
    bad("text", "2026-01-05,10,12,9,eleven,100", "close must be a number above 0");
    bad("nan", "2026-01-05,10,nan,9,11,100", "high must be a number above 0");
    bad("huge", "2026-01-05,10,1e10,9,11,100", "high must be a number above 0");
    bad("spaces", "2026-01-05, 10,12,9,11,100", "open must be a number above 0");
    bad("fraction of a share", "2026-01-05,10,12,9,11,1.5", "volume must be a whole number");
    bad("low above", "2026-01-05,10,12,10.5,11,100", "not in order");
    bad("high below", "2026-01-05,10,10.5,9,11,100", "not in order");
    bad("quoted", "\"2026-01-05\",10,12,9,11,100", "date must be written");
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
    QVERIFY(int(read.bars.size()) >= bars);
    QCOMPARE(read.errors.empty(), row == 0);
    if (row > 0) {
        QCOMPARE(int(read.errors[0].row), row);
        QVERIFY2(read.errors[0].detail.find(detail.toStdString()) != std::string::npos, read.errors[0].detail.c_str());
    }
    QCOMPARE(readPriceCsv("open,date\n").errors.size(), std::size_t(1));
    QCOMPARE(readPriceCsv("").errors.size(), std::size_t(1));
    std::string many = "date,open,high,low,close,volume\n";
    for (int i = 0; i < 1000; ++i)
        many += "bad\n";
    QCOMPARE(readPriceCsv(many).errors.size(), std::size_t(100));
}

void PricesTest::csvProviderReadsFiles()
{
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    const std::string head = "date,open,high,low,close,volume\n";
    std::ofstream(path / "ACME.csv") << head << "2026-01-02,10,12,9,10,100\n2026-01-05,10,12,9,11,200\n";
    std::ofstream(path / "BAD.csv") << head << "2026-01-02,10,12,9,10,100\nx\n";
    std::ofstream(path / "EMPTY.csv") << head;
    Runtime runtime(1); // outlives the pool, which answers on it
    BlockingPool pool("csv", 1, 8);
    CsvProvider provider(path, pool);
    const auto quote = [&](std::string symbol) {
        return runSync<Result<Quote>>(runtime.at(0), [&provider, symbol] { return provider.quote(symbol); });
    };
    const auto acme = quote("ACME");
    QVERIFY(acme.has_value());
    QVERIFY(acme->price == 11 && acme->previousClose == 10 && acme->change == 1 && acme->changePercent == 10 &&
            acme->volume == 200);
    QVERIFY(acme->time == at("2026-01-05T21:00:00Z"));
    QCOMPARE(quote("BAD").error().kind, ErrorKind::Invalid);
    QVERIFY(quote("BAD").error().message.find("row 3") != std::string::npos);
    QCOMPARE(quote("NONE").error().kind, ErrorKind::NotFound);
    QCOMPARE(quote("EMPTY").error().kind, ErrorKind::NotFound);
    QCOMPARE(quote("../X").error().kind, ErrorKind::Invalid);
    const auto bars = runSync<Result<std::vector<Bar>>>(runtime.at(0), [&] { return provider.history("ACME", 1); });
    QVERIFY(bars->size() == 1 && bars->front().close == 11);
    std::ofstream(path / "ACME.csv") << head << "2026-01-02,10,12,9,10,100\n";
    std::filesystem::last_write_time(path / "ACME.csv", std::filesystem::file_time_type::clock::now() + hours(1));
    QCOMPARE(quote("ACME")->price, 10.0);
}

QTEST_GUILESS_MAIN(PricesTest)
#include "prices_test.moc"
