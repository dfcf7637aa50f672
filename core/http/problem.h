// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/http/message.h"

namespace portolan::http {

status statusOf(ErrorKind kind);

/// An error whose problem has a name of its own.
inline Error named(ErrorKind kind, std::string code, std::string message, std::string hint = {})
{
    return Error{kind, std::move(code), std::move(message), std::move(hint), {}, {}};
}

/// Users and strangers are not told the words of what the portal stands on (addresses, paths, what a driver said):
/// those are the answer's `cause`, for the log, unless an operator asks.
///
/// Somebody whose browser asks for a page (Accept: text/html) is told the same as a page.
///
/// application/problem+json (RFC 9457): type https://portolan.invalid/problems/<code>, title, status, detail,
/// request_id, and errors[] with a JSON pointer per bad field. Retry-After where the error says one.
Response problem(const Request &request, const Error &error);
/// The same with another status than the kind's, where HTTP has a more exact one.
Response problem(const Request &request, const Error &error, status code);

} // namespace portolan::http
