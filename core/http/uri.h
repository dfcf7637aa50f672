// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::http {

/// True for a path and query of visible ASCII, with every '%' followed by two hex digits that are not 00, and no '#'
/// or '\\'.
bool wellFormedTarget(std::string_view target);

/// The path as it would be without what people and probes add to it: several slashes in a row, one at the end. It
/// starts with one slash that no other follows, so it can be redirected to.
std::string plainPath(std::string_view path);

/// Percent-decoding; with `plusIsSpace` as in a query. nullopt where a '%' is not followed by two hex digits.
std::optional<std::string> percentDecode(std::string_view text, bool plusIsSpace = false);

/// As above into `out`, whose capacity is reused. False where it is malformed.
bool percentDecodeInto(std::string_view text, std::string &out, bool plusIsSpace = false);

/// The decoded value of the first parameter `name` in a query; nullopt if there is none or it is malformed.
std::optional<std::string> queryValue(std::string_view query, std::string_view name);

/// All parameters of a query in their order, decoded; nullopt where one is malformed.
std::optional<std::vector<std::pair<std::string, std::string>>> queryValues(std::string_view query);

} // namespace portolan::http
