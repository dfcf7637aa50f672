// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever stands in the list of an instance that missed some of the history: it is refused, or keeps every bound, and
// can be told on as it is. The same of whatever is deflated in it.

#include "core/api/catalogue.h"
#include "core/monitor/instances/history_chunk.h"
#include "core/monitor/instances/history_teller.h"
#include "core/monitor/instances/instance_name.h"
#include "core/monitor/instances/share_bytes.h"
#include "core/monitor/metric_readers.h"
#include "core/storage/history_fill.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace portolan;
using namespace portolan::monitor::instances;

namespace {

void require(bool condition)
{
    if (!condition)
        std::abort();
}

void isSound(const storage::HistoryRow &row, std::chrono::seconds step)
{
    const WallTime end = row.time - row.time.time_since_epoch() % step + step;
    require(row.count > 0 && row.low >= 0 && row.low <= row.mean && row.mean <= row.high);
    require(row.first.has_value() == row.last.has_value());
    require(!row.first || (*row.first >= row.time && *row.first <= *row.last && *row.last < end));
}

std::size_t rowsIn(const HistoryChunk &chunk)
{
    std::size_t rows = 0;
    for (const auto &series : chunk.series) {
        const MetricKind *kind = findKind(series.metric.name);
        require(kind && series.metric.labels.size() == (kind->label.empty() ? 0u : 1u));
        for (const auto &[label, value] : series.metric.labels)
            require(label == kind->label && value.size() <= monitor::longestLabel);
        const storage::HistoryRow *before = nullptr;
        for (const auto &row : series.rows) {
            isSound(row, chunk.step);
            require(!before || before->time < row.time);
            if (before)
                require(storage::missingOf(row, {*before, row}, chunk.step).empty());
            before = &row;
        }
        rows += series.rows.size();
    }
    return rows;
}

/// Bytes as the content of a chunk, in a block that deflate leaves as it is (RFC 1951, 3.2.4), and an empty one that
/// ends it: of bytes that are changed few could be inflated.
std::string containing(std::string_view content)
{
    content = content.substr(0, 0xffff);
    const auto length = std::uint16_t(content.size());
    Writer head;
    for (const std::uint64_t number : {std::uint64_t('P'), std::uint64_t('h'), std::uint64_t(1), std::uint64_t(7)})
        head.number(number); // … of this form, the answer to request 7
    head.number(std::uint64_t(1'767'225'600'000));
    head.flag(true);
    head.number(content.size());
    std::string chunk = head.take();
    chunk += '\0';
    for (const std::uint16_t number : {length, std::uint16_t(~length)})
        chunk.append({char(number & 0xff), char(number >> 8)});
    chunk.append(content).append(std::string_view("\0\0\0\xff\xff", 5));
    return chunk;
}

void holdsBounds(std::string_view bytes)
{
    const auto chunk = decodeChunk(bytes);
    if (!chunk) {
        require(chunk.error().kind == ErrorKind::Protocol && !chunk.error().message.empty());
        return;
    }
    require(chunk->series.size() <= maxChunkSeries && rowsIn(*chunk) <= maxChunkRows);
    const auto once = encodeChunk(*chunk);
    require(once && once->size() <= maxChunkBytes);
    const auto back = decodeChunk(*once);
    require(back && back->request == chunk->request && back->reached == chunk->reached &&
            rowsIn(*back) == rowsIn(*chunk));
    require(encodeChunk(*back) == once);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view bytes(reinterpret_cast<const char *>(data), size);
    if (const auto ask = decodeAsk(bytes))
        require(isInstanceName(ask->asker) && isInstanceName(ask->peer) && ask->from < ask->to);
    holdsBounds(bytes);
    const std::string chunk = containing(bytes);
    holdsBounds(chunk);
    return 0;
}
