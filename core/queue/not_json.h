// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/system/error_code.hpp>

#include <string>
#include <string_view>

namespace portolan::queue {

/// Why text that the parser refused with `code` is no JSON, to end a sentence: what it is instead (pickled, compressed,
/// in another encoding) or what about it has a name, else the parser's own words.
[[nodiscard]] std::string whyNotJson(std::string_view text, const boost::system::error_code &code);

} // namespace portolan::queue
