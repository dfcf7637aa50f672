// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/storage/history_points.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// A piece of the history that one instance gives another which missed it (backfill.h).
namespace portolan::monitor::instances {

struct HistoryChunk
{
    std::uint64_t request = 0;     ///< which it answers
    WallTime reached{};            ///< what was asked for is told from there on, with this and the chunks before it
    bool last = false;             ///< nothing follows
    std::chrono::seconds step{60}; ///< of all rows: a minute or an hour
    /// Rows of a series in ascending order. `first` and `last` both there or not; both within the step; a time that
    /// begins within a minute is that of a piece of it. Of at most two values a second.
    std::vector<storage::SeriesRows> series;
};

inline constexpr std::size_t maxChunkRows = 2000;
inline constexpr std::size_t maxChunkSeries = 64;
/// No chunk is longer, and none that is longer is read. As it is written it is a third of that at most.
inline constexpr std::size_t maxChunkBytes = 256 * 1024;
/// What is compressed in it comes to no more, else it is not read.
inline constexpr std::size_t maxChunkContent = 256 * 1024;

/// A chunk as bytes; the form is described in history_chunk.cpp. Rows that break the rules above, and series with a
/// label that is no text, are left out. Values: 0 and more. Invalid: there are more rows or series than may be.
Result<std::string> encodeChunk(const HistoryChunk &chunk);

/// The reverse. Takes any bytes; what comes out keeps every rule named above and takes less than 1 MiB of memory,
/// whoever made them. Series that are none of the catalogue's, or whose label is not theirs or longer than
/// metric_readers.h has it, are left out: another version knows others. Protocol: these are not the bytes of such a
/// chunk, or of a form that this version cannot read ("history-form").
Result<HistoryChunk> decodeChunk(std::string_view bytes);

} // namespace portolan::monitor::instances
