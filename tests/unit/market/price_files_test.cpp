// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/blocking_pool.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/base/time_format.h"
#include "core/market/csv_provider.h"
#include "core/market/price_csv.h"
#include "tests/fakes/manual_clock.h"

#include <sys/stat.h>

#include <QScopeGuard>
#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <semaphore>

using namespace portolan;
using namespace portolan::market;
using namespace std::chrono;

namespace {

/// The closes in order of their days, "101.25 102", and then the reason of the first row that was left out.
std::string told(const PriceRows &read)
{
    std::string text;
    for (const Bar &bar : read.bars)
        text += (text.empty() ? "" : " ") + QString::number(bar.close, 'g', 12).toStdString();
    return text + (read.errors.empty() ? "" : "; " + read.errors[0].detail);
}

std::string dayText(WallTime date) { return formatTime(date).substr(0, 10); } ///< "2026-01-31"

std::string utf16(const char16_t *text, bool little)
{
    std::string bytes = little ? "\xff\xfe" : "\xfe\xff";
    for (; *text; ++text)
        for (const int shift : {little ? 0 : 8, little ? 8 : 0})
            bytes += char(*text >> shift & 0xff);
    return bytes;
}

/// A folder of them, with what is logged about it.
struct Files
{
    explicit Files(const std::filesystem::path &path, milliseconds patience = seconds(60))
        : logger(clock, logOptions()),
          ownPool(std::make_unique<BlockingPool>("csv", 1, 8)),
          pool(*ownPool),
          provider(path, "USD", std::move(ownPool), &logger, patience)
    {}

    LogOptions logOptions()
    {
        LogOptions options;
        options.write = [this](std::string_view line) {
            const std::lock_guard lock(mutex);
            lines.append(line);
        };
        return options;
    }
    std::string logged()
    {
        logger.flush();
        const std::lock_guard lock(mutex);
        return lines;
    }
    Result<Quote> quote(const std::string &symbol)
    {
        return runSync<Result<Quote>>(runtime.at(0), [this, symbol] { return provider.quote(symbol); });
    }

    std::mutex mutex;
    std::string lines;
    ManualClock clock;
    Logger logger;
    Runtime runtime{1}; // outlives the provider, which answers on it
    std::unique_ptr<BlockingPool> ownPool;
    BlockingPool &pool;
    CsvProvider provider;
};

} // namespace

/// Price files as they come from many places: never a price that nobody paid.
class PriceFilesTest final : public QObject
{
    Q_OBJECT

private slots:
    void numbers_data();
    void numbers();
    void volumes_data();
    void volumes();
    void dates_data();
    void dates();
    void securities_data();
    void securities();
    void otherKinds_data();
    void otherKinds();
    void encodings();
    void keepsTheNewestOfManyRows();
    void answersTheSymbolsOwnPrices();
    void refusesFieldsWithoutEnd_data();
    void refusesFieldsWithoutEnd();
    void readsLongFieldsAndManyOfThem();
    void readsAFileAgainWhenItHasChanged();
    void opensRegularFilesOnly();
    void answersWhileTheFolderHangs();
};

void PriceFilesTest::numbers_data()
{
    QTest::addColumn<QByteArray>("separator");
    QTest::addColumn<QByteArray>("closes"); // of days in sequence, between bars
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char *separator, const char *closes, const char *expected) {
        QTest::newRow((std::string(separator) + " " + closes).c_str())
            << QByteArray(separator) << QByteArray(closes) << QByteArray(expected);
    };
    const char *const open = "; close may be read in two ways";
    // A comma that cannot be one of thousands is before decimals, whatever separates the fields.
    row(",", "123,45", "123.45");
    row(",", "1,05", "1.05");
    row(",", "100,5|101,25", "100.5 101.25");
    row(",", "0,125", "0.125");
    row(",", "1234,567", "1234.567");
    row("\t", "123,45", "123.45");
    // One that can be either is what the others are.
    row(",", "1,234|987.65", "1234 987.65");
    row(",", "1,234|987,65", "1.234 987.65");
    row(",", "1,234|1,234.5", "1234 1234.5");
    row(",", "1,234|1,234,567", "1234 1234567");
    row("\t", "1,234|1.5", "1234 1.5");
    row(";", "1.234|1,5", "1234 1.5");
    row(";", "1.234|1.5", "1.234 1.5");
    row(";", "1.234|1.234,5", "1234 1234.5");
    row(",", "1.234|5", "1.234 5");
    // Where nothing tells, it is left out.
    row(",", "1,234|5", (std::string("5") + open).c_str());
    row("\t", "1,234|5", (std::string("5") + open).c_str());
    row(";", "1,234|5", (std::string("5") + open).c_str());
    row(";", "1.234|5", (std::string("5") + open).c_str());
    row(",", "1,234|1.5|1,5", (std::string("1.5 1.5") + open).c_str());
    // Groups.
    row(",", "12,34,567.5", "1234567.5");
    row(";", "1 234,5", "1234.5");
    row(";", "1\u00a0234,5|1\u202f234", "1234.5 1234");
    row(";", "1'234.50|1\u2019234", "1234.5 1234");
    row(",", "12 34|5", "5; close must be a number above 0");
    row(",", "1,2.5|5", "5; close must be a number above 0");
    row(",", "1.234.56|5", "5; close must be a number above 0");
    row(",", "1,234,56|5", "5; close must be a number above 0");
    // Currencies, and what from_chars takes.
    row(",", "$1,234.50|$5", "1234.5 5");
    row(",", "\u20ac5.5|5.5 \u20ac|\u00a3 5.5", "5.5 5.5 5.5");
    row(";", "\u20ac 1.234,50", "1234.5");
    row(",", "1.5e2|5", "150 5");
    row(",", "5%|5", "5; close must be a number above 0");
    row(",", "-5|5", "5; close must be a number above 0");
    row(",", "inf|5", "5; close must be a number above 0");
}

void PriceFilesTest::numbers()
{
    QFETCH(QByteArray, separator);
    QFETCH(QByteArray, closes);
    QFETCH(QByteArray, expected);
    QByteArray file = "Date" + separator + "Close\n";
    int day = 1;
    for (const QByteArray &close : closes.split('|'))
        file += "2026-01-0" + QByteArray::number(day++) + separator + '"' + close + "\"\n";
    const PriceRows read = readPriceCsv(file.toStdString());
    const std::string got = told(read);
    QVERIFY2(got.starts_with(expected.toStdString()), got.c_str());
    QCOMPARE(read.bars.size() + read.leftOut, read.rows);
    QVERIFY(expected.contains(';') || read.leftOut == 0);
}

void PriceFilesTest::volumes_data()
{
    QTest::addColumn<quint64>("volume");
    for (const auto &[text, volume] : std::initializer_list<std::pair<const char *, quint64>>{{"30.000", 30'000},
                                                                                              {"30,000", 30'000},
                                                                                              {"1.234.567", 1'234'567},
                                                                                              {"30000.0", 30'000},
                                                                                              {"30000,5", 30'001},
                                                                                              {"1,5M", 1'500'000},
                                                                                              {"1.234M", 1'234'000},
                                                                                              {"2K", 2'000},
                                                                                              {"1 234", 1'234},
                                                                                              {"0", 0},
                                                                                              {"", 0},
                                                                                              {"-", 0}})
        QTest::newRow(text) << volume;
}

void PriceFilesTest::volumes()
{
    QFETCH(quint64, volume);
    const std::string text = QTest::currentDataTag();
    const PriceRows read = readPriceCsv("Date;Close;Volume\n2026-01-02;5;" + text + "\n");
    QVERIFY2(read.bars.size() == 1, told(read).c_str());
    QCOMPARE(quint64(read.bars[0].volume), volume);
}

void PriceFilesTest::dates_data()
{
    QTest::addColumn<QByteArray>("expected"); // of the first one, as 2026-01-31; or the reason
    const auto row = [](const char *dates, const char *expected) { QTest::newRow(dates) << QByteArray(expected); };
    row("31.01.2026", "2026-01-31");
    row("5.1.2026", "2026-01-05");
    row("2026.01.31", "2026-01-31");
    row("2026/01/31", "2026-01-31");
    row("20260131", "2026-01-31");
    row("1769817600", "2026-01-31");
    row("1769869800", "2026-01-31"); // 14:30 UTC, as an exchange opens
    row("1769817600000", "2026-01-31");
    row("31-01-2026", "2026-01-31");
    row("01/31/2026 16:00", "2026-01-31");
    row("01/01/2026", "2026-01-01");
    row("02/01/2026|31/01/2026", "2026-01-02");
    row("02/01/2026|01/31/2026", "2026-02-01");
    row("02/01/2026|01/31/2026|31/01/2026", "its date may be read in two ways");
    row("02/01/2026", "its date may be read in two ways");
    row("31.01.26", "date must be written as 2026-01-31, not \"31.01.26\"");
    row("32.01.2026", "there is no such day");
    row("20261301", "there is no such day");
    row("17698176", "there is no such day");
    row("1769817600000000", "date must be written as 2026-01-31, or in seconds or milliseconds since 1970");
    row("yesterday 1", "date must be written as 2026-01-31");
}

void PriceFilesTest::dates()
{
    QFETCH(QByteArray, expected);
    std::string file = "Date,Close\n";
    const std::string given = QTest::currentDataTag();
    for (std::size_t at = 0; at < given.size();) {
        const auto end = std::min(given.find('|', at), given.size());
        file += given.substr(at, end - at) + (at == 0 ? ",7\n" : ",5\n");
        at = end + 1;
    }
    const PriceRows read = readPriceCsv(file);
    const auto first = std::ranges::find(read.bars, 7.0, &Bar::close);
    const std::string got = first != read.bars.end() ? dayText(first->date) : told(read);
    QVERIFY2(got.find(expected.toStdString()) != std::string::npos, got.c_str());
}

void PriceFilesTest::securities_data()
{
    QTest::addColumn<QByteArray>("file");
    QTest::addColumn<QByteArray>("symbol");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char *name, const char *file, const char *symbol, const char *expected) {
        QTest::newRow(name) << QByteArray(file) << QByteArray(symbol) << QByteArray(expected);
    };
    const char *const two = "Price,Close,Close,High,High\nTicker,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n"
                            "2026-01-05,118.5,237,119,240\n";
    row("columns of two, the second", two, "MSFT", "237");
    row("columns of two, the first", two, "AAPL", "118.5");
    row("columns of two, another", two, "NVDA", "; it holds prices of AAPL, MSFT, not of NVDA");
    row("columns of two, nobody's", two, "", "; it holds prices of AAPL, MSFT, and not of one only");
    row("its columns of one", "Price,Close\nTicker,AAPL\nDate,\n2026-01-05,118.5\n", "AAPL", "118.5");
    row("another's columns", "Price,Close\nTicker,AAPL\nDate,\n2026-01-05,118.5\n", "MSFT",
        "; it holds prices of AAPL, not of MSFT");
    row("a name that is no symbol", "Price,Close\nTicker,7203.T\nDate,\n2026-01-05,118.5\n", "TOYO", "118.5");
    row("names with their exchange", "Price,Close,Close\nTicker,SAP.DE,BMW.DE\nDate,,\n2026-01-05,1,2\n", "BMW", "2");
    row("two that are alike", "Price,Close,Close\nTicker,BRK-A,BRK-B\nDate,,\n2026-01-05,1,2\n", "BRK",
        "; it holds prices of BRK-A, BRK-B, of which several may be BRK");
    row("one of two that are alike", "Price,Close,Close\nTicker,BRK-A,BRK-B\nDate,,\n2026-01-05,1,2\n", "BRKB", "2");
    row("names with digits", "Price,Close,Close\nTicker,0700.HK,MSFT\nDate,,\n2026-01-05,1,2\n", "MSFT", "2");
    row("without a name of the first column", ",Close,Close\n,AAPL,MSFT\nDate,,\n2026-01-05,1,2\n", "MSFT", "2");
    row("by security", "Ticker,MSFT,MSFT,AAPL,AAPL\nPrice,Close,Volume,Close,Volume\nDate,,,,\n2026-01-05,1,7,2,8\n",
        "AAPL", "2");
    row("renamed by pandas", "Price,Close,Close.1\nTicker,AAPL,MSFT\nDate,,\n2026-01-05,1,2\n", "MSFT", "2");
    row("two columns of one name", "Date,Close,Close\n2026-01-05,1,2\n", "MSFT",
        "; it has several columns named close, and nothing tells which one is meant");
    row("rows of two", "date,close,Name\n2026-01-05,1,AAPL\n2026-01-05,2,MSFT\n2026-01-06,3,MSFT\n", "MSFT", "2 3");
    row("rows of others", "date,close,Name\n2026-01-05,1,AAPL\n2026-01-05,2,MSFT\n", "NVDA",
        "; it holds prices of AAPL, MSFT, not of NVDA");
    row("Stooq",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "AAPL.US,D,20260105,000000,1,3,1,2,100,0\n",
        "AAPL", "2");
    row("Stooq through the day",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
        "AAPL.US,5,20260105,160000,2,3,1,3,1\nAAPL.US,5,20260105,153000,1,3,1,2,1\n",
        "AAPL", "3");
    row("MetaTrader", "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\n2026.01.05\t1.5\t3\t1\t2\t100\n", "EURO",
        "2");
    row("rows shifted by one", "Date,Close\n1,2026-01-05,5\n", "MSFT", "; it has 3 fields, and the header 2");
}

void PriceFilesTest::securities()
{
    QFETCH(QByteArray, file);
    QFETCH(QByteArray, symbol);
    QFETCH(QByteArray, expected);
    const PriceRows read = readPriceCsv(file.toStdString(), symbol.toStdString());
    QCOMPARE(told(read), expected.toStdString());
}

void PriceFilesTest::otherKinds_data()
{
    QTest::addColumn<QByteArray>("file");
    QTest::newRow("gzip") << QByteArray("\x1f\x8b\x08\0\0\0", 6);
    QTest::newRow("spreadsheet") << QByteArray("PK\x03\x04");
    QTest::newRow("web page") << QByteArray("\n<!DOCTYPE html><html>");
    QTest::newRow("UTF-16 without") << QByteArray("D\0a\0t\0e\0", 8);
    QTest::newRow("UTF-32") << QByteArray("\xff\xfe\0\0D\0\0\0", 8);
}

void PriceFilesTest::otherKinds()
{
    QFETCH(QByteArray, file);
    const PriceRows read = readPriceCsv(file.toStdString());
    QVERIFY(read.bars.empty() && read.errors.size() == 1 && read.leftOut == 1);
    const std::string kind = std::string(QTest::currentDataTag()).substr(0, 6);
    QVERIFY2(read.errors[0].detail.find(kind.substr(0, 4)) != std::string::npos, read.errors[0].detail.c_str());
}

void PriceFilesTest::encodings()
{
    for (const bool little : {true, false})
        QCOMPARE(told(readPriceCsv(utf16(u"Date;Close\r\n31.01.2026;\u20ac 101,25\r\n", little))), "101.25");
    QCOMPARE(told(readPriceCsv("\xef\xbb\xbf"
                               "Date;Close\n31.01.2026;101,25\n")),
             "101.25");
}

void PriceFilesTest::keepsTheNewestOfManyRows()
{
    std::string file = "Datetime,Close\n";
    const WallTime first = *parseTime("2020-01-01T00:00:00Z");
    constexpr int rows = 120'000;
    for (int i = 0; i < rows; ++i)
        file += formatTime(first + minutes(5) * i).substr(0, 19) + ',' + std::to_string(i + 1) + '\n';
    const PriceRows read = readPriceCsv(file);
    QCOMPARE(read.rows, std::size_t(rows));
    QCOMPARE(read.leftOut, std::size_t(0));
    QCOMPARE(read.bars.back().close, double(rows));
}

void PriceFilesTest::answersTheSymbolsOwnPrices()
{
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    const char *const two = "Price,Close,Close\nTicker,AAPL,MSFT\nDate,,\n2026-01-05,118.5,237\n";
    std::ofstream(path / "MSFT.csv") << two;
    std::ofstream(path / "NVDA.csv") << two;
    {
        std::ofstream old(path / "OLD.csv");
        old << "Date,Close\n";
        const WallTime first = sys_days(year(1990) / 1 / 1);
        for (int i = 0; i < 3000; ++i)
            old << dayText(first + days(i)) << ',' << i + 1 << '\n';
    }
    Files files(path);
    const auto quote = [&files](const std::string &symbol) { return files.quote(symbol); };
    QCOMPARE(quote("MSFT")->price, 237.0);
    QCOMPARE(quote("OLD")->price, 3000.0);
    const auto bars = runSync<Result<std::vector<Bar>>>(files.runtime.at(0),
                                                        [&] { return files.provider.history("OLD", longestHistory); });
    QVERIFY(bars->size() == longestHistory && bars->back().close == 3000);
    const auto refused = quote("NVDA");
    QCOMPARE(refused.error().code, std::string(codePricesUnreadable));
    const std::string logged = files.logged();
    QVERIFY2(logged.find("NVDA.csv") != std::string::npos && logged.find("not of NVDA") != std::string::npos,
             logged.c_str());
}

void PriceFilesTest::refusesFieldsWithoutEnd_data()
{
    QTest::addColumn<QByteArray>("file");
    QTest::addColumn<int>("row");
    const QByteArray many(5'000'000, 'a');
    const QByteArray good = "Date,Close\n2025-01-02,5\n";
    QTest::newRow("one line, no separator") << many << 1;
    QTest::newRow("the end of a header") << "Date,Close," + many + "\n2025-01-02,5\n" << 1;
    QTest::newRow("in a row") << good + "2025-01-03," + many + "\n" << 3;
    QTest::newRow("a quotation mark that is not closed")
        << good + "2025-01-03,\"6\n" + QByteArray("2025-01-03,7\n").repeated(100'000) << 3;
    QTest::newRow("a little too long") << good + "2025-01-03," + QByteArray(64 * 1024 + 1, '1') + "\n" << 3;
}

void PriceFilesTest::refusesFieldsWithoutEnd()
{
    QFETCH(const QByteArray, file);
    QFETCH(const int, row);
    const auto read = readPriceCsv(file.toStdString());
    QVERIFY(read.bars.empty());
    QCOMPARE(read.errors.size(), std::size_t(1));
    QCOMPARE(read.errors[0].row, std::size_t(row));
    QVERIFY(QString::fromStdString(read.errors[0].detail).contains("longer than 65536 bytes"));
}

void PriceFilesTest::readsLongFieldsAndManyOfThem()
{
    const std::string note(64 * 1024, 'n');
    const auto read = readPriceCsv("Date,Close,Note\n2025-01-02,5," + note + "\n2025-01-03,6," + note + "\n");
    QCOMPARE(told(read), std::string("5 6"));
    std::string wide = "Date,Close"; // of an index, with all its parts
    for (int i = 0; i < 10'000; ++i)
        wide += ",a column of " + std::to_string(i);
    QCOMPARE(told(readPriceCsv(wide + "\n2025-01-02,5\n")), std::string("5"));
}

/// A file that cannot be used is read once, like one that can.
void PriceFilesTest::readsAFileAgainWhenItHasChanged()
{
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    const auto file = path / "ACME.csv";
    std::ofstream(file) << "Date,Close\n2025-01-02,bad\n";
    Files files(path);
    for (int i = 0; i < 3; ++i)
        QCOMPARE(files.quote("ACME").error().code, std::string(codePricesUnreadable));
    QCOMPARE(QString::fromStdString(files.logged()).count("a price file cannot be used"), 1);
    const auto changed = std::filesystem::last_write_time(file);
    std::ofstream(file) << "Date,Close\n2025-01-02,10\n";
    std::filesystem::last_write_time(file, changed); // as some programs do: the size tells
    QCOMPARE(files.quote("ACME")->price, 10.0);
    std::ofstream(file) << "Date,Close\n2025-01-02,11\n";
    std::filesystem::last_write_time(file, changed + seconds(1));
    QCOMPARE(files.quote("ACME")->price, 11.0);
}

void PriceFilesTest::opensRegularFilesOnly()
{
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    std::ofstream(path / "ACME.csv") << "Date,Close\n2025-01-02,10\n";
    std::filesystem::create_directory(path / "DIR.csv");
    QCOMPARE(::mkfifo((path / "FIFO.csv").c_str(), 0600), 0); // nobody writes into it
    Files files(path);
    for (const char *symbol : {"FIFO", "DIR"}) {
        QCOMPARE(files.quote(symbol).error().code, std::string(codePricesUnreadable));
        QVERIFY(files.logged().find(symbol + std::string(".csv")) != std::string::npos);
    }
    QCOMPARE(files.quote("ACME")->price, 10.0);
}

void PriceFilesTest::answersWhileTheFolderHangs()
{
    QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString();
    std::ofstream(path / "ACME.csv") << "Date,Close\n2025-01-02,10\n";
    std::counting_semaphore<> mayAnswer(0); // what the pool's only thread hangs in
    Files files(path, milliseconds(20));
    const auto goesOn = qScopeGuard([&mayAnswer] { mayAnswer.release(); });
    spawn(files.runtime.at(0), [&]() -> awaitable<void> {
        co_await files.pool.run([&mayAnswer] {
            mayAnswer.acquire();
            return true;
        });
    });
    for (int i = 0; i < 20; ++i) { // more than may wait, so the last are refused by the pool
        const Error error = files.quote("ACME").error();
        QCOMPARE(error.kind, ErrorKind::Unavailable);
        QCOMPARE(error.message, std::string("Prices cannot be read now."));
        QVERIFY(error.code.empty()); // it is not about this one
    }
    const auto logged = QString::fromStdString(files.logged());
    QVERIFY2(logged.count("does not answer") == 1 && logged.contains("ACME.csv"), qPrintable(logged));
    mayAnswer.release();
    QTRY_VERIFY(files.quote("ACME").has_value());
}

QTEST_GUILESS_MAIN(PriceFilesTest)
#include "price_files_test.moc"
