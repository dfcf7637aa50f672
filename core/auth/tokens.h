// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/auth/secret_key.h"
#include "core/auth/session.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace portolan::auth {

/// What an access token says.
struct AccessClaims
{
    SessionId session;
    Id userId = 0;
    Role role = Role::User;  ///< when it was made; the session's own counts
    std::int64_t issued = 0; ///< Unix seconds
    std::int64_t expires = 0;
    bool operator==(const AccessClaims &) const = default;
};

/// Access tokens: JWT (RFC 7519) signed with HS256 (RFC 7515), good for 15 minutes and only while their session lives.
/// Claims: `sid`, `sub` (user id), `role`, `iat`, `nbf`, `exp`.
///
/// Read strictly (RFC 8725): the header must be exactly the one this makes, so nobody chooses the algorithm; base64url
/// without padding or loose bits; at most 1 KiB; every claim present and of its type, no other; signature compared in
/// constant time before anything inside is looked at. Any thread.
class AccessTokens final
{
public:
    AccessTokens(const SecretKey &key, const Clock &clock, std::chrono::seconds lifetime = std::chrono::seconds(900));

    std::string issue(const SessionId &session, Id user, Role role) const;
    /// nullopt: forged, malformed, expired or not valid yet (a minute of clock difference between instances is fine).
    std::optional<AccessClaims> read(std::string_view token) const;

    std::chrono::seconds lifetime() const { return m_lifetime; }
    static constexpr std::size_t maxBytes = 1024;
    static constexpr std::int64_t leeway = 60; ///< seconds, for iat and nbf; exp has none

private:
    Hmac m_mac;
    const Clock &m_clock;
    const std::chrono::seconds m_lifetime;
};

} // namespace portolan::auth
