#include "core/market/csv_provider.h"

#include "core/base/data_directory.h"
#include "core/base/logging.h"
#include "core/market/calendar.h"
#include "core/market/price_csv.h"

#include <algorithm>

namespace portolan::market {

namespace {

constexpr std::size_t largestFile = 16 * 1024 * 1024;
constexpr std::size_t keptFiles = 64;

} // namespace

CsvProvider::CsvProvider(std::filesystem::path folder, std::string currency, BlockingPool &pool, Logger *logger)
    : m_folder(std::move(folder)), m_currency(std::move(currency)), m_pool(pool), m_logger(logger)
{}

/// The file and what is wrong with it for the log, the symbol for whoever asked.
Error CsvProvider::unreadable(const std::string &symbol, const std::filesystem::path &path,
                              const std::string &why) const
{
    if (m_logger)
        m_logger->warn("a price file cannot be used", {{"file", path.string()}, {"why", why}});
    Error error = failure(ErrorKind::Unavailable, "The prices of " + symbol + " cannot be read at the moment.",
                          "Tell whoever runs this portal; its log says why.");
    error.code = codePricesUnreadable;
    return error;
}

Result<CsvProvider::Loaded> CsvProvider::load(const std::string &symbol)
{
    const auto path = m_folder / (symbol + ".csv");
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(path, error);
    if (error == std::errc::no_such_file_or_directory)
        return failure(ErrorKind::NotFound, "There are no prices of " + symbol + ".");
    if (error)
        return unreadable(symbol, path, error.message());
    {
        const std::lock_guard lock(m_mutex);
        for (const auto &known : m_recent)
            if (known->symbol == symbol && known->changed == changed)
                return known;
    }
    const auto text = readFile(path, largestFile);
    if (text.has_error())
        return unreadable(symbol, path, text.error().message);
    PriceRows rows = readPriceCsv(*text, symbol);
    const auto first = [&] { return "row " + std::to_string(rows.errors[0].row) + ": " + rows.errors[0].detail; };
    if (rows.bars.empty())
        return unreadable(symbol, path, rows.errors.empty() ? "it has no rows" : first());
    if (rows.leftOut > 0 && m_logger)
        m_logger->warn("rows of a price file were left out",
                       {{"file", path.string()}, {"left_out", rows.leftOut}, {"rows", rows.rows}, {"first", first()}});
    if (rows.bars.size() > longestHistory) // nobody is answered more
        rows.bars.erase(rows.bars.begin(), rows.bars.end() - std::ptrdiff_t(longestHistory));
    const auto file = std::make_shared<const File>(File{symbol, changed, std::move(rows.bars)});
    const std::lock_guard lock(m_mutex);
    m_recent.remove_if([&](const auto &known) { return known->symbol == symbol; });
    m_recent.push_front(file);
    if (m_recent.size() > keptFiles)
        m_recent.pop_back();
    return Loaded(file);
}

awaitable<Result<Quote>> CsvProvider::quote(std::string symbol)
{
    if (!isSymbol(symbol))
        co_return notASymbol(symbol);
    const Result<Loaded> loaded = co_await m_pool.run([this, &symbol] { return load(symbol); });
    if (loaded.has_error())
        co_return loaded.error();
    const auto &bars = (*loaded)->bars;
    const Bar &last = bars.back();
    const double before = bars.size() > 1 ? bars[bars.size() - 2].close : last.open;
    co_return makeQuote(symbol, last.close, before, last.volume, last.date + closingTime);
}

awaitable<Result<std::vector<Bar>>> CsvProvider::history(std::string symbol, unsigned days)
{
    if (!isSymbol(symbol))
        co_return notASymbol(symbol);
    if (days < 1 || days > longestHistory)
        co_return failure(ErrorKind::Invalid, "days must be from 1 to " + std::to_string(longestHistory));
    const Result<Loaded> loaded = co_await m_pool.run([this, &symbol] { return load(symbol); });
    if (loaded.has_error())
        co_return loaded.error();
    const auto &bars = (*loaded)->bars;
    const std::size_t count = std::min<std::size_t>(days, bars.size());
    co_return std::vector<Bar>(bars.end() - std::ptrdiff_t(count), bars.end());
}

} // namespace portolan::market
