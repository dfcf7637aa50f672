#pragma once

#include "core/base/blocking_pool.h"
#include "core/market/quotes.h"

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>

namespace portolan::market {

/// Prices from files: `AAPL.csv` in a folder, in the format of price_csv.h, at most 16 MB each. A file is read again
/// when it has changed; the last 64 read are kept. A file with any bad row is refused as a whole (Invalid, naming file
/// and row): prices with holes would mislead whoever reads them.
class CsvProvider final : public QuoteProvider
{
public:
    CsvProvider(std::filesystem::path folder, BlockingPool &pool); ///< the pool must outlive this

    std::string_view name() const override { return "csv"; }
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

    const std::filesystem::path m_folder;
    BlockingPool &m_pool;
    std::mutex m_mutex;
    std::list<Loaded> m_recent;
};

} // namespace portolan::market
