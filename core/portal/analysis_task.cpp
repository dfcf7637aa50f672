// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/analysis_task.h"

#include "core/base/json.h"
#include "core/market/analysis.h"
#include "core/market/random.h"
#include "core/queue/task_registry.h"

#include <cmath>

namespace portolan::portal {

namespace {

/// The keyword arguments as a client of any kind sends them.
struct AnalysisArguments
{
    std::string symbol;
    std::optional<std::uint32_t> horizonDays;
    std::optional<std::uint32_t> paths;
    boost::json::value userId; ///< a string of ours, a number of somebody else's
    static constexpr std::string_view jsonDefaulted[] = {"userId"};
};
BOOST_DESCRIBE_STRUCT(AnalysisArguments, (), (symbol, horizonDays, paths, userId))

Result<AnalysisRequest> requestOf(const queue::TaskContext &context)
{
    if (!context.args().empty())
        return failure(ErrorKind::Invalid, "portal.analysis takes keyword arguments only");
    const auto arguments = fromJson<AnalysisArguments>(context.kwargs(), JsonMode::Strict, {4, 256, 16, 20});
    if (arguments.has_error())
        return arguments.error();
    AnalysisRequest request;
    request.symbol = arguments->symbol;
    request.horizonDays = arguments->horizonDays.value_or(request.horizonDays);
    request.paths = arguments->paths.value_or(request.paths);
    if (const auto valid = validate(request); valid.has_error())
        return valid.error();
    return request;
}

/// From what determines the result, so that a task that runs again says the same.
std::uint64_t seedOf(const std::string &symbol, WallTime lastDay)
{
    std::uint64_t seed = market::mix(std::uint64_t(lastDay.time_since_epoch() / std::chrono::days(1)));
    for (const char c : symbol)
        seed = market::mix(seed ^ std::uint64_t(c));
    return seed;
}

Result<boost::json::value> runAnalysis(queue::TaskContext &context, market::QuoteProvider &quotes)
{
    const auto request = requestOf(context);
    if (request.has_error())
        return request.error();
    context.progress(0, 100, "reading prices");
    const auto history = context.run<Result<std::vector<market::Bar>>>(
        [&quotes, symbol = request->symbol] { return quotes.history(symbol, analysedDays); });
    if (history.has_error())
        return history.error();
    if (history->empty())
        return failure(ErrorKind::NotFound, "There are no prices of " + request->symbol);

    market::AnalysisOptions options;
    options.symbol = request->symbol;
    options.outlook.horizonDays = request->horizonDays;
    options.outlook.paths = request->paths;
    options.outlook.seed = seedOf(request->symbol, history->back().date);
    auto analysis = market::analyse(*history, options, [&context](double done) {
        context.progress(std::uint64_t(std::floor(done * 100)), 100, "simulating");
        return !context.cancelled();
    });
    if (analysis.has_error())
        return analysis.error();
    analysis->source = quotes.name();
    analysis->currency = quotes.currency();
    return toJson(*analysis);
}

} // namespace

Result<void> validate(const AnalysisRequest &request)
{
    FieldErrors errors;
    const auto within = [&](const char *pointer, std::uint32_t value, std::uint32_t least, std::uint32_t most) {
        if (value < least || value > most)
            errors.add(pointer, "must be from " + std::to_string(least) + " to " + std::to_string(most));
    };
    if (!market::isSymbol(request.symbol))
        errors.add("/symbol", "must be one to five capital letters");
    within("/horizon_days", request.horizonDays, 1, market::longestHorizon);
    within("/paths", request.paths, market::leastPaths, market::mostPaths);
    if (!errors.empty())
        return errors.error();
    return {};
}

void registerAnalysis(queue::TaskRegistry &registry, market::QuoteProvider &quotes)
{
    queue::TaskOptions options;
    options.rerunnable = true;
    registry.add(
        std::string(analysisTask), [&quotes](queue::TaskContext &context) { return runAnalysis(context, quotes); },
        options);
}

} // namespace portolan::portal
