// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/net/http_message.h"

#include <string>

/// What a portal elsewhere, or the way to it, says when it does not do what it was asked to.
namespace portolan::client {

/// Of an answer that is none of success: problem details (RFC 9457) as core/http/problem.h writes them, by the name of
/// their type; else by the status. `where`: whom to name. What is no portal's own answer, a proxy's page or a redirect,
/// says so.
Error errorOf(const net::HttpAnswer &answer, const std::string &where);

/// Of an answer that was to be JSON and is none.
Error notUnderstood(const std::string &where, const Error &why);

/// Which of the reasons a link has for not being Live stands behind `error`, of what asked for the portal or its
/// stream.
LinkReason reasonOf(const Error &error);

} // namespace portolan::client
