// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/admission.h"
#include "core/http/message.h"

#include <optional>
#include <string>
#include <string_view>

namespace portolan::http {

/// What an answer's head says beside the response itself.
struct HeadFacts
{
    std::string_view dateLine; ///< with its CR LF
    std::string_view requestId;
    std::optional<LimitHeaders> limits;
    std::string_view allowedOrigin; ///< empty: not one of the allowed ones
    bool varyOrigin = false;
    bool strictTransport = false;
    bool close = false;
    bool http10 = false;
};

/// Why a response cannot be sent as it is: a header that would break the message or that is the server's to set.
/// Empty: it can.
std::string_view flawOf(const Response &response);

/// True for answers that never have a body (RFC 9110, section 6.4.1).
bool bodiless(status code);

/// Appends status line, headers and the empty line to `out`. Content-Length is that of the body, sent or not.
void appendHead(std::string &out, const Response &response, const HeadFacts &facts);

} // namespace portolan::http
