// SPDX-License-Identifier: GPL-3.0-or-later
// How a request comes in by an API token: whose role it has, and the windows of the token instead of a session's.

#include "core/auth/session.h"
#include "core/base/ids.h"
#include "core/http/problem.h"
#include "core/limits/keys.h"
#include "core/portal/admission_visit.h"

namespace portolan::portal {

namespace {

constexpr std::string_view scope = "/api/admin/";

http::Admitted outOfScope(const http::Request &request)
{
    auto error =
        failure(ErrorKind::Forbidden, "An API token opens /api/admin and nothing else.", "Sign in as a user for this.");
    error.code = "token-scope";
    return refusedWith(http::problem(request, error));
}

/// In one sentence, so that nobody learns which it is.
http::Admitted noToken(const http::Request &request)
{
    return refusedWith(http::problem(
        request, failure(ErrorKind::Unauthenticated, "There is no such API token; it may be revoked or have expired.",
                         "`portoland token list` shows those there are, `portoland token add` makes another.")));
}

/// What stands for a token where sessions are counted that nobody knows: by its hash, of which this is a part, as
/// theirs are.
auth::SessionId standIn(const std::string &hash)
{
    constexpr std::size_t bytes = 16;
    return auth::SessionId::ofBytes(decodeBase64Url(hash).value().substr(0, bytes));
}

} // namespace

awaitable<http::Admitted> RequestAdmission::admitToken(http::Request &request, const http::Route &route,
                                                       std::string_view bearer)
{
    if (!route.path.starts_with(scope))
        co_return outOfScope(request);
    const auto hash = auth::apiTokenHash(bearer);
    if (!hash)
        co_return noToken(request);
    Visit visit;
    visit.addressKey = limits::keys::address(request.address);
    chooseWindows(visit, route);
    const auto known = m_apiTokens.known(*hash);
    if (known == auth::ApiTokens::Known::Gone)
        co_return noToken(request);
    if (known == auth::ApiTokens::Known::No) {
        const auto may = m_unknown.mayAsk(visit.addressKey, standIn(*hash), false);
        if (may.verdict == UnknownSessions::Verdict::TooMany)
            co_return refusedWith(refuse(request, visit.category, may.decision, false));
    }
    const auto token = co_await m_apiTokens.find(*hash);
    if (!token)
        co_return refusedWith(http::problem(request, token.error()));
    if (!*token) {
        if (known == auth::ApiTokens::Known::No)
            m_unknown.unknown(visit.addressKey, standIn(*hash), false);
        co_return noToken(request);
    }
    // From wherever it comes: what 30 consoles behind one address do is counted by their tokens.
    visit.addressKey = limits::keys::tokenGuard(*hash);
    const auto outcome = co_await ask(visit);
    if (!outcome)
        co_return refusedWith(http::problem(request, outcome.error()));
    request.principal = {0, (*token)->role, (*token)->name};
    request.admission = TokenCaller{*hash, (*token)->name};
    co_return concludeToken(request, route, visit, *outcome);
}

http::Admitted RequestAdmission::concludeToken(const http::Request &request, const http::Route &route,
                                               const Visit &visit, const Outcome &outcome)
{
    http::Admitted admitted;
    admitted.limits = headersOf(outcome.decision);
    if (outcome.status == Outcome::Limited)
        admitted.refusal = refuse(request, visit.category, outcome.decision, false);
    else if (route.access.role > request.principal.role)
        admitted.refusal =
            http::problem(request, failure(ErrorKind::Forbidden, "The role of this API token does not allow this.",
                                           "Use a token of an admin."));
    return admitted;
}

} // namespace portolan::portal
