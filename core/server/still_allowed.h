// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/auth/sessions.h"
#include "core/http/socket_watch.h"

#include <any>
#include <string_view>

namespace portolan::auth {
class ApiTokens;
}

/// What lets whoever opened a WebSocket keep it: a session that lives, or an API token that is neither revoked nor
/// expired.
namespace portolan::server {

/// All outlive what it is given to. While nobody can say, the socket stays. A token is asked for anew each time, so
/// that one revoked elsewhere closes its sockets as soon as they are asked about; its expiry is known without asking.
http::StillAllowed stillAllowed(auth::Sessions &sessions, auth::ApiTokens &tokens, http::WatchedSockets &sockets);

/// Whether a socket's admission is one that has just ended.
bool isOf(const auth::Sessions::Ended &ended, const std::any &admission);
/// Whether it came with this token.
bool isOfToken(std::string_view name, const std::any &admission);

} // namespace portolan::server
