// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/api_tokens.h"
#include "core/base/masking.h"
#include "core/base/names.h"
#include "core/base/time_format.h"
#include "core/commands/accounts.h"
#include "core/commands/commands.h"
#include "core/commands/report.h"

#include <iomanip>
#include <iostream>
#include <string>

namespace portolan::commands {
namespace {

std::string subjectOf(const std::string &name) { return "token:" + name; }

Result<Role> parseRole(const std::string &text)
{
    const auto role = enumFromName<Role>(text);
    if (role && (*role == Role::Operator || *role == Role::Admin))
        return *role;
    return failure(ErrorKind::Invalid, "A token cannot have the role '" + quotable(text) + "'.",
                   "Say operator or admin.");
}

/// What was asked for, as it will be kept.
Result<ApiToken> wanted(const Accounts &accounts, const TokenRequest &request)
{
    if (const auto fit = auth::checkApiTokenName(request.name); !fit)
        return fit.error();
    const auto role = parseRole(request.role);
    if (!role)
        return role.error();
    ApiToken token;
    token.name = request.name;
    token.role = *role;
    token.made = accounts.clock.wall();
    token.madeBy = "system";
    if (!request.expires.empty()) {
        const auto expiry = auth::apiTokenExpiry(request.expires, token.made);
        if (!expiry)
            return expiry.error();
        token.expires = *expiry;
    }
    return token;
}

std::string expiryOf(const ApiToken &token) { return token.expires ? formatTime(*token.expires) : "never"; }

} // namespace

int addToken(const SettingSources &sources, const TokenRequest &request)
{
    const int done = withAccounts(sources, true, [&](const Accounts &accounts) -> Result<void> {
        const auto token = wanted(accounts, request);
        if (!token)
            return token.error();
        const Secret text = auth::newApiToken();
        auto hash = auth::apiTokenHash(text.reveal());
        if (!hash)
            return failure(ErrorKind::Internal, "The token that was made is none.");
        if (const auto added = accounts.tokens.addBlocking(*token, std::move(*hash)); !added)
            return added.error();
        accounts.record("token.add", subjectOf(token->name),
                        "role: " + std::string(enumName(token->role)) + ", expires: " + expiryOf(*token));
        std::cerr << "portoland: made the token " << token->name << " (" << enumName(token->role)
                  << ", expires: " << expiryOf(*token) << "); it is shown this once" << std::endl;
        std::cout << text.reveal() << std::endl;
        return {};
    });
    return done != 0 ? done : outputWritten();
}

int revokeToken(const SettingSources &sources, const TokenRequest &request)
{
    return withAccounts(sources, false, [&](const Accounts &accounts) -> Result<void> {
        const auto removed = accounts.tokens.removeBlocking(request.name);
        if (!removed && removed.error().kind == ErrorKind::NotFound)
            return failure(ErrorKind::NotFound, "There is no token of the name '" + quotable(request.name) + "'.",
                           "`portoland token list` shows all.");
        if (!removed)
            return removed.error();
        accounts.record("token.revoke", subjectOf(removed->name), "role: " + std::string(enumName(removed->role)));
        std::cout << "portoland: revoked the token " << removed->name << "; within ten seconds nobody takes it any more"
                  << std::endl;
        return {};
    });
}

int listTokens(const SettingSources &sources)
{
    const int done = withAccounts(sources, false, [&](const Accounts &accounts) -> Result<void> {
        const auto tokens = accounts.tokens.listBlocking();
        if (!tokens)
            return tokens.error();
        const WallTime now = accounts.clock.wall();
        std::cout << std::left << std::setw(10) << "ROLE" << std::setw(10) << "STATE" << std::setw(26) << "MADE"
                  << std::setw(26) << "EXPIRES" << std::setw(26) << "LAST USED"
                  << "NAME\n";
        for (const auto &token : *tokens)
            std::cout << std::setw(10) << enumName(token.role) << std::setw(10)
                      << (token.expires && *token.expires <= now ? "expired" : "active") << std::setw(26)
                      << formatTime(token.made) << std::setw(26) << expiryOf(token) << std::setw(26)
                      << (token.lastUsed ? formatTime(*token.lastUsed) : "never") << token.name << '\n';
        return {};
    });
    return done != 0 ? done : outputWritten();
}

} // namespace portolan::commands
