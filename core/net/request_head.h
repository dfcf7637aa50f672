// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/net/http_message.h"
#include "core/net/http_url.h"

#include <optional>
#include <string>
#include <string_view>

/// The head of a request (RFC 9112), of HTTP and of a WebSocket's upgrade.
namespace portolan::net {

/// Why this cannot be sent, Invalid "http-request": what would end a line early and begin a header, or a request, of
/// somebody else's making, or says again what is said by us (Host, lengths, the upgrade). Repeats no value.
std::optional<Error> requestFlaw(std::string_view target, const Headers &headers);

/// What the request cannot be sent for, as the above: "its path is none".
Error badRequest(const std::string &what);

/// With its empty line; of a request without a flaw.
std::string requestHead(const HttpRequest &request, const Origin &origin);

/// GET and HEAD: they change nothing. What RFC 9110 calls idempotent besides (PUT, DELETE) may not be sent twice: it
/// may undo what somebody else did in between.
bool isRepeatable(Verb verb);

/// What signs in to the origin it was meant for, and to no other.
void dropCredentials(Headers &headers);

} // namespace portolan::net
