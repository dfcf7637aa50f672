// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace portolan::http {

/// Whether an If-None-Match header names `tag`, in quotes and strong: one of a list, as W/"…" too, or `*` for any
/// (RFC 9110, sections 8.8.3.2 and 13.1.2). What is no list of tags names none from there on.
bool namesTag(std::string_view ifNoneMatch, std::string_view tag);

} // namespace portolan::http
