// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace portolan::http {

/// Whether an Accept header asks for a page rather than for JSON: it names text/html, with a weight above zero that is
/// no smaller than that of JSON where it names that as well (RFC 9110, section 12.5.1). A range such as */* asks for
/// nothing in particular.
bool asksForPage(std::string_view accept);

} // namespace portolan::http
