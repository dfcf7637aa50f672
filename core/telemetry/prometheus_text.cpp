// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/prometheus_text.h"

#include "core/base/utf8.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace portolan::telemetry {
namespace {

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isBlank(char c) { return c == ' ' || c == '\t'; }

void skipBlanks(std::string_view &text)
{
    while (!text.empty() && isBlank(text.front()))
        text.remove_prefix(1);
}

/// Takes `[a-zA-Z_][a-zA-Z0-9_]*`, with `:` where it is a metric's name; empty: there is none.
std::string_view takeName(std::string_view &text, bool colons)
{
    std::size_t size = 0;
    while (size < text.size() &&
           (isLetter(text[size]) || (size > 0 && isDigit(text[size])) || (colons && text[size] == ':')))
        ++size;
    const auto name = text.substr(0, size);
    text.remove_prefix(size);
    return name;
}

bool takeOne(std::string_view &text, char c)
{
    if (!text.starts_with(c))
        return false;
    text.remove_prefix(1);
    return true;
}

/// Up to the quote that ends it; `\\`, `\"` and `\n` stand for what they do, and of another the backslash stays.
std::optional<std::string> takeQuoted(std::string_view &text)
{
    if (!takeOne(text, '"'))
        return std::nullopt;
    std::string value;
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == '"')
            return value;
        if (c != '\\' || text.empty()) {
            value += c;
            continue;
        }
        const char escaped = text.front();
        text.remove_prefix(1);
        if (escaped == 'n')
            value += '\n';
        else if (escaped == '\\' || escaped == '"')
            value += escaped;
        else
            value.append({c, escaped});
    }
    return std::nullopt;
}

std::string small(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return result;
}

/// As Go's strconv.ParseFloat reads them, which is the format's definition: decimal, and words in any case.
std::optional<double> numberIn(std::string_view word)
{
    const bool negative = word.starts_with('-');
    std::string_view digits = word;
    if (negative || word.starts_with('+'))
        digits.remove_prefix(1);
    if (digits.empty() || digits.front() == '-' || digits.front() == '+')
        return std::nullopt;
    if (isLetter(digits.front())) {
        const std::string name = small(digits);
        if (name == "nan" && digits.size() == word.size())
            return std::numeric_limits<double>::quiet_NaN();
        if (name == "inf" || name == "infinity")
            return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
        return std::nullopt;
    }
    double value = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (end != digits.data() + digits.size() || failed == std::errc::invalid_argument)
        return std::nullopt;
    if (failed == std::errc::result_out_of_range) // too small is nothing, too large without end
        value = digits.find("e-") != digits.npos || digits.find("E-") != digits.npos
                    ? 0
                    : std::numeric_limits<double>::infinity();
    return negative ? -value : value;
}

/// Up to the next blank or the end.
std::string_view takeWord(std::string_view &text)
{
    skipBlanks(text);
    const auto size = std::min(text.find_first_of(" \t"), text.size());
    const auto word = text.substr(0, size);
    text.remove_prefix(size);
    return word;
}

/// Milliseconds since 1970 in 0.0.4, seconds in OpenMetrics, which alone writes fractions or so few.
double secondsOf(double time) { return time > 1e11 ? time / 1000 : time; }

} // namespace

std::string_view PrometheusSample::label(std::string_view wanted) const
{
    const auto found = std::ranges::find(labels, wanted, &PrometheusLabel::name);
    return found == labels.end() ? std::string_view() : std::string_view(found->value);
}

PrometheusReader::PrometheusReader(Wanted wanted, Taken taken)
    : PrometheusReader(std::move(wanted), std::move(taken), Bounds{})
{}

PrometheusReader::PrometheusReader(Wanted wanted, Taken taken, const Bounds &bounds)
    : m_wanted(std::move(wanted)), m_taken(std::move(taken)), m_bounds(bounds)
{}

Error PrometheusReader::malformed(std::string_view why) const
{
    Error error = failure(ErrorKind::Protocol,
                          "Line " + std::to_string(m_lines) + " is none of a metrics page: " + std::string(why) + ".",
                          "Is the address that of the metrics, and may we read them?");
    error.code = "metrics-malformed";
    return error;
}

Error PrometheusReader::tooLarge(std::string_view what) const
{
    Error error = failure(ErrorKind::TooLarge, "The metrics page has more than " + std::string(what) + ".",
                          "Let it tell less, or map fewer of its metrics.");
    error.code = "metrics-too-large";
    return error;
}

Result<void> PrometheusReader::feed(std::string_view piece)
{
    if (m_error)
        return *m_error;
    m_bytes += piece.size();
    if (m_bytes > m_bounds.bytes)
        return *(m_error = tooLarge(std::to_string(m_bounds.bytes) + " bytes"));
    while (!piece.empty()) {
        const auto end = piece.find('\n');
        const auto part = piece.substr(0, end);
        if (m_begun.size() + part.size() > m_bounds.line) {
            ++m_lines;
            return *(m_error = tooLarge(std::to_string(m_bounds.line) + " bytes in line " + std::to_string(m_lines)));
        }
        if (end == piece.npos) {
            m_begun.append(part);
            break;
        }
        Result<void> taken;
        if (m_begun.empty()) {
            taken = takeLine(part);
        } else {
            m_begun.append(part);
            taken = takeLine(std::exchange(m_begun, {}));
        }
        if (!taken)
            return *(m_error = taken.error());
        piece.remove_prefix(end + 1);
    }
    return {};
}

Result<void> PrometheusReader::end()
{
    if (m_error)
        return *m_error;
    const std::string last = std::exchange(m_begun, {});
    if (last.empty())
        return {};
    auto taken = takeLine(last);
    if (!taken)
        m_error = taken.error();
    return taken;
}

Result<void> PrometheusReader::takeLine(std::string_view line)
{
    if (++m_lines > m_bounds.lines)
        return tooLarge(std::to_string(m_bounds.lines) + " lines");
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    skipBlanks(line);
    if (line.empty() || line.front() == '#' || line.starts_with("{\""))
        return {};
    return takeSample(line);
}

/// Behind the brace that begins them, up to and with that which ends them.
Result<void> PrometheusReader::takeLabels(std::string_view &line, PrometheusSample &sample) const
{
    for (skipBlanks(line); !takeOne(line, '}'); skipBlanks(line)) {
        if (sample.labels.size() >= m_bounds.labels)
            return tooLarge(std::to_string(m_bounds.labels) + " labels on one sample");
        const auto name = takeName(line, false);
        skipBlanks(line);
        if (name.empty() || !takeOne(line, '='))
            return malformed("a label has no name");
        skipBlanks(line);
        auto value = takeQuoted(line);
        if (!value || !isUtf8(*value))
            return malformed("a label has no value");
        sample.labels.push_back({std::string(name), std::move(*value)});
        skipBlanks(line);
        if (!takeOne(line, ',') && !line.starts_with('}'))
            return malformed("behind a label stands neither another nor their end");
    }
    return {};
}

Result<void> PrometheusReader::takeSample(std::string_view line)
{
    const auto name = takeName(line, true);
    if (name.empty())
        return malformed("it begins with no name");
    if (!line.starts_with('{') && !(!line.empty() && isBlank(line.front())))
        return malformed("behind its name stands neither a blank nor labels");
    if (!m_wanted(name))
        return {};
    if (++m_samples > m_bounds.samples)
        return tooLarge(std::to_string(m_bounds.samples) + " samples that are mapped");
    PrometheusSample sample;
    sample.name = name;
    skipBlanks(line);
    if (takeOne(line, '{'))
        if (const auto taken = takeLabels(line, sample); !taken)
            return taken;
    const auto value = numberIn(takeWord(line));
    if (!value)
        return malformed("it has no value");
    sample.value = *value;
    skipBlanks(line);
    if (!line.empty() && line.front() != '#') {
        const auto time = numberIn(takeWord(line));
        if (!time)
            return malformed("behind its value stands no time");
        sample.time = secondsOf(*time);
        skipBlanks(line);
    }
    if (!line.empty() && line.front() != '#') // an exemplar
        return malformed("behind its time stands more");
    m_taken(std::move(sample));
    return {};
}

} // namespace portolan::telemetry
