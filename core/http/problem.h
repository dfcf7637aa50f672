#pragma once

#include "core/api/result.h"
#include "core/http/message.h"

namespace portolan::http {

status statusOf(ErrorKind kind);

/// application/problem+json (RFC 9457): type https://portolan.invalid/problems/<code>, title, status, detail,
/// request_id, and errors[] with a JSON pointer per bad field. Retry-After where the error says one.
Response problem(const Request &request, const Error &error);
/// The same with another status than the kind's, where HTTP has a more exact one.
Response problem(const Request &request, const Error &error, status code);

} // namespace portolan::http
