// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/api_token_service.h"

#include "core/auth/api_tokens.h"
#include "core/base/names.h"
#include "core/portal/token_rights.h"
#include "core/storage/api_token_store.h"

#include <algorithm>
#include <utility>

namespace portolan::portal {

namespace {

Error noSuchToken() { return failure(ErrorKind::NotFound, "There is no such token."); }

} // namespace

ApiTokenService::ApiTokenService(storage::ApiTokenStore &tokens, AuditLog &log,
                                 std::function<void(std::string_view name)> ended)
    : m_tokens(tokens), m_log(log), m_ended(std::move(ended))
{}

awaitable<Result<std::vector<ApiToken>>> ApiTokenService::list() { return m_tokens.list(); }

awaitable<Result<ApiToken>> ApiTokenService::find(std::string name)
{
    const auto all = co_await m_tokens.list();
    if (!all)
        co_return all.error();
    const auto found = std::ranges::find(*all, name, &ApiToken::name);
    if (found == all->end())
        co_return noSuchToken();
    co_return *found;
}

awaitable<Result<ApiToken>> ApiTokenService::revoke(Actor actor, std::string name)
{
    if (!auth::checkApiTokenName(name)) // which the audit log is not to be filled with
        co_return noSuchToken();
    std::string subject = "token:" + name;
    auto revoked = co_await tryRevoke(actor.principal, std::move(name));
    std::string detail;
    if (revoked)
        detail = "role: " + std::string(enumName(revoked->role));
    co_await m_log.record(std::move(actor), "token.revoke", std::move(subject), std::move(detail), errorOf(revoked));
    co_return revoked;
}

awaitable<Result<ApiToken>> ApiTokenService::tryRevoke(const Principal &by, std::string name)
{
    if (const auto may = checkNotByToken(by); !may)
        co_return may.error();
    auto removed = co_await m_tokens.remove(std::move(name));
    if (removed && m_ended)
        m_ended(removed->name);
    co_return removed;
}

} // namespace portolan::portal
