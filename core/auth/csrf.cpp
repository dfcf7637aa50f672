// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/csrf.h"

#include "core/base/ids.h"

#include <sodium.h>

namespace portolan::auth {

std::string CsrfTokens::of(const SessionId &session) const
{
    const Mac mac = m_mac.of(session.view());
    return encodeBase64Url({reinterpret_cast<const char *>(mac.data()), mac.size()});
}

bool CsrfTokens::matches(const SessionId &session, std::string_view token) const
{
    const std::string right = of(session);
    return token.size() == right.size() && sodium_memcmp(token.data(), right.data(), right.size()) == 0;
}

} // namespace portolan::auth
