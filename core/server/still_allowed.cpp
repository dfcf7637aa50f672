// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/still_allowed.h"

#include "core/auth/api_tokens.h"
#include "core/portal/admission.h"

namespace portolan::server {

http::StillAllowed stillAllowed(auth::Sessions &sessions, auth::ApiTokens &tokens, http::WatchedSockets &sockets)
{
    const auto lives = [&sessions, &tokens](const std::any &admission) -> awaitable<bool> {
        if (const auto *byToken = std::any_cast<portal::TokenCaller>(&admission)) {
            const auto token = co_await tokens.find(byToken->hash, std::chrono::milliseconds(0));
            co_return !token || *token;
        }
        const auto *caller = std::any_cast<portal::Caller>(&admission);
        if (!caller)
            co_return true;
        const auto session = co_await sessions.find(caller->session);
        co_return !session || session->has_value();
    };
    return {lives, &sockets};
}

bool isOf(const auth::Sessions::Ended &ended, const std::any &admission)
{
    const auto *caller = std::any_cast<portal::Caller>(&admission);
    return caller && (ended.id ? caller->session == *ended.id : caller->what.userId == ended.userId);
}

bool isOfToken(std::string_view name, const std::any &admission)
{
    const auto *caller = std::any_cast<portal::TokenCaller>(&admission);
    return caller && caller->name == name;
}

} // namespace portolan::server
