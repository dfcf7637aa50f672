// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/api_token.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/portal/audit_log.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::storage {
class ApiTokenStore;
}

namespace portolan::portal {

/// What admins see of API tokens, and how they end one; tokens are made on the command line. Coroutines resume on the
/// caller's executor; any thread. Storage's errors pass through beside those named.
class ApiTokenService final
{
public:
    /// `ended`: told at once of one that was revoked here; quick, does not throw. Other instances find out by
    /// themselves (auth::ApiTokens). All references outlive this.
    ApiTokenService(storage::ApiTokenStore &tokens, AuditLog &log, std::function<void(std::string_view name)> ended);

    awaitable<Result<std::vector<ApiToken>>> list();    ///< by name
    awaitable<Result<ApiToken>> find(std::string name); ///< NotFound
    /// As it was; writes one audit entry, done or failed. NotFound. Forbidden: by an API token (token_rights.h).
    awaitable<Result<ApiToken>> revoke(Actor actor, std::string name);

private:
    awaitable<Result<ApiToken>> tryRevoke(const Principal &by, std::string name);

    storage::ApiTokenStore &m_tokens;
    AuditLog &m_log;
    const std::function<void(std::string_view name)> m_ended;
};

} // namespace portolan::portal
