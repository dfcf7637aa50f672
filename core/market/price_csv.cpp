#include "core/market/price_csv.h"

#include "core/base/time_format.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace portolan::market {

namespace {

constexpr std::array<std::string_view, 6> columns{"date", "open", "high", "low", "close", "volume"};
constexpr std::size_t mostErrors = 100;
constexpr std::size_t mostRows = 100'000;
constexpr double highestPrice = 1e9;

/// The next line without its end; `text` moves behind it.
std::string_view nextLine(std::string_view &text)
{
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

/// The fields of a line; nullopt unless there are exactly as many as columns.
std::optional<std::array<std::string_view, columns.size()>> split(std::string_view line)
{
    std::array<std::string_view, columns.size()> fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto comma = line.find(',');
        if ((comma == std::string_view::npos) != (i + 1 == fields.size()))
            return std::nullopt;
        fields[i] = line.substr(0, comma);
        line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
    }
    return fields;
}

bool sameText(std::string_view text, std::string_view small)
{
    if (text.size() != small.size())
        return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] >= 'A' && text[i] <= 'Z' ? char(text[i] - 'A' + 'a') : text[i]) != small[i])
            return false;
    return true;
}

bool isHeader(std::string_view line)
{
    const auto fields = split(line);
    if (!fields)
        return false;
    for (std::size_t i = 0; i < columns.size(); ++i)
        if (!sameText((*fields)[i], columns[i]))
            return false;
    return true;
}

template <class T> bool number(std::string_view text, T &to)
{
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), to);
    return !text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// Reads a row into `bar`; answers what is wrong with it, or nothing.
std::string readRow(std::string_view line, Bar &bar)
{
    const auto fields = split(line);
    if (!fields)
        return "must have 6 fields";
    const auto date = parseDate((*fields)[0]);
    if (date.has_error())
        return "date must be written as 2026-01-31";
    bar.date = *date;
    const std::array<double *, 4> prices{&bar.open, &bar.high, &bar.low, &bar.close};
    for (std::size_t i = 0; i < prices.size(); ++i)
        if (!number((*fields)[i + 1], *prices[i]) || !(*prices[i] > 0) || *prices[i] > highestPrice)
            return std::string(columns[i + 1]) + " must be a number above 0 and up to 1000000000";
    if (!number((*fields)[5], bar.volume) || bar.volume > (std::uint64_t(1) << 53))
        return "volume must be a whole number";
    if (bar.low > std::min(bar.open, bar.close) || bar.high < std::max(bar.open, bar.close))
        return "low, open, close and high are not in order";
    return {};
}

} // namespace

PriceRows readPriceCsv(std::string_view text)
{
    PriceRows result;
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    if (!isHeader(nextLine(text))) {
        result.errors.push_back({1, "the header must be date,open,high,low,close,volume"});
        return result;
    }
    for (std::size_t row = 2; !text.empty(); ++row) {
        const std::string_view line = nextLine(text);
        if (line.empty() && text.empty())
            break; // a last empty line is no row
        if (++result.rows > mostRows) {
            result.errors.push_back({row, "there are more than 100000 rows"});
            break;
        }
        Bar bar;
        std::string wrong = readRow(line, bar);
        if (wrong.empty() && !result.bars.empty() && bar.date <= result.bars.back().date)
            wrong = "date must be later than that of the row before";
        if (wrong.empty())
            result.bars.push_back(bar);
        else
            result.errors.push_back({row, std::move(wrong)});
        if (result.errors.size() >= mostErrors)
            break;
    }
    return result;
}

} // namespace portolan::market
