// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace portolan::http {

/// What an error looks like to somebody in front of a browser: complete in itself, since what else a page would load
/// may be what is refused. All texts are escaped here.
std::string errorPage(std::string_view title, std::string_view detail, std::string_view requestId);

/// The Content-Security-Policy of such a page: its own style, by its hash, and nothing else.
const std::string &errorPagePolicy();

} // namespace portolan::http
