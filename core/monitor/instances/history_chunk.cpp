// SPDX-License-Identifier: GPL-3.0-or-later
//
// The form of a chunk, numbers and texts as share_bytes.h has them:
//
//   "Ph"      two bytes that tell it from anything else in the list
//   form      the number of what follows, `form` below; another one is not read further
//   head      request, reached (ms since 1970), whether it is the last
//   content   deflated (RFC 1951), to the end: step in seconds; series, each with name, the value of its label if it
//   has
//             one, and its rows
//
// A row: seconds since the one before, less one (the first: since 1970); what is said of it, as bits (1: all of its
// values were the same, 2: when the first and the last were measured); low, unless they were the same high and mean;
// their count; ms from its time to the first, and from the first to the last.
//
// What is given never says how much is made of it: the content is inflated into a buffer of the size that the head
// names, of which no more than maxChunkContent is believed.

#include "core/monitor/instances/history_chunk.h"

#include "core/api/catalogue.h"
#include "core/monitor/instances/share_bytes.h"
#include "core/monitor/metric_readers.h"

#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/beast/zlib/inflate_stream.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace portolan::monitor::instances {

namespace {

namespace zlib = boost::beast::zlib;
using std::chrono::milliseconds;
using storage::HistoryRow;
using storage::SeriesRows;

constexpr std::string_view magic = "Ph";
constexpr std::uint8_t form = 1;
constexpr std::string_view tail("\0\0\xff\xff", 4);
constexpr std::size_t maxNameBytes = 64;
constexpr double mostValue = 1e18;
constexpr std::uint64_t mostSeconds = std::uint64_t{1} << 33; ///< the year 2242
constexpr std::uint64_t mostMs = mostSeconds * 1000;
constexpr std::uint64_t mostCount = 0xffffffff;

std::uint64_t msOf(WallTime time)
{
    const auto since = std::chrono::floor<milliseconds>(time).time_since_epoch().count();
    return std::uint64_t(std::max<std::int64_t>(since, 0));
}

Error refused(std::string why, std::string code = {})
{
    Error error = failure(ErrorKind::Protocol, "A piece of another instance's history cannot be read: " + why + ".");
    error.code = std::move(code);
    return error;
}

/// A row as it is told.
struct Told
{
    std::uint64_t seconds = 0;
    double low = 0, high = 0, mean = 0;
    std::uint32_t count = 0;
    bool measured = false;    ///< when the first and last were is known
    std::uint64_t first = 0;  ///< ms since `seconds`
    std::uint64_t lasted = 0; ///< ms since the first
};

template <class Bytes, class Row> void row(Bytes &bytes, Row &told, std::uint64_t &next, std::chrono::seconds step)
{
    bytes.rising(told.seconds, next, mostSeconds);
    std::uint8_t which =
        std::uint8_t((told.low == told.high && told.low == told.mean ? 1 : 0) | (told.measured ? 2 : 0));
    bytes.number(which, 3);
    bytes.real(told.low, mostValue);
    if (which & 1) {
        if constexpr (!std::is_const_v<Row>)
            told.high = told.mean = told.low;
    } else {
        bytes.real(told.high, mostValue);
        bytes.real(told.mean, mostValue);
    }
    bytes.number(told.count, mostCount);
    if (!(which & 2))
        return;
    if constexpr (!std::is_const_v<Row>)
        told.measured = true;
    const auto most = std::uint64_t(milliseconds(step).count());
    bytes.number(told.first, most);
    bytes.number(told.lasted, most);
}

/// What a row has to be, told or heard.
bool isSound(const Told &told, std::chrono::seconds step)
{
    const std::uint64_t length = std::uint64_t(step.count());
    const std::uint64_t into = told.seconds % length;
    const bool begins = step == storage::keep::minute || into == 0;
    const bool lies = !told.measured || into * 1000 + told.first + told.lasted < length * 1000;
    return begins && lies && told.count > 0 && told.count <= 2 * length && told.low >= 0 && told.low <= told.high &&
           told.high <= mostValue;
}

std::optional<Told> toldOf(const HistoryRow &row, std::chrono::seconds step)
{
    if (!(row.low >= 0 && row.low <= row.high && std::isfinite(row.mean)))
        return std::nullopt;
    Told told{msOf(row.time) / 1000, row.low, row.high, std::clamp(row.mean, row.low, row.high), row.count};
    told.measured = row.first && row.last && *row.first >= row.time && *row.last >= *row.first;
    if (told.measured) {
        told.first = msOf(*row.first) - told.seconds * 1000;
        told.lasted = msOf(*row.last) - msOf(*row.first);
    } else if (row.first || row.last) {
        return std::nullopt;
    }
    return isSound(told, step) && told.seconds < mostSeconds ? std::optional(told) : std::nullopt;
}

HistoryRow rowOf(const Told &told)
{
    HistoryRow row{WallTime(std::chrono::seconds(told.seconds)), told.low, told.high,
                   std::clamp(told.mean, told.low, told.high), told.count};
    if (told.measured) {
        row.first = row.time + milliseconds(told.first);
        row.last = *row.first + milliseconds(told.lasted);
    }
    return row;
}

bool isStep(std::chrono::seconds step) { return step == storage::keep::minute || step == storage::keep::hour; }

/// The value of its one label; nothing: it has none.
std::optional<std::string> labelIn(const Metric &metric)
{
    return metric.labels.empty() ? std::nullopt : std::optional(metric.labels.begin()->second);
}

/// Whether its label is one that this version would keep.
bool isKnown(const std::string &name, const std::optional<std::string> &label)
{
    const MetricKind *kind = findKind(name);
    return kind && kind->label.empty() == !label && (!label || labelOf(*label) == *label);
}

Result<std::string> deflated(const std::string &content)
{
    zlib::deflate_stream stream;
    std::string bytes(stream.upper_bound(content.size()) + 64, '\0');
    zlib::z_params at;
    at.next_in = content.data();
    at.avail_in = content.size();
    at.next_out = bytes.data();
    at.avail_out = bytes.size();
    boost::beast::error_code failed;
    stream.write(at, zlib::Flush::sync, failed);
    bytes.resize(at.total_out);
    if (failed || at.avail_in != 0 || !bytes.ends_with(tail))
        return failure(ErrorKind::Internal, "A piece of history cannot be compressed.");
    return bytes;
}

/// Nothing: it is damaged, cut off, or not of that size. Beast's stream does not see the end of one that ended by
/// itself where a code of less bits than it looks at comes last; with the tail behind it, it does.
std::optional<std::string> inflated(std::string_view bytes, std::size_t size)
{
    if (!bytes.ends_with(tail))
        return std::nullopt;
    zlib::inflate_stream stream;
    std::string content(size + 1, '\0');
    zlib::z_params at;
    at.next_in = bytes.data();
    at.avail_in = bytes.size();
    at.next_out = content.data();
    at.avail_out = content.size();
    boost::beast::error_code failed;
    stream.write(at, zlib::Flush::sync, failed);
    if (failed || at.avail_in != 0 || at.total_out != size)
        return std::nullopt;
    content.resize(size);
    return content;
}

void writeSeries(Writer &bytes, const SeriesRows &series, std::chrono::seconds step)
{
    std::vector<Told> rows;
    for (const HistoryRow &row : series.rows) {
        const auto told = toldOf(row, step);
        if (told && (rows.empty() || told->seconds > rows.back().seconds))
            rows.push_back(*told);
    }
    bytes.text(series.metric.name, maxNameBytes);
    bytes.maybe(labelIn(series.metric), [&](const std::string &label) { bytes.text(label, longestLabel); });
    std::uint64_t next = 0;
    bytes.list(rows, maxChunkRows, [&](const Told &told) { row(bytes, told, next, step); });
}

void readSeries(Reader &bytes, HistoryChunk &chunk, std::size_t &left)
{
    std::string name;
    std::optional<std::string> label;
    std::vector<Told> rows;
    bytes.text(name, maxNameBytes);
    bytes.maybe(label, [&](std::string &value) { bytes.text(value, longestLabel); });
    std::uint64_t next = 0;
    bytes.list(rows, left, [&](Told &told) {
        row(bytes, told, next, chunk.step);
        if (!isSound(told, chunk.step))
            bytes.fail();
    });
    left -= std::min(left, rows.size());
    if (!bytes.ok() || !isKnown(name, label))
        return;
    Metric metric(std::move(name));
    if (label)
        metric.labels.emplace(findKind(metric.name)->label, *label);
    SeriesRows &series = chunk.series.emplace_back(SeriesRows{std::move(metric), {}});
    std::ranges::transform(rows, std::back_inserter(series.rows), rowOf);
}

} // namespace

Result<std::string> encodeChunk(const HistoryChunk &chunk)
{
    std::size_t rows = 0;
    for (const SeriesRows &series : chunk.series)
        rows += series.rows.size();
    if (rows > maxChunkRows || chunk.series.size() > maxChunkSeries || !isStep(chunk.step))
        return failure(ErrorKind::Invalid, "A piece of history has at most 2000 minutes or hours of 64 series.");
    Writer content;
    content.number(std::uint64_t(chunk.step.count()));
    std::vector<const SeriesRows *> told;
    for (const SeriesRows &series : chunk.series) {
        const auto label = labelIn(series.metric);
        if (series.metric.labels.size() <= 1 && isKnown(series.metric.name, label) && (!label || isShownText(*label)))
            told.push_back(&series);
    }
    content.list(told, maxChunkSeries, [&](const SeriesRows *series) { writeSeries(content, *series, chunk.step); });
    const std::string plain = content.take();
    const auto packed = deflated(plain);
    if (!packed)
        return packed.error();
    Writer head;
    for (const char c : magic)
        head.number(std::uint8_t(c));
    head.number(form);
    head.number(chunk.request);
    head.number(msOf(chunk.reached), mostMs);
    head.flag(chunk.last);
    head.number(plain.size());
    return head.take() + *packed;
}

Result<HistoryChunk> decodeChunk(std::string_view text)
{
    if (text.size() > maxChunkBytes)
        return refused("it is too long");
    Reader head(text);
    for (const char c : magic) {
        std::uint8_t read = 0;
        head.number(read);
        if (read != std::uint8_t(c))
            return refused("it does not begin as one");
    }
    std::uint32_t number = 0;
    head.number(number);
    if (head.ok() && number != form)
        return refused("it is of another version", "history-form");
    HistoryChunk chunk;
    std::uint64_t reached = 0;
    head.number(chunk.request);
    head.number(reached, mostMs);
    head.flag(chunk.last);
    std::size_t size = 0;
    head.number(size, maxChunkContent);
    if (!head.ok())
        return refused("it does not say what it answers, or is too large");
    chunk.reached = WallTime(milliseconds(reached));
    const auto content = inflated(head.rest(), size);
    if (!content)
        return refused("its content is damaged");
    Reader bytes(*content);
    std::uint64_t step = 0;
    bytes.number(step, 3600);
    chunk.step = std::chrono::seconds(step);
    if (!isStep(chunk.step))
        return refused("its rows are neither minutes nor hours");
    std::size_t count = 0;
    std::size_t left = maxChunkRows;
    bytes.number(count, maxChunkSeries);
    for (std::size_t i = 0; i < count && bytes.ok(); ++i)
        readSeries(bytes, chunk, left);
    if (!bytes.ok() || !bytes.atEnd())
        return refused("its rows are damaged");
    return chunk;
}

} // namespace portolan::monitor::instances
