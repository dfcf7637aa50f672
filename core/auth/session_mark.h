// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/auth/secret_key.h"
#include "core/auth/session.h"

#include <string>
#include <string_view>

namespace portolan::auth {

/// Marks the tokens of a deployment, so that one that somebody made up is told from one that was given out without
/// asking Redis: the last 32 of a token's 128 bits are an HMAC of the others. It proves nothing about the session,
/// which may have ended; and tokens without it (of an older version, of an instance with another key) are as good, only
/// not recognised. Any thread.
class SessionMark final
{
public:
    explicit SessionMark(const SecretKey &key) : m_mac(key.derive("portolan session mark")) {}
    SessionToken make() const; ///< 96 random bits, and the mark: to whoever lacks the key all 128 are random
    bool isOn(const SessionToken &token) const;

private:
    static constexpr std::size_t randomBytes = 12;
    std::string marked(std::string_view random) const;

    Hmac m_mac;
};

} // namespace portolan::auth
