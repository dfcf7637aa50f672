// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/auth/secret_key.h"
#include "core/auth/session.h"

#include <string>
#include <string_view>

namespace portolan::auth {

/// CSRF tokens: HMAC of the session id, so they need no storage, are worth nothing in another session, and end with
/// their own (OWASP, "HMAC based token pattern"). Any thread.
class CsrfTokens final
{
public:
    explicit CsrfTokens(const SecretKey &key) : m_mac(key.derive("portolan csrf")) {}
    std::string of(const SessionId &session) const;                       ///< 43 characters of base64url
    bool matches(const SessionId &session, std::string_view token) const; ///< in constant time

private:
    Hmac m_mac;
};

} // namespace portolan::auth
