// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <cstdint>
#include <string>
#include <string_view>

/// Cursors of keyset pages: where the last page ended, as text a client passes back. A letter for the kind of page, a
/// number and optionally a text, as base64url. They hold nothing secret and grant nothing, so they are not signed; a
/// made-up one at most starts a page elsewhere.
namespace portolan::storage {

struct Cursor
{
    char kind = 0;
    std::uint64_t number = 0;
    std::string text;
    bool operator==(const Cursor &) const = default;
};

std::string formatCursor(const Cursor &cursor);
/// Invalid (field `/cursor`): malformed, longer than 1 KiB, or of another kind of page.
Result<Cursor> parseCursor(std::string_view text, char kind);
/// Invalid (field `/limit`) unless 1–`most`.
Result<void> checkLimit(std::uint32_t limit, std::uint32_t most = 500);

} // namespace portolan::storage
