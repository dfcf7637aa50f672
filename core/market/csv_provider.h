// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/blocking_pool.h"
#include "core/market/quotes.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

namespace portolan {
class Logger;
}

namespace portolan::market {

/// Prices from files: `AAPL.csv` in a folder, in the format of price_csv.h, at most 16 MB each. A file is read again
/// when it has changed; the last 64 read are kept, and so is that one holds nothing that can be used. Rows that cannot
/// be read are left out; the log says how many and names the first, each time the file is read. A file without any good
/// row, or that cannot be read, is Unavailable (codePricesUnreadable): whoever asked did nothing wrong. Answers never
/// name files; the log does. While the folder does not answer (one of a network may hang) all are Unavailable.
class CsvProvider final : public QuoteProvider
{
public:
    /// `currency`: of the prices, which files do not say. `pool`: of nothing else, for a folder that hangs holds its
    /// threads. `patience`: of whoever asks. The logger must outlive this; it may be null.
    CsvProvider(std::filesystem::path folder, std::string currency, std::unique_ptr<BlockingPool> pool,
                Logger *logger = nullptr, std::chrono::milliseconds patience = std::chrono::seconds(10));

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
        std::uintmax_t size = 0;
        std::vector<Bar> bars;
        std::optional<Error> unusable; ///< instead of bars
    };
    using Loaded = std::shared_ptr<const File>;
    struct Waiting;
    awaitable<Result<Loaded>> loaded(std::string symbol);
    awaitable<void> answer(std::string symbol, std::shared_ptr<Waiting> waiting);
    Result<Loaded> load(const std::string &symbol); ///< on a thread of the pool
    File read(const std::string &symbol, const std::filesystem::path &path, std::string_view text) const;
    Result<Loaded> keep(File file);
    Error unreadable(const std::string &symbol, const std::filesystem::path &path, const std::string &why) const;
    std::filesystem::path pathOf(const std::string &symbol) const { return m_folder / (symbol + ".csv"); }

    const std::filesystem::path m_folder;
    const std::string m_currency;
    Logger *const m_logger;
    const std::chrono::milliseconds m_patience;
    std::atomic<bool> m_hangs{false};
    std::mutex m_mutex;
    std::list<Loaded> m_recent;
    std::unique_ptr<BlockingPool> m_pool; // ends before what its threads use
};

} // namespace portolan::market
