// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/csv_provider.h"

#include "core/base/data_directory.h"
#include "core/base/logging.h"
#include "core/market/calendar.h"
#include "core/market/price_csv.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace portolan::market {

namespace {

constexpr std::size_t largestFile = 16 * 1024 * 1024;
constexpr std::size_t keptFiles = 64;

} // namespace

/// Somebody who asked for a file.
struct CsvProvider::Waiting
{
    explicit Waiting(Executor executor) : patience(executor) {}

    Timer patience;
    std::atomic<bool> gone{false};
    std::optional<Result<Loaded>> answer;
};

CsvProvider::CsvProvider(std::filesystem::path folder, std::string currency, std::unique_ptr<BlockingPool> pool,
                         Logger *logger, std::chrono::milliseconds patience)
    : m_folder(std::move(folder)),
      m_currency(std::move(currency)),
      m_logger(logger),
      m_patience(patience),
      m_pool(std::move(pool))
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

awaitable<Result<CsvProvider::Loaded>> CsvProvider::loaded(std::string symbol)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto waiting = std::make_shared<Waiting>(executor);
    waiting->patience.expires_after(m_patience);
    asio::co_spawn(executor, answer(symbol, waiting), asio::detached);
    co_await waiting->patience.async_wait(asio::as_tuple(use_awaitable));
    waiting->gone = true;
    const bool answered = waiting->answer.has_value();
    if (answered && (*waiting->answer || waiting->answer->error().kind == ErrorKind::NotFound ||
                     waiting->answer->error().code == codePricesUnreadable))
        co_return std::move(*waiting->answer);
    if (m_logger && !m_hangs.exchange(true))
        m_logger->warn("the folder of prices does not answer",
                       {{"file", pathOf(symbol).string()}, {"waited_ms", m_patience.count()}});
    co_return failure(ErrorKind::Unavailable, "Prices cannot be read now.",
                      "Try again later; the log of this portal says why.");
}

/// Outlives the patience of whoever asked, if it must.
awaitable<void> CsvProvider::answer(std::string symbol, std::shared_ptr<Waiting> waiting)
{
    auto file = co_await m_pool->run([this, &symbol, &waiting]() -> Result<Loaded> {
        if (waiting->gone)
            return failure(ErrorKind::Cancelled, "Nobody waits for it any more.");
        auto read = load(symbol);
        m_hangs = false;
        return read;
    });
    waiting->answer.emplace(std::move(file));
    waiting->patience.cancel();
}

Result<CsvProvider::Loaded> CsvProvider::load(const std::string &symbol)
{
    const auto path = pathOf(symbol);
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(path, error);
    if (error == std::errc::no_such_file_or_directory)
        return failure(ErrorKind::NotFound, "There are no prices of " + symbol + ".");
    if (error)
        return unreadable(symbol, path, error.message());
    const auto size = std::filesystem::file_size(path, error); // no folder has one: opening it says so
    {
        const std::lock_guard lock(m_mutex);
        for (const auto &known : m_recent)
            if (known->symbol == symbol && known->changed == changed && known->size == size)
                return known->unusable ? Result<Loaded>(*known->unusable) : Result<Loaded>(known);
    }
    const auto text = readFile(path, largestFile);
    if (text.has_error() && text.error().kind != ErrorKind::TooLarge) // it may be readable without a change
        return unreadable(symbol, path, text.error().message);
    File file = text ? read(symbol, path, *text) : File{};
    if (!text)
        file.unusable = unreadable(symbol, path, text.error().message);
    file.symbol = symbol;
    file.changed = changed;
    file.size = size;
    return keep(std::move(file));
}

CsvProvider::File CsvProvider::read(const std::string &symbol, const std::filesystem::path &path,
                                    std::string_view text) const
{
    File file;
    PriceRows rows = readPriceCsv(text, symbol);
    const auto first = [&] { return "row " + std::to_string(rows.errors[0].row) + ": " + rows.errors[0].detail; };
    if (rows.bars.empty())
        file.unusable = unreadable(symbol, path, rows.errors.empty() ? "it has no rows" : first());
    else if (rows.leftOut > 0 && m_logger)
        m_logger->warn("rows of a price file were left out",
                       {{"file", path.string()}, {"left_out", rows.leftOut}, {"rows", rows.rows}, {"first", first()}});
    if (rows.bars.size() > longestHistory) // nobody is answered more
        rows.bars.erase(rows.bars.begin(), rows.bars.end() - std::ptrdiff_t(longestHistory));
    file.bars = std::move(rows.bars);
    return file;
}

Result<CsvProvider::Loaded> CsvProvider::keep(File file)
{
    const auto kept = std::make_shared<const File>(std::move(file));
    const std::lock_guard lock(m_mutex);
    m_recent.remove_if([&](const auto &known) { return known->symbol == kept->symbol; });
    m_recent.push_front(kept);
    if (m_recent.size() > keptFiles)
        m_recent.pop_back();
    return kept->unusable ? Result<Loaded>(*kept->unusable) : Result<Loaded>(kept);
}

awaitable<Result<Quote>> CsvProvider::quote(std::string symbol)
{
    if (!isSymbol(symbol))
        co_return notASymbol(symbol);
    const Result<Loaded> file = co_await loaded(symbol);
    if (file.has_error())
        co_return file.error();
    const auto &bars = (*file)->bars;
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
    const Result<Loaded> file = co_await loaded(symbol);
    if (file.has_error())
        co_return file.error();
    const auto &bars = (*file)->bars;
    const std::size_t count = std::min<std::size_t>(days, bars.size());
    co_return std::vector<Bar>(bars.end() - std::ptrdiff_t(count), bars.end());
}

} // namespace portolan::market
