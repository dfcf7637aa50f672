// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <optional>
#include <string>

/// JSON has numbers of any size and no infinite ones. Boost.JSON reads a number that no double holds (1e999) as
/// infinite, and writes that as "Infinity", which nobody can read: what reads foreign text asks here, and what writes a
/// value writes it here.
namespace portolan {

/// Whether every number in the value is one that JSON has.
[[nodiscard]] bool isFinite(const boost::json::value &value);

/// Where the first other one is: a JSON pointer (RFC 6901), at most 256 bytes; "" is the whole value.
[[nodiscard]] std::optional<std::string> notFiniteAt(const boost::json::value &value);

/// The value as JSON text, with null for each number that JSON does not have.
[[nodiscard]] std::string jsonText(const boost::json::value &value);

} // namespace portolan
