// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/units.h"

#include "core/base/masking.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace portolan {

namespace {

struct Unit
{
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array durations{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                               Unit{"ms", 1}};
constexpr std::array sizes{Unit{"TB", 1ull << 40}, Unit{"GB", 1ull << 30}, Unit{"MB", 1ull << 20},
                           Unit{"KB", 1ull << 10}, Unit{"B", 1}};

constexpr std::uint64_t longest = 100ull * 365 * 86'400'000;
constexpr std::uint64_t largest = (1ull << 63) - 1;

template <std::size_t N>
Result<std::uint64_t> parseWithUnit(std::string_view text, const std::array<Unit, N> &units, std::uint64_t most,
                                    bool spaced, const char *expected)
{
    const auto refuse = [&](const std::string &why) {
        return failure(ErrorKind::Invalid, '"' + quotable(text, 64) + "\" " + why, expected);
    };
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc::result_out_of_range)
        return refuse("is too large");
    if (parsed.ec != std::errc())
        return refuse("does not begin with a number");
    std::string_view unit(parsed.ptr, std::size_t(text.data() + text.size() - parsed.ptr));
    if (unit.empty() && number == 0)
        return std::uint64_t(0);
    if (unit.empty())
        return refuse("has no unit");
    if (spaced && unit.front() == ' ')
        unit.remove_prefix(1);
    if (unit.front() == ' ')
        return refuse("has a blank before its unit");
    for (const auto &known : units) {
        if (known.name != unit)
            continue;
        if (number > most / known.factor)
            return refuse("is too large");
        return number * known.factor;
    }
    return refuse("has an unknown unit");
}

template <std::size_t N> std::string shortest(std::uint64_t value, const std::array<Unit, N> &units)
{
    for (const auto &unit : units)
        if (value >= unit.factor && value % unit.factor == 0)
            return std::to_string(value / unit.factor) + std::string(unit.name);
    return "0" + std::string(units[N - 1].name);
}

/// Three digits or so: 1.23, 12.3, 123; no ".0" to look exact where it is not needed.
std::string rounded(double value)
{
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    std::string text = fixedText(value, decimals);
    if (decimals > 0) {
        text.resize(text.find_last_not_of('0') + 1);
        if (text.ends_with('.'))
            text.pop_back();
    }
    return text;
}

} // namespace

Result<std::chrono::milliseconds> parseDuration(std::string_view text)
{
    const auto value =
        parseWithUnit(text, durations, longest, false, "Write a whole number with ms, s, m, h or d, such as 15m");
    if (value.has_error())
        return value.error();
    return std::chrono::milliseconds(std::int64_t(*value));
}

std::string formatDuration(std::chrono::milliseconds value)
{
    const auto count = std::uint64_t(std::max<std::int64_t>(0, value.count()));
    return count == 0 ? "0s" : shortest(count, durations);
}

Result<std::uint64_t> parseSize(std::string_view text)
{
    return parseWithUnit(text, sizes, largest, true, "Write a whole number with B, KB, MB, GB or TB, such as 30MB");
}

std::string formatSize(std::uint64_t bytes) { return shortest(bytes, sizes); }

std::string humanSize(std::uint64_t bytes)
{
    for (const auto &unit : sizes) // 1023.6 KB would read "1024 KB": it is the next unit already
        if (unit.factor == 1 || double(bytes) >= double(unit.factor) * 0.9995)
            return rounded(double(bytes) / double(unit.factor)) + ' ' + std::string(unit.name);
    return {};
}

std::string humanDuration(std::chrono::nanoseconds value)
{
    using namespace std::chrono;
    if (value < nanoseconds::zero())
        return "-" + humanDuration(value == nanoseconds::min() ? nanoseconds::max() : -value);
    const double seconds = duration<double>(value).count();
    if (value == nanoseconds::zero())
        return "0 s";
    if (seconds < 0.9995e-3)
        return rounded(seconds * 1e6) + " µs";
    if (seconds < 0.9995)
        return rounded(seconds * 1e3) + " ms";
    if (seconds < 59.95)
        return rounded(seconds) + " s";
    struct Step
    {
        std::int64_t seconds;
        const char *name;
    };
    constexpr std::array steps{Step{86'400, "d"}, Step{3600, "h"}, Step{60, "min"}, Step{1, "s"}};
    std::int64_t whole = std::llround(seconds);
    std::size_t first = 0;
    while (whole < steps[first].seconds)
        ++first;
    // Round to the second unit, which may carry into the first: 59 min 59.8 s is 1 h.
    const std::int64_t grain = first + 1 < steps.size() ? steps[first + 1].seconds : 1;
    whole = std::llround(seconds / double(grain)) * grain;
    if (first > 0 && whole >= steps[first - 1].seconds)
        --first;
    std::string text = std::to_string(whole / steps[first].seconds) + ' ' + steps[first].name;
    const std::int64_t rest = whole % steps[first].seconds;
    if (first + 1 < steps.size() && rest >= steps[first + 1].seconds)
        text += ' ' + std::to_string(rest / steps[first + 1].seconds) + ' ' + steps[first + 1].name;
    return text;
}

std::string fixedText(double value, int decimals)
{
    std::array<char, 400> text{}; // the largest double has 309 digits before the point
    const auto written =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, std::min(decimals, 30));
    return {text.data(), written.ptr};
}

std::string humanCount(std::uint64_t value)
{
    std::string text = std::to_string(value);
    for (std::size_t at = text.size(); at > 3;)
        text.insert(at -= 3, 1, ',');
    return text;
}

} // namespace portolan
