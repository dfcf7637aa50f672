// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/cursor.h"

#include "core/base/ids.h"
#include "core/base/utf8.h"

#include <charconv>
#include <limits>

namespace portolan::storage {
namespace {

Error invalidField(std::string pointer, std::string detail)
{
    return badField("The page cannot be read.", std::move(pointer), std::move(detail), "Start again without a cursor.");
}

} // namespace

std::string formatCursor(const Cursor &cursor)
{
    return encodeBase64Url(cursor.kind + std::to_string(cursor.number) + ':' + cursor.text);
}

Result<Cursor> parseCursor(std::string_view text, char kind)
{
    constexpr std::size_t longest = 1024;
    const Error malformed = invalidField("/cursor", "It is not a cursor of this list.");
    if (text.size() > longest)
        return malformed;
    const auto decoded = decodeBase64Url(text);
    if (decoded.has_error() || decoded->empty() || decoded->front() != kind)
        return malformed;
    Cursor cursor{kind, 0, {}};
    const char *const end = decoded->data() + decoded->size();
    const auto number = std::from_chars(decoded->data() + 1, end, cursor.number);
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != ':' || cursor.number > most)
        return malformed;
    cursor.text.assign(number.ptr + 1, end);
    // PostgreSQL takes neither as a text.
    if (!isUtf8(cursor.text) || cursor.text.find('\0') != std::string::npos)
        return malformed;
    return cursor;
}

Result<void> checkLimit(std::uint32_t limit, std::uint32_t most)
{
    if (limit < 1 || limit > most)
        return invalidField("/limit", "It must be from 1 to " + std::to_string(most) + '.');
    return {};
}

} // namespace portolan::storage
