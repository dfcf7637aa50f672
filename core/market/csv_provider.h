#pragma once

#include "core/base/blocking_pool.h"
#include "core/market/quotes.h"

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>

namespace portolan {
class Logger;
}

namespace portolan::market {

/// Prices from files: `AAPL.csv` in a folder, in the format of price_csv.h, at most 16 MB each. A file is read again
/// when it has changed; the last 64 read are kept. Rows that cannot be read are left out; the log says how many and
/// names the first, each time the file is read. A file without any good row, or that cannot be read, is Unavailable
/// (codePricesUnreadable): whoever asked did nothing wrong. Answers never name files; the log does.
class CsvProvider final : public QuoteProvider
{
public:
    /// `currency`: of the prices, which files do not say. The pool and the logger must outlive this; the logger may be
    /// null.
    CsvProvider(std::filesystem::path folder, std::string currency, BlockingPool &pool, Logger *logger = nullptr);

    std::string_view name() const override { return "csv"; }
    std::string_view currency() const override { return m_currency; }
    /// The last row's close, against the one before.
    awaitable<Result<Quote>> quote(std::string symbol) override;
    awaitable<Result<std::vector<Bar>>> history(std::string symbol, unsigned days) override;

private:
    struct File
    {
        std::string symbol;
        std::filesystem::file_time_type changed;
        std::vector<Bar> bars;
    };
    using Loaded = std::shared_ptr<const File>;
    Result<Loaded> load(const std::string &symbol); ///< on a thread of the pool
    Error unreadable(const std::string &symbol, const std::filesystem::path &path, const std::string &why) const;

    const std::filesystem::path m_folder;
    const std::string m_currency;
    BlockingPool &m_pool;
    Logger *const m_logger;
    std::mutex m_mutex;
    std::list<Loaded> m_recent;
};

} // namespace portolan::market
