// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/market/outlook.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace portolan::market {
class QuoteProvider;
}
namespace portolan::queue {
class TaskRegistry;
}

namespace portolan::portal {

inline constexpr std::string_view analysisTask = "portal.analysis";
inline constexpr unsigned analysedDays = 504; ///< of history: two years

/// What an analysis is asked for. Every member is bounded, see validate().
struct AnalysisRequest
{
    std::string symbol;             ///< ^[A-Z]{1,5}$
    std::uint32_t horizonDays = 30; ///< trading days, 1 … market::longestHorizon
    std::uint32_t paths = 10'000;   ///< market::leastPaths … market::mostPaths
};

/// Invalid with a pointer (/symbol, /horizon_days, /paths) for each member that is out of its bounds.
Result<void> validate(const AnalysisRequest &request);

/// Registers `portal.analysis`: keyword arguments symbol, horizon_days?, paths? and user_id? (whose it is; not used
/// here). It reads the history of `quotes`, reports progress in hundredths, ends early when it is cancelled, and
/// returns market::Analysis as JSON. Wrong arguments end in FAILURE `invalid`, an unknown symbol in `not-found`; a
/// source of quotes that is away is tried again. The same symbol, options and last trading day give the same result,
/// also when the task runs twice. `quotes` outlives the workers.
void registerAnalysis(queue::TaskRegistry &registry, market::QuoteProvider &quotes);

} // namespace portolan::portal
